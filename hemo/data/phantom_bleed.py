"""Bleeds of the five kinds as shapes in head space, so that a bleed is one body across the slices of a phantom study.

(`hemo.data.lesion` paints into single slices whose third dimension is unknown; here the third dimension is known.)
"""

from dataclasses import dataclass

import cv2
import numpy as np

from hemo.data.phantom_anatomy import CENTER_Z, Head, HeadSlice, Plane
from hemo.data.phantom_waves import Waves

KINDS = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
"""The five kinds, in the order of the CT-ICH table's columns."""

FloatArray = np.ndarray


@dataclass(frozen=True)
class Bleed:
    """One bleed: where it is, how large, how dense.

    Attributes:
        kind: one of KINDS.
        center: head-space mm; on the inner table for epidural, subdural and convexity blood.
        radius: mm; half the chord of a lens or crescent, half the size of a blob, reach of subarachnoid blood.
        thickness: mm below the inner table, for lens and crescent.
        level: for intraventricular blood the height of the fluid level (y, mm).
        hu: density; fresh clot 55-75, subacute blood near the brain's 38-45.
        oedema_mm: width of the dark rim around a blob.
        falx: whether a subdural bleed also lies along the falx.
        shape: random field that makes the outline irregular.
    """

    kind: str
    center: tuple[float, float, float]
    radius: float
    thickness: float
    level: float
    hu: float
    oedema_mm: float
    falx: bool
    shape: Waves


def draw_bleed(kind: str, head: Head, rng: np.random.Generator) -> Bleed:
    """A bleed of one kind at a place where that kind occurs.

    Raises:
        ValueError: if `kind` is not one of KINDS.
    """
    if kind not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}. Received: {kind!r}")
    side = float(rng.choice([-1, 1]))
    center, radius, thickness, level, falx = _PLACES[kind](head, rng, side)
    fresh = rng.random() < 0.8
    hu = float(rng.uniform(58, 74) if fresh else rng.uniform(46, 56))
    return Bleed(
        kind, center, radius, thickness, level, hu, float(rng.uniform(1.5, 6)), falx, Waves.draw(rng, 26.0, count=32)
    )


def paint_bleed(bleed: Bleed, head: Head, cut: HeadSlice) -> np.ndarray:
    """Paint the bleed into a cut (changes it in place): mass effect, oedema, blood.

    Returns:
        bool (H, W): the pixels whose center is blood; empty where the plane misses the bleed.
    """
    _push(bleed, cut)
    distance = np.minimum(_SHAPES[bleed.kind](bleed, cut), cut.depth)
    mask = distance > 0
    if mask.sum() * cut.plane.pixel_mm**2 < MINIMUM_AREA_MM2:
        return np.zeros(cut.plane.shape, bool)
    if bleed.kind == "intraparenchymal":
        rim = cut.plane.inside(distance + bleed.oedema_mm, 3.0) * cut.plane.inside(cut.brain_depth)
        cut.hu += (np.minimum(cut.hu, np.float32(head.white_hu - 8)) - cut.hu) * rim
    clot = bleed.hu + 3.0 * bleed.shape.on(cut.plane)
    if bleed.kind == "intraparenchymal" and bleed.radius > 17:
        # A large clot settles: serum above (in front), cells below.
        clot = clot - 20 * cut.plane.inside(bleed.center[1] - 0.3 * bleed.radius - cut.plane.y, 2.0)
    cut.hu += (clot - cut.hu) * cut.plane.inside(distance, 1.2)
    return mask


MINIMUM_AREA_MM2 = 25.0
"""A slice with less blood than this is left without: nobody would call it."""

Place = tuple[tuple[float, float, float], float, float, float, bool]


def _on_table(head: Head, angle: float, z: float) -> tuple[float, float, float]:
    """The point of the inner table at an in-plane angle (0 = image right, pi/2 = back) and a height."""
    tall = head.height if z > CENTER_Z else 112.0
    shrink = np.sqrt(max(0.05, 1 - ((z - CENTER_Z) / tall) ** 2)) - head.skull_mm / 80
    return head.half_width * shrink * np.cos(angle), head.half_length * shrink * np.sin(angle), z


