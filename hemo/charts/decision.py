"""The decision curve: is acting on the model worth more than acting on every slice, or on none?"""

import plotly.graph_objects as go

from hemo.charts.template import ACCENT, FAINT, SECOND, add_band, empty, styled
from hemo.evaluate.curves import DecisionCurve


def decision_figure(
    curve: DecisionCurve | str, subtitle: str, text_color: str | None = None, height: int = 380
) -> go.Figure:
    """Draw net benefit over the threshold probability at which a reader would act.

    Args:
        curve: from `curves.decision_curve`, or the sentence why there is none.
        subtitle: n and by what.
        text_color: see `template.styled`.
        height: in CSS pixels.
    """
    title = "Decision curve"
    if isinstance(curve, str):
        return empty(title, curve, height=height, text_color=text_color)
    figure = go.Figure()
    add_band(figure, curve.threshold, curve.low, curve.high)
    lines = (
        ("act on every slice", curve.everyone, SECOND, "dash"),
        ("act on the model", curve.model, ACCENT, "solid"),
    )
    for name, values, color, dash in lines:
        figure.add_trace(
            go.Scatter(
                x=curve.threshold,
                y=values,
                mode="lines",
                name=name,
                line={"color": color, "width": 2, "dash": dash},
                hovertemplate=f"{name}<br>net benefit %{{y:.4f}}<br>acting at %{{x:.2f}}<extra></extra>",
            )
        )
    figure.add_hline(y=0, line={"color": FAINT, "width": 1})
    top = float(max(curve.model.max(), curve.high.max() if curve.high.size else 0, 0.01))
    figure.add_annotation(
        x=0.98, y=top, text="<b>act on the model</b>", font={"color": ACCENT}, showarrow=False, xanchor="right"
    )
    figure.add_annotation(
        x=0.98, y=0.9 * top, text="<b>act on every slice</b>", font={"color": SECOND}, showarrow=False, xanchor="right"
    )
    figure.add_annotation(x=0.02, y=0, text="act on none", showarrow=False, xanchor="left", yanchor="top")
    styled(
        figure,
        title,
        subtitle,
        x="Score at which a reader would act",
        y="Net benefit (true positives per slice)",
        text_color=text_color,
        height=height,
    )
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[-0.35 * top, 1.12 * top])
    return figure
