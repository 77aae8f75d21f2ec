"""The reliability diagram: what share of the slices with a given score are bleeds, before and after calibration."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hemo.charts.template import ACCENT, FAINT, SECOND, empty, faded, styled
from hemo.evaluate.calibration import ReliabilityBin


def reliability_figure(
    series: Mapping[str, Sequence[ReliabilityBin]],
    subtitle: str,
    text_color: str | None = None,
    height: int = 440,
) -> go.Figure:
    """Draw reliability diagrams over the number of slices in each bin.

    Args:
        series: label → bins, e.g. {"calibrated, ECE 0.012": …, "as trained, ECE 0.08": …}; the first is the main one.
        subtitle: n and by what.
        text_color: see `template.styled`.
        height: in CSS pixels.
    """
    title = "Calibration"
    drawn = {name: points for name, points in series.items() if points}
    if not drawn:
        reason = "not defined, because there are no finite probabilities"
        return empty(title, reason, height=height, text_color=text_color)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.8, 0.2], vertical_spacing=0.03)
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": FAINT, "width": 1, "dash": "dot"}, hoverinfo="skip"
        ),
        row=1,
        col=1,
    )
    for i, ((name, points), color) in enumerate(zip(drawn.items(), (ACCENT, SECOND), strict=False)):
        figure.add_trace(_line(name, points, color, main=i == 0), row=1, col=1)
        figure.add_annotation(
            x=0.02,
            y=0.97 - 0.085 * i,
            text=f"<b>{name}</b>",
            font={"color": color, "size": 13},
            showarrow=False,
            xanchor="left",
        )
    main = next(iter(drawn.values()))
    figure.add_trace(
        go.Bar(
            x=[(point.low + point.high) / 2 for point in main],
            y=[point.n for point in main],
            width=[0.9 * (point.high - point.low) for point in main],
            marker={"color": faded(ACCENT, 0.55)},
            hovertemplate="%{y} slices<extra></extra>",
        ),
        row=2,
        col=1,
    )
    styled(figure, title, subtitle, text_color=text_color, height=height)
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_xaxes(title_text="Score", row=2, col=1)
    figure.update_yaxes(range=[-0.02, 1.05], title_text="Share of bleeds", row=1, col=1)
    figure.update_yaxes(title_text="Slices", type="log", nticks=3, row=2, col=1)
    return figure


def _line(name: str, points: Sequence[ReliabilityBin], color: str, main: bool) -> go.Scatter:
    """Only the main series carries interval bars: two sets of bars cannot be told apart."""
    bars = None
    if main and all(point.interval for point in points):
        bars = {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, (point.interval or (0, 0))[1] - point.share) for point in points],
            "arrayminus": [max(0.0, point.share - (point.interval or (0, 0))[0]) for point in points],
            "thickness": 1.2,
            "width": 0,
            "color": color,
        }
    return go.Scatter(
        x=[point.mean_probability for point in points],
        y=[point.share for point in points],
        error_y=bars,
        mode="lines+markers",
        line={"color": color, "width": 2 if main else 1.5, "dash": "solid" if main else "dash"},
        marker={"size": 7 if main else 5, "symbol": "circle" if main else "square"},
        customdata=[[point.n, point.n_positive, point.n_groups] for point in points],
        name=name,
        hovertemplate="mean score %{x:.3f}<br>share of bleeds %{y:.3f}<br>%{customdata[1]} of %{customdata[0]} slices, "
        "%{customdata[2]} groups<extra></extra>",
    )
