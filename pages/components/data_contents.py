"""What a data set holds: key figures, counts by class, split and patient."""

import pandas as pd
import streamlit as st

from hemo.charts.dataset import group_bars, subtype_bars
from hemo.data.importers.base import plural
from hemo.data.manifest import LABEL_NAMES, SPLITS, SUBTYPES, Manifest
from pages.components import calls
from pages.components.text import plain

_CHART = {"displayModeBar": False}


def show_figures(manifest: Manifest) -> None:
    """Slices, patients and how many of each show a bleed, in one row."""
    kind = plural(manifest.group_kind)
    bleeding = manifest.frame.loc[manifest.frame["label"] == 1, "group"].nunique()
    positives = int(manifest.labels.sum())
    lesions = _lesions(manifest)
    with st.container(horizontal=True, key="data_figures", gap="large"):
        st.metric("Slices", f"{len(manifest):,}", width="content")
        st.metric("Hemorrhage slices", f"{positives:,} ({positives / len(manifest):.0%})", width="content")
        st.metric(kind.capitalize(), f"{manifest.frame['group'].nunique():,}", width="content")
        if manifest.group_kind != "file":
            st.metric(f"{kind.capitalize()} with a bleed", f"{bleeding:,}", width="content")
        if lesions:
            st.metric("Lesions marked", lesions, width="content")


def show_provenance(manifest: Manifest) -> None:
    """Whose data this is and what may be done with it."""
    cite = f" · **Cite** {plain(manifest.citation)}" if manifest.citation else ""
    st.caption(
        f"**Licence** {plain(manifest.licence)} · **Source** {plain(manifest.source)}{cite}  \n"
        f"**Folder** {plain(manifest.root)}"
    )


def show_counts(manifest: Manifest) -> None:
    """The table of splits and classes, and the charts."""
    st.table(counts_table(manifest), border="horizontal", hide_index=True, alt="Slices by split and class")
    frame = manifest.frame
    if manifest.group_kind != "file":
        st.plotly_chart(group_bars(frame), config=_CHART, key="data_group_bars", alt="Slices by patient or series")
    if any(name in frame.columns and frame[name].any() for name in SUBTYPES):
        st.plotly_chart(subtype_bars(frame), config=_CHART, key="data_subtype_bars", alt="Slices by kind of bleed")


def counts_table(manifest: Manifest) -> pd.DataFrame:
    """A row a split, and one for all where there are several: slices by class, and patients with those who bleed."""
    frame = manifest.frame
    parts = [(split.capitalize() or "Not split", frame[frame["split"] == split]) for split in (*SPLITS, "")]
    parts = [(name, part) for name, part in parts if len(part)]
    parts += [("All", frame)] if len(parts) > 1 else []
    columns: dict[str, list[str]] = {"Split": [name for name, _ in parts]}
    for label in (1, 0):
        columns[calls.marked(LABEL_NAMES[label])] = [f"{int((part['label'] == label).sum()):,}" for _, part in parts]
    if manifest.group_kind != "file":
        columns[plural(manifest.group_kind).capitalize()] = [_groups(part) for _, part in parts]
    return pd.DataFrame(columns)


def _groups(part: pd.DataFrame) -> str:
    bleeding = part.loc[part["label"] == 1, "group"].nunique()
    return f"{part['group'].nunique():,}, {bleeding:,} with a bleed"


def _lesions(manifest: Manifest) -> str:
    frame = manifest.frame
    masks = int((frame["mask_path"] != "").sum()) if "mask_path" in frame.columns else 0
    boxes = int(frame["boxes"].map(len).sum()) if "boxes" in frame.columns else 0
    if masks:
        return f"{masks:,} masks"
    return f"{boxes:,} boxes" if boxes else ""
