"""One look for all charts: thin lines, direct labels, bands for intervals, n under the title, good on light and dark.

Text takes the page's own color (Streamlit's theme sets it, a report passes `text_color`), grid and chance lines are
half-transparent greys, and the background is transparent.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go

ACCENT = "#3B82C4"
SECOND = "#B5589A"
THIRD = "#8A7D3A"
SERIES = (ACCENT, SECOND, THIRD, "#4C9A8F", "#A0653B")
GRID = "rgba(127,127,127,0.18)"
FAINT = "rgba(127,127,127,0.85)"
BAND_ALPHA = 0.18
FONT = "'Source Sans', 'Segoe UI', system-ui, sans-serif"


def faded(color: str, alpha: float = BAND_ALPHA) -> str:
    """A "#RRGGBB" color at an opacity, for bands."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def styled(
    figure: go.Figure,
    title: str,
    subtitle: str,
    *,
    x: str = "",
    y: str = "",
    height: int = 380,
    text_color: str | None = None,
) -> go.Figure:
    """Give a figure the common look.

    Args:
        figure: changed in place and returned.
        title: what the chart shows, a few words.
        subtitle: n and by what, e.g. "n = 2,501 slices of 82 patients, 318 with a bleed".
        x: axis title with its unit.
        y: axis title with its unit.
        height: in CSS pixels.
        text_color: of all text; None leaves it to the page's theme.
    """
    axis: dict[str, Any] = {
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": FAINT,
        "linewidth": 1,
        "showline": True,
        "ticks": "outside",
        "tickcolor": FAINT,
        "ticklen": 4,
        "title": {"standoff": 8, "font": {"size": 13}},
        "tickfont": {"size": 12},
    }
    figure.update_xaxes(**axis, title_text=x)
    figure.update_yaxes(**axis, title_text=y)
    figure.update_layout(
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13} | ({"color": text_color} if text_color else {}),
        title={
            "text": title,
            "subtitle": {"text": subtitle, "font": {"size": 12}},
            "font": {"size": 15},
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "yref": "container",
            "y": 1 - 10 / height,
            "yanchor": "top",
        },
        margin={"l": 56, "r": 18, "t": 64, "b": 48},
        hoverlabel={"font": {"family": FONT, "size": 12}},
        showlegend=False,
        hovermode="closest",
    )
    return figure


def empty(title: str, reason: str, *, height: int = 380, text_color: str | None = None) -> go.Figure:
    """A chart that does not exist, saying why in its place."""
    figure = go.Figure()
    figure.add_annotation(
        text=wrapped(reason), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 13}
    )
    styled(figure, title, "", height=height, text_color=text_color)
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


def wrapped(text: str, width: int = 48) -> str:
    """Text broken into lines for a chart, safe where Plotly reads markup."""
    import html
    import textwrap

    return "<br>".join(html.escape(line) for line in textwrap.wrap(text, width)) or " "


def add_band(figure: go.Figure, x: Any, low: Any, high: Any, color: str = ACCENT, name: str = "95 % interval") -> None:
    """Draw an interval as a band under what is drawn later; x, low, high are (K,)."""
    if len(x) == 0:
        return
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([x, np.asarray(x)[::-1]]),
            y=np.concatenate([high, np.asarray(low)[::-1]]),
            fill="toself",
            fillcolor=faded(color),
            line={"width": 0},
            hoverinfo="skip",
            name=name,
            mode="lines",
        )
    )


def thinned(n: int, most: int = 1500) -> Any:
    """Indices that keep a curve's ends and at most `most` of its points; a browser draws no more."""
    return np.arange(n) if n <= most else np.unique(np.linspace(0, n - 1, most).round().astype(int))
