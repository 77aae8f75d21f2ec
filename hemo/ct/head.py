"""Find the head in a slice: its outline, the inside of the skull, and the box around it.

Works on the grey picture, because that is all a JPEG from a paper or a teaching file has. It must survive what they
bring: wide black margins, a white page around the picture, head rests, letters and rulers, a crop so tight that
the skull leaves the picture, and windows in which the brain is as dark as air.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_WORK_SIZE = 256
"""Outlines are found on a copy with this longer side: fast, and one set of kernel sizes serves every picture."""
_WHITE_PAGE = 225
_PAGE_SHARE = 0.95
"""Letters may stand on the page, so a page's row need not be white throughout."""
_MIN_HEAD_SHARE = 0.02
_SKULL_GREY = 0.80
"""Bone is taken as this share of the brightest grey level within the head (its 99th percentile)."""


@dataclass(frozen=True)
class Head:
    """Where the head is in a picture.

    Attributes:
        mask: (H, W) bool, the convex outline of the head with a small margin.
        box: (top, left, bottom, right) of the outline in pixels, half open.
        intracranial: (H, W) bool, inside the bright ring of the skull; all False where no closed ring is seen.
    """

    mask: np.ndarray
    box: tuple[int, int, int, int]
    intracranial: np.ndarray

    @property
    def intracranial_share(self) -> float:
        """Intracranial area as a share of the head's area: near zero in the neck, 0.5 to 0.8 in the mid-brain."""
        return float(self.intracranial.sum() / max(1, self.mask.sum()))

    def resized(self, shape: tuple[int, int]) -> "Head":
        """The same head in the same picture at another size, (rows, columns)."""
        size = shape[::-1]
        mask = cv2.resize(self.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
        inside = cv2.resize(self.intracranial.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
        return Head(mask, _box_of(mask), inside)


def find_head(grey: np.ndarray) -> Head | None:
    """Find the head in a grey picture.

    Args:
        grey: (H, W) uint8.

    Returns:
        The head, or None where nothing larger than two hundredths of the picture stands out from the background.
    """
    head = find_head_on_copy(work_copy(grey))
    return head and head.resized((grey.shape[0], grey.shape[1]))


def work_copy(grey: np.ndarray) -> np.ndarray:
    """The copy of a picture that outlines are found on: (h, w) uint8, longer side `_WORK_SIZE` pixels."""
    height, width = grey.shape
    scale = _WORK_SIZE / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def find_head_on_copy(copy: np.ndarray) -> Head | None:
    """`find_head` on what `work_copy` made, in the copy's own pixels: for callers that measure there as well."""
    copy = _without_white_page(copy)
    outline = _outline(copy)
    return None if outline is None else Head(outline, _box_of(outline), _inside_skull(copy, outline))


def _box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _disc(diameter: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))


def _without_white_page(grey: np.ndarray) -> np.ndarray:
    """Turn a white page around the picture black: rows and columns at the edges that are white almost throughout.

    Flooding from the corners would run on into a skull that touches the page; a skull never fills a whole row.
    """
    white = grey >= _WHITE_PAGE
    rows = np.flatnonzero(white.mean(axis=1) < _PAGE_SHARE)
    if rows.size == 0:
        return grey
    columns = np.flatnonzero(white[rows[0] : rows[-1] + 1].mean(axis=0) < _PAGE_SHARE)
    if columns.size == 0:
        return grey
    inside = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cleaned = np.zeros_like(grey)
    cleaned[inside] = grey[inside]
    return cleaned


def _largest(binary: np.ndarray) -> np.ndarray | None:
    """The largest connected part of a binary picture."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(binary.astype(np.uint8), connectivity=4)
    if count < 2:
        return None
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _filled(binary: np.ndarray) -> np.ndarray:
    """Fill the holes: everything that cannot be reached from outside the picture."""
    padded = cv2.copyMakeBorder(binary.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(padded, None, (0, 0), 2)
    return padded[1:-1, 1:-1] != 2


def _outline(grey: np.ndarray) -> np.ndarray | None:
    """Convex outline of the largest thing that stands out from the background."""
    # Air is not black in every window, and a picture may be dim: the threshold lies between its own extremes.
    air, brightest = (float(level) for level in np.percentile(grey, (2, 99.5)))
    threshold = air + max(12.0, 0.12 * (brightest - air))
    binary = cv2.medianBlur(grey, 3) > threshold
    # Filling before opening keeps a head whose brain is black in this window; opening then drops the thin
    # arcs of the head rest, hair and letters.
    solid = cv2.morphologyEx(_filled(binary).astype(np.uint8), cv2.MORPH_OPEN, _disc(9))
    largest = _largest(solid)
    if largest is None or largest.mean() < _MIN_HEAD_SHARE:
        return None
    hull = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(_row_ends(largest)), 1)
    return cv2.dilate(hull, _disc(5)).astype(bool)


def _row_ends(binary: np.ndarray) -> np.ndarray:
    """(column, row) of the first and last pixel of each row, int32 (N, 2): the hull of these is the hull of all."""
    rows = np.flatnonzero(binary.any(axis=1))
    first = binary[rows].argmax(axis=1)
    last = binary.shape[1] - 1 - binary[rows, ::-1].argmax(axis=1)
    return np.concatenate([np.column_stack([ends, rows]) for ends in (first, last)]).astype(np.int32)


def _inside_skull(grey: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Inside of the bright ring: what is enclosed by bone, without the bone and without thin leaks."""
    bright = float(np.percentile(grey[outline], 99))
    bone = (grey >= _SKULL_GREY * bright) & outline
    ring = cv2.morphologyEx(bone.astype(np.uint8), cv2.MORPH_CLOSE, _disc(7)).astype(bool)
    inside = _filled(ring) & ~ring
    inside = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, _disc(7)).astype(bool)
    largest = _largest(inside)
    if largest is None or largest.sum() < 0.04 * outline.sum():
        return np.zeros_like(outline)
    return _filled(largest)
