"""Pictures that are no axial head-CT slice, made by code: what the guard is fitted on and tested with.

Each family imitates something that people drop by mistake: CT of other parts of the body, MRI-like contrast, documents,
screenshots, charts, drawings, photographs' statistics, noise, emptiness. All deterministic from the generator.
"""

from collections.abc import Callable

import cv2
import numpy as np

from hemo.data.phantom_anatomy import anatomy_slice, cut, draw_head

Maker = Callable[[np.random.Generator, int], np.ndarray]

_WORDS = (
    "patient",
    "report",
    "the",
    "of",
    "and",
    "slice",
    "head",
    "normal",
    "image",
    "series",
    "date",
    "scan",
    "12",
    "7.5",
)
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)


def make_non_head(family: str, rng: np.random.Generator, size: int = 384) -> np.ndarray:
    """One picture of a family.

    Args:
        family: a key of FAMILIES.
        rng: decides everything.
        size: rows and columns.

    Returns:
        uint8 (size, size) grey or (size, size, 3) color; float32 (size, size) HU for the families in HU_FAMILIES.

    Raises:
        ValueError: if the family is unknown.
    """
    if family not in FAMILIES:
        raise ValueError(f"expected one of {', '.join(FAMILIES)}. Received: {family!r}")
    return FAMILIES[family](rng, size)


# CT of other parts of the body, in HU ----------------------------------------


