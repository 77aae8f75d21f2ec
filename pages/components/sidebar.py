"""The sidebar that every page shares: the active model and what Hemo is not."""

import streamlit as st

from pages.components import notice, state
from pages.components.text import plain


def show() -> None:
    """Name the active model and say what Hemo is for."""
    with st.sidebar:
        model = state.active_model()
        st.caption("Active model")
        st.markdown(f"**{plain(model)}**" if model else "None yet")
        notice.not_for_diagnosis()
