"""Where the blood of each kind of bleed lies in a slice: masks, drawn anew from a generator."""

import cv2
import numpy as np

from hemo.data.anatomy import Anatomy, random_place


def smooth_noise(shape: tuple[int, ...], scale_pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of the given grain, mean 0 and standard deviation 1."""
    grain = max(1.0, scale_pixels)
    coarse = (max(2, int(np.ceil(shape[0] / grain)) + 2), max(2, int(np.ceil(shape[1] / grain)) + 2))
    field = rng.standard_normal(coarse).astype(np.float32)
    field = cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / (field.std() + 1e-6)


def _intraparenchymal(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """An ellipse with a wandering outline; small ones come often, and sometimes several together."""
    height, width = anatomy.intracranial.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    result = np.zeros((height, width), bool)
    for _ in range(1 + int(rng.random() < 0.2) * int(rng.integers(1, 4))):
        radius = float(np.exp(rng.uniform(np.log(2.2), np.log(24.0)))) * anatomy.pixels_per_mm
        deep = anatomy.skull_distance > min(6.0, 0.5 * radius / anatomy.pixels_per_mm + 2.0)
        if not deep.any():
            continue
        y, x = random_place(deep, rng)
        angle, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 2.2)
        u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
        v = -(columns - x) * np.sin(angle) + (rows - y) * np.cos(angle)
        wander = 1.0 + rng.uniform(0.05, 0.35) * smooth_noise((height, width), radius * rng.uniform(0.4, 1.0), rng)
        result |= (u / stretch**0.5) ** 2 + (v * stretch**0.5) ** 2 < (radius * np.clip(wander, 0.3, 2.0)) ** 2
    return result


def _intraventricular(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Blood in the ventricles: all of them, or what has settled at the back."""
    if anatomy.ventricles.sum() < 30:
        return _intraparenchymal(anatomy, rng)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    ventricles = cv2.dilate(anatomy.ventricles.astype(np.uint8), kernel).astype(bool)
    rows = np.flatnonzero(ventricles.any(axis=1))
    if rng.random() < 0.3:
        return ventricles
    count, labels = cv2.connectedComponents(ventricles.astype(np.uint8))
    chosen = ventricles if rng.random() < 0.5 else labels == int(rng.integers(1, max(2, count)))
    # A patient lies on the back: blood sinks to the bottom of the picture.
    level = rows[0] + rng.uniform(0.3, 0.9) * (rows[-1] - rows[0])
    settled = chosen.copy()
    settled[: int(level)] = False
    return settled if settled.sum() >= 12 else chosen


def along_skull(
    anatomy: Anatomy, rng: np.random.Generator, half_length: float, depth: float, power: float
) -> np.ndarray:
    """A collection under the skull: depth falls from its middle to its ends as 1 - |s|^power, lengths in mm."""
    height, width = anatomy.intracranial.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    inside = np.flatnonzero(anatomy.intracranial)
    centre_y, centre_x = float(np.mean(inside // width)), float(np.mean(inside % width))
    radius_mm = float(np.sqrt(inside.size / np.pi)) / anatomy.pixels_per_mm
    turn = np.arctan2(rows - centre_y, columns - centre_x) - rng.uniform(-np.pi, np.pi)
    along = np.abs((turn + np.pi) % (2 * np.pi) - np.pi) * radius_mm / half_length
    profile = depth * (1.0 - np.clip(along, 0.0, 1.0) ** power)
    profile *= 1.0 + rng.uniform(0.0, 0.25) * smooth_noise((height, width), 12.0 * anatomy.pixels_per_mm, rng)
    return (anatomy.skull_distance > 0) & (anatomy.skull_distance < profile) & (along < 1.0)


def _epidural(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """A lens: short and deep, since the dura holds at the sutures."""
    depth = float(np.exp(rng.uniform(np.log(2.5), np.log(26.0))))
    return along_skull(anatomy, rng, half_length=depth * rng.uniform(0.9, 1.8) + 7.0, depth=depth, power=2.0)


def _subdural(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """A crescent: long and thin, over a hemisphere; or a thickened falx."""
    if rng.random() < 0.15:
        return _along_falx(anatomy, rng)
    depth = float(np.exp(rng.uniform(np.log(2.0), np.log(16.0))))
    return along_skull(anatomy, rng, half_length=rng.uniform(25.0, 90.0), depth=depth, power=rng.uniform(2.5, 6.0))


def _along_falx(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Blood beside the falx: a band along the midline, front or back."""
    height, width = anatomy.intracranial.shape
    rows, columns = np.flatnonzero(anatomy.intracranial.any(axis=1)), np.flatnonzero(anatomy.intracranial.any(axis=0))
    middle = 0.5 * (columns[0] + columns[-1]) + rng.normal(0.0, 2.0) * anatomy.pixels_per_mm
    length = (rows[-1] - rows[0]) * rng.uniform(0.15, 0.4)
    start = rows[0] if rng.random() < 0.5 else rows[-1] - length
    half_width = rng.uniform(0.8, 3.5) * anatomy.pixels_per_mm
    y, x = np.mgrid[:height, :width].astype(np.float32)
    wander = smooth_noise((height, width), 15.0 * anatomy.pixels_per_mm, rng) * 0.5 * half_width
    return (np.abs(x - middle + wander) < half_width) & (y > start) & (y < start + length)


def _subarachnoid(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Blood in sulci and cisterns: narrow winding lines in one sector of the rim, or around the middle."""
    height, width = anatomy.intracranial.shape
    scale = anatomy.pixels_per_mm
    field = smooth_noise((height, width), rng.uniform(7.0, 14.0) * scale, rng)
    slope = np.hypot(cv2.Sobel(field, cv2.CV_32F, 1, 0), cv2.Sobel(field, cv2.CV_32F, 0, 1)) / 8.0 + 1e-4
    lines = np.abs(field) / slope < rng.uniform(0.7, 1.8) * scale
    y, x = random_place(anatomy.intracranial & (anatomy.skull_distance < 25.0), rng)
    if rng.random() < 0.3:  # the basal cisterns lie around the middle
        inside = np.flatnonzero(anatomy.intracranial)
        y, x = int(np.mean(inside // width)), int(np.mean(inside % width))
    reach = rng.uniform(12.0, 45.0) * scale
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    near = (rows - y) ** 2 + (columns - x) ** 2 < (reach * (1.0 + 0.3 * smooth_noise((height, width), reach, rng))) ** 2
    return lines & near & (anatomy.skull_distance < 35.0)


SHAPES = {
    "epidural": _epidural,
    "intraparenchymal": _intraparenchymal,
    "intraventricular": _intraventricular,
    "subarachnoid": _subarachnoid,
    "subdural": _subdural,
}
