"""Data: the data sets, their counts and their slices."""

import streamlit as st

from pages.components import notice

st.title("Data")
notice.empty_state(
    "Nothing here yet",
    "The data sets, their counts and their slices stand here in a later version of this page.",
    key="data_empty",
)
