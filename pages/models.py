"""Models: the model bundles and their cards."""

import streamlit as st

from pages.components import notice

st.title("Models")
notice.empty_state(
    "Nothing here yet",
    "The model bundles and their cards stand here in a later version of this page.",
    key="models_empty",
)
