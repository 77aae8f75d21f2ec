"""Paint bleeds into slices that have none, with an exact mask.

Real data shows a few hundred bleeds of a few dozen patients; what a network must learn is the range of shapes, sizes
and densities. Each kind follows how it looks on a plain CT: a lens or a crescent between brain and skull, a blob in the
parenchyma with oedema around it, blood that settles in the ventricles, blood that outlines sulci and cisterns. The HU
of clotted blood is 50 to 80, of fresh or old blood near that of brain (30 to 40), of a subdural some weeks old lower;
the faint ones are painted too. Large ones push the brain aside, which is nearly all that shows of some subdurals.

Everything is a function of the generator that is passed in: the same seed paints the same bleed.
"""

import numpy as np

from hemo.data.anatomy import Anatomy
from hemo.data.lesion_fill import blood_hu, filled_with, grain, with_oedema
from hemo.data.lesion_shapes import SHAPES, along_skull
from hemo.data.mass_effect import pushed_aside

BLEED_KINDS = tuple(SHAPES)

_PUSHING = ("epidural", "intraparenchymal", "subdural")
_LEAST_PUSHING_MM, _LEAST_OLD_MM = 5.0, 5.0


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
    return _painted(hu, SHAPES[kind](anatomy, rng), kind, anatomy, rng)


def paint_thin_collection(hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint an extra-axial collection of 2 to 5.5 mm along the bone, the kind of bleed that is missed most.

    Its outermost 1.5 mm lie in pixels that are part bone and do not show.

    Arguments and returns are those of `paint_bleed`.
    """
    depth = float(np.exp(rng.uniform(np.log(2.0), np.log(5.5))))
    half_length, power = rng.uniform(5.0, 30.0), rng.uniform(2.0, 4.0)
    shape = along_skull(anatomy, rng, half_length=half_length, depth=depth, power=power)
    # Fresh, as collections of trauma are: thin and faint together are nothing that anyone could call.
    return _painted(hu, shape, "epidural", anatomy, rng, above=float(12.0 + 35.0 * rng.random() ** 1.3))


def _painted(
    hu: np.ndarray,
    shape: np.ndarray,
    kind: str,
    anatomy: Anatomy,
    rng: np.random.Generator,
    above: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The slice with the shape filled as this kind is, and the part of the shape inside the skull."""
    shape = shape & anatomy.intracranial
    if shape.sum() < 4:
        return hu.astype(np.float32), np.zeros(hu.shape, bool)
    painted = hu.astype(np.float32)
    if kind == "intraparenchymal" and rng.random() < 0.65:
        painted = with_oedema(painted, shape, anatomy, rng)
    thickness = _thickness_mm(shape, kind, anatomy)
    if kind in _PUSHING and thickness >= _LEAST_PUSHING_MM and rng.random() < 0.7:
        painted = _pushed(painted, shape, thickness, anatomy, rng)
    above = _above_parenchyma(kind, thickness, rng) if above is None else above
    blood = blood_hu(shape, kind, above, anatomy, rng) + grain(hu, anatomy, rng)
    return filled_with(painted, shape, blood, kind, anatomy, rng), shape


def _thickness_mm(shape: np.ndarray, kind: str, anatomy: Anatomy) -> float:
    """How deep a collection reaches from the bone, or the radius of a disc as large as a parenchymal bleed."""
    if kind in ("epidural", "subdural"):
        return float(anatomy.skull_distance[shape].max())
    return float(np.sqrt(shape.sum() / np.pi)) / anatomy.pixels_per_mm


def _pushed(
    hu: np.ndarray, shape: np.ndarray, thickness: float, anatomy: Anatomy, rng: np.random.Generator
) -> np.ndarray:
    return pushed_aside(
        hu,
        shape,
        anatomy.intracranial,
        anatomy.skull_distance,
        anatomy.pixels_per_mm,
        push_mm=min(14.0, thickness * rng.uniform(0.3, 1.0)),
        reach_mm=rng.uniform(30.0, 90.0),
    )


def _above_parenchyma(kind: str, thickness: float, rng: np.random.Generator) -> float:
    """HU of the blood above the brain's. Squaring favours the faint: those are the ones a reader misses."""
    above = float(7.0 + 40.0 * rng.random() ** 1.6)
    if kind == "subdural" and thickness >= _LEAST_OLD_MM and rng.random() < 0.35:
        # Weeks old: as grey as the brain, seen by its smooth inside and by what it has pushed away; then darker.
        return float(rng.uniform(-6.0, 7.0) if rng.random() < 0.5 else rng.uniform(-26.0, -6.0))
    return above
