"""Data: pick or import a data set, see what is in it and what is wrong with it, and how training will vary it."""

import streamlit as st

from hemo.data.library import KnownDataset, forget_dataset
from hemo.data.manifest import Manifest
from hemo.errors import HemoError
from pages.components import (
    data_augmentation,
    data_contents,
    data_import,
    data_problems,
    data_slices,
    data_sources,
    datasets,
    notice,
    state,
)
from pages.components.text import plain

VIEW = "data_view"

# Streamlit's columns shrink without end above 640 pixels; these two stand one above the other where they do not fit.
SIDE_BY_SIDE = """
<style>
:has(> .st-key-data_counts), .st-key-data_counts { flex: 1 1 24rem !important; }
:has(> .st-key-data_slices), .st-key-data_slices { flex: 2 1 33rem !important; }
</style>
"""


def show_bar() -> KnownDataset | None:
    """The data set at hand, and the ways to another one."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="data_bar"):
        entry = datasets.choose(key="data_choice")
        st.button("Import", icon=":material/folder_open:", key="data_import", on_click=data_import.open_form)
        with st.popover("Phantom", icon=":material/science:", help="Make synthetic head CT with exact masks"):
            show_phantom_form()
        if entry is not None:
            with st.popover("Remove", icon=":material/delete:", help="Take this data set off the list"):
                show_removal(entry)
    return entry


def show_phantom_form() -> None:
    """How many studies, from which seed, as what."""
    st.markdown(
        "Synthetic head CT with exact masks, the same for the same seed. A figure on it says nothing of people."
    )
    studies = st.number_input("Studies", 6, 400, datasets.PHANTOM_STUDIES, step=2, key="data_phantom_studies")
    seed = st.number_input("Seed", 0, 100_000, 0, key="data_phantom_seed")
    dicom = st.toggle("As DICOM series", key="data_phantom_dicom", help="In Hounsfield units; slower and larger.")
    if st.button("Make it", type="primary", key="data_phantom_make") and datasets.make_phantom(
        int(studies), int(seed), dicom
    ):
        st.rerun()


def show_removal(entry: KnownDataset) -> None:
    """Ask before a data set leaves the list."""
    inside = entry.root == entry.path.resolve()
    what = "The phantom is deleted; its seed makes it again." if inside else "Its slices stay where they are."
    st.markdown(f"Take **{plain(entry.title)}** off the list? {what}")
    if st.button("Take it off", key="data_remove", type="primary"):
        try:
            forget_dataset(entry.name, state.workspace().datasets)
        except (HemoError, OSError) as error:
            notice.error(str(error))
            return
        state.set_active_dataset(None)
        st.rerun()


def show_set(entry: KnownDataset, manifest: Manifest) -> None:
    """The key figures, then one of the views."""
    data_contents.show_figures(manifest)
    data_contents.show_provenance(manifest)
    problems = f"Problems · {len(manifest.problems):,}"
    views = {"contents": "Contents", "problems": problems, "augmentation": "Augmentation", "sources": "Public sets"}
    view = st.segmented_control(
        "View",
        list(views),
        default="contents",
        required=True,
        key=VIEW,
        format_func=lambda name: views[name],
        label_visibility="collapsed",
    )
    if view == "contents":
        st.html(SIDE_BY_SIDE)
        with st.container(horizontal=True, gap="large", key="data_contents"):
            with st.container(width="stretch", key="data_counts"):
                data_contents.show_counts(manifest)
            with st.container(width="stretch", key="data_slices"):
                data_slices.show(manifest, entry.name)
    elif view == "problems":
        data_problems.show(manifest, entry)
    elif view == "augmentation":
        data_augmentation.show(manifest, entry.name)
    else:
        data_sources.show()


st.title("Data")
current = show_bar()
data_import.show_if_open()
if current is None:
    datasets.empty_state("Counts, slices and problems of a data set stand here.", key="data_empty")
    st.subheader("Public sets")
    data_sources.show()
else:
    try:
        show_set(current, datasets.opened(current))
    except HemoError as error:
        notice.error(error)
