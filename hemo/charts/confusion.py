"""The confusion matrix as four cells to click on."""

import plotly.graph_objects as go

from hemo.charts.calls import CALL_STYLES
from hemo.charts.template import ACCENT, faded, styled
from hemo.evaluate.metrics import Counts

CELLS = ("tp", "fn", "fp", "tn")
CELL_NAMES = {
    "tp": "bleeds called",
    "fn": "bleeds missed",
    "fp": "normals called",
    "tn": "normals cleared",
}


def confusion_figure(
    counts: Counts,
    subtitle: str,
    selected: str | None = None,
    text_color: str | None = None,
    height: int = 330,
) -> go.Figure:
    """Draw the four cells; shade is the share of the label's row.

    Args:
        counts: the matrix.
        subtitle: n, by what, and at which threshold.
        selected: one of `CELLS` to outline.
        text_color: see `template.styled`.
        height: in CSS pixels.

    Returns:
        a figure whose last trace has one point a cell, with the cell's name as `customdata`, as the place to click.
    """
    places = {"tp": (0, 1), "fn": (1, 1), "fp": (0, 0), "tn": (1, 0)}
    rows = {"tp": counts.positives, "fn": counts.positives, "fp": counts.negatives, "tn": counts.negatives}
    figure = go.Figure()
    for cell, (x, y) in places.items():
        n, row = getattr(counts, cell), rows[cell]
        share = n / row if row else 0.0
        figure.add_shape(
            type="rect",
            x0=x - 0.485,
            x1=x + 0.485,
            y0=y - 0.475,
            y1=y + 0.475,
            fillcolor=faded(ACCENT, 0.05 + 0.4 * share),
            line={"color": ACCENT, "width": 2.5 if cell == selected else 0},
            layer="below",
        )
        figure.add_annotation(
            x=x,
            y=y,
            text=f"<b style='font-size:22px'>{n:,}</b><br>{CELL_NAMES[cell]}"
            + (f"<br>{share:.1%} of row" if row else ""),
            showarrow=False,
        )
    figure.add_trace(
        go.Scatter(
            x=[places[cell][0] for cell in CELLS],
            y=[places[cell][1] for cell in CELLS],
            mode="markers",
            marker={"symbol": "square", "size": 100, "color": "rgba(127,127,127,0.01)"},
            customdata=list(CELLS),
            hovertemplate="show these slices<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    bleed, normal = CALL_STYLES["Hemorrhage"].symbol, CALL_STYLES["Normal"].symbol
    styled(figure, "Calls against labels", subtitle, text_color=text_color, height=height)
    figure.update_xaxes(
        range=[-0.5, 1.5],
        tickvals=[0, 1],
        ticktext=[f"called {bleed} hemorrhage", f"called {normal} normal"],
        side="top",
        showgrid=False,
        showline=False,
        ticks="",
        fixedrange=True,
    )
    figure.update_yaxes(
        range=[-0.5, 1.5],
        tickvals=[1, 0],
        ticktext=["labelled<br>hemorrhage", "labelled<br>normal"],
        showgrid=False,
        showline=False,
        ticks="",
        fixedrange=True,
    )
    figure.update_layout(margin={"l": 88, "r": 8, "t": 88, "b": 10}, clickmode="event+select", dragmode=False)
    return figure
