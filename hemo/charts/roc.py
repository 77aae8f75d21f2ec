"""The ROC curve: sensitivity against false positive rate, with a band, the chance line and named thresholds."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from hemo.charts.template import FAINT, SERIES, empty, styled
from hemo.charts.threshold_curve import add_bands, add_current, add_lines, drawable
from hemo.evaluate.curves import Curve
from hemo.evaluate.operating_point import OperatingPoint

_Y, _X = "sensitivity", "false positive rate"
_MARKERS = {"rule-out": "triangle-left", "balanced": "diamond", "rule-in": "triangle-right"}


def roc_figure(
    curves: Mapping[str, Curve | str],
    subtitle: str,
    points: Sequence[OperatingPoint] = (),
    current: tuple[float, float] | None = None,
    text_color: str | None = None,
    height: int = 400,
) -> go.Figure:
    """Draw one or more ROC curves.

    Args:
        curves: label → curve, or the sentence why there is none; a label stands beside its line, e.g. "AUC 0.953".
        subtitle: n and by what.
        points: operating points to mark, where both figures are defined.
        current: (false positive rate, sensitivity) of the threshold in hand.
        text_color: see `template.styled`.
        height: in CSS pixels.
    """
    drawn, why = drawable(curves)
    if not drawn:
        return empty("ROC curve", why, height=height, text_color=text_color)
    figure = go.Figure()
    add_bands(figure, drawn)
    figure.add_trace(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": FAINT, "width": 1, "dash": "dot"}, hoverinfo="skip")
    )
    last = len(drawn) - 1
    add_lines(figure, drawn, _Y, _X, lambda i: (0.98, 0.06 + 0.075 * (last - i)), "right")
    figure.add_annotation(x=0.6, y=0.56, text="chance", textangle=0, showarrow=False, font={"size": 11})
    _mark(figure, points)
    add_current(figure, current, _Y, _X)
    styled(
        figure,
        "ROC curve",
        subtitle,
        x="False positive rate (1 − specificity)",
        y="Sensitivity",
        text_color=text_color,
        height=height,
    )
    figure.update_xaxes(range=[-0.01, 1.01], constrain="domain")
    figure.update_yaxes(range=[-0.01, 1.02])
    return figure


def _mark(figure: go.Figure, points: Sequence[OperatingPoint]) -> None:
    for i, point in enumerate(points):
        if point.sensitivity is None or point.specificity is None:
            continue
        figure.add_annotation(
            x=1 - point.specificity,
            y=point.sensitivity,
            text=point.name,
            font={"size": 11},
            showarrow=True,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=FAINT,
            standoff=5,
            ax=70,
            ay=(34 + 20 * i) * (1 if point.sensitivity > 0.4 else -1),
        )
        figure.add_trace(
            go.Scatter(
                x=[1 - point.specificity],
                y=[point.sensitivity],
                customdata=[point.threshold],
                mode="markers",
                marker={"symbol": _MARKERS.get(point.name, "square"), "size": 10, "color": SERIES[0]},
                hovertemplate=f"{point.name}, threshold {point.threshold:.3f}<br>sensitivity %{{y:.3f}}"
                f"<br>specificity {point.specificity:.3f}<extra></extra>",
            )
        )
