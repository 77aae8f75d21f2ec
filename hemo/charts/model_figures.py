"""Two models' figures side by side: each with its interval, so that a difference can be weighed."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from hemo.charts.template import ACCENT, FONT, SECOND, styled

SYMBOLS = ("circle", "diamond")
COLORS = (ACCENT, SECOND)
_OFFSET = 0.17


def model_figures(
    models: Sequence[tuple[str, Mapping[str, Any]]],
    names: Sequence[str],
    titles: Mapping[str, str],
    text_color: str | None = None,
) -> go.Figure:
    """Dots with interval bars, a row a figure, one symbol and color a model.

    Args:
        models: name and card metrics of each model, at most two.
        names: which metrics, all of them between 0 and 1, from top to bottom.
        titles: metric → what it is called.
        text_color: of all text; None leaves it to the page's theme.
    """
    figure = go.Figure()
    for place, (model, metrics) in enumerate(models):
        shown = [name for name in names if name in metrics]
        rows = [names.index(name) + (2 * place - 1) * _OFFSET * (len(models) > 1) for name in shown]
        values = [float(metrics[name]["value"]) for name in shown]
        low, high = _arms(metrics, shown, values)
        figure.add_scatter(
            x=values,
            y=rows,
            mode="markers",
            name=model,
            marker={"color": COLORS[place], "symbol": SYMBOLS[place], "size": 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": high,
                "arrayminus": low,
                "thickness": 1.5,
                "width": 0,
            },
            customdata=[_said(metrics[name]) for name in shown],
            hovertemplate="%{x:.3f} %{customdata}<extra>" + model.replace("<", "&lt;") + "</extra>",
        )
    styled(
        figure,
        "Values, 95 % intervals",
        "no bar: no honest interval",
        height=130 + 44 * len(names),
        text_color=text_color,
    )
    ticks = [titles.get(name, name) for name in names]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=ticks, range=[len(names) - 0.5, -0.5], title_text="")
    figure.update_xaxes(range=[-0.02, 1.02], title_text="")
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
    figure.update_layout(
        showlegend=len(models) > 1,
        legend=legend | {"font": {"family": FONT, "size": 13}},
        margin={"l": 110, "b": 72},
    )
    return figure


def _arms(metrics: Mapping[str, Any], names: Sequence[str], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Lengths of the interval's arms below and above each value; zero where there is no interval."""
    spans = [metrics[name].get("interval") or [value, value] for name, value in zip(names, values, strict=True)]
    low = [max(value - span[0], 0.0) for value, span in zip(values, spans, strict=True)]
    return low, [max(span[1] - value, 0.0) for value, span in zip(values, spans, strict=True)]


def _said(metric: Mapping[str, Any]) -> str:
    span = metric.get("interval")
    groups = metric.get("n_groups")
    of = f" of {groups} groups" if groups is not None else ""
    return (f"({span[0]:.3f} to {span[1]:.3f})" if span else "(no interval)") + f", n = {metric['n']}{of}"
