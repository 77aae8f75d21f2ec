"""Curves of training runs: one run by batch and by epoch, or several laid over each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hemo.charts.template import ACCENT, FAINT, FONT, GRID, SECOND, faded

Event = Mapping[str, Any]

PANELS = ("Loss", "Accuracy", "AUC")
_FIGURES = ("loss", "accuracy", "auc")
_BATCH_POINTS = 600
_ROC_KEPT = 6


TRAINING = "#8A94A0"
VALIDATION = ACCENT
# Okabe and Ito's palette without the four call colors; dashes tell runs apart without color.
RUN_COLORS = (ACCENT, SECOND, "#4C9A8F", "#A0653B", "#8A63C9", "#8A7D3A")
RUN_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def training_curves(epochs: Sequence[Event], batches: Sequence[Event], *, best_epoch: int = 0) -> go.Figure:
    """Loss, accuracy and AUC of training and validation, and the validation ROC as it grows.

    Args:
        epochs: `epoch` events of a run.
        batches: its `batch` events; batch b of epoch e of n batches lies at e - 1 + b / n.
        best_epoch: marked by a line; 0 for none.
    """
    titles = (*PANELS, "Validation ROC by epoch")
    figure = make_subplots(rows=2, cols=2, subplot_titles=titles, horizontal_spacing=0.1, vertical_spacing=0.22)
    shown = batches[:: max(1, len(batches) // _BATCH_POINTS)]
    for panel, name in enumerate(_FIGURES):
        at = {"row": panel // 2 + 1, "col": panel % 2 + 1}
        _add_batches(figure, shown, name, at)
        _add_epochs(figure, epochs, name, "training", TRAINING, at)
        _add_epochs(figure, epochs, f"val_{name}", "validation", VALIDATION, at)
        if best_epoch:
            figure.add_vline(x=best_epoch, line={"color": faded(TRAINING, 0.6), "width": 1, "dash": "dot"}, **at)
        # Exploding first batches must not flatten everything that follows.
        limits = _limits(epochs, shown, name)
        figure.update_yaxes(range=limits, **at)
        figure.update_xaxes(title={"text": "epoch", "standoff": 4}, rangemode="tozero", **at)
    _add_roc(figure, epochs)
    _style(figure)
    _name_curves(figure)
    return figure


def compare_curves(runs: Mapping[str, Sequence[Event]]) -> go.Figure:
    """Loss, accuracy and AUC on validation (thick) and training (thin) of several runs.

    Args:
        runs: name of a run → its `epoch` events.
    """
    figure = make_subplots(rows=1, cols=3, subplot_titles=PANELS, horizontal_spacing=0.07)
    for number, (run, epochs) in enumerate(runs.items()):
        color, dash = RUN_COLORS[number % len(RUN_COLORS)], RUN_DASHES[number % len(RUN_DASHES)]
        for panel, name in enumerate(_FIGURES):
            for part, key, width in (("training", name, 1), ("validation", f"val_{name}", 2.2)):
                known = [epoch for epoch in epochs if epoch.get(key) is not None]
                figure.add_scatter(
                    x=[epoch["epoch"] for epoch in known],
                    y=[epoch[key] for epoch in known],
                    mode="lines" if len(known) > 1 else "markers",
                    name=run,
                    legendgroup=run,
                    showlegend=panel == 0 and part == "validation",
                    line={"color": color, "width": width, "dash": dash},
                    opacity=1.0 if part == "validation" else 0.6,
                    hovertemplate=f"{run}, {part}<br>epoch %{{x}}: %{{y:.4f}}<extra></extra>",
                    row=1,
                    col=panel + 1,
                )
    every = [epoch for epochs in runs.values() for epoch in epochs]
    for panel, name in enumerate(_FIGURES):
        figure.update_yaxes(range=_limits(every, (), name), row=1, col=panel + 1)
    figure.update_xaxes(title={"text": "epoch", "standoff": 4})
    _style(figure)
    figure.update_layout(height=340, showlegend=True, legend={"orientation": "h", "y": -0.25, "x": 0})
    return figure


def described(epochs: Sequence[Event], batches: Sequence[Event]) -> str:
    """What the curves show, in words, for readers who do not see them."""
    if not epochs:
        return f"Training curves: {len(batches)} batches of the first epoch so far."
    last = epochs[-1]
    figures = ", ".join(
        f"{label} {last[key]:.3f}"
        for key, label in (
            ("loss", "training loss"),
            ("val_loss", "validation loss"),
            ("val_accuracy", "validation accuracy"),
            ("val_auc", "validation AUC"),
        )
        if last.get(key) is not None
    )
    return f"Training curves over {len(epochs)} epochs. After epoch {last['epoch']}: {figures}."


def _add_batches(figure: go.Figure, batches: Sequence[Event], name: str, at: dict[str, int]) -> None:
    known = [batch for batch in batches if batch.get(name) is not None]
    figure.add_scatter(
        x=[batch["epoch"] - 1 + batch["batch"] / batch["batches"] for batch in known],
        y=[batch[name] for batch in known],
        mode="lines" if len(known) > 1 else "markers",  # a line through the very first batch would not be seen
        line={"color": faded(TRAINING, 0.4), "width": 1},
        marker={"color": TRAINING, "size": 4},
        hovertemplate="batch at %{x:.2f}: %{y:.4f}<extra></extra>",
        **at,
    )


def _add_epochs(
    figure: go.Figure, epochs: Sequence[Event], key: str, label: str, color: str, at: dict[str, int]
) -> None:
    known = [epoch for epoch in epochs if epoch.get(key) is not None]
    if not known:
        return
    figure.add_scatter(
        x=[epoch["epoch"] for epoch in known],
        y=[epoch[key] for epoch in known],
        mode="lines+markers",
        line={"color": color, "width": 1.8},
        marker={"size": 4, "symbol": "circle" if label == "validation" else "square"},
        hovertemplate=f"{label}, epoch %{{x}}: %{{y:.4f}}<extra></extra>",
        **at,
    )


def _add_roc(figure: go.Figure, epochs: Sequence[Event]) -> None:
    at = {"row": 2, "col": 2}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": FAINT, "width": 1, "dash": "dash"}, **at)
    curves = [epoch for epoch in epochs if epoch.get("roc")]
    step = max(1, (len(curves) - 1) // (_ROC_KEPT - 1)) if len(curves) > 1 else 1
    kept = sorted({*range(0, len(curves), step), len(curves) - 1} - {-1})
    for place, index in enumerate(kept):
        points, newest = curves[index]["roc"], index == len(curves) - 1
        figure.add_scatter(
            x=[point[0] for point in points],
            y=[point[1] for point in points],
            mode="lines",
            line={"color": VALIDATION, "width": 2 if newest else 1},
            opacity=1.0 if newest else 0.2 + 0.4 * place / len(kept),
            hovertemplate=f"epoch {curves[index]['epoch']}<br>1 - specificity %{{x:.3f}}"
            "<br>sensitivity %{y:.3f}<extra></extra>",
            **at,
        )
    figure.update_xaxes(title={"text": "1 - specificity", "standoff": 4}, range=[-0.01, 1.01], **at)
    figure.update_yaxes(range=[0, 1.02], **at)


def _name_curves(figure: go.Figure) -> None:
    """Name the curves above the first panel, in their colors and with their marks."""
    right, top = figure.layout.xaxis.domain[1], figure.layout.yaxis.domain[1]
    named = (("■ training", TRAINING), ("● validation", VALIDATION))
    text = "  ".join(f'<span style="color:{color}">{label}</span>' for label, color in named)
    figure.add_annotation(
        x=right, y=top, text=text, xref="paper", yref="paper", xanchor="right", yanchor="bottom", showarrow=False
    )


def _limits(epochs: Sequence[Event], batches: Sequence[Event], name: str) -> list[float] | None:
    if name != "loss":
        return [0.0, 1.02]
    values = [event[key] for event in epochs for key in ("loss", "val_loss") if event.get(key) is not None]
    values += [batch["loss"] for batch in batches if batch.get("loss") is not None]
    if not values:
        return None
    ordered = sorted(values)
    usual = ordered[int(0.9 * (len(ordered) - 1))]
    return [0.0, 1.15 * min(max(ordered), 2.0 * max(usual, ordered[len(ordered) // 2]))]


def _style(figure: go.Figure) -> None:
    figure.update_layout(
        height=470,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 12},
        hovermode="closest",
        uirevision="training",  # a reader's zoom stays when new points arrive
    )
    figure.update_xaxes(
        showgrid=False, zeroline=False, linecolor=FAINT, ticks="outside", automargin=True, title_font={"size": 12}
    )
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    # Panel titles stand above the left end of their axes, not in the middle.
    for panel, annotation in enumerate(figure.layout.annotations[:4]):
        axis = figure.layout[f"xaxis{panel + 1 if panel else ''}"]
        annotation.update(font={"size": 13}, xanchor="left", x=axis.domain[0])
