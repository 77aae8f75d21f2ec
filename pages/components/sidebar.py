"""The sidebar that every page shares: the active model and what Hemo is not."""

import streamlit as st

from pages.components import figures, models, notice, state
from pages.components.text import plain


def show() -> None:
    """Name the active model with its first figure, and say what Hemo is for."""
    with st.sidebar:
        with st.container(gap="xxsmall", key="hemo_active"):
            st.caption("Active model")
            name = state.active_model()
            if name is None:
                st.markdown("None yet")
            else:
                st.markdown(f"**{plain(name)}**")
                metrics = models.bundle(name).card["metrics"]
                for first in figures.headline_names(metrics, 1):
                    st.caption(
                        f"{figures.title(first)} {metrics[first]['value']:.3f} ({figures.interval(metrics[first])})"
                    )
        notice.not_for_diagnosis()
