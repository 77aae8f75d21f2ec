"""Where the network reacted, held against where the lesion is: boxes, masks, and two controls.

A heat map that does no better than one from randomised weights, or than a guess at the centre of the head, says
nothing about the bleed (Adebayo et al. 2018; Arun et al. 2021, arXiv 2008.02766). All maps are compared in the
prepared image: boxes are carried there by the inverse of each slice's own affine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemo.evaluate.intervals import mean_with_interval
from hemo.evaluate.metrics import FloatArray, Metric

CENTRE = "guess at the centre of the head"
"""Name of the control that needs no network."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Localisation:
    """How well one kind of map finds the lesions.

    Args:
        name: what made the maps.
        peak_in_box: share of slices whose peak lies in a lesion box.
        mass_in_box: mean share of the map's mass inside the boxes.
        iou: mean overlap of the map's hottest part, as large as the lesion, with the mask; undefined without masks.
    """

    name: str
    peak_in_box: Metric
    mass_in_box: Metric
    iou: Metric


def boxes_to_mask(
    boxes: Sequence[Box], to_source: ArrayLike, shape: tuple[int, int], size: int, grid: tuple[int, int] | None = None
) -> NDArray[np.bool_]:
    """Lesion boxes as a mask of the prepared image.

    Args:
        boxes: (xc, yc, w, h) as fractions of the slice.
        to_source: (2, 3), prepared pixel → slice pixel.
        shape: rows and columns of the slice.
        size: side of the prepared image.
        grid: rows and columns of the result; None gives (size, size).

    Returns:
        bool (rows, columns).
    """
    rows, columns = grid or (size, size)
    height, width = shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    prepared_x, prepared_y = (x + 0.5) * size / columns - 0.5, (y + 0.5) * size / rows - 0.5
    affine = np.asarray(to_source, dtype=np.float64)
    source_x = affine[0, 0] * prepared_x + affine[0, 1] * prepared_y + affine[0, 2] + 0.5
    source_y = affine[1, 0] * prepared_x + affine[1, 1] * prepared_y + affine[1, 2] + 0.5
    mask = np.zeros((rows, columns), dtype=bool)
    for xc, yc, w, h in boxes:
        mask |= (np.abs(source_x / width - xc) <= w / 2) & (np.abs(source_y / height - yc) <= h / 2)
    return mask


def mask_to_prepared(mask: NDArray[np.bool_], to_source: ArrayLike, size: int) -> NDArray[np.bool_]:
    """A lesion mask of the slice, bool (H, W), in the prepared image, bool (size, size)."""
    affine = np.asarray(to_source, dtype=np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(mask.astype(np.float32), affine, (size, size), flags=flags) > 0.5)


def enlarged(heat: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """A heat map (h, w) at the prepared image's size, as it is shown over the slice."""
    grown = cv2.resize(heat.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(grown, 0, None), dtype=np.float32)


def peak_in_mask(heat: NDArray[np.floating], mask: NDArray[np.bool_]) -> bool:
    """Whether the hottest pixel lies in the mask; a blank map has no peak."""
    if not heat.size or float(heat.max()) <= float(heat.min()):
        return False
    return bool(mask[np.unravel_index(int(np.argmax(heat)), heat.shape)])


def mass_in_mask(heat: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Share of the map's sum that lies in the mask; 0 for a blank map."""
    total = float(heat.sum())
    return float(heat[mask].sum()) / total if total > 0 else 0.0


def overlap(heat: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """IoU of the mask with the map's hottest part of the same area, which needs no threshold; 0 for a blank map."""
    area = int(mask.sum())
    if area == 0 or float(heat.max()) <= float(heat.min()):
        return 0.0
    hottest = np.zeros(heat.size, dtype=bool)
    hottest[np.argpartition(heat.ravel(), -area)[-area:]] = True
    both = int((hottest & mask.ravel()).sum())
    return both / (2 * area - both)


def centre_guess(size: int) -> NDArray[np.float32]:
    """The centre-of-brain control: a Gaussian in the middle of the prepared image, float32 (size, size)."""
    axis = (np.arange(size) - (size - 1) / 2) / (size / 6)
    bell = np.exp(-0.5 * axis**2)
    return np.outer(bell, bell).astype(np.float32)


def localise(
    name: str,
    heats: Sequence[NDArray[np.floating]] | NDArray[np.floating],
    lesions: Sequence[NDArray[np.bool_]],
    groups: ArrayLike,
    kind: str = "patient",
    exact: bool = False,
) -> Localisation:
    """Judge maps against lesions.

    Args:
        name: what made the maps.
        heats: N maps (size, size); a lesion whose box fell outside the prepared image counts as not found.
        lesions: N masks (size, size), from boxes or masks.
        groups: (N,) patient of each slice, resampled for the intervals.
        kind: what a group is.
        exact: the lesions are masks, not boxes, so that IoU means something.
    """
    peak = np.array([peak_in_mask(heat, lesion) for heat, lesion in zip(heats, lesions, strict=True)], dtype=np.float64)
    mass = np.array([mass_in_mask(heat, lesion) for heat, lesion in zip(heats, lesions, strict=True)])
    iou = Metric.undefined("the set has boxes, not masks", len(lesions))
    if exact:
        values = [overlap(heat, lesion) for heat, lesion in zip(heats, lesions, strict=True)]
        iou = mean_with_interval(values, groups, kind)
    return Localisation(name, mean_with_interval(peak, groups, kind), mean_with_interval(mass, groups, kind), iou)


def deletion_insertion(scores: FloatArray) -> float:
    """Area under a deletion or insertion curve (Petsiuk et al. 2018) of probabilities (steps + 1,)."""
    return float(np.trapezoid(np.asarray(scores, dtype=np.float64), dx=1 / (len(scores) - 1)))
