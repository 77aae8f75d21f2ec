"""Paint what is bright, or swollen, or dark in a head and yet no bleed, so that a network learns to leave it alone.

A cleared product's false alarms come from calcification, thick dura, artefacts and old infarcts; a network trained on
trauma also learns that a swollen scalp goes with a bleed. Each of these is painted into bleeding and bleed-free slices
alike, so that none of them says anything about the label.
"""

import cv2
import numpy as np

from hemo.data.lesion import Anatomy, random_place


def paint_mimic(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Paint one mimic, drawn at random.

    Args:
        hu: (H, W) float32 slice in HU.
        anatomy: of the same slice.
        rng: decides everything.

    Returns:
        (H, W) float32 HU.
    """
    painters = (_calcification, _infarct, _swollen_scalp, _streaks, _dense_midline)
    return painters[int(rng.integers(len(painters)))](hu.astype(np.float32), anatomy, rng)


def _calcification(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """One to four small dots of 110 to 400 HU near the middle: pineal gland, choroid plexus, basal ganglia."""
    allowed = anatomy.skull_distance > 20.0
    if not allowed.any():
        return hu
    dots = np.zeros_like(hu)
    for _ in range(int(rng.integers(1, 5))):
        y, x = random_place(allowed, rng)
        radius = max(1, round(rng.uniform(0.6, 2.5) * anatomy.pixels_per_mm))
        cv2.circle(dots, (x, y), radius, float(rng.uniform(90.0, 360.0)), -1, cv2.LINE_AA)
    return hu + cv2.GaussianBlur(dots, (0, 0), 0.7)


def _infarct(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """A dark territory, 5 to 16 HU below the brain, with a soft edge."""
    if not anatomy.intracranial.any():
        return hu
    y, x = random_place(anatomy.intracranial, rng)
    axes = rng.uniform(6.0, 32.0, 2) * anatomy.pixels_per_mm
    region = np.zeros_like(hu)
    cv2.ellipse(region, ((float(x), float(y)), (float(axes[0]), float(axes[1])), rng.uniform(0, 180)), 1.0, -1)
    region = cv2.GaussianBlur(region, (0, 0), rng.uniform(1.0, 5.0) * anatomy.pixels_per_mm) * anatomy.intracranial
    return hu - region * rng.uniform(5.0, 16.0)


def _swollen_scalp(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """A cap of soft tissue outside the skull, as after a blow."""
    filled = cv2.dilate(anatomy.intracranial.astype(np.uint8), None, iterations=2)
    outside = cv2.distanceTransform(1 - filled, cv2.DIST_L2, 5) / anatomy.pixels_per_mm
    y, x = random_place((outside > 4.0) & (outside < 10.0), rng)
    rows, columns = np.mgrid[: hu.shape[0], : hu.shape[1]].astype(np.float32)
    reach = rng.uniform(12.0, 40.0) * anatomy.pixels_per_mm
    near = np.clip(1.0 - np.hypot(rows - y, columns - x) / reach, 0.0, 1.0)
    thickness = 8.0 + rng.uniform(4.0, 12.0) * near**0.5
    cap = (near > 0) & (outside > 3.0) & (outside < thickness) & (hu < 20.0)
    soft = cv2.GaussianBlur(cap.astype(np.float32), (0, 0), 0.8)
    return hu * (1.0 - soft) + soft * rng.uniform(25.0, 65.0)


def _streaks(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Beam hardening: alternating bright and dark bands from one point of the skull, a few HU strong."""
    ring = (anatomy.skull_distance > 0) & (anatomy.skull_distance < 3.0)
    if not ring.any():
        return hu
    y, x = random_place(ring, rng)
    rows, columns = np.mgrid[: hu.shape[0], : hu.shape[1]].astype(np.float32)
    angle = np.arctan2(rows - y, columns - x)
    bands = np.sin(angle * rng.uniform(10.0, 50.0) + rng.uniform(0, 6.3)) * np.clip(rng.normal(0.5, 0.5), 0.1, 1.5)
    return hu + bands.astype(np.float32) * rng.uniform(3.0, 14.0) * anatomy.intracranial


def _dense_midline(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """A falx or sagittal sinus denser than usual: one pixel or two wide, 8 to 25 HU above the brain."""
    head = np.flatnonzero(anatomy.intracranial.any(axis=1))
    columns = np.flatnonzero(anatomy.intracranial.any(axis=0))
    if head.size == 0:
        return hu
    middle = 0.5 * (columns[0] + columns[-1])
    line = np.zeros_like(hu)
    span = head[-1] - head[0]
    start = head[0] if rng.random() < 0.5 else head[-1] - span * rng.uniform(0.15, 0.4)
    end = start + span * rng.uniform(0.15, 0.4)
    shift = rng.normal(0.0, 1.5, 2) * anatomy.pixels_per_mm
    ends = ((round(middle + shift[0]), round(start)), (round(middle + shift[1]), round(end)))
    cv2.line(line, *ends, 1.0, max(1, round(rng.uniform(0.5, 1.6) * anatomy.pixels_per_mm)), cv2.LINE_AA)
    return hu + cv2.GaussianBlur(line, (0, 0), 0.6) * anatomy.intracranial * rng.uniform(8.0, 25.0)
