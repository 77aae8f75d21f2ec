"""Deletion and insertion curves: the mean score as the hottest part of the head is painted over, or put back."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from hemo.charts.template import FAINT, SERIES, empty, styled
from hemo.evaluate.localisation import deletion_insertion


def deletion_figure(
    curves: Mapping[str, Sequence[float]], title: str, text_color: str | None = None, height: int = 400
) -> go.Figure:
    """Draw one line a kind of map, with the area under it as its label.

    Args:
        curves: kind of map → mean scores from nothing done to all done, (steps + 1,).
        title: what is done to the hottest part.
        text_color: see `template.styled`.
        height: in CSS pixels.
    """
    if not curves:
        return empty(title, "not measured on this table", height=height, text_color=text_color)
    figure = go.Figure()
    for i, ((name, scores), color) in enumerate(zip(curves.items(), (*SERIES, FAINT, "#7A5FB0"), strict=False)):
        share = np.linspace(0, 1, len(scores))
        figure.add_trace(
            go.Scatter(
                x=share,
                y=list(scores),
                mode="lines+markers",
                name=name,
                line={"color": color, "width": 2, "dash": "dot" if "shuffled" in name else "solid"},
                marker={"size": 4},
                hovertemplate=f"{name}<br>%{{x:.0%}} of the head, score %{{y:.3f}}<extra></extra>",
            )
        )
        figure.add_annotation(
            x=0.99,
            y=1.08 + 0.11 * (len(curves) - i - 1),
            text=f"<b>{name}, area {deletion_insertion(np.asarray(scores)):.2f}</b>",
            font={"color": color, "size": 12},
            showarrow=False,
            xanchor="right",
        )
    styled(
        figure,
        title,
        "mean score of the bleeds sampled",
        x="Share of the head, hottest first",
        y="Mean score",
        text_color=text_color,
        height=height,
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.1 + 0.11 * len(curves)], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1])
    return figure