def _lateral(rng: np.random.Generator, side: float, low: float, high: float) -> float:
    """An angle from `low` (front) to `high` (back) degrees off the side."""
    angle = np.deg2rad(rng.uniform(low, high))
    return float(angle if side > 0 else np.pi - angle)


def _place_epidural(head: Head, rng: np.random.Generator, side: float) -> Place:
    center = _on_table(head, _lateral(rng, side, -50, 55), float(rng.uniform(18, 70)))
    return center, float(rng.uniform(22, 38)), float(rng.uniform(8, 22)), 0.0, False


def _place_subdural(head: Head, rng: np.random.Generator, side: float) -> Place:
    center = _on_table(head, _lateral(rng, side, -30, 30), float(rng.uniform(40, 70)))
    return center, float(rng.uniform(50, 78)), float(rng.uniform(4.5, 12)), 0.0, bool(rng.random() < 0.35)


def _place_intraparenchymal(head: Head, rng: np.random.Generator, side: float) -> Place:
    radius = float(rng.uniform(7, 22))
    where = rng.choice(["ganglia", "thalamus", "lobe", "cerebellum"], p=[0.35, 0.15, 0.38, 0.12])
    if where == "ganglia":
        center = (side * 26.0, float(rng.uniform(-10, 6)), float(rng.uniform(34, 46)))
    elif where == "thalamus":
        center, radius = (side * 13.0, float(rng.uniform(6, 14)), 41.0), min(radius, 14.0)
    elif where == "lobe":
        x, y, z = _on_table(head, _lateral(rng, side, -60, 60), float(rng.uniform(35, 75)))
        inward = 1 - (radius * 0.8 + 12) / max(float(np.hypot(x, y)), 30.0)
        center = (x * inward, y * inward, z)
    else:
        center, radius = (side * 22.0, float(rng.uniform(42, 52)), float(rng.uniform(-10, 2))), min(radius, 13.0)
    return center, radius, 0.0, 0.0, False


def _place_intraventricular(head: Head, rng: np.random.Generator, side: float) -> Place:
    level = float(rng.choice([-60.0, rng.uniform(22, 36)], p=[0.25, 0.75]))
    return (side * 20.0, 25.0, 48.0), 60.0, 0.0, level, bool(rng.random() < 0.6)


def _place_subarachnoid(head: Head, rng: np.random.Generator, side: float) -> Place:
    if rng.random() < 0.55:
        return (float(rng.uniform(-6, 6)), -10.0, 16.0), float(rng.uniform(34, 58)), 0.0, 0.0, True
    center = _on_table(head, _lateral(rng, side, -45, 45), float(rng.uniform(48, 80)))
    return center, float(rng.uniform(22, 36)), 0.0, 0.0, False


def _away(plane: Plane, center: tuple[float, float, float], flat: float = 1.0) -> FloatArray:
    x, y, z = (np.float32(value) for value in center)
    return np.sqrt((plane.x - x) ** 2 + (plane.y - y) ** 2 + ((plane.z - z) * np.float32(flat)) ** 2)


def _lens(bleed: Bleed, cut: HeadSlice) -> FloatArray:
    """Biconvex: its depth falls with the square of the distance from its middle."""
    ratio = _away(cut.plane, bleed.center) / bleed.radius
    return bleed.thickness * (1 - ratio**2) - cut.depth + 0.5 * bleed.shape.on(cut.plane)


