"""Random fields in head space that any tilted plane can sample exactly, so that neighboring slices agree."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from hemo.data.phantom_anatomy import Plane

FloatArray = np.ndarray


@dataclass(frozen=True)
class Waves:
    """A stationary random field: a sum of plane waves of about one wavelength, zero mean, unit variance.

    On a plane every wave is an outer product of a function of the row and one of the column, so a whole slice costs
    two matrix products and no interpolation.

    Attributes:
        vectors: float64 (K, 3) wave vectors (x, y, z) in radians per mm.
        phases: float64 (K,) radians.
    """

    vectors: np.ndarray
    phases: np.ndarray

    @staticmethod
    def draw(
        rng: np.random.Generator, wavelength_mm: float, count: int = 96, spread: float = 0.25, flat_z: float = 1.0
    ) -> "Waves":
        """Waves in random directions; `spread` widens the band, `flat_z` < 1 stretches the field along z."""
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * np.exp(spread * rng.normal(size=(count, 1)))
        vectors = directions * (2 * np.pi / lengths) * np.array([1.0, 1.0, flat_z])
        return Waves(vectors, rng.uniform(0, 2 * np.pi, count))

    def on(self, plane: "Plane") -> FloatArray:
        """The field on a plane, float32 (H, W)."""
        rows = np.outer(np.arange(plane.shape[0]), self.vectors @ plane.row_step)
        rows += self.vectors @ plane.origin + self.phases
        columns = np.outer(self.vectors @ plane.column_step, np.arange(plane.shape[1]))
        # cos(a + b) = cos a cos b - sin a sin b, summed over the waves: one matrix product.
        left = np.concatenate([np.cos(rows), -np.sin(rows)], axis=1).astype(np.float32)
        right = np.concatenate([np.cos(columns), np.sin(columns)]).astype(np.float32)
        # OpenCV's product runs on one thread: many small ones wait less for busy cores than a threaded BLAS.
        return cv2.gemm(left, right, 1.0, None, 0.0) * np.float32(np.sqrt(2.0 / len(self.phases)))
