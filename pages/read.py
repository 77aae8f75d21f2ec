"""Read a scan: a study's slices and the model's call."""

import streamlit as st

from pages.components import notice

st.title("Read a scan")
notice.empty_state(
    "Nothing here yet",
    "A study's slices and the model's call stand here in a later version of this page.",
    key="read_empty",
)
