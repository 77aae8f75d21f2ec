"""Sensitivity and specificity over the threshold, with their bands, the threshold in hand and the uncertain band."""

from collections.abc import Sequence

import plotly.graph_objects as go

from hemo.charts.calls import CALL_STYLES
from hemo.charts.template import FAINT, add_band, empty, faded, styled
from hemo.evaluate.curves import ThresholdTable
from hemo.evaluate.operating_point import OperatingPoint

SENSITIVITY, SPECIFICITY = CALL_STYLES["Hemorrhage"].color, CALL_STYLES["Normal"].color


def operating_figure(
    table: ThresholdTable | str,
    threshold: float,
    subtitle: str,
    points: Sequence[OperatingPoint] = (),
    band: tuple[float, float] | None = None,
    text_color: str | None = None,
    height: int = 400,
) -> go.Figure:
    """Draw both curves over the threshold.

    Args:
        table: from `curves.threshold_table`, or the sentence why there is none.
        threshold: the one in hand.
        subtitle: n and by what.
        points: operating points, marked on the axis.
        band: the uncertain band.
        text_color: see `template.styled`.
        height: in CSS pixels.
    """
    title = "Operating curve"
    if isinstance(table, str):
        return empty(title, table, height=height, text_color=text_color)
    figure = go.Figure()
    if band is not None:
        figure.add_vrect(x0=band[0], x1=band[1], fillcolor=faded(CALL_STYLES["Uncertain"].color, 0.14), line_width=0)
        figure.add_annotation(
            x=(band[0] + band[1]) / 2, y=0.02, text="uncertain", showarrow=False, font={"size": 11}, yanchor="bottom"
        )
    for values, color, name in (
        (table.sensitivity, SENSITIVITY, "sensitivity"),
        (table.specificity, SPECIFICITY, "specificity"),
    ):
        if table.samples is not None:
            add_band(figure, table.threshold, values[:, 1], values[:, 2], color)
        figure.add_trace(
            go.Scatter(
                x=table.threshold,
                y=values[:, 0],
                mode="lines",
                line={"color": color, "width": 2},
                name=name,
                hovertemplate=f"{name} %{{y:.3f}}<br>threshold %{{x:.3f}}<extra></extra>",
            )
        )
    for values, color, name, x, anchor in (
        (table.sensitivity, SENSITIVITY, "▲ sensitivity", 0.99, "right"),
        (table.specificity, SPECIFICITY, "● specificity", 0.04, "left"),
    ):
        # Beside the curve where it is highest under the label, so that the line does not run through the word.
        under = (table.threshold >= x - 0.2) & (table.threshold <= x) if anchor == "right" else table.threshold <= x
        y = float(values[under, 0].max())
        figure.add_annotation(
            x=x,
            y=y,
            text=f"<b>{name}</b>",
            font={"color": color},
            showarrow=False,
            xanchor=anchor,
            yanchor="bottom" if y < 0.9 else "top",
            yshift=4 if y < 0.9 else -4,
        )
    figure.add_vline(x=threshold, line={"width": 2, "color": FAINT})
    for i, point in enumerate(sorted(points, key=lambda each: each.threshold)):
        figure.add_vline(x=point.threshold, line={"width": 1, "dash": "dot", "color": FAINT})
        figure.add_annotation(
            x=point.threshold,
            y=1.02,
            yref="paper",
            text=point.name,
            showarrow=False,
            font={"size": 11},
            yanchor="bottom",
            yshift=13 * (i % 2),
        )
    styled(figure, title, subtitle, x="Threshold on the score", y="", text_color=text_color, height=height)
    figure.update_layout(margin={"t": 92})
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[-0.01, 1.02])
    return figure
