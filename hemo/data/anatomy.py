"""Where in a slice a bleed could be: inside the skull, how far from the bone, which spaces are ventricles."""

from dataclasses import dataclass

import cv2
import numpy as np

from hemo.ct.head import find_head
from hemo.ct.window import MODEL_WINDOW

_HEAD_LENGTH_MM = 185.0
"""Length of an adult head, used for the scale where a picture has no pixel spacing."""
BONE_HU = 85.0
_CSF_HU = (-5.0, 22.0)


@dataclass(frozen=True)
class Anatomy:
    """What a bleed can be painted into.

    Attributes:
        intracranial: (H, W) bool, inside the skull.
        skull_distance: (H, W) float32, distance of an intracranial pixel to the inner table, mm; 0 elsewhere.
        ventricles: (H, W) bool, large dark spaces near the middle of the brain.
        parenchyma_hu: median of the brain, HU.
        pixels_per_mm: scale of the picture.
    """

    intracranial: np.ndarray
    skull_distance: np.ndarray
    ventricles: np.ndarray
    parenchyma_hu: float
    pixels_per_mm: float


def grey_to_hu(grey: np.ndarray) -> np.ndarray:
    """(H, W) uint8 in the model's window → float32 HU; what the window clipped stays clipped."""
    low = MODEL_WINDOW.level - MODEL_WINDOW.width / 2
    return grey.astype(np.float32) * (MODEL_WINDOW.width / 255.0) + low


def hu_to_grey(hu: np.ndarray) -> np.ndarray:
    """float HU → uint8 in the model's window."""
    low = MODEL_WINDOW.level - MODEL_WINDOW.width / 2
    return np.clip((hu - low) * (255.0 / MODEL_WINDOW.width) + 0.5, 0, 255).astype(np.uint8)


def find_anatomy(grey: np.ndarray) -> Anatomy | None:
    """Find where a bleed could be in a slice of the model's window.

    Args:
        grey: (H, W) uint8 in the model's window (level 40, width 120).

    Returns:
        The anatomy, or None where no closed skull with a brain inside is seen (neck, skull base, vertex).
    """
    head = find_head(grey)
    if head is None or head.intracranial_share < 0.25:
        return None
    hu = cv2.GaussianBlur(grey_to_hu(grey), (0, 0), 1.0)
    intracranial = head.intracranial & (hu < BONE_HU)
    parenchyma = float(np.median(hu[intracranial]))
    if not 20.0 <= parenchyma <= 60.0:
        return None
    pixels_per_mm = max(head.box[2] - head.box[0], head.box[3] - head.box[1]) / _HEAD_LENGTH_MM
    distance = cv2.distanceTransform(intracranial.astype(np.uint8), cv2.DIST_L2, 5) / pixels_per_mm
    return Anatomy(
        intracranial=intracranial,
        skull_distance=distance.astype(np.float32),
        ventricles=_ventricles(hu, distance, parenchyma, pixels_per_mm),
        parenchyma_hu=parenchyma,
        pixels_per_mm=pixels_per_mm,
    )


def random_place(allowed: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """(row, column) of one pixel of `allowed`, bool (H, W) with at least one, each as likely as the next."""
    places = np.flatnonzero(allowed)
    return divmod(int(places[rng.integers(len(places))]), allowed.shape[1])


def _ventricles(hu: np.ndarray, distance: np.ndarray, parenchyma: float, pixels_per_mm: float) -> np.ndarray:
    low, high = _CSF_HU
    dark = (hu > low) & (hu < min(high, parenchyma - 8.0)) & (distance > 22.0)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=4)
    least = 40.0 * pixels_per_mm**2
    large = [index for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] >= least]
    return np.isin(labels, large)
