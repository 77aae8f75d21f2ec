"""Slices of each subtype, called and missed: one bar a subtype, its sensitivity beside it."""

from collections.abc import Sequence

import plotly.graph_objects as go

from hemo.charts.calls import CALL_STYLES
from hemo.charts.template import empty, faded, styled

_PARTS = ((True, "Hemorrhage", "called"), (False, "Normal", "missed"))


def subtype_figure(
    rows: Sequence[tuple[str, int, int, str]], subtitle: str, text_color: str | None = None
) -> go.Figure:
    """Draw one bar a subtype, split into slices called and missed.

    Args:
        rows: subtype, slices called, slices missed, sensitivity as text.
        subtitle: n, by what, and at which threshold.
        text_color: see `template.styled`.

    Returns:
        a figure whose bars carry (subtype, called) as `customdata`, for clicking.
    """
    title = "Called and missed, by subtype"
    if not rows:
        return empty(title, "not known: the set names no subtypes", text_color=text_color)
    figure = go.Figure()
    names = [name.capitalize() for name, *_ in rows]
    for called, call, word in _PARTS:
        style = CALL_STYLES[call]
        counts = [row[1] if called else row[2] for row in rows]
        figure.add_trace(
            go.Bar(
                x=counts,
                y=names,
                orientation="h",
                customdata=[[name, called] for name, *_ in rows],
                marker={"color": faded(style.color, 0.55), "line": {"color": style.color, "width": 1}},
                name=word,
                hovertemplate=f"%{{y}}<br>%{{x:,}} slices {word}<extra></extra>",
            )
        )
    called_mark, missed_mark = (CALL_STYLES[call].symbol for _, call, _ in _PARTS)
    for name, found, missed, sensitivity in rows:
        figure.add_annotation(
            x=found + missed,
            y=name.capitalize(),
            text=f" {called_mark} {found:,} called, {missed_mark} {missed:,} missed; sensitivity {sensitivity}",
            showarrow=False,
            xanchor="left",
            font={"size": 12},
        )
    styled(figure, title, subtitle, x="Slices", y="", text_color=text_color, height=150 + 42 * len(rows))
    most = max(found + missed for _, found, missed, _ in rows)
    figure.update_xaxes(range=[0, 1.8 * most])
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(barmode="stack", bargap=0.35, margin={"l": 130})
    return figure
