"""A score on its scale from 0 to 1, with the uncertain band and the threshold: a small SVG in the page's own colors."""

from html import escape

from hemo.charts.calls import CALL_STYLES

WIDTH, HEIGHT, EDGE = 300, 44, 8
_TRACK_TOP, _TRACK_HIGH = 14, 10


def score_bar(
    score: float | None, call: str, *, threshold: float | None = None, band: tuple[float, float] | None = None
) -> str:
    """Draw a score bar.

    Args:
        score: in [0, 1]; None draws the scale alone.
        call: gives the mark its color.
        threshold: where a plain cut decides.
        band: the uncertain band, where it decides.

    Returns:
        SVG markup made of numbers and fixed words only; text and lines take the page's text color.
    """
    parts = [
        f'<rect x="{EDGE}" y="{_TRACK_TOP}" width="{WIDTH - 2 * EDGE}" height="{_TRACK_HIGH}" rx="3" '
        'fill="currentColor" fill-opacity="0.13"/>'
    ]
    words = ["no score" if score is None else f"score {score:.2f} of 1"]
    if band is not None:
        low, high = _x(band[0]), _x(band[1])
        parts.append(
            f'<rect x="{low:.1f}" y="{_TRACK_TOP - 3}" width="{max(high - low, 1):.1f}" height="{_TRACK_HIGH + 6}" '
            f'rx="2" fill="{CALL_STYLES["Uncertain"].color}" fill-opacity="0.45"/>'
        )
        parts.append(_label((low + high) / 2, f"uncertain {band[0]:.2f} to {band[1]:.2f}"))
        words.append(f"uncertain from {band[0]:.2f} to {band[1]:.2f}")
    if threshold is not None:
        at = _x(threshold)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TRACK_TOP - 5}" y2="{_TRACK_TOP + _TRACK_HIGH + 5}" '
            'stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"/>'
        )
        parts.append(_label(at, f"threshold {threshold:.2f}"))
        words.append(f"threshold {threshold:.2f}")
    if score is not None:
        at = _x(score)
        color = CALL_STYLES[call].color
        parts.append(
            f'<rect x="{EDGE}" y="{_TRACK_TOP + 3}" width="{max(at - EDGE, 0):.1f}" height="4" fill="{color}"/>'
            f'<circle cx="{at:.1f}" cy="{_TRACK_TOP + _TRACK_HIGH / 2}" r="7" fill="{color}" '
            'stroke="currentColor" stroke-width="1.5"/>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" role="img" aria-label="{escape(", ".join(words))}">'
        f"{''.join(parts)}</svg>"
    )


def _x(value: float) -> float:
    return EDGE + min(max(value, 0.0), 1.0) * (WIDTH - 2 * EDGE)


def _label(at: float, text: str) -> str:
    """Text under the track, kept inside the picture."""
    half = 3.1 * len(text)
    middle = min(max(at, half), WIDTH - half)
    return (
        f'<text x="{middle:.1f}" y="{HEIGHT - 3}" font-size="11.5" text-anchor="middle" fill="currentColor" '
        f'fill-opacity="0.85">{escape(text)}</text>'
    )
