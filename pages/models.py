"""Models: every bundle with what it can show for itself; activate, download, add and compare."""

from pathlib import Path

import streamlit as st

from hemo.errors import BundleError
from hemo.model.bundle import ModelBundle
from hemo.model.transfer import MAX_ZIP_BYTES, bundle_zip, import_bundle
from pages.components import model_card, model_comparison, models, notice, state
from pages.components.text import plain

ADDED = "models_added"
# Three in a row at 1440 pixels, two at 1024.
CARD_WIDTH = 352


def show_faults(listing: models.Listing) -> None:
    """Folders among the models that are not loaded, each with its reason."""
    for fault in listing.faults:
        notice.warning(f"{fault.path.name} is not loaded. {fault.reason}")


def show_cards(listing: models.Listing) -> None:
    """Cards side by side, as many as the window is wide."""
    active = state.active_model()
    with st.container(horizontal=True, gap="small", key="models_cards"):
        for bundle in listing.bundles:
            with st.container(border=True, width=CARD_WIDTH, height="stretch", key=f"models_card_{bundle.name}"):
                model_card.show(bundle, active=bundle.name == active, default=bundle.name == listing.default)
                _show_actions(bundle, active=bundle.name == active)


def _show_actions(bundle: ModelBundle, active: bool) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Active" if active else "Activate",
            key=f"models_activate_{bundle.name}",
            type="secondary" if active else "primary",
            disabled=active,
            on_click=state.set_active_model,
            args=(bundle.name,),
            help="The active model reads and judges on the other pages, in this session.",
        )
        st.download_button(
            "Download",
            data=lambda: bundle_zip(bundle),
            file_name=f"{bundle.name}.zip",
            mime="application/zip",
            key=f"models_download_{bundle.name}",
            on_click="ignore",
            icon=":material/download:",
            help="Network, card and README in one zip, which the upload below takes too.",
        )
        model_card.show_details(bundle.card)


def show_upload() -> None:
    """Take a zip, check it, and say what became of it."""
    st.subheader("Add a model")
    st.caption(
        "A zip that Hemo made: the network, its card and what else it brings. It is checked before it is kept: "
        "complete card, weights that match the card's sha256, no layer that Hemo does not use."
    )
    uploaded = st.file_uploader(
        "Model as a zip file",
        type=["zip"],
        key="models_upload",
        max_upload_size=MAX_ZIP_BYTES // 2**20,
        label_visibility="collapsed",
    )
    if uploaded is None:
        st.session_state.pop(ADDED, None)
        return
    if st.session_state.get(ADDED, ("",))[0] != uploaded.file_id:
        st.session_state[ADDED] = (uploaded.file_id, *_take(uploaded.getvalue()))
        if st.session_state[ADDED][1]:
            st.rerun()
    _, kept, sentence = st.session_state[ADDED]
    if kept:
        st.success(plain(sentence), icon=":material/check:")
    else:
        notice.error(f"The model was not added. {sentence}")


def _take(data: bytes) -> tuple[bool, str]:
    """Whether an upload was kept, and the sentence that says so."""
    folder: Path = state.workspace().models
    active = state.active_model()
    try:
        bundle = import_bundle(data, folder)
    except BundleError as error:
        return False, str(error)
    if active is not None:
        # The newest model may be the default: nobody who only added one has chosen it.
        state.set_active_model(active)
    return True, f"{bundle.name} was added; its card is above."


st.title("Models")
found = models.listing()
if found.bundles:
    st.caption(
        "Figures are what each model's own card says, by slice unless they say otherwise; cards measured on different "
        "data cannot be ranked."
    )
show_faults(found)
if not found.bundles and notice.empty_state(
    "No model yet",
    "Each model's card stands here: its figures with intervals, the data it learned from, its limits. A finished "
    "training run becomes a model with one click; a phantom run takes minutes.",
    "Train on a phantom",
    key="models_train",
    icon=":material/deployed_code:",
):
    st.switch_page("pages/train.py")
if found.bundles:
    show_cards(found)
if len(found.bundles) > 1:
    model_comparison.show(found.bundles, state.active_model())
show_upload()
