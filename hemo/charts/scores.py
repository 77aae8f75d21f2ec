"""Where the scores lie: a histogram by label, and one row of dots a patient."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from hemo.charts.calls import CALL_STYLES
from hemo.charts.template import FAINT, empty, faded, styled

_LABELS = ((0, "Normal"), (1, "Hemorrhage"))


def score_histogram(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    subtitle: str,
    band: tuple[float, float] | None = None,
    bins: int = 40,
    text_color: str | None = None,
    height: int = 330,
) -> go.Figure:
    """Draw the share of each label's slices in each range of scores, bleeds upwards and normals downwards.

    Args:
        labels: (N,) of 0 and 1.
        probabilities: (N,) in [0, 1].
        threshold: the one in hand.
        subtitle: n and by what.
        band: the uncertain band.
        bins: ranges between 0 and 1.
        text_color: see `template.styled`.
        height: in CSS pixels.

    Returns:
        a figure whose bars carry (label, low, high, slices, share) as `customdata`, for clicking.
    """
    y, p = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    title = "Scores by label"
    if not y.size:
        return empty(title, "not defined, because there are no slices", height=height, text_color=text_color)
    edges = np.linspace(0, 1, bins + 1)
    figure = go.Figure()
    if band is not None:
        figure.add_vrect(x0=band[0], x1=band[1], fillcolor=faded(CALL_STYLES["Uncertain"].color, 0.14), line_width=0)
    tops = {1: 0.0, 0: 0.0}
    for value, name in _LABELS:
        these = p[(y == value) & np.isfinite(p)]
        if not these.size:
            continue
        counts = np.histogram(these, edges)[0]
        share = counts / these.size
        tops[value] = float(share.max())
        style, up = CALL_STYLES[name], 1 if value else -1
        figure.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=up * share,
                customdata=[
                    [value, low, high, n, f"{part:.1%}"]
                    for low, high, n, part in zip(
                        edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), share.tolist(), strict=True
                    )
                ],
                width=1 / bins,
                marker={"color": faded(style.color, 0.55), "line": {"color": style.color, "width": 1}},
                name=name,
                hovertemplate=f"labelled {name.lower()}, scores %{{customdata[1]:.3f}} to %{{customdata[2]:.3f}}"
                "<br>%{customdata[3]:,} slices (%{customdata[4]})<extra></extra>",
            )
        )
        figure.add_annotation(
            x=0.99,
            y=0.97 if value else 0.03,
            yref="paper",
            text=f"<b>{style.symbol} labelled {name.lower()}, {these.size:,}</b>",
            font={"color": style.color},
            showarrow=False,
            xanchor="right",
        )
    figure.add_vline(x=threshold, line={"width": 2, "color": FAINT})
    figure.add_hline(y=0, line={"width": 1, "color": FAINT})
    styled(figure, title, subtitle, x="Score", y="Share of the label's slices", text_color=text_color, height=height)
    figure.update_xaxes(range=[0, 1])
    room = max(*tops.values(), 0.01)
    top, bottom = max(tops[1], 0.25 * room), max(tops[0], 0.25 * room)
    ticks = _ticks(top), _ticks(bottom)
    figure.update_yaxes(
        range=[-1.2 * bottom, 1.2 * top],
        tickvals=[-tick for tick in ticks[1][::-1]] + [0, *ticks[0]],
        ticktext=[f"{tick:.0%}" for tick in (*ticks[1][::-1], 0, *ticks[0])],
    )
    figure.update_layout(barmode="overlay", bargap=0)
    return figure


def _ticks(top: float) -> list[float]:
    """One to four round shares up to `top`, zero left out."""
    step = next((step for step in (0.02, 0.05, 0.1, 0.2, 0.25) if top / step < 4), 0.5)
    return [step * i for i in range(1, int(top / step) + 1)]


def patient_strip(
    frame: pd.DataFrame,
    threshold: float,
    subtitle: str,
    kind: str = "patient",
    most: int = 60,
    text_color: str | None = None,
) -> go.Figure:
    """Draw one row of dots a patient, the highest scores on top; symbol and color say the label.

    Args:
        frame: columns group, label, probability, source of accepted slices.
        threshold: the one in hand.
        subtitle: n and by what.
        kind: what a group is.
        most: rows drawn: groups with a bleed first, then those without, by highest score.
        text_color: see `template.styled`.

    Returns:
        a figure whose `customdata` is the row's position in `frame`, for clicking.
    """
    title = f"Scores of every {kind}"
    if frame.empty:
        return empty(title, "not defined, because there are no slices", text_color=text_color)
    table = frame.reset_index(drop=True)
    order = table.groupby("group").agg(label=("label", "max"), top=("probability", "max"))
    order = order.sort_values(["label", "top"], ascending=False).head(most)
    place = {group: i for i, group in enumerate(order.index)}
    figure = go.Figure()
    shown = table[table["group"].isin(place)]
    for value, name in _LABELS:
        part = shown[shown["label"] == value]
        style = CALL_STYLES[name]
        figure.add_trace(
            go.Scattergl(
                x=part["probability"],
                y=part["group"].map(place),
                customdata=part.index.to_numpy(),
                text=part["group"].astype(str),
                mode="markers",
                marker={"color": style.color, "symbol": style.marker, "size": 8 if value else 5, "opacity": 0.75},
                name=name,
                hovertemplate=f"{kind} %{{text}}<br>score %{{x:.3f}}, labelled {name.lower()}<extra></extra>",
            )
        )
    figure.add_vline(x=threshold, line={"width": 2, "color": FAINT})
    hidden = table["group"].nunique() - len(place)
    note = f"; {hidden} more not drawn" if hidden else ""
    styled(figure, title, subtitle + note, x="Score", y="", text_color=text_color, height=130 + 15 * max(len(place), 8))
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(
        tickvals=list(place.values()),
        ticktext=[str(g)[:16] for g in place],
        range=[max(len(place), 8) - 0.5, -0.8],
        tickfont={"size": 10},
        automargin=True,
    )
    return figure
