"""The slices of a data set as a grid with filters and pages, and one of them large."""

import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from hemo.charts.slice_view import Pane, slice_view
from hemo.ct.read import read_path
from hemo.ct.window import MODEL_WINDOW, WINDOWS, Window
from hemo.data.manifest import LABEL_NAMES, SPLITS, SUBTYPES, Manifest
from hemo.errors import HemoError
from pages.components import calls, notice
from pages.components.text import one_line, plain

COLUMNS, ROWS = 6, 4
THUMBNAIL = 176
LESION_COLOR = (230, 159, 0)
ALL = "All"
SHOWN = "data_shown_row"


def show(manifest: Manifest, name: str) -> None:
    """Filters, a page of slices, and the pages' numbers."""
    rows = _filtered(manifest, name)
    if len(rows) == 0:
        notice.empty_state(
            "No slice passes these filters",
            "Take one of them back to see slices again.",
            key="data_no_slices",
            icon=":material/filter_alt_off:",
        )
        return
    pages = math.ceil(len(rows) / (COLUMNS * ROWS))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(rows):,} of {len(manifest):,} slices. Click a slice to see it large.")
        key = f"data_page_{name}_{pages}"
        page = st.pagination(pages, key=key, max_visible_pages=5) if pages > 1 else 1
    page_rows = rows[(page - 1) * COLUMNS * ROWS : page * COLUMNS * ROWS]
    for start in range(0, len(page_rows), COLUMNS):
        for cell, row in zip(st.columns(COLUMNS, gap="xsmall"), page_rows[start : start + COLUMNS], strict=False):
            with cell, st.container(gap=None):
                _show_cell(manifest, int(row), rows)


def _filtered(manifest: Manifest, name: str) -> npt.NDArray[np.int64]:
    """Rows that pass the filters, in the data set's order."""
    frame = manifest.frame
    keep = pd.Series(True, index=frame.index)
    kind = "Patient" if manifest.group_kind == "patient" else "Series"
    with st.container(horizontal=True, vertical_alignment="bottom", key="data_filters"):
        label = st.segmented_control(
            "Class", [ALL, *reversed(LABEL_NAMES)], default=ALL, required=True, key=f"data_class_{name}"
        )
        if label != ALL:
            keep &= frame["label"] == LABEL_NAMES.index(str(label))
        splits = [split for split in SPLITS if (frame["split"] == split).any()]
        if splits:
            split = st.segmented_control(
                "Split",
                [ALL, *splits],
                default=ALL,
                required=True,
                key=f"data_split_{name}",
                format_func=str.capitalize,
            )
            if split != ALL:
                keep &= frame["split"] == split
        if manifest.group_kind != "file":
            groups = [ALL, *dict.fromkeys(frame["group"])]
            group = st.selectbox(kind, groups, key=f"data_group_{name}", width=160)
            if group != ALL:
                keep &= frame["group"] == group
        known = [subtype for subtype in SUBTYPES if subtype in frame.columns and frame[subtype].any()]
        if known:
            subtype = st.selectbox(
                "Kind of bleed", [ALL, *known], key=f"data_subtype_{name}", width=160, format_func=str.capitalize
            )
            if subtype != ALL:
                keep &= frame[subtype]
    return np.flatnonzero(keep.to_numpy())


def _show_cell(manifest: Manifest, row: int, rows: npt.NDArray[np.int64]) -> None:
    record = manifest.frame.iloc[row]
    label = LABEL_NAMES[int(record["label"])]
    path = manifest.file(row)
    where = _where(record)
    try:
        stamp = path.stat().st_mtime_ns
        thumbnail = _thumbnail(str(path), stamp)
    except (HemoError, OSError) as error:
        thumbnail, where = _blank(), f"{where}: unreadable"
        label_help = str(error)
    else:
        label_help = str(record["path"])
    st.image(thumbnail, width="stretch", alt=f"CT slice {one_line(where)}, labelled {label}")
    mark = calls.marked(label).split(" ")[0]
    if st.button(
        f"{mark} {plain(_short(record))}",
        key=f"data_open_{row}",
        type="tertiary",
        width="stretch",
        help=f"{label}: {plain(label_help)}",
    ):
        st.session_state[SHOWN] = row
        show_large(manifest, rows)


def _where(record: pd.Series) -> str:
    if record["group_kind"] == "file":
        return str(record["slice"])
    return f"{record['group']} · {record['slice']}"


def _short(record: pd.Series) -> str:
    """What fits under a thumbnail: long names keep their end, where they differ."""
    parts = [str(record["slice"])] if record["group_kind"] == "file" else [str(record["group"]), str(record["slice"])]
    return " · ".join(one_line(part if len(part) <= 8 else f"…{part[-5:]}") for part in parts)


