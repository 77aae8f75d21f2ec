"""The Read page's viewer: windows, overlay, the slice large, the way through the study, and the strip of scores."""

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from hemo.charts.calls import call_text
from hemo.charts.slice_view import Pane, slice_view
from hemo.charts.study_strip import study_strip
from hemo.ct.slice import CTSlice
from hemo.ct.window import WINDOWS, Window
from hemo.evaluate.study_context import smoothed_scores
from hemo.evaluate.study_reading import StudyReading, study_reach
from hemo.model.bundle import ModelBundle
from hemo.model.card import Card
from hemo.report.overlay import overlay
from pages.components import models, notice, read_answer
from pages.components.reading_room import OpenStudy

WINDOW = "read_window"
FREE_LEVEL, FREE_WIDTH = "read_free_level", "read_free_width"
OVERLAY_SHOWN, OPACITY, BESIDE = "read_overlay_shown", "read_opacity", "read_beside"
STRIP_CLICKS = "read_strip_clicks"
FREE = "free"
DEFAULT_OPACITY = 60
VIEW_HEIGHT = 420
PAGE_STEP = 5


def show(entry: OpenStudy, answer: StudyReading, chosen: ModelBundle) -> None:
    """Show one study's slices.

    Args:
        entry: the study.
        answer: its calls at the chosen operating point.
        chosen: the model whose readings are shown.
    """
    identity = models.identity(chosen)
    if entry.position is None:
        entry.position = answer.worst or 0
    ct_slice = entry.slice(entry.position)
    window = _show_tools(ct_slice.unit)
    _show_picture(entry, ct_slice, window, answer, identity)
    _show_way_through(entry)
    if len(entry) > 1:
        _show_strip(entry, answer, identity, chosen.card)


def current_window() -> Window:
    """The window that the reader chose last."""
    name = st.session_state.get(WINDOW, "brain")
    if name in WINDOWS:
        return WINDOWS[name]
    return Window(FREE, st.session_state.get(FREE_LEVEL, 40.0), st.session_state.get(FREE_WIDTH, 80.0))


def opacity() -> float:
    """Opacity of the strongest response, in [0, 1]."""
    return float(st.session_state.get(OPACITY, DEFAULT_OPACITY)) / 100


def _show_tools(unit: str) -> Window:
    """Windows on the left, overlay on the right."""
    windows, overlays = st.columns([1.75, 1], vertical_alignment="center", gap="small")
    with windows, st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", key="read_windows"):
        if unit == "HU":
            _show_windows()
        else:
            st.caption("Picture: its window was fixed when it was exported.")
    with (
        overlays,
        st.container(horizontal=True, gap="small", vertical_alignment="center", wrap=False, key="read_overlay"),
    ):
        shown = st.session_state.get(OVERLAY_SHOWN, True)
        st.button(
            "Overlay",
            key="read_toggle_overlay",
            type="primary" if shown else "secondary",
            shortcut="Space",
            on_click=_toggle_overlay,
            help="Show or hide where the network reacted.",
        )
        st.slider(
            "Overlay opacity in percent",
            0,
            100,
            DEFAULT_OPACITY,
            5,
            key=OPACITY,
            label_visibility="collapsed",
            format="%d %%",
            disabled=not shown,
        )
    return current_window()


def _show_windows() -> None:
    chosen = st.session_state.get(WINDOW, "brain")
    for number, (name, window) in enumerate(WINDOWS.items(), start=1):
        st.button(
            name.capitalize(),
            key=f"read_window_{name}",
            type="primary" if name == chosen else "secondary",
            shortcut=str(number),
            on_click=_choose_window,
            args=(name,),
            help=f"Level {window.level:g}, width {window.width:g} HU.",
        )
    kind: Literal["primary", "secondary"] = "primary" if chosen == FREE else "secondary"
    with st.popover("Free", key="read_window_free", type=kind, help="Level and width of your own."):
        st.slider("Level in HU", -200, 1000, 40, 5, key=FREE_LEVEL, on_change=_choose_window, args=(FREE,))
        st.slider("Width in HU", 10, 4000, 80, 10, key=FREE_WIDTH, on_change=_choose_window, args=(FREE,))


def _choose_window(name: str) -> None:
    st.session_state[WINDOW] = name


def _toggle_overlay() -> None:
    st.session_state[OVERLAY_SHOWN] = not st.session_state.get(OVERLAY_SHOWN, True)


