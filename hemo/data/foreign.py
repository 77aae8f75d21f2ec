"""A slice as a paper, a teaching file or a messenger shows it: cropped, stretched, toned, noisy, lettered, compressed.

Geometry and page are decided here, tone and sharpness by `degrade`. Such pictures fit the guard, and they judge the
shipped model: the slices of a held-out patient, made foreign, are the nearest thing to another hospital's at hand.
"""

import cv2
import numpy as np

from hemo.ct.head import find_head
from hemo.data.degrade import DegradeSettings, degrade


def foreign(
    grey: np.ndarray, rng: np.random.Generator, settings: DegradeSettings | None = None
) -> tuple[np.ndarray, float]:
    """A slice as a web page shows it: cropped or with margins, stretched, toned, noisy, lettered, tinted, compressed.

    Args:
        grey: (H, W) uint8.
        rng: decides everything.
        settings: of tone, noise and sharpness; None gives those that the shipped model is trained with.

    Returns:
        (h, w) uint8 with a side of 110 to 640 pixels, and the colorfulness of its tint.
    """
    head = find_head(grey)
    height, width = grey.shape
    top, left, bottom, right = head.box if head else (0, 0, height, width)
    side = max(bottom - top, right - left)
    # From a crop into the skull to wide margins; most web pictures are cropped close.
    margins = side * np.where(rng.random(4) < 0.6, rng.uniform(-0.07, 0.05, 4), rng.uniform(0.0, 0.35, 4))
    top, left = int(top - margins[0]), int(left - margins[1])
    bottom, right = int(bottom + margins[2]), int(right + margins[3])
    pad = max(0, -top, -left, bottom - height, right - width)
    padded = cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    cropped = padded[top + pad : bottom + pad, left + pad : right + pad]
    size = int(np.exp(rng.uniform(np.log(110), np.log(640))))
    tall, wide = cropped.shape
    shape = (size, max(64, round(size * wide / tall * np.exp(rng.uniform(-0.12, 0.12)))))
    work = cv2.resize(cropped, (size, size), interpolation=cv2.INTER_AREA if size < tall else cv2.INTER_CUBIC)
    if rng.random() < 0.3:
        turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(-25, 25), 1.0)
        work = cv2.warpAffine(work, turn, (size, size))
    if rng.random() < 0.5:
        work = np.ascontiguousarray(work[:, ::-1])
    if rng.random() < 0.9:
        work = degrade(work, rng, settings)
    if rng.random() < 0.1:  # a wide window or a poor scan: air is grey
        lift = rng.uniform(0.05, 0.25)
        work = (work * (1 - lift) + 255 * lift).astype(np.uint8)
    picture = cv2.resize(work, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.1:  # pasted on a white page
        edges = [int(value) for value in rng.integers(0, max(2, size // 6), 4)]
        picture = framed(picture, edges, 255)
    tint = float(rng.uniform(0.01, 0.3)) if rng.random() < 0.15 else 0.0
    return picture, tint


def framed(picture: np.ndarray, edges: list[int], shade: int) -> np.ndarray:
    """A plain frame of the given widths: top, bottom, left, right."""
    top, bottom, left, right = edges
    return np.asarray(cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=shade))
