"""Augmentation: the published generator's settings and more, as one affine warp an image, in numpy and OpenCV alone.

The same code draws the page's samples and the training batches.

References:
    `keras.src.legacy.preprocessing.image`: `ImageDataGenerator.get_random_transform` and `apply_affine_transform`.
    There `zoom_range=0.25` draws two factors from [0.75, 1.25], one an axis, and a factor above 1 shrinks the picture;
    `shear_range` is in degrees, so that the published 0.25 is hardly visible; `horizontal_flip` comes after the warp.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from hemo.errors import HemoError

FillMode = Literal["nearest", "black", "reflect"]
_BORDERS = {"nearest": cv2.BORDER_REPLICATE, "black": cv2.BORDER_CONSTANT, "reflect": cv2.BORDER_REFLECT}


@dataclass(frozen=True)
class AugmentSettings:
    """How strongly images are changed; each amount is the end of a range drawn from evenly, 0 switches it off.

    The defaults are the published generator's.

    Args:
        rescale: factor from grey level to the network's input.
        zoom: each axis is zoomed by a factor from [1 - zoom, 1 + zoom]; 0 to 0.9.
        shear: degrees, as Keras has it; 0 to 45.
        rotation: degrees, 0 to 180.
        horizontal_flip: mirror left and right, half of the time.
        shift: share of the side, along each axis; 0 to 0.5.
        brightness: share of the full range that is added or taken; 0 to 1.
        contrast: the distance to the image's mean is scaled by a factor from [1 - contrast, 1 + contrast]; 0 to 1.
        noise: standard deviation of white noise as a share of the full range, drawn from [0, noise]; 0 to 0.5.
        fill: what lies beyond the edge: "nearest" repeats it, "black", "reflect" mirrors the image.

    Raises:
        HemoError: a value outside its range.
    """

    rescale: float = 1 / 255
    zoom: float = 0.25
    shear: float = 0.25
    rotation: float = 25.0
    horizontal_flip: bool = True
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0
    fill: FillMode = "nearest"

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise HemoError(f"Expected {name} from {low:g} to {high:g}. Received: {value}.")
        if self.fill not in _BORDERS:
            raise HemoError(f"Expected fill to be one of {', '.join(_BORDERS)}. Received: {self.fill}.")

    def to_json(self) -> dict[str, Any]:
        """Plain values for a configuration file."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "AugmentSettings":
        """Read back what `to_json` gave; values not named keep their defaults.

        Raises:
            HemoError: a name that is no setting.
        """
        strange = sorted(set(values) - {field.name for field in fields(cls)})
        if strange:
            raise HemoError(f"Expected augmentation settings. Received: {', '.join(strange)}.")
        return cls(**values)


RANGES: dict[str, tuple[float, float]] = {
    "zoom": (0.0, 0.9),
    "shear": (0.0, 45.0),
    "rotation": (0.0, 180.0),
    "shift": (0.0, 0.5),
    "brightness": (0.0, 1.0),
    "contrast": (0.0, 1.0),
    "noise": (0.0, 0.5),
}
"""Smallest and largest value of each amount."""

AS_PUBLISHED = AugmentSettings()
"""The published generator: rescale 1/255, zoom 0.25, shear 0.25 (degrees), rotation 25, horizontal flip, nearest."""

UNCHANGED = AugmentSettings(zoom=0.0, shear=0.0, rotation=0.0, horizontal_flip=False)
"""Only the rescaling: what validation and test images get."""


@dataclass(frozen=True)
class Draws:
    """What was drawn for a batch of n images; every array has n rows.

    Attributes:
        theta, shear: radians.
        zoom: factors along x and y, (n, 2); above 1 shrinks, as in Keras.
        shift: shares of the side along x and y, (n, 2).
        flip: bool.
        brightness: share of the full range added.
        contrast: factor.
        noise: standard deviation as a share of the full range.
    """

    theta: npt.NDArray[np.float64]
    shear: npt.NDArray[np.float64]
    zoom: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]
    flip: npt.NDArray[np.bool_]
    brightness: npt.NDArray[np.float64]
    contrast: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]