def _show_picture(entry: OpenStudy, ct_slice: CTSlice, window: Window, answer: StudyReading, identity: str) -> None:
    position = entry.position or 0
    grey = ct_slice.grey(window) if ct_slice.unit == "HU" else ct_slice.grey()
    heat = entry.heat(identity, position)
    shown = st.session_state.get(OVERLAY_SHOWN, True)
    titled = f"{window.name.capitalize()} {window.level:g}/{window.width:g}" if ct_slice.unit == "HU" else "Picture"
    untouched = Pane(titled, grey)
    panes = [untouched]
    if heat is not None and shown:
        blended = overlay(grey, heat, opacity())
        reacted = Pane("Where the network reacted,<br>not where the bleed is", blended, heat=True)
        panes = [untouched, reacted] if st.session_state.get(BESIDE, True) else [reacted]
    elif st.session_state.get(BESIDE, True):
        reason = "Overlay hidden" if heat is not None else "Refused: no heat map"
        panes = [untouched, Pane(reason, grey)]
    score = entry.readings[identity][position].probability
    said = "no score" if score is None else f"score {score:.2f}"
    st.plotly_chart(
        slice_view(panes, spacing_mm=ct_slice.spacing_mm, height=VIEW_HEIGHT, revision=entry.key),
        key="read_view",
        theme=None,
        config={"scrollZoom": True, "displaylogo": False, "displayModeBar": False, "doubleClick": "reset"},
        alt=f"CT slice {position + 1} of {len(entry)}, {answer.calls[position]}, {said}. {notice.HEAT_MAP_LIMIT}",
    )


def _show_way_through(entry: OpenStudy) -> None:
    """Buttons and a slider through the slices, with where in the head this one lies."""
    position, count = entry.position or 0, len(entry)
    where = _place(entry.study.slices[position], position, count)
    way, place, beside = st.columns([2.25, 0.7, 0.85], vertical_alignment="center", gap="small")
    with beside:
        st.toggle("Beside", value=True, key=BESIDE, help="The untouched slice beside the overlay, or one large one.")
    with place, st.container(key="read_place"):
        st.caption(where)
    if count < 2:
        return
    with way, st.container(horizontal=True, gap="small", vertical_alignment="center", wrap=False, key="read_way"):
        _step_button("−5", "read_page_back", "PageUp", entry, -PAGE_STEP)
        _step_button("−1", "read_previous", "Left", entry, -1)
        slider = f"read_slice_{entry.key}"
        st.session_state[slider] = position + 1
        st.slider("Slice", 1, count, key=slider, label_visibility="collapsed", on_change=_slide, args=(entry, slider))
        _step_button("+1", "read_next", "Right", entry, 1)
        _step_button("+5", "read_page_on", "PageDown", entry, PAGE_STEP)


def _step_button(label: str, key: str, shortcut: str, entry: OpenStudy, step: int) -> None:
    told = f"{abs(step)} slice{'s' if abs(step) > 1 else ''} {'on' if step > 0 else 'back'}."
    st.button(label, key=key, shortcut=shortcut, help=told, on_click=_move, args=(entry, step), type="tertiary")


def _place(ct_slice: CTSlice, position: int, count: int) -> str:
    parts = [f"Slice {position + 1} of {count}"]
    if ct_slice.position_mm is not None:
        parts.append(f"{ct_slice.position_mm:.1f}\u00a0mm")  # where it wraps, the unit stays with its number
    return " · ".join(parts)


def _move(entry: OpenStudy, step: int) -> None:
    entry.position = min(max((entry.position or 0) + step, 0), len(entry) - 1)


def _slide(entry: OpenStudy, slider: str) -> None:
    entry.position = int(st.session_state[slider]) - 1


def _show_strip(entry: OpenStudy, answer: StudyReading, identity: str, card: Card) -> None:
    band, threshold = read_answer.decides(card, read_answer.chosen_point(card))
    scores = [reading.probability for reading in entry.readings[identity]]
    # Loose pictures have no neighbors: only a series is in the order of the body.
    smoothed = None
    if entry.study.kind != "pictures" and len(entry) >= 3:
        places = [piece.position_mm for piece in entry.study.slices]
        smoothed = smoothed_scores(scores, places, study_reach(card))
    # A clicked bar stays selected in the chart, and a second click on it would say "nothing selected": a chart of a new
    # key after each click starts without a selection.
    key = f"read_strip_{entry.key}_{st.session_state.get(STRIP_CLICKS, 0)}"
    worst = "" if answer.worst is None else f", highest {answer.score:.2f} at slice {answer.worst + 1}"
    st.plotly_chart(
        study_strip(scores, answer.calls, entry.position or 0, threshold=threshold, band=band, smoothed=smoothed),
        key=key,
        on_select=lambda: _jump(entry, st.session_state.get(key)),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Score of each of {len(entry)} slices{worst}; {answer.n_called} called {call_text('Hemorrhage')}.",
    )


def _jump(entry: OpenStudy, event: Mapping[str, Any] | None) -> None:
    points = event["selection"]["points"] if event else []
    if points:
        entry.position = int(points[0]["point_index"])
        st.session_state[STRIP_CLICKS] = st.session_state.get(STRIP_CLICKS, 0) + 1
