"""Precision (PPV) against recall (sensitivity), with a band and the share of bleeds as the chance line."""

from collections.abc import Mapping

import plotly.graph_objects as go

from hemo.charts.template import FAINT, SERIES, add_band, empty, styled, thinned
from hemo.evaluate.curves import Curve


def precision_recall_figure(
    curves: Mapping[str, Curve | str],
    share: float,
    subtitle: str,
    current: tuple[float, float] | None = None,
    text_color: str | None = None,
    height: int = 400,
) -> go.Figure:
    """Draw one or more precision-recall curves.

    Args:
        curves: label → curve, or the sentence why there is none.
        share: share of bleeds in the set: the precision of calling everything.
        subtitle: n and by what.
        current: (recall, precision) of the threshold in hand.
        text_color: see `template.styled`.
        height: in CSS pixels.
    """
    title = "Precision and recall"
    drawn = {name: curve for name, curve in curves.items() if isinstance(curve, Curve)}
    if not drawn:
        return empty(title, next(iter(str(c) for c in curves.values()), ""), height=height, text_color=text_color)
    figure = go.Figure()
    for (_, curve), color in zip(drawn.items(), SERIES, strict=False):
        add_band(figure, curve.band_x, curve.low, curve.high, color)
    figure.add_hline(y=share, line={"color": FAINT, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=0.02,
        y=share,
        text=f"share of bleeds in this set {share:.2f}",
        showarrow=False,
        xanchor="left",
        yanchor="bottom" if share < 0.9 else "top",
        font={"size": 11},
    )
    low = all(curve.y[curve.x > 0.05].max(initial=0) < 0.7 for curve in drawn.values())
    for i, ((name, curve), color) in enumerate(zip(drawn.items(), SERIES, strict=False)):
        at = thinned(curve.x.size)
        figure.add_trace(
            go.Scatter(
                x=curve.x[at],
                y=curve.y[at],
                customdata=curve.thresholds[at],
                mode="lines",
                line={"color": color, "width": 2},
                name=name,
                hovertemplate="precision %{y:.3f}<br>recall %{x:.3f}<br>threshold %{customdata:.3f}<extra></extra>",
            )
        )
        figure.add_annotation(
            x=0.02,
            y=0.97 - 0.075 * i if low else 0.03 + 0.075 * i if share > 0.3 else share + 0.1 + 0.075 * i,
            text=f"<b>{name}</b>",
            font={"color": color, "size": 13},
            showarrow=False,
            xanchor="left",
        )
    if current is not None:
        figure.add_trace(
            go.Scatter(
                x=[current[0]],
                y=[current[1]],
                mode="markers",
                marker={"symbol": "circle-open", "size": 15, "color": SERIES[0], "line": {"width": 2.5}},
                hovertemplate="the threshold in hand<br>precision %{y:.3f}<br>recall %{x:.3f}<extra></extra>",
            )
        )
    styled(figure, title, subtitle, x="Recall (sensitivity)", y="Precision (PPV)", text_color=text_color, height=height)
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(range=[-0.01, 1.02])
    return figure
