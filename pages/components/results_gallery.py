"""The gallery: slices behind a mark of a chart, each with its heat map, its like in the training data, its doubts."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from hemo.charts.confusion import CELL_NAMES
from hemo.evaluate import gallery
from hemo.evaluate.choice import Choice
from hemo.evaluate.judged import Judged
from hemo.evaluate.neighbours import NEIGHBOURS, nearest
from hemo.evaluate.predictions import Predictions
from hemo.report.overlay import overlay
from pages.components import notice
from pages.components.text import plain

A_PAGE, A_ROW = 8, 4
OPACITY, DOUBTFUL, ALIKE = "results_opacity", "results_doubtful", "results_alike_to"
GROUP, CELL = "results_filter_group", "results_cell"
_FILTER_NAMES = {
    "subtype": "Subtype",
    "brain_level": "Level in the head",
    "split": "Split",
    "window": "Window",
    "site": "Site",
}
_FIRST = ("subtype", "brain_level")
"""Filters that stand beside the order; the others wait behind a button."""


@dataclass(frozen=True)
class _Filters:
    """What was chosen above the slices: order, values by name, and the brain's grey levels, None for any."""

    order: str
    picked: dict[str, str]
    grey: tuple[float, float] | None


def show(chosen: Judged, threshold: float, cell: str) -> None:
    """The slices of one cell of the confusion matrix."""
    rows = gallery.cell_rows(chosen.predictions, cell, threshold)
    _show_rows(chosen, rows, CELL_NAMES[cell], threshold, f"results_{cell}", ordered=False)


def show_choice(chosen: Judged, choice: Choice, threshold: float) -> None:
    """The slices of a mark that was clicked."""
    _show_rows(
        chosen, np.array(choice.rows, dtype=np.int64), "slices", threshold, "results_opened", ordered=choice.ordered
    )


def _show_rows(chosen: Judged, rows: np.ndarray, noun: str, threshold: float, prefix: str, *, ordered: bool) -> None:
    """Filters, a page of slices, what is alike, and the list of doubtful labels."""
    predictions = chosen.predictions
    total = len(rows)
    chosen_filters = _show_filters(chosen, "" if prefix != "results_opened" else "_opened", ordered)
    rows = gallery.filtered(predictions, rows, chosen_filters.picked)
    if chosen_filters.grey is not None:
        level = _brightness(predictions, str(chosen.folder), predictions.about.created)
        rows = rows if level is None else gallery.within(level, rows, *chosen_filters.grey)
    if chosen_filters.order != "given":
        rows = gallery.ordered(predictions, rows, threshold, chosen_filters.order)
    if not len(rows):
        st.caption(f"No {noun} at this threshold." if not total else f"None of {total:,} {noun} matches the filter.")
        return
    if not predictions.about.root:
        st.caption(
            f"{len(rows):,} {noun}, {_ORDERS[chosen_filters.order]}. The slices themselves are not on this machine."
        )
        _show_list(predictions, rows)
        return
    pages = -(-len(rows) // A_PAGE)
    page = 1
    said, turn = st.columns([4, 1], vertical_alignment="bottom")
    if pages > 1:
        with turn:
            page = int(st.number_input(f"Page of {pages:,}", 1, pages, 1, key=f"{prefix}_page_{pages}"))
    shown = rows[(page - 1) * A_PAGE : page * A_PAGE]
    how = _ORDERS[chosen_filters.order]
    said.caption(f"{len(rows):,} {noun}, {how}. {notice.HEAT_MAP_LIMIT}")
    for start in range(0, len(shown), A_ROW):
        for column, row in zip(st.columns(A_ROW), shown[start : start + A_ROW], strict=False):
            with column:
                _show_slice(chosen, int(row), prefix)
    _show_alike(chosen, prefix)
    _show_doubtful(chosen, prefix)


def _show_list(predictions: Predictions, rows: np.ndarray) -> None:
    """The slices as a table, where there are no pictures to show."""
    frame = predictions.frame.iloc[rows]
    columns = ["group", "slice", "label", "probability", "call"] + ["brain_level"] * ("brain_level" in frame.columns)
    names = {"group": predictions.about.group_kind.capitalize(), "probability": "Score", "brain_level": "Level"}
    table = frame[columns].replace({"label": {0: "normal", 1: "hemorrhage"}})
    table = table.rename(columns=lambda name: names.get(name, name.capitalize()))
    form = {"Score": st.column_config.NumberColumn(format="%.3f")}
    st.dataframe(table, hide_index=True, height=420, column_config=form)


_ORDERS = {"given": "as the chart has them"} | gallery.ORDERS


def _show_filters(chosen: Judged, suffix: str, ordered: bool) -> _Filters:
    predictions = chosen.predictions
    available = gallery.filters(predictions)
    note = gallery.window_note(predictions)
    picked: dict[str, str] = {}
    orders = list(_ORDERS) if ordered else list(gallery.ORDERS)
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"results_filters{suffix}"):
        order = st.selectbox(
            "Order",
            orders,
            key=f"results_order{suffix}_{len(orders)}",
            format_func=lambda name: _ORDERS[name].capitalize(),
            width=230,
        )
        for name in [name for name in available if name in _FIRST]:
            picked[name] = _pick(name, available[name], suffix)
        kind = predictions.about.group_kind
        picked["group"] = st.text_input(
            "Name" if kind == "file" else kind.capitalize(), key=f"{GROUP}{suffix}", placeholder="any", width=110
        )
        st.slider(
            "Overlay", 0, 100, 60, 10, format="%d %%", key=f"{OPACITY}{suffix}", help="0 shows the untouched slice",
            width=130,
        )  # fmt: skip
        with st.popover("More filters", icon=":material/tune:"):
            for name in [name for name in available if name not in _FIRST]:
                picked[name] = _pick(name, available[name], suffix)
            if note:
                st.text_input("Window", note, disabled=True, key=f"results_window{suffix}_{note}")
            grey = _show_brightness(chosen, suffix)
    return _Filters(order, picked, grey)