@st.cache_data(max_entries=2000, show_spinner=False)
def _thumbnail(path: str, stamp: int) -> npt.NDArray[np.uint8]:
    """A slice in the model's window on a black square, uint8 (THUMBNAIL, THUMBNAIL)."""
    del stamp  # part of the cache's key only
    grey = read_path(Path(path)).grey(MODEL_WINDOW)
    ratio = THUMBNAIL / max(grey.shape)
    width, height = (max(1, round(side * ratio)) for side in (grey.shape[1], grey.shape[0]))
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    square = _blank()
    top, left = (THUMBNAIL - height) // 2, (THUMBNAIL - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def _blank() -> npt.NDArray[np.uint8]:
    return np.zeros((THUMBNAIL, THUMBNAIL), np.uint8)


@st.dialog("Slice", width="large")
def show_large(manifest: Manifest, rows: npt.NDArray[np.int64]) -> None:
    """One slice at its own resolution, its lesions outlined beside it, and the way to its neighbors in the filter."""
    row = int(st.session_state[SHOWN])
    place = int(np.flatnonzero(rows == row)[0])
    record = manifest.frame.iloc[row]
    label = LABEL_NAMES[int(record["label"])]
    _show_steps(rows, place)
    st.markdown(f"{calls.marked(label)} · {plain(_where(record))}{_known_about(record)}")
    try:
        ct_slice = manifest.read(row)
        window: Window = MODEL_WINDOW
        if ct_slice.unit == "HU":
            names = ["model", *WINDOWS]
            name = st.segmented_control(
                "Window", names, default="model", required=True, key="data_window", format_func=str.capitalize
            )
            window = WINDOWS.get(str(name), MODEL_WINDOW)
        grey = ct_slice.grey(window)
        panes = [Pane("Slice", grey)]
        outlined = _outlined(manifest, row, grey)
        if outlined is not None:
            panes.append(outlined)
        st.plotly_chart(
            slice_view(panes, spacing_mm=ct_slice.spacing_mm, height=460, revision=f"data_{row}"),
            theme=None,
            key=f"data_large_{row}",
            config={"displayModeBar": False, "scrollZoom": True},
            alt=f"CT slice {one_line(_where(record))}, labelled {label}" + (", lesions outlined" if outlined else ""),
        )
        height, width = ct_slice.shape
        scale = "Hounsfield units" if ct_slice.unit == "HU" else "grey levels, windowed by whoever exported it"
        st.caption(f"{plain(record['path'])} · {width} × {height} · {scale}")
        for warning in ct_slice.warnings:
            notice.warning(warning)
    except (HemoError, OSError) as error:
        notice.error(str(error))


def _show_steps(rows: npt.NDArray[np.int64], place: int) -> None:
    """Buttons to the neighbors; the arrow keys press them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Previous", icon=":material/chevron_left:", disabled=place == 0, key="data_back", shortcut="Left"):
            st.session_state[SHOWN] = int(rows[place - 1])
            st.rerun(scope="fragment")
        last = place == len(rows) - 1
        if st.button("Next", icon=":material/chevron_right:", disabled=last, key="data_next", shortcut="Right"):
            st.session_state[SHOWN] = int(rows[place + 1])
            st.rerun(scope="fragment")
        st.caption(f"{place + 1:,} of {len(rows):,}")


def _known_about(record: pd.Series) -> str:
    facts = [name.capitalize() for name in SUBTYPES if bool(record.get(name, False))]
    facts += ["Fracture"] if bool(record.get("fracture", False)) else []
    facts += [f"Level: {record['brain_level']}"] if record.get("brain_level", "") else []
    facts += [f"Split: {record['split']}"] if record["split"] else []
    return "".join(f" · {plain(fact)}" for fact in facts)


def _outlined(manifest: Manifest, row: int, grey: npt.NDArray[np.uint8]) -> Pane | None:
    """The slice with its mask's outline or its boxes; None where neither is known."""
    color = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    thickness = max(1, round(max(grey.shape) / 350))
    mask = manifest.read_mask(row)
    if mask is not None and mask.shape == grey.shape:
        contours = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
        cv2.drawContours(color, contours, -1, LESION_COLOR, thickness)
        return Pane("Lesion's outline", color)
    boxes = manifest.frame["boxes"].iloc[row] if "boxes" in manifest.frame.columns else []
    height, width = grey.shape
    for x, y, w, h in boxes:
        corners = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
        left, top, right, bottom = (round(value) for value in corners)
        cv2.rectangle(color, (left, top), (right, bottom), LESION_COLOR, thickness)
    return Pane("Lesion boxes" if len(boxes) > 1 else "Lesion box", color) if boxes else None
