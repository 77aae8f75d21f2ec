"""A score on its scale from 0 to 1, with the uncertain band and the threshold: HTML in the page's own colors."""

from html import escape

from hemo.charts.calls import CALL_STYLES

_TRACK = "position:absolute;left:0;right:0;top:10px;height:8px;border-radius:4px;background:currentColor;opacity:0.16"
_LABEL = "position:absolute;top:25px;font-size:0.8rem;line-height:1;opacity:0.86;white-space:nowrap"


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
        HTML made of numbers and fixed words only; text and lines take the page's text color.
    """
    words = ["no score" if score is None else f"score {score:.2f} on a scale from 0 to 1"]
    parts = [f'<div style="{_TRACK}"></div>']
    if band is not None:
        low, high = _percent(band[0]), _percent(band[1])
        parts.append(
            f'<div style="position:absolute;left:{low:.2f}%;width:{max(high - low, 0.5):.2f}%;top:7px;height:14px;'
            f'border-radius:3px;background:{CALL_STYLES["Uncertain"].color};opacity:0.5"></div>'
        )
        parts.append(_label((low + high) / 2, f"uncertain {band[0]:.2f} to {band[1]:.2f}"))
        words.append(f"uncertain from {band[0]:.2f} to {band[1]:.2f}")
    if threshold is not None:
        at = _percent(threshold)
        parts.append(
            f'<div style="position:absolute;left:{at:.2f}%;top:4px;height:20px;'
            'border-left:2px dashed currentColor"></div>'
        )
        parts.append(_label(at, f"threshold {threshold:.2f}"))
        words.append(f"threshold {threshold:.2f}")
    if score is not None:
        at, color = _percent(score), CALL_STYLES[call].color
        parts.append(
            f'<div style="position:absolute;left:0;width:{at:.2f}%;top:12px;height:4px;border-radius:2px;'
            f'background:{color}"></div>'
            f'<div style="position:absolute;left:calc({at:.2f}% - 7px);top:7px;width:14px;height:14px;'
            f'border-radius:50%;background:{color};border:2px solid currentColor;box-sizing:border-box"></div>'
        )
    box = "position:relative;height:40px;margin:0 8px"
    return f'<div role="img" aria-label="{escape(", ".join(words))}" style="{box}">{"".join(parts)}</div>'


def _percent(value: float) -> float:
    return min(max(value, 0.0), 1.0) * 100


def _label(at: float, text: str) -> str:
    """Text under the track, shifted with its place so that it stays inside."""
    return f'<div style="{_LABEL};left:{at:.2f}%;transform:translateX(-{at:.2f}%)">{escape(text)}</div>'