def _pick(name: str, values: list[str], suffix: str) -> str:
    return st.selectbox(
        _FILTER_NAMES[name],
        ["", *values],
        key=f"results_filter_{name}{suffix}",
        format_func=lambda value: value or "any",
        width=150 if name in _FIRST else "stretch",
    )


def _show_brightness(chosen: Judged, suffix: str) -> tuple[float, float] | None:
    """The range of mean grey levels of the brain; None where all of it is chosen or nothing is known."""
    predictions = chosen.predictions
    level = _brightness(predictions, str(chosen.folder), predictions.about.created)
    known = level[predictions.accepted & np.isfinite(level)] if level is not None else np.empty(0)
    if not known.size or known.min() == known.max():
        return None
    low, high = int(np.floor(known.min())), int(np.ceil(known.max()))
    asked = st.slider(
        "Brain's mean grey",
        low,
        high,
        (low, high),
        key=f"results_brightness{suffix}_{chosen.folder.name}",
        help="Grey level of what lies inside the skull, 0 to 255 at level 40, width 120: a bleed or a noisy scan is "
        "brighter, an old stroke or air darker.",
    )
    return None if asked == (low, high) else (float(asked[0]), float(asked[1]))


@st.cache_resource(max_entries=8, show_spinner=False)
def _brightness(_predictions: Predictions, folder: str, created: str) -> np.ndarray | None:
    del folder, created  # part of the cache's key only
    return gallery.brightness(_predictions)


def _show_slice(chosen: Judged, row: int, prefix: str) -> None:
    predictions = chosen.predictions
    said = gallery.described(predictions, row)
    if not _show_picture(predictions, str(chosen.folder), row, prefix, said):
        return
    source = str(predictions.frame["source"].iloc[row])
    marked: set[str] = st.session_state.setdefault(DOUBTFUL, set())
    if (predictions.thumbs is not None or predictions.embedding is not None) and st.button(
        "Similar slices",
        key=f"{prefix}_alike_{chosen.folder.name}_{row}",
        type="tertiary",
        icon=":material/image_search:",
    ):
        st.session_state[ALIKE] = (str(chosen.folder), prefix, row)
    if st.checkbox(
        "Doubtful",
        help="Its label looks wrong",
        value=source in marked,
        key=f"{prefix}_doubt_{chosen.folder.name}_{row}",
    ):
        marked.add(source)
    else:
        marked.discard(source)


