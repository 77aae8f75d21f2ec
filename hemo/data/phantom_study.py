"""Phantom head CT: made by formulas from a seed, with exact masks. SYNTHETIC; no patient's image is in it.

It is the embedded default for a demo and for tests, and a supplement when training. It looks like a head, but it is
not evidence about heads: no figure measured on it says anything about patients.
"""

from dataclasses import dataclass

import numpy as np

from hemo.data.phantom_anatomy import LOWEST_Z, anatomy_slice, cut, draw_head
from hemo.data.phantom_bleed import KINDS, draw_bleed, paint_bleed
from hemo.data.phantom_scanner import draw_scanner, scan

FIELD_OF_VIEW_MM = 230.0
SIZE = 512
BRAIN_FROM_MM = 16.0
VERTEX_MM = 20.0


@dataclass(frozen=True)
class PhantomStudy:
    """A synthetic study, slices from the skull base up.

    Attributes:
        name: says SYNTHETIC and the seed.
        seed: what it was made from.
        kind: kind of bleed, or None.
        hu: float32 (n, H, W), whole HU.
        masks: bool (n, H, W), the pixels whose center lies in blood; the painted edge is about a pixel soft.
        labels: int64 (n,), 1 where the mask is not empty.
        positions: float64 (n,), height in mm above the orbitomeatal line.
        levels: "base", "brain" or "vertex" for each slice.
        spacing: (row, column) mm.
        thickness: mm between slices.
    """

    name: str
    seed: int
    kind: str | None
    hu: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    positions: np.ndarray
    levels: tuple[str, ...]
    spacing: tuple[float, float]
    thickness: float


def phantom_study(seed: int, n_slices: int = 20, bleed: str | None = None, size: int = SIZE) -> PhantomStudy:
    """Make one study; the same arguments give the same arrays.

    Args:
        seed: any non-negative integer.
        n_slices: slices between the skull base and the vertex.
        bleed: one of KINDS, or None for a head without a bleed.
        size: rows and columns; the field of view stays 230 mm.

    Raises:
        ValueError: if a number is out of range or the kind is unknown.
    """
    if n_slices < 1 or size < 32 or seed < 0:
        raise ValueError(
            f"expected seed >= 0, n_slices >= 1 and size >= 32. Received: seed={seed}, n_slices={n_slices}, size={size}"
        )
    rng = np.random.default_rng([20240, seed])
    head = draw_head(rng)
    thickness = (head.vertex_z - 5 - LOWEST_Z) / n_slices
    heights = LOWEST_Z + thickness * (np.arange(n_slices) + 0.5)
    scanner = draw_scanner(rng, thickness)
    lesion = None if bleed is None else draw_bleed(bleed, head, rng)
    pixel = FIELD_OF_VIEW_MM / size
    hu = np.empty((n_slices, size, size), np.float32)
    masks = np.zeros((n_slices, size, size), bool)
    for index, height in enumerate(heights):
        piece = anatomy_slice(head, cut(head, float(height), size, pixel))
        if lesion is not None:
            masks[index] = paint_bleed(lesion, head, piece)
        hu[index] = scan(piece, scanner, head.half_length, rng)
    labels = np.asarray(masks.any(axis=(1, 2)), np.int64)
    levels = tuple(level_of(float(height), head.vertex_z) for height in heights)
    name = f"SYNTHETIC-{seed:05d}"
    return PhantomStudy(name, seed, bleed, hu, masks, labels, heights, levels, (pixel, pixel), thickness)


def level_of(height_mm: float, vertex_mm: float) -> str:
    """Level of a slice: "base" where skull base is in view, "vertex" where little brain is left, "brain" between."""
    if height_mm < BRAIN_FROM_MM:
        return "base"
    return "vertex" if height_mm > vertex_mm - VERTEX_MM else "brain"


__all__ = ["KINDS", "PhantomStudy", "phantom_study"]
