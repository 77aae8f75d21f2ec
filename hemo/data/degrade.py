"""What foreign pictures have been through: other windows, noise, blur, letters, compression, another tilt.

A slice from a paper or a messenger is not the scanner's. In a 45-minute trial these degradations, not the network,
made the difference on images of other hospitals, so each training image is drawn through them. Works on one prepared
(S, S) uint8 grey image with numpy and OpenCV; deterministic from the generator passed in.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_LETTERS = "ABCDEFGHIKLMNPRSTUVWX0123456789"


@dataclass(frozen=True)
class DegradeSettings:
    """Strengths of the degradations; probabilities where a name ends in `_share`.

    Args:
        rotation: largest tilt, degrees.
        zoom: relative change of scale, either way.
        shift: relative to the image's side.
        squeeze: relative change of the aspect ratio.
        window_low, window_high: contrast factor around the parenchyma's median.
        level: shift of the parenchyma's grey level, standard deviation.
        gamma: largest factor of the gamma curve, either way.
        noise: largest standard deviation of the noise, in [0, 1] grey.
        blur: largest standard deviation of the blur, pixels.
    """

    rotation: float = 20.0
    zoom: float = 0.15
    shift: float = 0.05
    squeeze: float = 0.10
    window_low: float = 0.6
    window_high: float = 2.6
    level: float = 14.0
    gamma: float = 1.4
    noise: float = 0.12
    blur: float = 1.4
    tone_share: float = 0.75
    noise_share: float = 0.4
    blur_share: float = 0.3
    resample_share: float = 0.25
    letter_share: float = 0.15
    jpeg_share: float = 0.4
    flip_share: float = 0.5


def warp_matrix(size: int, settings: DegradeSettings, rng: np.random.Generator) -> np.ndarray:
    """A random tilt, scale, squeeze, shift and mirror about the image's centre: (2, 3) float64, image → image."""
    angle = np.deg2rad(rng.uniform(-settings.rotation, settings.rotation))
    scale = np.exp(rng.uniform(-settings.zoom, settings.zoom))
    squeeze = np.exp(rng.uniform(-settings.squeeze, settings.squeeze) / 2)
    mirror = -1.0 if rng.random() < settings.flip_share else 1.0
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotate @ np.diag([mirror * scale * squeeze, scale / squeeze])
    centre = np.full(2, (size - 1) / 2)
    offset = centre - linear @ centre + rng.uniform(-settings.shift, settings.shift, 2) * size
    return np.column_stack([linear, offset])


def degrade(image: np.ndarray, rng: np.random.Generator, settings: DegradeSettings | None = None) -> np.ndarray:
    """Change tone, sharpness and noise of one image as foreign pictures do; geometry is `warp_matrix`'s.

    Args:
        image: (S, S) uint8 grey.
        rng: decides everything.
        settings: strengths; the defaults are those the shipped model is trained with.

    Returns:
        (S, S) uint8 grey.
    """
    settings = settings or DegradeSettings()
    picture = image.astype(np.float32)
    if rng.random() < settings.blur_share:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, settings.blur))
    if rng.random() < settings.tone_share:
        picture = _retone(picture, settings, rng)
    if rng.random() < settings.noise_share:
        picture = _with_noise(picture, settings, rng)
    if rng.random() < settings.resample_share:
        picture = _resampled(picture, rng)
    grey = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < settings.letter_share:
        grey = _with_letters(grey, rng)
    if rng.random() < settings.jpeg_share:
        _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 81))])
        grey = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
    return grey


def _retone(picture: np.ndarray, settings: DegradeSettings, rng: np.random.Generator) -> np.ndarray:
    """Another window around the parenchyma's median, then another gamma; air stays black."""
    size = picture.shape[0]
    core = picture[size // 4 : -size // 4, size // 4 : -size // 4]
    tissue = core[(core > 25) & (core < 230)]
    median = float(np.median(tissue)) if tissue.size > 50 else 117.0
    factor = float(np.exp(rng.uniform(np.log(settings.window_low), np.log(settings.window_high))))
    toned = (picture - median) * factor + median + rng.normal(0.0, settings.level)
    toned = np.clip(toned, 0, 255)
    gamma = float(np.exp(rng.uniform(-np.log(settings.gamma), np.log(settings.gamma))))
    toned = 255.0 * (toned / 255.0) ** gamma
    # A wide window lifts the air outside the head with everything else; a picture's air is black nearly always.
    return np.where(picture < 3, 0.0, toned).astype(np.float32)


def _with_noise(picture: np.ndarray, settings: DegradeSettings, rng: np.random.Generator) -> np.ndarray:
    """White or correlated noise, as of a low dose or a sharp kernel."""
    strength = 255.0 * settings.noise * rng.random() ** 2
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.5, 1.5))
        noise /= noise.std() + 1e-6
    return picture + strength * noise * (picture > 3)


def _resampled(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = picture.shape[0]
    smaller = int(size * rng.uniform(0.4, 0.9))
    down = cv2.resize(picture, (smaller, smaller), interpolation=cv2.INTER_AREA)
    up = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    return cv2.resize(down, (size, size), interpolation=up)


def _with_letters(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A few burned-in letters, an arrow or a ruler somewhere on the picture."""
    size = grey.shape[0]
    marked = grey.copy()
    level = int(rng.integers(170, 256)) if rng.random() < 0.85 else 0
    x, y = (int(value) for value in rng.integers(0, size, 2))
    style = rng.random()
    if style < 0.7:
        text = "".join(_LETTERS[index] for index in rng.integers(0, len(_LETTERS), int(rng.integers(1, 5))))
        face = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX]))
        cv2.putText(marked, text, (x, y), face, rng.uniform(0.3, 1.0), level, int(rng.integers(1, 3)), cv2.LINE_AA)
    elif style < 0.85:
        end = tuple(int(value) for value in np.array([x, y]) + rng.integers(-size // 6, size // 6, 2))
        cv2.arrowedLine(marked, (x, y), end, level, int(rng.integers(1, 3)), cv2.LINE_AA, tipLength=0.35)
    else:
        side = size - 1 - int(rng.integers(2, 12))
        for step in range(size // 4, 3 * size // 4, size // 20):
            cv2.line(marked, (side - 4, step), (side, step), level, 1)
    return marked
