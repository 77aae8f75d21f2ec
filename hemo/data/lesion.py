"""Paint bleeds into slices that have none, with an exact mask.

Real data shows a few hundred bleeds of a few dozen patients; what a network must learn is the range of shapes, sizes
and densities. Each kind follows how it looks on a plain CT: a lens or a crescent between brain and skull, a blob in the
parenchyma with oedema around it, blood that settles in the ventricles, blood that outlines sulci and cisterns. The HU
of clotted blood is 50 to 80, of fresh or old blood near that of brain (30 to 40); the faint ones are painted too.

Everything is a function of the generator that is passed in: the same seed paints the same bleed.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from hemo.ct.head import find_head
from hemo.ct.window import MODEL_WINDOW

BLEED_KINDS = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")

_HEAD_LENGTH_MM = 185.0
"""Length of an adult head, used for the scale where a picture has no pixel spacing."""
_BONE_HU = 85.0
_CSF_HU = (-5.0, 22.0)


@dataclass(frozen=True)
class Anatomy:
    """What a bleed can be painted into.

    Attributes:
        intracranial: (H, W) bool, inside the skull.
        skull_distance: (H, W) float32, distance of an intracranial pixel to the inner table, mm; 0 elsewhere.
        ventricles: (H, W) bool, large dark spaces near the middle of the brain.
        parenchyma_hu: median of the brain, HU.
        pixels_per_mm: scale of the picture.
    """

    intracranial: np.ndarray
    skull_distance: np.ndarray
    ventricles: np.ndarray
    parenchyma_hu: float
    pixels_per_mm: float


def grey_to_hu(grey: np.ndarray) -> np.ndarray:
    """(H, W) uint8 in the model's window → float32 HU; what the window clipped stays clipped."""
    low = MODEL_WINDOW.level - MODEL_WINDOW.width / 2
    return grey.astype(np.float32) * (MODEL_WINDOW.width / 255.0) + low


def hu_to_grey(hu: np.ndarray) -> np.ndarray:
    """float HU → uint8 in the model's window."""
    low = MODEL_WINDOW.level - MODEL_WINDOW.width / 2
    return np.clip((hu - low) * (255.0 / MODEL_WINDOW.width) + 0.5, 0, 255).astype(np.uint8)


def find_anatomy(grey: np.ndarray) -> Anatomy | None:
    """Find where a bleed could be in a slice of the model's window.

    Args:
        grey: (H, W) uint8 in the model's window (level 40, width 120).

    Returns:
        The anatomy, or None where no closed skull with a brain inside is seen (neck, skull base, vertex).
    """
    head = find_head(grey)
    if head is None or head.intracranial_share < 0.25:
        return None
    hu = cv2.GaussianBlur(grey_to_hu(grey), (0, 0), 1.0)
    intracranial = head.intracranial & (hu < _BONE_HU)
    parenchyma = float(np.median(hu[intracranial]))
    if not 20.0 <= parenchyma <= 60.0:
        return None
    pixels_per_mm = max(head.box[2] - head.box[0], head.box[3] - head.box[1]) / _HEAD_LENGTH_MM
    distance = cv2.distanceTransform(intracranial.astype(np.uint8), cv2.DIST_L2, 5) / pixels_per_mm
    return Anatomy(
        intracranial=intracranial,
        skull_distance=distance.astype(np.float32),
        ventricles=_ventricles(hu, distance, parenchyma, pixels_per_mm),
        parenchyma_hu=parenchyma,
        pixels_per_mm=pixels_per_mm,
    )


