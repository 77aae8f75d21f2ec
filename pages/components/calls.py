"""A call in markdown: its symbol in its color, its word in the page's own."""

from hemo.charts.calls import CALL_STYLES

# Streamlit's color names; config.toml gives each of the four the call's color in a shade that reads as text.
_COLOR_NAMES = {"Hemorrhage": "red", "Normal": "green", "Uncertain": "orange", "Refused": "gray"}


def marked(call: str) -> str:
    """For example `:red[▲] Hemorrhage`."""
    return f":{_COLOR_NAMES[call]}[{CALL_STYLES[call].symbol}] {call}"
