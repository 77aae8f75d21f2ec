"""Pictures that are no head CT, of kinds that the guard was never fitted on: shapes, things, and other modalities.

Kept apart from `hemo.data.non_heads`, whose families the guard has seen: these judge whether it knows a head, not
whether it remembers what is none. Each function gives (n, n) grey levels from 0 to 255.
"""

from collections.abc import Callable

import cv2
import numpy as np

Rng = np.random.Generator


def _disc(n: int, level: float, radius: float = 0.4, ground: float = 0.0, aspect: float = 1.0) -> np.ndarray:
    picture = np.full((n, n), ground, np.float32)
    axes = (int(radius * n), int(radius * n * aspect))
    return cv2.ellipse(picture, (n // 2, n // 2), axes, 0, 0, 360, float(level), -1, cv2.LINE_AA)


def _circle(picture: np.ndarray, x: float, y: float, radius: float, level: float, line: int = -1) -> None:
    n = picture.shape[0]
    cv2.circle(picture, (int(x * n), int(y * n)), max(1, int(radius * n)), float(level), line, cv2.LINE_AA)


def _ellipse(picture: np.ndarray, x: float, y: float, axes: tuple[float, float], level: float, line: int = -1) -> None:
    n = picture.shape[0]
    size = (int(axes[0] * n), int(axes[1] * n))
    cv2.ellipse(picture, (int(x * n), int(y * n)), size, 0, 0, 360, float(level), line, cv2.LINE_AA)


def _text(picture: np.ndarray, words: str, at: tuple[int, int], scale: float, level: float, line: int) -> np.ndarray:
    # OpenCV writes letters on bytes only.
    written = np.clip(picture, 0, 255).astype(np.uint8)
    cv2.putText(written, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, float(level), line, cv2.LINE_AA)
    return written.astype(np.float32)


def _axes(n: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:n, :n] / n - 0.5
    return rows, columns


def _grainy(picture: np.ndarray, rng: Rng, strength: float) -> np.ndarray:
    return picture + rng.normal(0, strength, picture.shape)


def _clouds(n: int, rng: Rng) -> np.ndarray:
    field = cv2.GaussianBlur(rng.standard_normal((n, n)).astype(np.float32), (0, 0), rng.uniform(2, n / 12))
    return 255 * (field - field.min()) / (field.max() - field.min())


def white_disc(n: int, rng: Rng) -> np.ndarray:
    return _disc(n, 255, rng.uniform(0.2, 0.48))


def ring(n: int, rng: Rng) -> np.ndarray:
    picture, axes = np.zeros((n, n), np.float32), rng.uniform(0.25, 0.45, 2)
    _ellipse(picture, 0.5, 0.5, (axes[0], axes[1]), rng.integers(120, 256), int(rng.integers(2, 30)))
    return picture


def filled_ring(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, rng.integers(40, 160), 0.4, 0, rng.uniform(0.8, 1.2))
    _circle(picture, 0.5, 0.5, 0.4, 255, int(rng.integers(4, 20)))
    return picture


def grainy_ring(n: int, rng: Rng) -> np.ndarray:
    return _grainy(filled_ring(n, rng), rng, rng.uniform(3, 25))


def waves_from_the_middle(n: int, rng: Rng) -> np.ndarray:
    return 127 + 127 * np.sin(np.hypot(*_axes(n)) * n / rng.uniform(3, 20))


def grating(n: int, rng: Rng) -> np.ndarray:
    (rows, columns), turn = _axes(n), rng.uniform(0, 3.1)
    return 127 + 127 * np.sin((columns * np.cos(turn) + rows * np.sin(turn)) * n / rng.uniform(2, 30))


def chessboard(n: int, rng: Rng) -> np.ndarray:
    side = int(rng.integers(4, 60))
    return (np.add.outer(np.arange(n) // side, np.arange(n) // side) % 2) * 255.0


def slope(n: int, rng: Rng) -> np.ndarray:
    rows, columns = _axes(n)
    return 127 * ((rows + 0.5) * rng.random() + (columns + 0.5) * rng.random())


def glow(n: int, rng: Rng) -> np.ndarray:
    return 255 * np.clip(1 - np.hypot(*_axes(n)) * rng.uniform(1, 3), 0, 1)


def ball(n: int, rng: Rng) -> np.ndarray:
    rows, columns = _axes(n)
    depth = 1 - (columns / rng.uniform(0.3, 0.45)) ** 2 - (rows / rng.uniform(0.3, 0.45)) ** 2
    return 255 * np.sqrt(np.clip(depth, 0, 1))


def bell_noise(n: int, rng: Rng) -> np.ndarray:
    return rng.normal(127, rng.uniform(5, 60), (n, n))


def even_noise(n: int, rng: Rng) -> np.ndarray:
    return rng.integers(0, 256, (n, n)).astype(float)


def clouds(n: int, rng: Rng) -> np.ndarray:
    return _clouds(n, rng)


def one_grey(n: int, rng: Rng) -> np.ndarray:
    return np.full((n, n), float(rng.integers(0, 256)))


def mosaic(n: int, rng: Rng) -> np.ndarray:
    seeds, (rows, columns) = rng.uniform(-0.5, 0.5, (30, 2)), _axes(n)
    nearest = ((rows[..., None] - seeds[:, 0]) ** 2 + (columns[..., None] - seeds[:, 1]) ** 2).argmin(axis=-1)
    return rng.integers(0, 256, 30)[nearest].astype(float)


def lines_of_text(n: int, rng: Rng) -> np.ndarray:
    picture = np.full((n, n), 255, np.float32)
    for row in range(15, n, 18):
        words = "".join(rng.choice(list("abcdefgh klmno"), 60))
        picture = _text(picture, words, (5, row), 0.45, 0, 1)
    return picture


def light_text_on_dark(n: int, rng: Rng) -> np.ndarray:
    return 255 - lines_of_text(n, rng)


def rectangles(n: int, rng: Rng) -> np.ndarray:
    picture = np.zeros((n, n), np.float32)
    for _ in range(12):
        x, y, wide, tall = (int(value) for value in rng.integers(8, max(9, n // 2), 4))
        cv2.rectangle(picture, (x, y), (x + wide, y + tall), float(rng.integers(30, 256)), -1)
    return picture


def smiling_face(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, rng.integers(120, 220), 0.38, rng.integers(0, 40), 1.2)
    for side in (-1, 1):
        _circle(picture, 0.5 + side * 0.13, 0.42, 0.04, 30)
    cv2.ellipse(picture, (n // 2, int(0.65 * n)), (int(0.12 * n), int(0.05 * n)), 0, 0, 180, 40.0, 4)
    return picture


def chest_slice(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 130, 0.46, 0, 0.7)
    for side in (-1, 1):
        _ellipse(picture, 0.5 + side * 0.2, 0.5, (0.13, 0.22), 8)
    _circle(picture, 0.5, 0.72, 0.05, 250)
    return _grainy(cv2.GaussianBlur(picture, (0, 0), 1.5), rng, 6)


def belly_slice(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 60, 0.46, 0, 0.7)
    _ellipse(picture, 0.5, 0.5, (0.42, 0.26), 120)
    for x, y in rng.uniform(0.3, 0.7, (6, 2)):
        _circle(picture, x, y, rng.uniform(0.04, 0.1), rng.uniform(90, 170))
    _circle(picture, 0.5, 0.72, 0.05, 250)
    return _grainy(picture, rng, 8)


def brain_mri(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 90, 0.43, 0, 1.15)
    _ellipse(picture, 0.5, 0.5, (0.38, 0.437), 15)
    _ellipse(picture, 0.5, 0.5, (0.35, 0.4025), 140)
    field = _clouds(n, rng)
    picture = np.where(picture > 130, picture - 35.0 * (np.abs(field - 127) < 12) + field / 12, picture)
    for side in (-1, 1):
        _ellipse(picture, 0.5 + side * 0.05, 0.5, (0.03, 0.12), 20)
    return _grainy(cv2.GaussianBlur(picture, (0, 0), 1.2), rng, 4)


def brain_mri_with_bright_scalp(n: int, rng: Rng) -> np.ndarray:
    picture = brain_mri(n, rng)
    _ellipse(picture, 0.5, 0.5, (0.43, 0.4945), 235, max(1, int(0.02 * n)))
    return picture


def knee_slice(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 90, 0.45)
    for x, y, radius in ((0.5, 0.42, 0.2), (0.45, 0.75, 0.08)):
        _circle(picture, x, y, radius * 0.9, 130)
        _circle(picture, x, y, radius, 250, max(1, int(0.02 * n)))
    return _grainy(picture, rng, 5)


def coin(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, rng.integers(130, 200), 0.42, 20)
    _circle(picture, 0.5, 0.5, 0.38, 210, 3)
    return _text(picture, "5", (int(0.38 * n), int(0.62 * n)), n / 150, 90, 8)


def clock(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 235, 0.43, rng.integers(0, 80))
    _circle(picture, 0.5, 0.5, 0.43, 20, 6)
    for hour in range(12):
        turn = hour * np.pi / 6
        _circle(picture, 0.5 + 0.36 * np.sin(turn), 0.5 + 0.36 * np.cos(turn), 0.015, 10)
    return picture


def moon(n: int, rng: Rng) -> np.ndarray:
    return _disc(n, 1) * (110 + 0.5 * _clouds(n, rng))


def cut_orange(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 150, 0.42)
    _circle(picture, 0.5, 0.5, 0.42, 230, max(1, int(0.04 * n)))
    for turn in np.arange(10) * np.pi / 5:
        end = (int(n / 2 + 0.38 * n * np.sin(turn)), int(n / 2 + 0.38 * n * np.cos(turn)))
        cv2.line(picture, (n // 2, n // 2), end, 220.0, 3)
    return _grainy(cv2.GaussianBlur(picture, (0, 0), 1), rng, 5)


def petri_dish(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 90, 0.43, 10)
    _circle(picture, 0.5, 0.5, 0.43, 200, 5)
    for x, y in rng.normal(0.5, 0.14, (40, 2)):
        _circle(picture, x, y, rng.uniform(0.008, 0.03), 230)
    return picture


def logo(n: int, rng: Rng) -> np.ndarray:
    picture = np.full((n, n), 255, np.float32)
    _circle(picture, 0.5, 0.5, rng.uniform(0.2, 0.4), 40)
    return _text(picture, "HEMO", (int(0.25 * n), int(0.55 * n)), n / 190, 255, 4)


def ultrasound(n: int, rng: Rng) -> np.ndarray:
    rows, columns = _axes(n)
    turn, reach = np.arctan2(columns, rows + 0.55), np.hypot(columns, rows + 0.55)
    fan = (np.abs(turn) < 0.6) & (reach > 0.15) & (reach < 0.95)
    return np.where(fan, 255 * rng.gamma(1.2, 0.25, (n, n)) * _clouds(n, rng) / 160, 0)


def chest_radiograph(n: int, rng: Rng) -> np.ndarray:
    rows, columns = _axes(n)
    lungs = sum(np.exp(-((columns + side) ** 2 + rows**2) / 0.03) for side in (-0.2, 0.2))
    return _grainy(200 - 150 * lungs + 20 * np.sin(rows * 60), rng, 3)


def eye_ground(n: int, rng: Rng) -> np.ndarray:
    picture = _disc(n, 120, 0.46)
    _circle(picture, 0.7, 0.5, 0.07, 230)
    for x, y in rng.uniform(0.1, 0.9, (8, 2)):
        cv2.line(picture, (int(0.7 * n), n // 2), (int(x * n), int(y * n)), 70.0, 3)
    return cv2.GaussianBlur(picture, (0, 0), 2)


KINDS: dict[str, Callable[[int, Rng], np.ndarray]] = {
    kind.__name__: kind
    for kind in (
        white_disc,
        ring,
        filled_ring,
        grainy_ring,
        waves_from_the_middle,
        grating,
        chessboard,
        slope,
        glow,
        ball,
        bell_noise,
        even_noise,
        clouds,
        one_grey,
        mosaic,
        lines_of_text,
        light_text_on_dark,
        rectangles,
        smiling_face,
        chest_slice,
        belly_slice,
        brain_mri,
        brain_mri_with_bright_scalp,
        knee_slice,
        coin,
        clock,
        moon,
        cut_orange,
        petri_dish,
        logo,
        ultrasound,
        chest_radiograph,
        eye_ground,
    )
}


def draw(kind: str, rng: Rng) -> np.ndarray:
    """One picture of a kind, uint8 (n, n), n from 128 to 400 pixels."""
    return np.clip(KINDS[kind](int(rng.integers(128, 400)), rng), 0, 255).astype(np.uint8)
