"""The little styling that config.toml cannot say."""

from pathlib import Path

import streamlit as st

# A file of our own: a Material symbol as a page's icon would be fetched from the internet.
ICON = str(Path(__file__).with_name("icon.svg"))

_STYLE = """
<style>
/* Figures line up in columns. */
[data-testid="stMetricValue"], [data-testid="stTable"], .hemo-figures { font-variant-numeric: tabular-nums; }
/* A heading's anchor icon is noise in a workbench. */
[data-testid="stHeaderActionElements"] { display: none; }
/* A workbench uses the window: less margin than a document, the menu's corner stays free. */
[data-testid="stMainBlockContainer"] { padding: 4.2rem 2rem 1.2rem; }
[data-testid="stMainBlockContainer"] h1 { padding: 0.2rem 0 0.3rem; }
/* Captions keep 4.5:1 contrast in both themes. */
[data-testid="stCaptionContainer"] { opacity: 0.86; }
/* So does the word on a chosen segment, hovered or not; outline and tint carry the accent. */
button[data-variant][data-selected="true"] p { color: var(--hemo-text); }
/* White on the dark theme's accent has 4.0:1: its filled buttons are a shade deeper. */
[data-testid^="stBaseButton-primary"]:not(:disabled) {
  background-color: var(--hemo-fill); border-color: var(--hemo-fill);
}
[data-testid^="stBaseButton-primary"]:not(:disabled):hover {
  background-color: var(--hemo-fill-hover); border-color: var(--hemo-fill-hover);
}
/* A shortcut's hint is text like any other. */
button kbd { color: inherit !important; opacity: 1 !important; }
/* Read: an empty page is one large place to drop on; a narrow window stacks triage, viewer and answer in that order. */
.st-key-read_drop_large [data-testid="stFileUploaderDropzone"] { min-height: 9rem; align-items: center; }
/* Results: so do the operating curve with its figures, and the confusion matrix with its slices. */
@media (max-width: 1180px) {
  :is(.st-key-read_room, .st-key-results_operating_room, .st-key-results_cells_room)
    > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
  :is(.st-key-read_room, .st-key-results_operating_room, .st-key-results_cells_room)
    > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] > [data-testid="stColumn"] {
    flex: 1 1 100%; min-width: 100%;
  }
}
</style>
"""


# Dialogs lie outside the app's own color scheme, where CSS `light-dark()` would take light for dark.
_LIGHT = "<style>:root { --hemo-text: #17212B; --hemo-fill: #1F6FB2; --hemo-fill-hover: #185A92; }</style>"
_DARK = "<style>:root { --hemo-text: #E3E8ED; --hemo-fill: #2C6DA8; --hemo-fill-hover: #235988; }</style>"


def inject() -> None:
    """Add the shared style; called once a run by the router."""
    st.html((_DARK if is_dark() else _LIGHT) + _STYLE)


def is_dark() -> bool:
    """Whether the browser shows the dark theme, for charts that must know."""
    return st.context.theme.type == "dark"
