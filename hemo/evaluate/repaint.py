"""The prepared image with parts painted over: the skull without the brain, the brain without the skull, a lesion."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

PARTS = {
    "brain only": "skull, scalp and all outside painted over",
    "skull only": "everything inside the skull painted with its own median grey",
    "outline only": "the head painted with one grey: only its shape and what lies outside remain",
}
_BONE = 235


def head_parts(image: Image) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The head's whole outline and what lies inside the skull, each bool (S, S), from grey levels alone.

    Bone is white at the model's window. Where no ring of bone is found (the vertex, the neck) the inside is empty.
    """
    size = image.shape[0]
    outline = _filled(image > 20)
    kernel = np.ones((max(3, size // 40) | 1,) * 2, np.uint8)
    bone = cv2.morphologyEx((image >= _BONE).astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    inside = _filled(bone) & ~bone
    inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return outline, inside


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest outer contour, filled."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    if contours:
        cv2.drawContours(filled, [max(contours, key=cv2.contourArea)], -1, 1, thickness=cv2.FILLED)
    return filled > 0


def changed(image: Image, part: str) -> Image:
    """One probe's image.

    Raises:
        ValueError: not one of `PARTS`.
    """
    outline, inside = head_parts(image)
    result = image.copy()
    if part == "brain only":
        result[~inside] = 0
    elif part == "skull only":
        result[inside] = int(np.median(image[inside])) if inside.any() else 0
    elif part == "outline only":
        result[outline] = 90
    else:
        raise ValueError(f"expected one of {', '.join(PARTS)}. Received: {part!r}")
    return result


def covered(image: Image, lesion: NDArray[np.bool_]) -> Image:
    """The image with the lesion painted with the brain's median grey."""
    _, inside = head_parts(image)
    rest = inside & ~lesion
    result = image.copy()
    result[lesion] = int(np.median(image[rest])) if rest.any() else int(np.median(image))
    return result