def _crescent(bleed: Bleed, cut: HeadSlice) -> FloatArray:
    """A thin layer along the whole side, not across the midline; on demand also along the falx."""
    side = cut.plane.x * np.sign(bleed.center[0])
    ratio = _away(cut.plane, bleed.center, flat=1.15) / bleed.radius
    layer = bleed.thickness * np.sqrt(np.clip(1 - ratio**2, 0, 1)) - cut.depth
    layer = np.where(ratio < 1, layer + bleed.shape.on(cut.plane), -9)
    layer = np.minimum(layer, side - 3)
    if bleed.falx:
        sheet = np.minimum(side - 0.6, 0.45 * bleed.thickness - side + 0.7 * bleed.shape.on(cut.plane))
        along = np.minimum(30 - np.abs(cut.plane.y - 30), 26 - np.abs(cut.plane.z - 66))
        layer = np.maximum(layer, np.minimum(np.minimum(sheet, along), 30 - cut.depth))
    return np.minimum(layer, np.maximum(cut.cerebral, -0.5)).astype(np.float32)


def _blob(bleed: Bleed, cut: HeadSlice) -> FloatArray:
    flat = 0.9 + 0.3 * ((bleed.hu * 7.3) % 1)
    distance = bleed.radius - _away(cut.plane, bleed.center, flat) + 0.22 * bleed.radius * bleed.shape.on(cut.plane)
    return np.minimum(distance, cut.brain_depth + 1)


def _cast_or_level(bleed: Bleed, cut: HeadSlice) -> FloatArray:
    """Blood that fills the ventricles below a level (the patient lies on the back), on one side or both."""
    distance = np.minimum(cut.ventricles + 0.3, cut.plane.y - np.float32(bleed.level))
    if not bleed.falx:
        distance = np.minimum(distance, cut.plane.x * np.sign(bleed.center[0]) + 2.0)
    return distance


def _in_sulci(bleed: Bleed, cut: HeadSlice) -> FloatArray:
    reach = bleed.radius * (1 + 0.2 * bleed.shape.on(cut.plane)) - _away(cut.plane, bleed.center)
    # Under the tentorium only the cisterns in front of the brainstem fill, not the folia of the cerebellum.
    bars = (cut.ventricles > -1) | ((cut.cerebral < 1) & (cut.plane.y > 4))
    return np.where(bars, -9, np.minimum(cut.fluid + 0.55, reach)).astype(np.float32)


def _push(bleed: Bleed, cut: HeadSlice) -> None:
    """Displace the brain away from a bleed that takes room; the skull stays where it is."""
    plane = cut.plane
    if bleed.kind in ("epidural", "subdural"):
        amount = 0.42 * bleed.thickness * np.exp(-((_away(plane, bleed.center) / (1.1 * bleed.radius + 25)) ** 2))
        toward_x, toward_y = -np.sign(bleed.center[0]) * amount, 0 * amount
    elif bleed.kind == "intraparenchymal":
        away = _away(plane, bleed.center) + 1e-3
        amount = 0.3 * bleed.radius * np.exp(-((np.clip(away - bleed.radius, 0, None) / 28) ** 2))
        toward_x = amount * (plane.x - bleed.center[0]) / away
        toward_y = amount * (plane.y - bleed.center[1]) / away
    else:
        return
    held = np.clip((cut.depth - 1.5) / 10, 0, 1) / np.float32(plane.pixel_mm)
    rows, columns = np.indices(plane.shape, dtype=np.float32)
    map_x = (columns - toward_x * held).astype(np.float32)
    map_y = (rows - toward_y * held).astype(np.float32)
    for name in ("hu", "fluid", "ventricles", "brain_depth"):
        moved = cv2.remap(getattr(cut, name), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        setattr(cut, name, moved)


_PLACES = {
    "epidural": _place_epidural,
    "subdural": _place_subdural,
    "intraparenchymal": _place_intraparenchymal,
    "intraventricular": _place_intraventricular,
    "subarachnoid": _place_subarachnoid,
}
_SHAPES = {
    "epidural": _lens,
    "subdural": _crescent,
    "intraparenchymal": _blob,
    "intraventricular": _cast_or_level,
    "subarachnoid": _in_sulci,
}
