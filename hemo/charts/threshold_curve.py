"""What the ROC and the precision-recall chart share: bands, lines whose points are thresholds, the one in hand."""

from collections.abc import Callable, Mapping

import plotly.graph_objects as go

from hemo.charts.template import SERIES, add_band, thinned
from hemo.evaluate.curves import Curve


def drawable(curves: Mapping[str, Curve | str]) -> tuple[dict[str, Curve], str]:
    """The curves there are, by label, and the first sentence why one is not."""
    drawn = {name: curve for name, curve in curves.items() if isinstance(curve, Curve)}
    return drawn, next((curve for curve in curves.values() if isinstance(curve, str)), "")


def add_bands(figure: go.Figure, drawn: Mapping[str, Curve]) -> None:
    """Draw each curve's interval; first, so that all else lies on top."""
    for curve, color in zip(drawn.values(), SERIES, strict=False):
        add_band(figure, curve.band_x, curve.low, curve.high, color)


def add_lines(
    figure: go.Figure,
    drawn: Mapping[str, Curve],
    y: str,
    x: str,
    place: Callable[[int], tuple[float, float]],
    anchor: str,
) -> None:
    """Draw each curve and its label.

    Args:
        figure: changed in place. Points carry their threshold as `customdata`, for clicking.
        drawn: label → curve.
        y: what the curve's y is, for the hover text.
        x: what its x is.
        place: number of the curve → where its label stands.
        anchor: side of the label that stands there, "left" or "right".
    """
    for i, ((name, curve), color) in enumerate(zip(drawn.items(), SERIES, strict=False)):
        at = thinned(curve.x.size)
        figure.add_trace(
            go.Scatter(
                x=curve.x[at],
                y=curve.y[at],
                customdata=curve.thresholds[at],
                # Plotly selects markers only, so every point of the line has one that is not seen.
                mode="lines+markers",
                line={"color": color, "width": 2},
                marker={"size": 7, "opacity": 0, "color": color},
                name=name,
                hovertemplate=f"{y} %{{y:.3f}}<br>{x} %{{x:.3f}}<br>threshold %{{customdata:.3f}}<extra></extra>",
            )
        )
        label_x, label_y = place(i)
        figure.add_annotation(
            x=label_x,
            y=label_y,
            text=f"<b>{name}</b>",
            font={"color": color, "size": 13},
            showarrow=False,
            xanchor=anchor,
        )


def add_current(figure: go.Figure, current: tuple[float, float] | None, y: str, x: str) -> None:
    """Draw a ring around the threshold in hand, at (x, y)."""
    if current is None:
        return
    figure.add_trace(
        go.Scatter(
            x=[current[0]],
            y=[current[1]],
            mode="markers",
            marker={"symbol": "circle-open", "size": 15, "color": SERIES[0], "line": {"width": 2.5}},
            hovertemplate=f"the threshold in hand<br>{y} %{{y:.3f}}<br>{x} %{{x:.3f}}<extra></extra>",
        )
    )
