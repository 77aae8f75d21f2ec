"""The little styling that config.toml cannot say."""

import streamlit as st

_STYLE = """
<style>
/* Figures line up in columns. */
[data-testid="stMetricValue"], [data-testid="stTable"], .hemo-figures { font-variant-numeric: tabular-nums; }
/* A heading's anchor icon is noise in a workbench. */
[data-testid="stHeaderActionElements"] { display: none; }
/* Captions keep 4.5:1 contrast in both themes. */
[data-testid="stCaptionContainer"] { opacity: 0.86; }
</style>
"""


def inject() -> None:
    """Add the shared style; called once a run by the router."""
    st.html(_STYLE)


def is_dark() -> bool:
    """Whether the browser shows the dark theme, for charts that must know."""
    return st.context.theme.type == "dark"
