"""Overview: what Hemo is, what the active model can show for itself, and where to go."""

import streamlit as st

from pages.components import figures, models, notice, state
from pages.components.text import plain

DOORS = (
    (
        "pages/read.py",
        "Read a scan",
        ":material/radiology:",
        "Drop a study, a stack of pictures or a single slice; see the call, its score and where the network reacted.",
    ),
    (
        "pages/train.py",
        "Train a network",
        ":material/model_training:",
        "Train on your own slices or on a phantom, with a split by patient, and watch the curves as they grow.",
    ),
    (
        "pages/results.py",
        "Judge the figures",
        ":material/monitoring:",
        "Sensitivity, specificity and AUC with intervals, beside trivial baselines, down to each missed slice.",
    ),
)
IS_NOT = (
    "No medical device: nobody has cleared it, and no patient's care may rest on it.",
    "No radiologist: it knows one finding, hemorrhage on non-contrast head CT, and refuses what is not a head CT.",
    "No localizer: a heat map shows where the network reacted, not where the bleed is.",
    "No archive: what you drop is read in memory and is gone when the session ends.",
)


def show_active_model() -> None:
    """The active model in five figures with intervals, or what would be here."""
    name = state.active_model()
    if name is None:
        if notice.empty_state(
            "No model yet",
            "The active model's figures with their intervals stand here. None was found in `models/`; a phantom "
            "training run makes one in minutes.",
            "Train on a phantom",
            key="overview_train",
            icon=":material/deployed_code:",
        ):
            st.switch_page("pages/train.py")
        return
    card = models.bundle(name).card
    data = card["data"]
    patients = f", {data['n_patients']:,} patients" if data["n_patients"] is not None else ""
    with st.container(border=True, key="overview_model"):
        st.markdown(f"**Active model: {plain(name)}**")
        st.caption(
            f"{plain(card['architecture'])}, trained on {plain(data['name'])} ({data['n']:,} slices{patients}); "
            f"{plain(data['split'])}"
        )
        names = figures.headline_names(card["metrics"])
        if names:
            figures.row(card["metrics"], names)
        else:
            st.markdown("Nothing was measured for this model; judge it on the Results page before you read with it.")


def show_doors() -> None:
    """The three ways on."""
    for column, (page, label, icon, sentence) in zip(st.columns(len(DOORS)), DOORS, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.page_link(page, label=f"**{label}**", icon=icon)
            st.caption(sentence)


st.title("Hemo")
st.markdown("A workbench for hemorrhage on head CT: read a study, train a network, judge its figures.")
show_active_model()
show_doors()
st.subheader("What Hemo is not")
st.markdown("\n".join(f"- {sentence}" for sentence in IS_NOT))
