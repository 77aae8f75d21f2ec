"""How a call looks everywhere: one color and one symbol each, safe for color-blind eyes and never color alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CallStyle:
    """Color and symbol of one call.

    Args:
        color: the mark's color; too light for small text, which keeps the page's own color.
        symbol: the character before the word.
        marker: the same shape by Plotly's name.
    """

    color: str
    symbol: str
    marker: str


# Vermilion, bluish green and orange of Okabe and Ito's palette, and a mid grey.
CALL_STYLES: dict[str, CallStyle] = {
    "Hemorrhage": CallStyle("#D55E00", "▲", "triangle-up"),
    "Normal": CallStyle("#009E73", "●", "circle"),
    "Uncertain": CallStyle("#E69F00", "◆", "diamond"),
    "Refused": CallStyle("#7F7F7F", "✕", "x"),
}


def call_text(call: str) -> str:
    """A call with its symbol: "▲ Hemorrhage"."""
    return f"{CALL_STYLES[call].symbol} {call}"