def paint_bleed(hu: np.ndarray, anatomy: Anatomy, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint one bleed.

    Args:
        hu: (H, W) float32 slice in HU.
        anatomy: of the same slice.
        kind: one of `BLEED_KINDS`; where the slice has no ventricles to fill, an intraventricular bleed becomes an
            intraparenchymal one.
        rng: decides everything.

    Returns:
        The painted slice, (H, W) float32 HU, and the bleed's mask, (H, W) bool; the mask is empty where nothing of
        the drawn shape fell inside the skull.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind not in BLEED_KINDS:
        raise ValueError(f"Expected a kind of bleed among {', '.join(BLEED_KINDS)}. Received: {kind!r}")
    return _painted(hu, _SHAPES[kind](anatomy, rng), kind, anatomy, rng)


def paint_thin_collection(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint an extra-axial collection of 1.2 to 4 mm along the bone, the kind of bleed that is missed most.

    Arguments and returns are those of `paint_bleed`.
    """
    depth = float(np.exp(rng.uniform(np.log(1.2), np.log(4.0))))
    half_length, power = rng.uniform(5.0, 30.0), rng.uniform(2.0, 4.0)
    shape = _along_skull(anatomy, rng, half_length=half_length, depth=depth, power=power)
    return _painted(hu, shape, "epidural", anatomy, rng)


def _painted(
    hu: np.ndarray, shape: np.ndarray, kind: str, anatomy: Anatomy, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The slice with the shape filled as this kind is, and the part of the shape inside the skull."""
    shape = shape & anatomy.intracranial
    if shape.sum() < 4:
        return hu.astype(np.float32), np.zeros(hu.shape, bool)
    painted = hu.astype(np.float32)
    if kind == "intraparenchymal" and rng.random() < 0.65:
        painted = _with_oedema(painted, shape, anatomy, rng)
    return _filled_with_blood(painted, shape, kind, anatomy, rng), shape


def _noise(shape: tuple[int, ...], scale_pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of the given grain, mean 0 and standard deviation 1."""
    grain = max(1.0, scale_pixels)
    coarse = (max(2, int(np.ceil(shape[0] / grain)) + 2), max(2, int(np.ceil(shape[1] / grain)) + 2))
    field = rng.standard_normal(coarse).astype(np.float32)
    field = cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / (field.std() + 1e-6)


def _ventricles(hu: np.ndarray, distance: np.ndarray, parenchyma: float, pixels_per_mm: float) -> np.ndarray:
    low, high = _CSF_HU
    dark = (hu > low) & (hu < min(high, parenchyma - 8.0)) & (distance > 22.0)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=4)
    least = 40.0 * pixels_per_mm**2
    large = [index for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] >= least]
    return np.isin(labels, large)


def random_place(allowed: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """(row, column) of one pixel of `allowed`, bool (H, W) with at least one, each as likely as the next."""
    places = np.flatnonzero(allowed)
    return divmod(int(places[rng.integers(len(places))]), allowed.shape[1])


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
        wander = 1.0 + rng.uniform(0.05, 0.35) * _noise((height, width), radius * rng.uniform(0.4, 1.0), rng)
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


def _along_skull(
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
    profile *= 1.0 + rng.uniform(0.0, 0.25) * _noise((height, width), 12.0 * anatomy.pixels_per_mm, rng)
    return (anatomy.skull_distance > 0) & (anatomy.skull_distance < profile) & (along < 1.0)


def _epidural(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """A lens: short and deep, since the dura holds at the sutures."""
    depth = float(np.exp(rng.uniform(np.log(2.5), np.log(26.0))))
    return _along_skull(anatomy, rng, half_length=depth * rng.uniform(0.9, 1.8) + 7.0, depth=depth, power=2.0)


def _subdural(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """A crescent: long and thin, over a hemisphere; or a thickened falx."""
    if rng.random() < 0.15:
        return _along_falx(anatomy, rng)
    depth = float(np.exp(rng.uniform(np.log(2.0), np.log(16.0))))
    return _along_skull(anatomy, rng, half_length=rng.uniform(25.0, 90.0), depth=depth, power=rng.uniform(2.5, 6.0))


def _along_falx(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Blood beside the falx: a band along the midline, front or back."""
    height, width = anatomy.intracranial.shape
    rows, columns = np.flatnonzero(anatomy.intracranial.any(axis=1)), np.flatnonzero(anatomy.intracranial.any(axis=0))
    middle = 0.5 * (columns[0] + columns[-1]) + rng.normal(0.0, 2.0) * anatomy.pixels_per_mm
    length = (rows[-1] - rows[0]) * rng.uniform(0.15, 0.4)
    start = rows[0] if rng.random() < 0.5 else rows[-1] - length
    half_width = rng.uniform(0.8, 3.5) * anatomy.pixels_per_mm
    y, x = np.mgrid[:height, :width].astype(np.float32)
    wander = _noise((height, width), 15.0 * anatomy.pixels_per_mm, rng) * 0.5 * half_width
    return (np.abs(x - middle + wander) < half_width) & (y > start) & (y < start + length)


def _subarachnoid(anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Blood in sulci and cisterns: narrow winding lines in one sector of the rim, or around the middle."""
    height, width = anatomy.intracranial.shape
    scale = anatomy.pixels_per_mm
    field = _noise((height, width), rng.uniform(7.0, 14.0) * scale, rng)
    slope = np.hypot(cv2.Sobel(field, cv2.CV_32F, 1, 0), cv2.Sobel(field, cv2.CV_32F, 0, 1)) / 8.0 + 1e-4
    lines = np.abs(field) / slope < rng.uniform(0.7, 1.8) * scale
    y, x = random_place(anatomy.intracranial & (anatomy.skull_distance < 25.0), rng)
    if rng.random() < 0.3:  # the basal cisterns lie around the middle
        inside = np.flatnonzero(anatomy.intracranial)
        y, x = int(np.mean(inside // width)), int(np.mean(inside % width))
    reach = rng.uniform(12.0, 45.0) * scale
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    near = (rows - y) ** 2 + (columns - x) ** 2 < (reach * (1.0 + 0.3 * _noise((height, width), reach, rng))) ** 2
    return lines & near & (anatomy.skull_distance < 35.0)


_SHAPES = {
    "epidural": _epidural,
    "intraparenchymal": _intraparenchymal,
    "intraventricular": _intraventricular,
    "subarachnoid": _subarachnoid,
    "subdural": _subdural,
}


def _with_oedema(hu: np.ndarray, shape: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Darken the rim around a parenchymal bleed by 4 to 12 HU, fading outwards."""
    reach = rng.uniform(2.0, 9.0) * anatomy.pixels_per_mm
    outside = cv2.distanceTransform((~shape).astype(np.uint8), cv2.DIST_L2, 3)
    rim = np.clip(1.0 - outside / reach, 0.0, 1.0) * anatomy.intracranial
    return hu - rim.astype(np.float32) * rng.uniform(4.0, 12.0)


def _filled_with_blood(
    hu: np.ndarray, shape: np.ndarray, kind: str, anatomy: Anatomy, rng: np.random.Generator
) -> np.ndarray:
    """Replace the tissue by blood, keeping the slice's own noise, with a soft edge and an uneven inside."""
    height, width = hu.shape
    # Squaring favours the faint: those are the ones a reader misses.
    above = 7.0 + 40.0 * rng.random() ** 1.6
    density = np.full((height, width), anatomy.parenchyma_hu + above, np.float32)
    density += rng.uniform(0.0, 0.22) * above * _noise((height, width), rng.uniform(3.0, 10.0), rng)
    if kind in ("subdural", "intraparenchymal", "intraventricular") and rng.random() < 0.2:
        rows = np.flatnonzero(shape.any(axis=1))
        level = rows[0] + rng.uniform(0.3, 0.7) * (rows[-1] - rows[0] + 1)
        density[: int(level)] -= rng.uniform(0.3, 0.8) * above
    edge = rng.uniform(0.4, 1.6) * max(0.6, anatomy.pixels_per_mm)
    softness = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), edge)
    if kind in ("epidural", "subdural"):
        # Towards the skull there is no soft edge: blood lies against the bone.
        softness = np.where(
            shape, np.maximum(softness, np.clip(1.2 - anatomy.skull_distance / 3.0, 0.0, 1.0)), softness
        )
    softness *= anatomy.intracranial
    grain = hu - cv2.GaussianBlur(hu, (0, 0), 1.5)
    blood = density + grain * (hu < _BONE_HU)
    return (hu * (1.0 - softness) + blood * softness).astype(np.float32)
