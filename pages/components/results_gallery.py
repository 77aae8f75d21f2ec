"""The gallery: slices behind a cell of the confusion matrix, each with its heat map, and labels marked as doubtful."""

import numpy as np
import streamlit as st

from hemo.charts.confusion import CELL_NAMES
from hemo.evaluate import gallery
from hemo.report.overlay import overlay
from pages.components import notice
from pages.components.results_data import Judged
from pages.components.text import plain

A_PAGE, A_ROW = 8, 4
OPACITY, DOUBTFUL, ALIKE = "results_opacity", "results_doubtful", "results_alike_to"
GROUP, CELL = "results_filter_group", "results_cell"
_FILTER_NAMES = {"subtype": "Subtype", "brain_level": "Level in the head", "split": "Split"}


def show(chosen: Judged, threshold: float, cell: str) -> None:
    """Filters, a page of slices, and the list of doubtful labels."""
    predictions = chosen.predictions
    rows = gallery.cell_rows(predictions, cell, threshold)
    total = len(rows)
    order, picked = _show_filters(chosen)
    rows = gallery.ordered(predictions, gallery.filtered(predictions, rows, picked), threshold, order)
    if not len(rows):
        noun = CELL_NAMES[cell]
        st.caption(f"No {noun} at this threshold." if not total else f"None of {total:,} {noun} matches the filter.")
        return
    pages = -(-len(rows) // A_PAGE)
    page = 1
    said, turn = st.columns([4, 1], vertical_alignment="bottom")
    if pages > 1:
        with turn:
            page = int(st.number_input(f"Page of {pages:,}", 1, pages, 1, key=f"results_page_{cell}_{pages}"))
    shown = rows[(page - 1) * A_PAGE : page * A_PAGE]
    said.caption(f"{len(rows):,} {CELL_NAMES[cell]}, {gallery.ORDERS[order]}. {notice.HEAT_MAP_LIMIT}")
    for start in range(0, len(shown), A_ROW):
        for column, row in zip(st.columns(A_ROW), shown[start : start + A_ROW], strict=False):
            with column:
                _show_slice(chosen, int(row))
    _show_alike(chosen)
    _show_doubtful(chosen)


def _show_alike(chosen: Judged) -> None:
    """Slices of other patients that look most like the one asked about, with their labels."""
    folder, row = st.session_state.get(ALIKE, ("", -1))
    if folder != str(chosen.folder):
        return
    predictions = chosen.predictions
    found = gallery.alike(predictions, row)
    if not found:
        return
    bleeds = sum(int(predictions.frame["label"].iloc[each]) for each, _ in found)
    st.markdown(f"**Most like {plain(gallery.described(predictions, row))}**")
    st.caption(f"{bleeds} of {len(found)} show a bleed. By appearance at 24×24, slices of other patients only.")
    for column, (each, correlation) in zip(st.columns(A_ROW), found, strict=False):
        with column:
            look = _look_up(predictions, folder, predictions.about.created, each)
            if look.grey is not None:
                said = gallery.described(predictions, each)
                st.image(look.grey, width="stretch", alt=f"CT slice, {said}")
                st.caption(f"{plain(said)} · correlation {correlation:.2f}")


def _show_filters(chosen: Judged) -> tuple[str, dict[str, str]]:
    available = gallery.filters(chosen.predictions)
    picked: dict[str, str] = {}
    columns = st.columns(len(available) + 3)
    with columns[0]:
        order = st.selectbox("Order", list(gallery.ORDERS), key="results_order", format_func=str.capitalize)
    for column, (name, values) in zip(columns[1:], available.items(), strict=False):
        with column:
            picked[name] = st.selectbox(
                _FILTER_NAMES[name], ["", *values], key=f"results_filter_{name}", format_func=lambda v: v or "any"
            )
    with columns[-2]:
        kind = chosen.predictions.about.group_kind
        label = "Name" if kind == "file" else kind.capitalize()
        picked["group"] = st.text_input(label, key=GROUP, placeholder="any")
    with columns[-1]:
        st.slider("Overlay", 0, 100, 60, 10, format="%d %%", key=OPACITY, help="0 shows the untouched slice")
    return order, picked


def _show_slice(chosen: Judged, row: int) -> None:
    predictions = chosen.predictions
    look = _look_up(predictions, str(chosen.folder), predictions.about.created, row)
    said = gallery.described(predictions, row)
    if look.grey is None:
        st.caption(f"{plain(said)}: {plain(look.why)}.")
        return
    opacity = st.session_state.get(OPACITY, 60) / 100
    picture: np.ndarray = look.grey
    if look.heat is not None and opacity:
        picture = overlay(look.grey, look.heat, opacity)
    st.image(picture, width="stretch", alt=f"CT slice, {said}. {notice.HEAT_MAP_LIMIT}")
    st.caption(plain(said))
    source = str(predictions.frame["source"].iloc[row])
    marked: set[str] = st.session_state.setdefault(DOUBTFUL, set())
    if predictions.thumbs is not None and st.button(
        "Similar slices",
        key=f"results_alike_{chosen.folder.name}_{row}",
        type="tertiary",
        icon=":material/image_search:",
    ):
        st.session_state[ALIKE] = (str(chosen.folder), row)
    if st.checkbox(
        "Doubtful",
        help="Its label looks wrong",
        value=source in marked,
        key=f"results_doubt_{chosen.folder.name}_{row}",
    ):
        marked.add(source)
    else:
        marked.discard(source)


@st.cache_data(max_entries=256, show_spinner=False)
def _look_up(_predictions: gallery.Predictions, folder: str, created: str, row: int) -> gallery.Shown:
    del folder, created  # part of the cache's key only
    return gallery.look_up(_predictions, row)


def _show_doubtful(chosen: Judged) -> None:
    marked: set[str] = st.session_state.get(DOUBTFUL, set())
    table = gallery.doubtful_table(chosen.predictions, marked)
    if len(table):
        st.download_button(
            f"Download {len(table):,} doubtful labels",
            table.to_csv(index=False),
            "doubtful-labels.csv",
            "text/csv",
            key="results_doubtful_csv",
            icon=":material/download:",
        )
