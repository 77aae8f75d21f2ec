"""Overview: what Hemo is, what the active model can show for itself, and where to go."""

import streamlit as st

from pages.components import notice, state
from pages.components.text import plain

st.title("Hemo")
st.markdown("A workbench for hemorrhage on head CT: read a study, train a network, judge its figures.")
model = state.active_model()
if model is None:
    notice.empty_state(
        "No model yet",
        "The active model's evidence stands here once a bundle lies in `models/` or a training run was kept.",
        key="overview_no_model",
        icon=":material/deployed_code:",
    )
else:
    st.markdown(f"Active model: **{plain(model)}**")
