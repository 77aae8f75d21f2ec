"""What a bleed does to the brain around it: it pushes it aside, narrows ventricles and sulci, and shifts the midline.

A large collection that is as grey as the brain shows by little else. The push is one smooth field of displacements,
away from the bleed and towards the middle of the brain, fading with distance; the skull stays where it is.
"""

import cv2
import numpy as np

_RIM_MM = 1.5


def pushed_aside(
    hu: np.ndarray,
    bleed: np.ndarray,
    intracranial: np.ndarray,
    skull_distance: np.ndarray,
    pixels_per_mm: float,
    push_mm: float,
    reach_mm: float,
) -> np.ndarray:
    """Displace the brain of one slice.

    Args:
        hu: (H, W) float32 slice, HU.
        bleed: (H, W) bool, where the bleed will be painted.
        intracranial: (H, W) bool, inside the skull; nothing outside it moves.
        skull_distance: (H, W) float32, distance of an intracranial pixel to the inner table, mm.
        pixels_per_mm: scale of the picture.
        push_mm: displacement beside the bleed, mm.
        reach_mm: distance from the bleed at which 1/e of the push is left, mm.

    Returns:
        (H, W) float32 HU. A bleed in the very middle pushes nothing: it has no side to push to.
    """
    rows, columns = np.nonzero(bleed)
    inside_rows, inside_columns = np.nonzero(intracranial)
    away = np.array([inside_columns.mean() - columns.mean(), inside_rows.mean() - rows.mean()])
    length = float(np.hypot(*away))
    if length < pixels_per_mm:
        return hu
    away /= length
    from_bleed = cv2.distanceTransform((~bleed).astype(np.uint8), cv2.DIST_L2, 5) / pixels_per_mm
    push = push_mm * np.exp(-from_bleed / reach_mm)
    # Tissue comes from where it lay, never from the bone or what is part bone: the rim stays, and further in a pixel
    # moves by less than its distance to it.
    push = np.minimum(push, np.clip(0.8 * (skull_distance - _RIM_MM), 0.0, None)).astype(np.float32)
    push = np.where(intracranial, push, 0.0).astype(np.float32) * pixels_per_mm
    y, x = np.mgrid[: hu.shape[0], : hu.shape[1]].astype(np.float32)
    moved = cv2.remap(
        hu.astype(np.float32),
        (x - push * away[0]).astype(np.float32),
        (y - push * away[1]).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(np.where(intracranial, moved, hu), dtype=np.float32)