def _grid(size: int, rng: np.random.Generator, tilt: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in [-1, 1], turned and shifted a little."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    angle = np.deg2rad(rng.normal(0, tilt))
    x, y = np.meshgrid(axis + np.float32(rng.normal(0, 0.04)), axis + np.float32(rng.normal(0, 0.04)))
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _blob(x: np.ndarray, y: np.ndarray, center: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Inside of an ellipse: positive, in units of its smaller radius."""
    return (1 - np.hypot((x - center[0]) / radii[0], (y - center[1]) / radii[1])) * min(radii)


def _smooth(size: int, rng: np.random.Generator, grain: float) -> np.ndarray:
    """Smooth noise of mean 0 and standard deviation 1; the grain is a share of the side."""
    cells = max(2, int(1 / grain)) + 2
    field = cv2.resize(
        rng.standard_normal((cells, cells)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    return (field - field.mean()) / (field.std() + 1e-6)


def _body(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, aspect: float) -> tuple[np.ndarray, np.ndarray]:
    """A trunk: air, skin, fat of random thickness, muscle. Returns HU and the depth below the skin."""
    size = x.shape[0]
    width = rng.uniform(0.72, 0.97)
    depth = _blob(x, y, (0, 0), (width, width * aspect)) + 0.015 * _smooth(size, rng, 0.3)
    fat = rng.uniform(0.02, 0.14)
    hu = np.full((size, size), -1000, np.float32)
    hu[depth > 0] = 20
    hu[depth > 0.012] = -100
    hu[depth > fat] = 55
    return hu, depth - fat


def _finish_ct(hu: np.ndarray, rng: np.random.Generator, table: bool = True) -> np.ndarray:
    """A table under the body, blur and grainy noise."""
    size = hu.shape[0]
    if table and rng.random() < 0.6:
        axis = np.linspace(-1, 1, size, dtype=np.float32)
        curve = axis[:, None] - rng.uniform(0.8, 0.95) + rng.uniform(0, 0.3) * axis[None, :] ** 2
        hu = np.where((np.abs(curve) < 0.012) & (hu < -500), np.float32(60), hu)
    hu = cv2.GaussianBlur(hu.astype(np.float32), (0, 0), rng.uniform(0.5, 1.2) * size / 384)
    noise = cv2.GaussianBlur(rng.standard_normal((size, size), dtype=np.float32), (0, 0), rng.uniform(0.5, 1.2))
    return hu + rng.uniform(4, 25) * noise / noise.std()


def _vertebra(hu: np.ndarray, x: np.ndarray, y: np.ndarray, at: tuple[float, float], scale: float) -> None:
    """Body, canal, arch and processes."""
    cx, cy = at
    hu[_blob(x, y, (cx, cy), (1.0 * scale, 0.75 * scale)) > 0] = 350
    hu[_blob(x, y, (cx, cy), (0.85 * scale, 0.6 * scale)) > 0] = 180
    hu[_blob(x, y, (cx, cy + 1.25 * scale), (0.75 * scale, 0.75 * scale)) > 0] = 450
    hu[_blob(x, y, (cx, cy + 1.2 * scale), (0.42 * scale, 0.42 * scale)) > 0] = 35
    for side in (-1, 1):
        hu[_blob(x, y, (cx + side * 1.4 * scale, cy + 1.2 * scale), (0.8 * scale, 0.22 * scale)) > 0] = 400
    hu[_blob(x, y, (cx, cy + 2.2 * scale), (0.2 * scale, 0.7 * scale)) > 0] = 400


def _ribs(hu: np.ndarray, depth: np.ndarray, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
    """Pieces of ribs: bone in the wall at some angles only."""
    angle = np.arctan2(y, x)
    wall = (depth > 0.015) & (depth < 0.015 + rng.uniform(0.03, 0.06))
    pieces = np.cos(rng.integers(6, 12) * angle + rng.uniform(0, 6)) > rng.uniform(0.1, 0.6)
    hu[wall & pieces] = 500


def _chest_ct(rng: np.random.Generator, size: int) -> np.ndarray:
    x, y = _grid(size, rng)
    aspect = rng.uniform(0.6, 0.8)
    hu, depth = _body(x, y, rng, aspect)
    _ribs(hu, depth, x, y, rng)
    vessels = np.abs(_smooth(size, rng, 0.04)) < 0.06
    for side in (-1, 1):
        lung = _blob(x, y, (side * rng.uniform(0.33, 0.4), -0.02), (rng.uniform(0.22, 0.32), aspect * 0.62))
        lung = (lung > 0) & (depth > 0.07)
        hu[lung] = -850 + 60 * rng.standard_normal()
        hu[lung & vessels] = 20
    hu[_blob(x, y, (rng.uniform(-0.12, 0.05), -0.12), (rng.uniform(0.18, 0.3), rng.uniform(0.16, 0.26))) > 0] = 45
    hu[_blob(x, y, (-0.1, 0.28), (0.06, 0.06)) > 0] = rng.choice([45, 250])
    _vertebra(hu, x, y, (0, 0.33), 0.09)
    return _finish_ct(hu, rng)


def _abdomen_ct(rng: np.random.Generator, size: int) -> np.ndarray:
    x, y = _grid(size, rng)
    hu, depth = _body(x, y, rng, rng.uniform(0.62, 0.85))
    inner = depth > 0.06
    hu[inner] = -95
    _ribs(hu, depth, x, y, rng)
    contrast = rng.choice([0, 60])
    hu[(_blob(x, y, (-0.32, -0.08), (0.34, 0.36)) + 0.03 * _smooth(size, rng, 0.2) > 0) & inner] = 58 + contrast
    hu[(_blob(x, y, (0.45, 0.05), (0.14, 0.2)) > 0) & inner] = 50 + contrast
    for side in (-1, 1):
        hu[(_blob(x, y, (side * 0.33, 0.24), (0.11, 0.13)) > 0) & inner] = 32 + 2 * contrast
        hu[_blob(x, y, (side * 0.2, 0.35), (0.12, 0.12)) > 0] = 55
    for _ in range(int(rng.integers(4, 12))):
        at = (rng.uniform(-0.4, 0.5), rng.uniform(-0.4, 0.1))
        radius = rng.uniform(0.05, 0.12)
        loop = (_blob(x, y, at, (radius, radius * rng.uniform(0.7, 1.3))) > 0) & inner
        hu[loop] = 30
        if rng.random() < 0.5:
            hu[loop & (y < at[1])] = -900
    hu[_blob(x, y, (0.05, 0.18), (0.06, 0.06)) > 0] = 45 + 2 * contrast
    _vertebra(hu, x, y, (0, 0.32), 0.1)
    return _finish_ct(hu, rng)


def _pelvis_ct(rng: np.random.Generator, size: int) -> np.ndarray:
    x, y = _grid(size, rng)
    hu, depth = _body(x, y, rng, rng.uniform(0.55, 0.72))
    hu[_blob(x, y, (0, -0.05), (0.3, 0.3)) > 0] = -90
    hu[_blob(x, y, (0, -0.12), (rng.uniform(0.1, 0.2), rng.uniform(0.08, 0.16))) > 0] = 8
    for side in (-1, 1):
        if rng.random() < 0.5:
            bar = np.abs((x - side * 0.48) * 0.8 + side * (y - 0.02) * 0.6) < 0.03
            hu[bar & (np.abs(y - 0.02) < 0.28) & (depth > 0.04)] = 550
        else:
            ball = _blob(x, y, (side * 0.5, 0.0), (0.13, 0.13))
            hu[ball > 0] = 350
            hu[(ball > -0.05) & (ball < -0.025) & (x * side < 0.5)] = 600
    hu[_blob(x, y, (0, 0.32), (0.16, 0.1)) > 0] = 320
    hu[_blob(x, y, (0, 0.18), (0.07, 0.07)) > 0] = rng.choice([-700, 30])
    return _finish_ct(hu, rng)


def _limb(
    hu: np.ndarray, x: np.ndarray, y: np.ndarray, at: tuple[float, float], radius: float, rng: np.random.Generator
) -> None:
    depth = _blob(x, y, at, (radius, radius * rng.uniform(0.9, 1.1)))
    fat = radius * rng.uniform(0.08, 0.35)
    hu[depth > 0] = -100
    seams = np.abs(_smooth(x.shape[0], rng, 0.12)) > 0.12
    hu[(depth > fat) & seams] = 55
    for _ in range(int(rng.choice([1, 2]))):
        bone_at = (at[0] + rng.normal(0, 0.2 * radius), at[1] + rng.normal(0, 0.2 * radius))
        bone = radius * rng.uniform(0.12, 0.3)
        hu[_blob(x, y, bone_at, (bone, bone)) > 0] = 1200
        hu[_blob(x, y, bone_at, (0.6 * bone, 0.6 * bone)) > 0] = -60


def _limbs_ct(rng: np.random.Generator, size: int) -> np.ndarray:
    x, y = _grid(size, rng)
    hu = np.full((size, size), -1000, np.float32)
    if rng.random() < 0.6:
        radius = rng.uniform(0.28, 0.46)
        for side in (-1, 1):
            _limb(hu, x, y, (side * rng.uniform(0.45, 0.52), rng.normal(0, 0.05)), radius, rng)
    else:
        _limb(hu, x, y, (0, 0), rng.uniform(0.4, 0.9), rng)
    return _finish_ct(hu, rng)


def _neck_ct(rng: np.random.Generator, size: int) -> np.ndarray:
    x, y = _grid(size, rng)
    hu = np.full((size, size), -1000, np.float32)
    width = rng.uniform(0.45, 0.75)
    depth = _blob(x, y, (0, 0), (width, width * rng.uniform(0.85, 1.15))) + 0.02 * _smooth(size, rng, 0.25)
    hu[depth > 0] = -95
    seams = np.abs(_smooth(size, rng, 0.1)) > 0.25
    hu[(depth > 0.06) & seams] = 60
    hu[_blob(x, y, (0, -0.3 * width), (0.16 * width, 0.2 * width)) > 0] = -1000
    _vertebra(hu, x, y, (0, 0.1 * width), 0.2 * width)
    if rng.random() < 0.6:  # the jaw: a horseshoe, open to the back
        jaw = np.abs(_blob(x, y, (0, -0.25 * width), (0.75 * width, 0.6 * width))) < 0.04
        hu[jaw & (y < -0.15 * width)] = 900
    for side in (-1, 1):
        hu[_blob(x, y, (side * 0.5 * width, 0), (0.09 * width, 0.09 * width)) > 0] = 45
    return _finish_ct(hu, rng)


def _water_phantom_ct(rng: np.random.Generator, size: int) -> np.ndarray:
    """A test object: a cylinder of water or plastic, with inserts and without bone."""
    x, y = _grid(size, rng, tilt=0)
    radius = rng.uniform(0.5, 0.92)
    depth = _blob(x, y, (0, 0), (radius, radius))
    hu = np.where(depth > 0, np.float32(120), np.float32(-1000))
    hu[depth > rng.uniform(0.01, 0.04)] = 0
    for index in range(int(rng.integers(0, 7))):
        turn = 2 * np.pi * index / 6
        at = (0.55 * radius * np.cos(turn), 0.55 * radius * np.sin(turn))
        hu[_blob(x, y, at, (0.08 * radius, 0.08 * radius)) > 0] = rng.choice([-100, -35, 60, 340, 990])
    return _finish_ct(hu, rng, table=False)


def _empty_ct(rng: np.random.Generator, size: int) -> np.ndarray:
    """Air, with or without the support."""
    hu = np.full((size, size), -1000, np.float32)
    if rng.random() < 0.7:
        axis = np.linspace(-1, 1, size, dtype=np.float32)
        arc = np.abs(np.hypot(axis[None, :], axis[:, None] - rng.uniform(-0.5, 0)) - rng.uniform(0.7, 1.2)) < 0.012
        hu[arc & (axis[:, None] > rng.uniform(0.2, 0.6))] = rng.uniform(-400, 200)
    return _finish_ct(hu, rng, table=rng.random() < 0.3)


# Other pictures ----------------------------------------


def _mri_like(rng: np.random.Generator, size: int) -> np.ndarray:
    """A head with the contrasts of MRI: black bone, bright scalp, fluid dark or bright."""
    head = draw_head(rng)
    piece = anatomy_slice(head, cut(head, float(rng.uniform(0, 85)), size, 230 / size))
    hu = cv2.GaussianBlur(piece.hu, (0, 0), 0.8)
    fluid, white, grey, fat = [(0.12, 0.75, 0.55, 1.0), (1.0, 0.35, 0.5, 0.75), (0.1, 0.45, 0.6, 0.7)][
        int(rng.integers(3))
    ]
    levels = np.interp(
        hu,
        [-900, -200, -110, -70, -20, 8, 18, head.white_hu, head.grey_hu, 60, 120, 300, 900],
        [0.0, 0.0, fat, fat, 0.3, fluid, fluid, white, grey, 0.45, 0.35, 0.05, 0.03],
    ).astype(np.float32)
    bias = 1 + 0.15 * _smooth(size, rng, 0.6)
    picture = levels * bias + 0.03 * rng.standard_normal((size, size), dtype=np.float32)
    return np.clip(picture * rng.uniform(190, 255), 0, 255).astype(np.uint8)


def _radiograph(rng: np.random.Generator, size: int) -> np.ndarray:
    """A chest film: lungs dark, heart and spine bright, ribs across."""
    x, y = _grid(size, rng)
    picture = 0.62 - 0.25 * (np.abs(x) > 0.85) + 0.05 * _smooth(size, rng, 0.2)
    for side in (-1, 1):
        lung = np.clip(_blob(x, y, (side * 0.42, 0.0), (0.34, 0.68)) * 6, 0, 1)
        picture -= 0.42 * lung
        ribs = np.cos(14 * (y - 0.5 * (np.abs(x) - 0.4) ** 2)) > 0.55
        picture += 0.12 * lung * ribs
    picture += 0.25 * np.exp(-((x / 0.1) ** 2)) + 0.25 * (_blob(x, y, (0.12, 0.25), (0.3, 0.28)) > 0)
    picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 3)
    picture += 0.02 * rng.standard_normal((size, size), dtype=np.float32)
    return np.clip(picture * 255, 0, 255).astype(np.uint8)


def _text_page(rng: np.random.Generator, size: int) -> np.ndarray:
    """Lines of words, dark on light or light on dark."""
    picture = np.full((size, size), 255, np.uint8)
    font, scale = int(rng.choice(_FONTS)), float(rng.uniform(0.35, 1.1))
    margin = int(rng.integers(5, 40))
    for baseline in range(margin + 15, size - margin // 2, int(30 * scale) + int(rng.integers(2, 8))):
        words = " ".join(rng.choice(_WORDS, int(rng.integers(1, 9))))
        cv2.putText(picture, words, (margin, baseline), font, scale, int(rng.integers(0, 90)), 1, cv2.LINE_AA)
    return 255 - picture if rng.random() < 0.4 else picture


def _screenshot(rng: np.random.Generator, size: int) -> np.ndarray:
    """Windows with title bars, text, buttons and a picture or two, in color."""
    dark = rng.random() < 0.5
    low, high = (10, 60) if dark else (200, 250)
    picture = np.full((size, size, 3), rng.integers(low, high), np.uint8)
    for _ in range(int(rng.integers(2, 7))):
        x0, y0 = (int(value) for value in rng.integers(0, size - 60, 2))
        x1, y1 = x0 + int(rng.integers(50, size)), y0 + int(rng.integers(40, size))
        shade = [int(value) for value in rng.integers(max(low - 5, 0), min(high + 25, 255), 3)]
        cv2.rectangle(picture, (x0, y0), (x1, y1), shade, -1)
        bar = [int(value) for value in rng.integers(30, 220, 3)]
        cv2.rectangle(picture, (x0, y0), (x1, y0 + 16), bar, -1)
        ink = (230, 230, 230) if dark else (30, 30, 30)
        for line in range(y0 + 32, min(y1, size), 16):
            cv2.putText(picture, str(rng.choice(_WORDS)), (x0 + 6, line), _FONTS[0], 0.4, ink, 1, cv2.LINE_AA)
        if rng.random() < 0.4:
            part = picture[y0 + 20 : min(y1, size), x0 + 60 : min(x1, size)]
            if part.size:
                part[:] = cv2.resize(_photo_like(rng, 64), (part.shape[1], part.shape[0]))
    return picture


def _chart(rng: np.random.Generator, size: int) -> np.ndarray:
    """Axes, ticks, curves, bars or a pie."""
    dark = rng.random() < 0.3
    picture = np.full((size, size, 3), 20 if dark else 255, np.uint8)
    ink = (220, 220, 220) if dark else (20, 20, 20)
    left, bottom = int(0.12 * size), int(0.88 * size)
    cv2.line(picture, (left, bottom), (size - 10, bottom), ink, 1)
    cv2.line(picture, (left, bottom), (left, 10), ink, 1)
    for tick in range(left, size - 10, size // 8):
        cv2.putText(picture, str(tick), (tick, bottom + 16), _FONTS[0], 0.35, ink, 1, cv2.LINE_AA)
    colors = [tuple(int(value) for value in rng.integers(0, 230, 3)) for _ in range(5)]
    style = rng.integers(3)
    for index in range(int(rng.integers(2, 5))):
        if style == 0:
            xs = np.linspace(left, size - 10, 60)
            ys = bottom - np.abs(np.cumsum(rng.normal(0.4, 1, 60))) * size / 60
            points = np.stack([xs, np.clip(ys, 8, bottom)], axis=1).astype(np.int32)
            cv2.polylines(picture, [points], False, colors[index], 2, cv2.LINE_AA)
        elif style == 1:
            x0 = left + 10 + index * size // 6
            cv2.rectangle(picture, (x0, int(rng.integers(20, bottom))), (x0 + size // 9, bottom), colors[index], -1)
        else:
            angles = sorted(float(value) for value in rng.uniform(0, 360, 2))
            center, radius = (size // 2, size // 2), int(size * 0.33)
            cv2.ellipse(picture, center, (radius, radius), 0, angles[0], angles[1], colors[index], -1, cv2.LINE_AA)
    return picture


def _drawing(rng: np.random.Generator, size: int) -> np.ndarray:
    """Circles, lines and polygons; now and then one large circle, which is the nearest to a skull."""
    picture = np.full((size, size), int(rng.choice([0, 255])), np.uint8)
    if rng.random() < 0.4:
        ink = 255 - int(picture[0, 0])
        radius = int(size * rng.uniform(0.2, 0.45))
        axes = (radius, int(radius * rng.uniform(0.7, 1.2)))
        thickness = int(rng.choice([1, 2, 4, 8, 16, -1]))
        cv2.ellipse(picture, (size // 2, size // 2), axes, rng.uniform(0, 180), 0, 360, ink, thickness, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 9))):
        shade = int(rng.integers(0, 256))
        a, b = (tuple(int(value) for value in rng.integers(0, size, 2)) for _ in range(2))
        shape = rng.integers(4)
        thickness = int(rng.choice([1, 2, 4, -1]))
        if shape == 0:
            cv2.circle(picture, a, int(rng.integers(5, size // 3)), shade, thickness, cv2.LINE_AA)
        elif shape == 1:
            cv2.line(picture, a, b, shade, abs(thickness), cv2.LINE_AA)
        elif shape == 2:
            cv2.rectangle(picture, a, b, shade, thickness)
        else:
            cv2.fillPoly(picture, [rng.integers(0, size, (int(rng.integers(3, 7)), 2)).astype(np.int32)], shade)
    return picture


def _circle_drawing(rng: np.random.Generator, size: int) -> np.ndarray:
    """Rings, targets, wheels, faces: round, closed and drawn; plain within or evenly hatched."""
    dark = rng.random() < 0.6
    picture = np.full((size, size), 0 if dark else 255, np.uint8)
    ink = 255 - int(picture[0, 0])
    center, turn = (size // 2, size // 2), float(rng.uniform(0, 180))
    radius = size * rng.uniform(0.2, 0.48)
    axes = (round(radius), round(radius * rng.uniform(0.75, 1.15)))
    cv2.ellipse(picture, center, axes, turn, 0, 360, int(rng.integers(0, 256)), -1, cv2.LINE_AA)
    cv2.ellipse(picture, center, axes, turn, 0, 360, ink, int(rng.integers(1, max(3, size // 12))), cv2.LINE_AA)
    style = rng.integers(5)
    for index in range(int(rng.integers(1, 6))):
        shade = int(rng.integers(0, 256))
        if style == 0:  # a target
            inner = (max(1, axes[0] * (5 - index) // 7), max(1, axes[1] * (5 - index) // 7))
            cv2.ellipse(picture, center, inner, turn, 0, 360, shade, int(rng.choice([-1, 2, 5])), cv2.LINE_AA)
        elif style == 1:  # spokes
            angle = 2 * np.pi * index / 5 + turn
            end = (round(center[0] + radius * np.cos(angle)), round(center[1] + radius * np.sin(angle)))
            cv2.line(picture, center, end, shade, int(rng.integers(1, 6)), cv2.LINE_AA)
        elif style == 2:  # eyes and a mouth
            for side in (-1, 1):
                eye = (round(center[0] + side * radius * 0.35), round(center[1] - radius * 0.3))
                cv2.circle(picture, eye, max(2, round(radius * 0.1)), ink, -1, cv2.LINE_AA)
            cv2.ellipse(picture, center, (round(radius * 0.5), round(radius * 0.5)), 0, 20, 160, ink, 3, cv2.LINE_AA)
        elif style == 3:  # a label
            cv2.putText(
                picture, str(rng.choice(_WORDS)), (center[0] - 30, center[1] + 25 * index), _FONTS[0], 0.8, ink, 2
            )
    return picture


def _photo_like(rng: np.random.Generator, size: int) -> np.ndarray:
    """The statistics of a photograph: 1/f texture, large shapes, light from one side, color."""
    picture = np.zeros((size, size, 3), np.float32)
    base = np.sum([_smooth(size, rng, grain) * grain for grain in (0.5, 0.25, 0.12, 0.06, 0.03, 0.015)], axis=0)
    base = (base - base.min()) / (np.ptp(base) + 1e-6)
    tint = rng.uniform(0.3, 1.0, 3)
    for channel in range(3):
        picture[..., channel] = base * tint[channel] + 0.06 * _smooth(size, rng, 0.2)
    for _ in range(int(rng.integers(0, 5))):
        x, y = _grid(size, rng, tilt=40)
        shape = _blob(x, y, tuple(rng.uniform(-0.7, 0.7, 2)), tuple(rng.uniform(0.1, 0.6, 2))) > 0
        picture[shape] = picture[shape] * 0.4 + rng.uniform(0, 0.8, 3).astype(np.float32)
    return np.clip(picture * 255, 0, 255).astype(np.uint8)


def _round_object(rng: np.random.Generator, size: int) -> np.ndarray:
    """A plate, a coin, a fruit, an eye's background: a disc with a rim on a plain ground, lit from one side."""
    x, y = _grid(size, rng, tilt=40)
    radius = rng.uniform(0.5, 0.95)
    depth = _blob(x, y, (0, 0), (radius, radius * rng.uniform(0.85, 1.0)))
    texture = 0.25 * _smooth(size, rng, rng.choice([0.03, 0.08, 0.2])) * rng.uniform(0.2, 1)
    spokes = 0.2 * np.cos(rng.integers(3, 16) * np.arctan2(y, x)) * (rng.random() < 0.4)
    shade = rng.uniform(0.2, 0.8) + texture + spokes + rng.uniform(-0.3, 0.3) * x
    rim = rng.uniform(0.02, 0.12)
    shade = np.where(depth < rim, shade * rng.uniform(0.5, 1.4), shade)
    picture = np.where(depth > 0, shade, rng.uniform(0, 1)).astype(np.float32)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.2)
    color = 1 + rng.uniform(-0.5, 0.5, 3) * (rng.random() < 0.6)
    return np.clip(picture[..., None] * color * 255, 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, size: int) -> np.ndarray:
    """White or colored noise, stripes, checks or a gradient."""
    style = rng.integers(4)
    picture: np.ndarray
    axis = np.linspace(0, 1, size, dtype=np.float32)
    if style == 0:
        picture = rng.uniform(0, 1, (size, size)).astype(np.float32)
    elif style == 1:
        picture = 0.5 + 0.2 * _smooth(size, rng, rng.choice([0.005, 0.02, 0.1, 0.4]))
    elif style == 2:
        picture = 0.5 + 0.5 * np.sign(np.sin(axis[:, None] * rng.uniform(5, 80)) * np.sin(axis * rng.uniform(5, 80)))
    else:
        picture = axis[:, None] * rng.uniform(-1, 1) + axis[None, :] * rng.uniform(-1, 1) + rng.uniform(0, 1)
    return np.clip(picture * 255, 0, 255).astype(np.uint8)


def _plain(rng: np.random.Generator, size: int) -> np.ndarray:
    """One shade, with or without a little noise or a corner of text."""
    picture = np.full((size, size), rng.choice([0, 255, int(rng.integers(0, 256))]), np.float32)
    if rng.random() < 0.5:
        picture += rng.uniform(0.5, 8) * rng.standard_normal((size, size), dtype=np.float32)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        cv2.putText(picture, "R", (10, 30), _FONTS[0], 1.0, 255, 2)
    return picture


def _cells(rng: np.random.Generator, size: int) -> np.ndarray:
    """A micrograph: many rounded cells with dark nuclei."""
    picture = np.full((size, size, 3), rng.integers(150, 245, 3), np.float32)
    body, nucleus = rng.integers(90, 220, 3), rng.integers(20, 140, 3)
    for _ in range(int(rng.integers(20, 160))):
        center = tuple(int(value) for value in rng.integers(0, size, 2))
        axes = tuple(int(value) for value in rng.integers(6, 26, 2))
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(picture, center, axes, turn, 0, 360, [float(v) for v in body], -1, cv2.LINE_AA)
        inner = (max(2, axes[0] // 2), max(2, axes[1] // 2))
        cv2.ellipse(picture, center, inner, turn, 0, 360, [float(v) for v in nucleus], -1, cv2.LINE_AA)
    picture += 8 * rng.standard_normal((size, size, 1), dtype=np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


HU_FAMILIES: dict[str, Maker] = {
    "chest CT": _chest_ct,
    "abdomen CT": _abdomen_ct,
    "pelvis CT": _pelvis_ct,
    "limb CT": _limbs_ct,
    "neck CT": _neck_ct,
    "water phantom CT": _water_phantom_ct,
    "empty CT": _empty_ct,
}
"""Families whose pictures are Hounsfield units."""

PICTURE_FAMILIES: dict[str, Maker] = {
    "MRI-like": _mri_like,
    "radiograph": _radiograph,
    "text page": _text_page,
    "screenshot": _screenshot,
    "chart": _chart,
    "drawing": _drawing,
    "circle drawing": _circle_drawing,
    "photo-like": _photo_like,
    "round object": _round_object,
    "noise": _noise,
    "plain": _plain,
    "cells": _cells,
}
"""Families whose pictures are grey or color."""

FAMILIES: dict[str, Maker] = HU_FAMILIES | PICTURE_FAMILIES
