"""A Plotly figure on the page in the page's own text color."""

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.components import theme

_TEXT = {True: "#E3E8ED", False: "#17212B"}  # the themes' text colors, see .streamlit/config.toml


def show(figure: go.Figure, *, key: str, alt: str, on_select: Callable[[], None] | None = None) -> Any:
    """Draw a figure.

    Args:
        figure: from `hemo.charts`; its text takes the theme's color here.
        key: of the chart.
        alt: what it shows, for those who do not see it.
        on_select: called when a point is clicked; its selection lies in the session under `key`.
    """
    figure.update_layout(font_color=_TEXT[theme.is_dark()])
    options: dict[str, Any] = {"key": key, "alt": alt, "theme": None, "config": {"displayModeBar": False}}
    if on_select is not None:
        options |= {"on_select": on_select, "selection_mode": "points"}
    return st.plotly_chart(figure, **options)
