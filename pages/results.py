"""Results: what a model scores on a data set stands here."""

import streamlit as st

from pages.components import notice

st.title("Results")
notice.empty_state(
    "Nothing here yet",
    "What a model scores on a data set stands here in a later version of this page.",
    key="results_empty",
)
