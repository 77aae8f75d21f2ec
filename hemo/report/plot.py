"""A chart small enough to be written as SVG without a script or drawn into a PDF: lines, bands and points.

The pages use Plotly; what leaves the app must open anywhere, so it carries no script and no font.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from hemo.charts.template import ACCENT
from hemo.evaluate.metrics import FloatArray

_MOST_POINTS = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 40.0, 42.0


@dataclass(frozen=True)
class Line:
    """A line, or points where `mark` is set.

    Args:
        x: (K,).
        y: (K,).
        color: "#RRGGBB".
        dashed: for chance lines and seconds.
        mark: draw points, not a line.
    """

    x: FloatArray
    y: FloatArray
    color: str = ACCENT
    dashed: bool = False
    mark: bool = False


@dataclass(frozen=True)
class Band:
    """An interval as an area between `low` and `high` over `x`, each (K,)."""

    x: FloatArray
    low: FloatArray
    high: FloatArray
    color: str = ACCENT


@dataclass(frozen=True)
class Plot:
    """A chart over x and y from `x_range` and `y_range`, with direct labels.

    Args:
        title: a few words.
        subtitle: n and by what.
        x_title: with its unit.
        y_title: with its unit.
        lines: drawn in order.
        bands: drawn under the lines.
        notes: (x, y, text, color) direct labels.
        x_range: of the axis.
        y_range: of the axis.
    """

    title: str
    subtitle: str
    x_title: str
    y_title: str
    lines: Sequence[Line] = ()
    bands: Sequence[Band] = ()
    notes: Sequence[tuple[float, float, str, str]] = field(default=())
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)


def line(x: ArrayLike, y: ArrayLike, **options: object) -> Line:
    """A line thinned to what print can show, ends kept."""
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if xs.size > _MOST_POINTS:
        keep = np.unique(np.linspace(0, xs.size - 1, _MOST_POINTS).round().astype(int))
        xs, ys = xs[keep], ys[keep]
    return Line(xs, ys, **options)  # type: ignore[arg-type]


def ticks(low: float, high: float) -> list[float]:
    """Five or so round numbers between two ends."""
    step = 10 ** np.floor(np.log10((high - low) / 4))
    for factor in (1, 2, 5, 10):
        if (high - low) / (step * factor) <= 6:
            step *= factor
            break
    first = np.ceil(low / step - 1e-9)
    last = np.floor(high / step + 1e-9)
    return [round(float(value * step), 10) for value in np.arange(first, last + 1)]


class Frame:
    """Where data lie on a sheet of `width` × `height` units."""

    def __init__(self, plot: Plot, width: float, height: float):
        self.plot, self.width, self.height = plot, width, height
        self.left, self.right = _LEFT, width - _RIGHT
        self.top, self.bottom = _TOP, height - _BOTTOM

    def x(self, value: float) -> float:
        """From data to sheet, kept within the axes."""
        low, high = self.plot.x_range
        return self.left + (min(max(value, low), high) - low) / (high - low) * (self.right - self.left)

    def y(self, value: float) -> float:
        """From data to sheet, kept within the axes; sheets count downwards."""
        low, high = self.plot.y_range
        return self.bottom - (min(max(value, low), high) - low) / (high - low) * (self.bottom - self.top)

    def points(self, x: FloatArray, y: FloatArray) -> list[tuple[float, float]]:
        """Finite points on the sheet."""
        pairs = zip(x, y, strict=True)
        return [(self.x(float(a)), self.y(float(b))) for a, b in pairs if np.isfinite(a) and np.isfinite(b)]

    def outline(self, band: Band) -> list[tuple[float, float]]:
        """A band's outline, there and back."""
        return self.points(band.x, band.high) + self.points(band.x[::-1], band.low[::-1])


def svg(plot: Plot, width: int = 470, height: int = 320) -> str:
    """The chart as SVG; text takes the document's color."""
    frame = Frame(plot, width, height)
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" aria-label="{escape(plot.title)}" '
        'font-family="system-ui, sans-serif" fill="currentColor">',
        _text(frame.left, 15, plot.title, size=14, weight=600),
        _text(frame.left, 31, plot.subtitle, size=11, opacity=0.8),
    ]
    for value in ticks(*plot.x_range):
        at = frame.x(value)
        parts.append(_stroke(at, frame.top, at, frame.bottom, 0.14))
        parts.append(_text(at, frame.bottom + 15, f"{value:g}", anchor="middle"))
    for value in ticks(*plot.y_range):
        at = frame.y(value)
        parts.append(_stroke(frame.left, at, frame.right, at, 0.14))
        parts.append(_text(frame.left - 6, at + 4, f"{value:g}", anchor="end"))
    parts.append(_stroke(frame.left, frame.bottom, frame.right, frame.bottom, 0.6))
    parts.append(_stroke(frame.left, frame.top, frame.left, frame.bottom, 0.6))
    for band in plot.bands:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in frame.outline(band))
        parts.append(f'<polygon points="{path}" fill="{band.color}" fill-opacity="0.18"/>')
    for each in plot.lines:
        parts.append(_svg_line(frame, each))
    for x, y, text, color in plot.notes:
        near_end = x > (plot.x_range[0] + plot.x_range[1]) / 2
        anchor = "end" if near_end else "start"
        parts.append(_text(frame.x(x), frame.y(y), text, size=12, weight=600, anchor=anchor, color=color))
    middle = (frame.top + frame.bottom) / 2
    parts.append(_text((frame.left + frame.right) / 2, height - 8, plot.x_title, size=12, anchor="middle"))
    parts.append(
        f'<text x="14" y="{middle:.1f}" font-size="12" text-anchor="middle" '
        f'transform="rotate(-90 14 {middle:.1f})">{escape(plot.y_title)}</text>'
    )
    return "".join(parts) + "</svg>"


def _svg_line(frame: Frame, each: Line) -> str:
    points = frame.points(each.x, each.y)
    if each.mark:
        return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{each.color}"/>' for x, y in points)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="4 3"' if each.dashed else ""
    width = 1.2 if each.dashed else 1.8
    return f'<polyline points="{path}" fill="none" stroke="{each.color}" stroke-width="{width}"{dash}/>'


def _stroke(x1: float, y1: float, x2: float, y2: float, opacity: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
        f'stroke-opacity="{opacity}"/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    size: int = 11,
    weight: int = 400,
    anchor: str = "start",
    opacity: float = 1,
    color: str = "currentColor",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{color}" fill-opacity="{opacity}">{escape(text)}</text>'
    )
