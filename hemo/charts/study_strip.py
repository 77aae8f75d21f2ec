"""The strip under the viewer: the score of every slice of a study, in their order, to click on."""

from collections.abc import Sequence

import plotly.graph_objects as go

from hemo.charts.calls import CALL_STYLES

CURRENT_COLOR = "#4A90D9"
BAND_COLOR = "rgba(230, 159, 0, 0.18)"
LINE_COLOR = "rgba(127, 127, 127, 0.75)"


def study_strip(
    scores: Sequence[float | None],
    calls: Sequence[str],
    current: int,
    *,
    threshold: float | None = None,
    band: tuple[float, float] | None = None,
    smoothed: Sequence[float | None] | None = None,
    height: int = 112,
) -> go.Figure:
    """Draw one stem a slice; color and shape say the call.

    Args:
        scores: probability of each slice in [0, 1]; None where it was refused.
        calls: the call of each slice.
        current: index of the slice in the viewer, from 0.
        threshold: drawn as a line where it decides.
        band: the uncertain band, low and high, where it decides.
        smoothed: each slice's score among its neighbours', drawn as a line; None where the slices are no series.
        height: of the figure, in CSS pixels.

    Returns:
        A figure whose first trace has one invisible bar a slice, over the full height, as the place to click; its
        `customdata` is the slice's index from 0.
    """
    numbers = list(range(1, len(scores) + 1))
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=numbers,
            y=[1.14] * len(numbers),
            base=-0.06,
            width=1,
            marker={"color": "rgba(127,127,127,0.01)", "line": {"width": 0}},
            customdata=list(range(len(numbers))),
            hovertext=[
                _hover(number, *each)
                for number, each in enumerate(
                    zip(scores, smoothed or [None] * len(scores), calls, strict=True), start=1
                )
            ],
            hoverinfo="text",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    if smoothed is not None:
        figure.add_trace(_line(smoothed))
    for call, style in CALL_STYLES.items():
        here = [index for index, each in enumerate(calls) if each == call]
        if here:
            figure.add_trace(_stems(here, scores, style.color))
            figure.add_trace(_heads(here, scores, style.color, style.marker, call))
    if band is not None:
        figure.add_hrect(y0=band[0], y1=band[1], fillcolor=BAND_COLOR, line_width=0, layer="below")
    if threshold is not None:
        figure.add_hline(y=threshold, line={"color": LINE_COLOR, "width": 1, "dash": "dot"})
    figure.add_vrect(
        x0=current + 0.5,
        x1=current + 1.5,
        line={"color": CURRENT_COLOR, "width": 1.5},
        fillcolor="rgba(74,144,217,0.14)",
    )
    figure.update_layout(
        height=height,
        margin={"l": 30, "r": 6, "t": 4, "b": 20},
        showlegend=False,
        dragmode=False,
        bargap=0,
        hovermode="closest",
        clickmode="event+select",
        xaxis={
            "range": [0.5, len(numbers) + 0.5],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "nticks": 12,
            "tickformat": "d",
            "ticks": "",
        },
        yaxis={
            "range": [-0.06, 1.08],
            "tickvals": [0, 0.5, 1],
            "fixedrange": True,
            "zeroline": False,
            "showgrid": False,
        },
    )
    return figure


def _hover(number: int, score: float | None, smoothed: float | None, call: str) -> str:
    shown = "no score" if score is None else f"score {score:.2f}"
    among = "" if smoothed is None else f"; with its neighbors {smoothed:.2f}"
    return f"Slice {number}: {shown}, {call}{among}"


def _line(smoothed: Sequence[float | None]) -> go.Scatter:
    numbers = list(range(1, len(smoothed) + 1))
    return go.Scatter(x=numbers, y=smoothed, mode="lines", line={"color": LINE_COLOR, "width": 1.5}, hoverinfo="skip")


def _stems(here: Sequence[int], scores: Sequence[float | None], color: str) -> go.Scatter:
    """Lines from zero to each score, as one trace with gaps."""
    x: list[float | None] = []
    y: list[float | None] = []
    for index in here:
        x += [index + 1, index + 1, None]
        y += [0.0, scores[index] or 0.0, None]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": color, "width": 2}, hoverinfo="skip")


def _heads(here: Sequence[int], scores: Sequence[float | None], color: str, marker: str, call: str) -> go.Scatter:
    size = 9 if len(scores) <= 60 else 6
    return go.Scatter(
        x=[index + 1 for index in here],
        y=[max(scores[index] or 0.0, 0.03) for index in here],
        mode="markers",
        name=call,
        marker={"color": color, "symbol": marker, "size": size},
        hoverinfo="skip",
    )