def draw(n: int, settings: AugmentSettings, rng: np.random.Generator) -> Draws:
    """Draw the changes of `n` images.

    Every kind is drawn whether switched on or not, so that moving one slider leaves the others' draws as they were.
    """
    even = rng.uniform(-1.0, 1.0, size=(n, 8))
    return Draws(
        theta=np.deg2rad(settings.rotation) * even[:, 0],
        shear=np.deg2rad(settings.shear) * even[:, 1],
        zoom=1.0 + settings.zoom * even[:, 2:4],
        shift=settings.shift * even[:, 4:6],
        flip=(rng.random(n) < 0.5) & settings.horizontal_flip,
        brightness=settings.brightness * even[:, 6],
        contrast=1.0 + settings.contrast * even[:, 7],
        noise=settings.noise * rng.random(n),
    )


def affine_matrices(draws: Draws, height: int, width: int) -> npt.NDArray[np.float64]:
    """Affines from pixels (x, y) of the result to pixels of the source, float64 (n, 2, 3).

    Rotation · shift · shear · zoom about the center, as Keras composes them, then the flip of the result.
    """
    cos, sin = np.cos(draws.theta), np.sin(draws.theta)
    shear_sin, shear_cos = np.sin(draws.shear), np.cos(draws.shear)
    zoom_x, zoom_y = draws.zoom[:, 0], draws.zoom[:, 1]
    linear = np.empty((len(draws.theta), 2, 2))
    linear[:, 0, 0] = cos * zoom_x
    linear[:, 0, 1] = -(cos * shear_sin + sin * shear_cos) * zoom_y
    linear[:, 1, 0] = sin * zoom_x
    linear[:, 1, 1] = (cos * shear_cos - sin * shear_sin) * zoom_y
    shift_x, shift_y = draws.shift[:, 0] * width, draws.shift[:, 1] * height
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    offset = np.stack([cos * shift_x - sin * shift_y, sin * shift_x + cos * shift_y], axis=1)
    offset += center - linear @ center
    # A flipped result takes its column x from column (width - 1 - x) of the unflipped one.
    offset[draws.flip] += linear[draws.flip, :, 0] * (width - 1)
    linear[draws.flip, :, 0] *= -1
    return np.concatenate([linear, offset[:, :, None]], axis=2)


def augment_batch(
    images: npt.NDArray[np.uint8], settings: AugmentSettings, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Change every image of a batch by draws of its own.

    Args:
        images: uint8 (N, H, W), grey level; not changed.
        settings: how strongly.
        rng: source of the draws; the same state gives the same result.

    Returns:
        float32 (N, H, W), rescaled; within [0, 1] for the usual rescale of 1/255.
    """
    n, height, width = images.shape
    draws = draw(n, settings, rng)
    matrices = affine_matrices(draws, height, width)
    border = _BORDERS[settings.fill]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    result = np.empty((n, height, width), dtype=np.float32)
    for i in range(n):
        warped = cv2.warpAffine(images[i], matrices[i], (width, height), flags=flags, borderMode=border)
        mean = cv2.mean(warped)[0] if settings.contrast else 0.0
        levels = _levels(mean, float(draws.contrast[i]), float(draws.brightness[i]))
        cv2.LUT(warped, levels * np.float32(settings.rescale), dst=result[i])
    if settings.noise:
        _add_noise(result, draws.noise, 255 * settings.rescale, rng)
    return result


def _levels(mean: float, contrast: float, brightness: float) -> npt.NDArray[np.float32]:
    """What each grey level becomes, float32 (256,): contrast about the mean, then brightness, kept within 0 to 255."""
    levels = np.arange(256, dtype=np.float32)
    return np.clip((levels - mean) * contrast + mean + 255 * brightness, 0, 255).astype(np.float32)


def _add_noise(
    images: npt.NDArray[np.float32], deviations: npt.NDArray[np.float64], full: float, rng: np.random.Generator
) -> None:
    """White noise, in place, kept within 0 to `full`.

    Each image takes its own cut of one field of twice its size: normal draws would otherwise cost five times the warp.
    """
    n, height, width = images.shape
    field = rng.standard_normal((2 * height, 2 * width), dtype=np.float32)
    tops, lefts = rng.integers(0, height + 1, n), rng.integers(0, width + 1, n)
    for i in range(n):
        cut = field[tops[i] : tops[i] + height, lefts[i] : lefts[i] + width]
        cv2.scaleAdd(cut, float(deviations[i]) * full, images[i], dst=images[i])
    np.clip(images, 0, full, out=images)
