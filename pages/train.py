"""Train: training runs and their live curves."""

import streamlit as st

from pages.components import notice

st.title("Train")
notice.empty_state(
    "Nothing here yet",
    "Training runs and their live curves stand here in a later version of this page.",
    key="train_empty",
)
