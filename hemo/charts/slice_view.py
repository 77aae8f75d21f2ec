"""The viewer's picture: one slice, or the slice beside itself under its heat map, zoomed and panned together."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

PANE_BACKGROUND = "#000000"
PANE_TEXT = "#E8EDF2"
GAP = 0.006
SCALE_BAR_MM = 50.0


@dataclass(frozen=True, eq=False)
class Pane:
    """One picture of the viewer.

    Args:
        title: a few words in the pane's corner.
        image: uint8 (rows, columns) grey or (rows, columns, 3) RGB.
        heat: whether the pane shows a heat map, and so needs its color bar.
    """

    title: str
    image: NDArray[np.uint8]
    heat: bool = False


def slice_view(
    panes: Sequence[Pane], *, spacing_mm: tuple[float, float] | None = None, height: int = 430, revision: str = "slice"
) -> go.Figure:
    """Draw panes side by side on black; zoom and pan act on all of them.

    Args:
        panes: one or more pictures of one shape.
        spacing_mm: distance between rows and between columns; with it pixels keep their true proportions and a bar of
            50 mm is drawn.
        height: of the figure, in CSS pixels.
        revision: zoom is kept while this stays the same.

    Returns:
        A figure without axes; hovering shows nothing.
    """
    rows, columns = panes[0].image.shape[:2]
    row_mm, column_mm = spacing_mm or (1.0, 1.0)
    wide, high = columns * column_mm, rows * row_mm
    figure = go.Figure()
    width = (1.0 - GAP * (len(panes) - 1)) / len(panes)
    for index, pane in enumerate(panes):
        suffix = "" if index == 0 else str(index + 1)
        left = index * (width + GAP)
        figure.update_layout(
            {
                f"xaxis{suffix}": _axis(
                    [0, wide], [left, left + width], anchor=f"y{suffix}", first=index == 0, letter="x"
                ),
                f"yaxis{suffix}": _axis([high, 0], [0, 1], anchor=f"x{suffix}", first=index == 0, letter="y")
                | {"scaleanchor": f"x{suffix}", "scaleratio": 1, "constrain": "domain"},
            }
        )
        # Without a trace on them, axes are not drawn and not dragged.
        figure.add_trace(
            go.Scatter(
                x=[0, wide],
                y=[0, high],
                mode="markers",
                marker={"opacity": 0},
                hoverinfo="skip",
                xaxis=f"x{suffix}",
                yaxis=f"y{suffix}",
                showlegend=False,
            )
        )
        figure.add_layout_image(
            source=png_uri(pane.image),
            xref=f"x{suffix}",
            yref=f"y{suffix}",
            x=0,
            y=0,
            sizex=wide,
            sizey=high,
            xanchor="left",
            yanchor="top",
            sizing="stretch",
            layer="below",
        )
        figure.add_annotation(
            text=pane.title,
            xref="paper",
            yref="paper",
            x=left + 0.008,
            y=0.99,
            xanchor="left",
            yanchor="top",
            align="left",
            showarrow=False,
            font={"color": PANE_TEXT, "size": 13},
            bgcolor="rgba(0,0,0,0.6)",
        )
        if pane.heat:
            _add_color_bar(figure, left + width)
    if spacing_mm is not None:
        _add_scale_bar(figure, wide, high)
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor=PANE_BACKGROUND,
        plot_bgcolor=PANE_BACKGROUND,
        dragmode="pan",
        uirevision=revision,
        showlegend=False,
        hovermode=False,
    )
    return figure


def png_uri(image: NDArray[np.uint8]) -> str:
    """An image as a `data:` address; fast compression, because it only crosses the machine.

    Args:
        image: uint8 (rows, columns) or RGB (rows, columns, 3).
    """
    stored = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    written, data = cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not written:
        raise ValueError(f"Expected an image that PNG can hold. Received: {image.dtype} {image.shape}")
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _axis(extent: list[float], domain: list[float], *, anchor: str, first: bool, letter: str) -> dict[str, object]:
    """A hidden axis that follows the first one of its kind."""
    axis: dict[str, object] = {"range": extent, "domain": domain, "anchor": anchor, "visible": False}
    return axis if first else axis | {"matches": letter}


def _add_color_bar(figure: go.Figure, right: float) -> None:
    figure.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            hoverinfo="skip",
            showlegend=False,
            marker={
                "color": [0],
                "cmin": 0,
                "cmax": 1,
                "colorscale": "Inferno",
                "showscale": True,
                "colorbar": {
                    "x": right - 0.006,
                    "xanchor": "right",
                    "y": 0.5,
                    "len": 0.5,
                    "thickness": 8,
                    "outlinewidth": 0,
                    "tickvals": [0.02, 0.98],
                    "ticktext": ["weak", "strong"],
                    "ticklabelposition": "outside",
                    "tickfont": {"color": PANE_TEXT, "size": 11},
                    "ticks": "",
                },
            },
        )
    )


def _add_scale_bar(figure: go.Figure, wide: float, high: float) -> None:
    if wide < 2 * SCALE_BAR_MM:
        return
    left, level = wide * 0.04, high * 0.955
    figure.add_shape(
        type="line", x0=left, x1=left + SCALE_BAR_MM, y0=level, y1=level, line={"color": PANE_TEXT, "width": 2}
    )
    figure.add_annotation(
        text="50 mm",
        x=left + SCALE_BAR_MM / 2,
        y=level,
        yshift=9,
        showarrow=False,
        font={"color": PANE_TEXT, "size": 11},
    )
