"""What fills the shape of a painted bleed: blood with the slice's own noise, oedema around it, no seam at the bone."""

import cv2
import numpy as np

from hemo.data.anatomy import Anatomy
from hemo.data.lesion_shapes import smooth_noise

_PART_BONE_MM, _PART_BONE_RISE_HU = 1.5, 12.0


def with_oedema(hu: np.ndarray, shape: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Darken the rim around a parenchymal bleed by 4 to 12 HU, fading outwards."""
    reach = rng.uniform(2.0, 9.0) * anatomy.pixels_per_mm
    outside = cv2.distanceTransform((~shape).astype(np.uint8), cv2.DIST_L2, 3)
    rim = np.clip(1.0 - outside / reach, 0.0, 1.0) * anatomy.intracranial
    return hu - rim.astype(np.float32) * rng.uniform(4.0, 12.0)


def blood_hu(shape: np.ndarray, kind: str, above: float, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """HU of the blood at each pixel, uneven, and sometimes settled into two layers."""
    density = np.full(shape.shape, anatomy.parenchyma_hu + above, np.float32)
    density += rng.uniform(0.0, 0.22) * above * smooth_noise(shape.shape, rng.uniform(3.0, 10.0), rng)
    if kind in ("subdural", "intraparenchymal", "intraventricular") and rng.random() < 0.2:
        rows = np.flatnonzero(shape.any(axis=1))
        level = rows[0] + rng.uniform(0.3, 0.7) * (rows[-1] - rows[0] + 1)
        density[: int(level)] -= rng.uniform(0.3, 0.8) * abs(above)
    return density


def grain(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """The slice's own noise, HU, which blood shows like the brain; at the bone, whose edge is no noise, drawn anew."""
    tissue = np.clip(hu, anatomy.parenchyma_hu - 20.0, anatomy.parenchyma_hu + 20.0).astype(np.float32)
    grain = tissue - cv2.GaussianBlur(tissue, (0, 0), 1.5)
    deep = grain[anatomy.skull_distance > 8.0]
    rim = anatomy.intracranial & (anatomy.skull_distance < 2.0 * _PART_BONE_MM)
    if deep.size:
        grain[rim] = rng.choice(deep, int(rim.sum()))
    return np.where(anatomy.intracranial, grain, 0.0).astype(np.float32)


def filled_with(
    hu: np.ndarray, shape: np.ndarray, blood: np.ndarray, kind: str, anatomy: Anatomy, rng: np.random.Generator
) -> np.ndarray:
    """The slice with its tissue replaced by blood inside the shape, with a soft edge."""
    edge = rng.uniform(0.4, 1.6) * max(0.6, anatomy.pixels_per_mm)
    softness = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), edge)
    if kind in ("epidural", "subdural"):
        # Towards the skull there is no soft edge: blood lies against the bone.
        softness = np.where(
            shape, np.maximum(softness, np.clip(1.2 - anatomy.skull_distance / 3.0, 0.0, 1.0)), softness
        )
    softness *= anatomy.intracranial
    filled = hu * (1.0 - softness) + blood * softness
    if kind in ("epidural", "subdural"):
        filled = _joined_to_bone(filled, hu, shape, blood, anatomy)
    return filled.astype(np.float32)


def _joined_to_bone(
    filled: np.ndarray, hu: np.ndarray, shape: np.ndarray, blood: np.ndarray, anatomy: Anatomy
) -> np.ndarray:
    """No seam between a collection and the bone: what lies between them is part bone and part blood, never darker.

    A dark line there, which no scanner shows, would teach a network to find painted bleeds and miss real ones.
    """
    part_bone = (anatomy.skull_distance < _PART_BONE_MM) & (hu > anatomy.parenchyma_hu + _PART_BONE_RISE_HU)
    filled = np.where(part_bone, np.maximum(hu, filled), filled)
    radius = max(1, round(_PART_BONE_MM * anatomy.pixels_per_mm))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    touched = cv2.dilate(shape.astype(np.uint8), kernel).astype(bool)
    return np.where(touched & ~anatomy.intracranial, np.maximum(hu, blood), filled)
