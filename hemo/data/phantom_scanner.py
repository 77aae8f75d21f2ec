"""What a scanner adds to a cut: blur, correlated noise, beam hardening between the petrous bones, a headrest."""

from dataclasses import dataclass

import cv2
import numpy as np

from hemo.data.phantom_anatomy import HeadSlice

AIR_HU = -1000.0


@dataclass(frozen=True)
class Scanner:
    """Settings of one study.

    Attributes:
        blur_mm: standard deviation of the point spread in the plane.
        noise_hu: standard deviation of the noise in the middle of the head.
        hardening_hu: depth of the dark band between the petrous bones.
        headrest: whether the curved support is in view.
        headrest_gap: mm between head and support.
    """

    blur_mm: float
    noise_hu: float
    hardening_hu: float
    headrest: bool
    headrest_gap: float


def draw_scanner(rng: np.random.Generator, thickness_mm: float) -> Scanner:
    """Settings at random; thinner slices are noisier, as fewer photons make them (variance ~ 1 / thickness)."""
    noise = float(rng.uniform(2.6, 4.2)) * float(np.sqrt(5.0 / np.clip(thickness_mm, 2.5, 8.0)))
    return Scanner(
        blur_mm=float(rng.uniform(0.45, 0.75)),
        noise_hu=noise,
        hardening_hu=float(rng.uniform(4, 14)),
        headrest=bool(rng.random() < 0.6),
        headrest_gap=float(rng.uniform(2, 10)),
    )


def scan(cut: HeadSlice, scanner: Scanner, half_length: float, rng: np.random.Generator) -> np.ndarray:
    """The cut as the scanner shows it: float32 (H, W) HU, rounded to whole HU as stored, at least -1024."""
    plane = cut.plane
    hu = cut.hu
    if scanner.headrest:
        hu = _with_headrest(hu, cut, scanner, half_length)
    if float(plane.z.min()) < 14:
        band = np.exp(-(((plane.y - 3) / 9) ** 2) - ((plane.z + 2) / 11) ** 2) * (0.6 + 0.4 * np.cos(plane.y * 0.9))
        hu = hu - scanner.hardening_hu * band * np.clip(cut.depth / 4, 0, 1)
    hu = cv2.GaussianBlur(hu, (0, 0), max(scanner.blur_mm / plane.pixel_mm, 0.3))
    hu = hu + scanner.noise_hu * _noise(plane.shape, plane.pixel_mm, rng) * _noise_profile(cut)
    return np.maximum(np.rint(hu), -1024).astype(np.float32)


def _noise(shape: tuple[int, int], pixel_mm: float, rng: np.random.Generator) -> np.ndarray:
    """Grainy noise of unit variance: filtered back projection suppresses the lowest and the highest frequencies."""
    white = rng.standard_normal(shape, dtype=np.float32)
    fine = cv2.GaussianBlur(white, (0, 0), max(0.45 / pixel_mm, 0.35))
    grain = fine - 0.75 * cv2.GaussianBlur(white, (0, 0), 1.6 / pixel_mm)
    return grain / np.float32(grain.std())


def _noise_profile(cut: HeadSlice) -> np.ndarray:
    """More noise behind more bone and in the middle, little in the air around the head."""
    return 0.25 + 0.75 * np.clip(cut.depth + 12, 0, 40) / 40 + np.float32(0.25)


def _with_headrest(hu: np.ndarray, cut: HeadSlice, scanner: Scanner, half_length: float) -> np.ndarray:
    """A carbon shell with foam in it, under the back of the head."""
    plane = cut.plane
    radius = half_length + 26
    away = np.sqrt(plane.x**2 + (plane.y + 16 - scanner.headrest_gap) ** 2) - radius
    below = plane.y > 20
    shell = np.maximum(1.1 - np.abs(away), 1.1 - np.abs(away - 16)) * below
    foam = np.minimum(8 - np.abs(away - 8), plane.y - 20)
    air = hu < -800
    hu = np.where(air & (foam > 0), np.float32(-930), hu)
    return np.where(air & (shell > 0), np.float32(-250), hu).astype(np.float32)