def _show_picture(predictions: Predictions, folder: str, row: int, prefix: str, said: str) -> bool:
    """One slice under its heat map; False, with the reason, where it is not at hand."""
    look = _look_up(predictions, folder, predictions.about.created, row)
    if look.grey is None:
        st.caption(f"{plain(said)}: {plain(look.why)}.")
        return False
    suffix = "_opened" if prefix == "results_opened" else ""
    opacity = st.session_state.get(f"{OPACITY}{suffix}", 60) / 100
    picture: np.ndarray = look.grey
    if look.heat is not None and opacity:
        picture = overlay(look.grey, look.heat, opacity)
    st.image(picture, width="stretch", alt=f"CT slice, {said}. {notice.HEAT_MAP_LIMIT}")
    st.caption(plain(said))
    return True


@st.cache_data(max_entries=256, show_spinner=False)
def _look_up(_predictions: Predictions, folder: str, created: str, row: int) -> gallery.Shown:
    del folder, created  # part of the cache's key only
    return gallery.look_up(_predictions, row)


def _show_alike(chosen: Judged, prefix: str) -> None:
    """The slice asked about, and the training slices most like it: by the network's embedding, and by appearance."""
    folder, where, row = st.session_state.get(ALIKE, ("", "", -1))
    if (folder, where) != (str(chosen.folder), prefix):
        return
    predictions, training = chosen.predictions, chosen.training
    st.markdown(f"**Most like {plain(gallery.described(predictions, row))}**")
    found = None if training is None else nearest(predictions, training, row)
    if found is None:
        st.caption(_why_no_neighbours(chosen))
    else:
        pairs = list(zip(found.rows, found.similarity, strict=True))
        shipped = " The embedding is the shipped weights'." if predictions.about.protocol != "shipped weights" else ""
        note = f"Training slices, by the network's embedding. {found.note}{shipped}"
        _show_like(chosen, row, found.table, pairs, note, "similarity", prefix)
    alike = gallery.alike(predictions, row, NEIGHBOURS)
    if alike:
        note = "By appearance at 24×24, other patients of this set: a second opinion that no network had a part in."
        _show_like(chosen, row, predictions, alike, note, "correlation", prefix)


def _why_no_neighbours(chosen: Judged) -> str:
    about = chosen.predictions.about
    if chosen.training is None:
        name = plain(str(about.trained_on.get("name") or "its training data"))
        return (
            f"Training slices cannot be looked up: {plain(about.model)} was not evaluated with its shipped weights on "
            f"{name} here. Import that set and evaluate it once."
        )
    return "Training slices cannot be looked up: the shipped weights refused this slice."


def _show_like(
    chosen: Judged,
    row: int,
    table: Predictions,
    found: list[tuple[int, float]],
    note: str,
    measure: str,
    prefix: str,
) -> None:
    """One row: the slice itself with its heat map, then those like it with their labels."""
    bleeds = sum(int(table.frame["label"].iloc[each]) for each, _ in found)
    st.caption(f"{bleeds} of {len(found)} are labelled hemorrhage. {plain(note, 400)}")
    columns = st.columns(1 + len(found))
    with columns[0]:
        _show_picture(chosen.predictions, str(chosen.folder), row, prefix, gallery.described(chosen.predictions, row))
    for column, (each, value) in zip(columns[1:], found, strict=True):
        with column:
            about = table.about
            look = _look_up(table, about.model_sha256 + about.data_fingerprint, about.created, each)
            said = f"{gallery.described(table, each)} · {measure} {value:.2f}"
            if look.grey is not None:
                st.image(look.grey, width="stretch", alt=f"CT slice, {said}")
            st.caption(plain(said) if look.grey is not None else f"{plain(said)}: {plain(look.why)}.")


def _show_doubtful(chosen: Judged, prefix: str) -> None:
    marked: set[str] = st.session_state.get(DOUBTFUL, set())
    table = gallery.doubtful_table(chosen.predictions, marked)
    if len(table):
        st.download_button(
            f"Download {len(table):,} doubtful labels",
            table.to_csv(index=False),
            "doubtful-labels.csv",
            "text/csv",
            key=f"{prefix}_doubtful_csv",
            icon=":material/download:",
        )
