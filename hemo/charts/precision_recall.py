"""Precision (PPV) against recall (sensitivity), with a band and the share of bleeds as the chance line."""

from collections.abc import Mapping

import plotly.graph_objects as go

from hemo.charts.template import FAINT, empty, styled
from hemo.charts.threshold_curve import add_bands, add_current, add_lines, drawable
from hemo.evaluate.curves import Curve

_Y, _X = "precision", "recall"


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
    drawn, why = drawable(curves)
    if not drawn:
        return empty(title, why, height=height, text_color=text_color)
    figure = go.Figure()
    add_bands(figure, drawn)
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

    def place(i: int) -> tuple[float, float]:
        return 0.02, 0.97 - 0.075 * i if low else 0.03 + 0.075 * i if share > 0.3 else share + 0.1 + 0.075 * i

    add_lines(figure, drawn, _Y, _X, place, "left")
    add_current(figure, current, _Y, _X)
    styled(figure, title, subtitle, x="Recall (sensitivity)", y="Precision (PPV)", text_color=text_color, height=height)
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(range=[-0.01, 1.02])
    return figure
