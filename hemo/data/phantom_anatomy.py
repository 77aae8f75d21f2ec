"""A head made of formulas: cut it at any height and tilt, and get HU and exact tissue maps.

Head space is in mm: x to the image's right (the patient's left), y to the back, z up, with z = 0 at the orbitomeatal
line. Every structure is a signed distance (positive inside), so edges are smooth at any pixel size. HU of tissues
follow textbook values for unenhanced CT at 120 kV: grey matter 37-40, white matter 27-31, CSF 5-9, dura about 48.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from hemo.data.phantom_waves import Waves

FloatArray = np.ndarray

CENTER_Z = 38.0
"""Height of the widest cut in mm above the orbitomeatal line."""
LOWEST_Z = -24.0
"""Lowest slice of a study: through orbits and petrous bones."""


@dataclass(frozen=True)
class Head:
    """One person: sizes in mm, densities in HU, and the random fields of the folds."""

    half_width: float
    half_length: float
    height: float
    skull_mm: float
    scalp_mm: float
    atrophy: float
    ventricles: float
    grey_hu: float
    white_hu: float
    csf_hu: float
    pineal_hu: float
    harmonics: tuple[tuple[int, float, float], ...]
    rotation: float
    tilt: float
    roll: float
    shift: tuple[float, float]
    folds: Waves
    folia: Waves
    lumps: Waves
    cells: Waves

    @property
    def vertex_z(self) -> float:
        """Height of the outer table's top."""
        return CENTER_Z + self.height


@dataclass(frozen=True)
class Plane:
    """A slice in head space: the place of every pixel center, float32 (H, W) mm, and the affine behind it."""

    x: FloatArray
    y: FloatArray
    z: FloatArray
    pixel_mm: float
    origin: np.ndarray
    row_step: np.ndarray
    column_step: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.x.shape[0], self.x.shape[1]

    def inside(self, distance_mm: FloatArray, softness_mm: float | None = None) -> FloatArray:
        """Share of a pixel inside a signed distance, float32 in [0, 1]; the edge is one pixel wide unless softer."""
        return np.clip(distance_mm / np.float32(softness_mm or self.pixel_mm) + np.float32(0.5), 0, 1)


@dataclass
class HeadSlice:
    """One cut: HU and the maps that bleeds need. Distances are float32 (H, W) in mm, positive inside.

    Attributes:
        hu: HU before the scanner (no blur, no noise).
        depth: below the inner table of the skull or above its floor.
        brain_depth: below the surface of the brain.
        fluid: sulci, fissures and cisterns.
        ventricles: the ventricles.
        cerebral: above the tentorium.
    """

    plane: Plane
    hu: FloatArray
    depth: FloatArray
    brain_depth: FloatArray
    fluid: FloatArray
    ventricles: FloatArray
    cerebral: FloatArray


def draw_head(rng: np.random.Generator) -> Head:
    """A person drawn at random."""
    harmonics = tuple((order, float(rng.normal(0, 0.006)), float(rng.uniform(0, 2 * np.pi))) for order in (1, 2, 3, 5))
    white = float(rng.uniform(27, 30))
    return Head(
        half_width=float(rng.normal(70, 3)),
        half_length=float(rng.normal(87, 3.5)),
        height=float(rng.normal(66, 2.5)),
        skull_mm=float(rng.uniform(4.6, 7.5)),
        scalp_mm=float(rng.uniform(3.5, 7.0)),
        atrophy=float(rng.beta(1.6, 2.4)),
        ventricles=float(rng.uniform(0.75, 1.25)),
        grey_hu=white + float(rng.uniform(7.5, 10)),
        white_hu=white,
        csf_hu=float(rng.uniform(5, 9)),
        pineal_hu=float(rng.choice([45.0, 130.0, 240.0])),
        harmonics=harmonics,
        rotation=float(rng.normal(0, 3.5)),
        tilt=float(rng.normal(0, 4)),
        roll=float(rng.normal(0, 1.5)),
        shift=(float(rng.normal(0, 4)), float(rng.normal(0, 4))),
        folds=Waves.draw(rng, 15.0, count=128, spread=0.18, flat_z=0.8),
        folia=Waves.draw(rng, 4.5, count=64, spread=0.1, flat_z=1.6),
        lumps=Waves.draw(rng, 55.0, count=24),
        cells=Waves.draw(rng, 5.5, count=64),
    )


def cut(head: Head, z_mm: float, size: int, pixel_mm: float) -> Plane:
    """The plane at height z (where it meets the head's axis), with the head's rotation, tilt, roll and shift."""
    angle, tilt, roll = np.deg2rad([head.rotation, head.tilt, head.roll])
    column_step = np.array([np.cos(angle), np.sin(angle), 0.0]) * pixel_mm
    row_step = np.array([-np.sin(angle), np.cos(angle), 0.0]) * pixel_mm
    for step in (column_step, row_step):
        step[2] = step[0] * np.tan(roll) + step[1] * np.tan(tilt)
    middle = (size - 1) / 2
    start = -middle * (column_step + row_step)
    start += np.array([-head.shift[0], -head.shift[1], z_mm])
    steps = np.arange(size, dtype=np.float32)
    x, y, z = (
        (start[axis] + steps[:, None] * row_step[axis] + steps[None, :] * column_step[axis]).astype(np.float32)
        for axis in range(3)
    )
    return Plane(x, y, z, pixel_mm, start, row_step, column_step)


def anatomy_slice(head: Head, plane: Plane) -> HeadSlice:
    """Everything a plane meets, painted from the outside in."""
    lumps = head.lumps.on(plane)
    outer = _outer_depth(head, plane)
    thickness = _skull_thickness(head, plane, lumps)
    floor = _floor_height(plane)
    above = plane.z - floor
    depth = np.minimum(outer - thickness, above)
    cells = head.cells.on(plane)
    hu = np.full(plane.shape, -1000, np.float32)
    _paint_scalp(hu, head, plane, outer, lumps, cells)
    _paint_skull(hu, plane, outer, thickness, above, cells)
    if float(plane.z.min()) < 30:
        _paint_face(hu, head, plane, outer, thickness, above, cells)
    return _paint_content(hu, head, plane, depth, lumps)


# Skull ---------------------------------------------------------------------------------------------------------------


def _outer_depth(head: Head, plane: Plane) -> FloatArray:
    """Depth below the outer table: an ellipsoid, wider at the parietal bones, with a few harmonics."""
    x, y, dz = plane.x, plane.y, plane.z - np.float32(CENTER_Z)
    wide = x / (head.half_width * (1 + 0.07 * np.tanh(y / 45)))
    tall = dz / np.where(dz > 0, np.float32(head.height), np.float32(112))
    ratio = np.sqrt(wide * wide + (y / np.float32(head.half_length)) ** 2 + tall * tall) + 1e-6
    rho = np.sqrt(x * x + y * y + dz * dz) + 1e-3
    angle = np.arctan2(y, x)
    bulge = 1 - 0.016 * np.cos(4 * angle)
    for order, amount, phase in head.harmonics:
        bulge += amount * np.cos(order * angle + phase)
    # Blend the harmonics out towards the vertex, where the angle is undefined.
    near = np.minimum(1, np.sqrt(x * x + y * y) / 30)
    return rho * ((1 + (bulge - 1) * near) / ratio - 1)


def _skull_thickness(head: Head, plane: Plane, lumps: FloatArray) -> FloatArray:
    """Thickness: thin at the temples, thick at the back's and the front's midline, frontal sinus swelling."""
    x, y, z = plane.x, plane.y, plane.z
    side = np.abs(x) / head.half_width
    thickness = head.skull_mm * (1 + 0.12 * lumps - 0.42 * _bump(side - 1, 0.3) * _bump(y + 10, 45))
    thickness += 4.0 * _bump(x, 7) * _bump(z - 12, 16) * (y > 0)
    thickness += (2.5 * _bump(x, 5) + 5.5 * _bump(x, 20) * _bump(z - 8, 11)) * (y < 0)
    return np.maximum(thickness, 2.2).astype(np.float32)


def _floor_height(plane: Plane) -> FloatArray:
    """Height of the skull's floor: anterior, middle and posterior fossa, sella, clivus and petrous ridges."""
    x, y = np.abs(plane.x), plane.y
    wing = -8 - 0.65 * np.minimum(x, 46)
    ridge = -5 + 0.53 * x
    front = _step(wing - y, 2.0)
    back = _step(y - ridge, 2.0)
    anterior = 11 + 7 * _bump(x - 28, 13) * _bump(y + 55, 22) - 5 * _bump(x, 7)
    middle = -20 + 25 * _step(15 - x, 1.6) + 0.004 * (x - 34) ** 2
    posterior = -42 + 46 * _step(4 - y, 2.6) * _step(22 - x, 3)
    floor = front * anterior + back * posterior + np.maximum(0, 1 - front - back) * middle
    crest = 9 - 0.05 * np.abs(x - 32) - ((y - ridge) / 3.4) ** 2
    petrous = np.where((x > 13) & (x < 66), crest, -99)
    return np.maximum(floor, petrous).astype(np.float32)


def _paint_scalp(
    hu: FloatArray, head: Head, plane: Plane, outer: FloatArray, lumps: FloatArray, cells: FloatArray
) -> None:
    """Skin, fat, and the temporal and neck muscles, outside the skull."""
    x, y, z = np.abs(plane.x), plane.y, plane.z
    temporal = 11 * _bump(x / head.half_width - 0.86, 0.28) * _bump(y + 32, 26) * _step(44 - z, 9)
    neck = 22 * _step(-2 - z, 7) * _step(y - 42, 12)
    muscle = temporal + neck
    fat = head.scalp_mm * (1 + 0.2 * lumps) * (1 - 0.5 * _step(z - 85, 6))
    skin = outer + muscle + fat
    _paint(hu, np.float32(52), plane.inside(skin))
    texture = np.float32(-92) + 10 * cells
    _paint(hu, texture, plane.inside(np.minimum(skin - 1.9, -muscle - outer + fat)))
    _paint(hu, np.float32(58), plane.inside(outer + muscle))


def _paint_skull(
    hu: FloatArray, plane: Plane, outer: FloatArray, thickness: FloatArray, above: FloatArray, cells: FloatArray
) -> None:
    """Two tables with diploe between them, and the floor below the brain."""
    x, y = np.abs(plane.x), plane.y
    _paint(hu, np.float32(1250), plane.inside(outer))
    tables = np.minimum(outer - 1.3, thickness - 1.3 - outer)
    diploe = np.float32(620) + 130 * cells
    _paint(hu, diploe, plane.inside(tables - 0.6, 1.6))
    _paint(hu, np.float32(48), plane.inside(outer - thickness))
    # Under the floor: bone, thick in the petrous pyramids and the clivus, thin in the orbital roofs.
    ridge = -5 + 0.53 * x
    petrous = _bump(y - ridge - 1, 10) * _step(x - 12, 2)
    clivus = _step(18 - x, 3) * _bump(y + 2, 12)
    slab = 2.6 + 24 * petrous + 12 * clivus
    bone = np.minimum(outer - 1.0, np.minimum(-above, above + slab))
    density = np.float32(900) + 380 * petrous + 160 * cells
    _paint(hu, density, plane.inside(bone))


def _paint_face(
    hu: FloatArray,
    head: Head,
    plane: Plane,
    outer: FloatArray,
    thickness: FloatArray,
    above: FloatArray,
    cells: FloatArray,
) -> None:
    """Orbits with eyes, ethmoid, sphenoid and frontal sinuses, mastoid cells, ear canals: all below the floor."""
    x, y, z = np.abs(plane.x), plane.y, plane.z
    below = -above - 2.0
    # Muscles with fat between them.
    tissue = np.float32(18) + 48 * np.tanh(1.8 * head.folds.on(plane) + 1.2)
    _paint(hu, tissue, plane.inside(np.minimum(below - 2, outer - thickness)))
    scale = head.half_length / 87
    mastoid = _ellipsoid((x - 54, y - 27, z + 12), (11, 15, 17))
    bony = plane.inside(np.minimum(np.minimum(mastoid, outer), below))
    _paint(hu, np.float32(750), bony)
    _paint(hu, np.float32(-820), bony * plane.inside((cells - 0.1) * 1.4))
    canal = _tube((x, y, z), (40, 12, -12), (80, 12, -13), 3.2, 3.6)
    _paint(hu, np.float32(-1000), plane.inside(np.minimum(canal, below)))
    ethmoid = np.minimum(np.minimum(11.5 - x, y + 76 * scale), np.minimum(-36 - y, below + 1))
    _paint(hu, np.float32(180), plane.inside(ethmoid))
    _paint(hu, np.float32(-930), plane.inside(np.minimum(ethmoid - 0.8, (np.abs(cells) - 0.35) * 1.8)))
    sphenoid = np.minimum(_ellipsoid((x, y + 20, z + 9), (13, 12, 11)), np.abs(x) - 0.5)
    _paint(hu, np.float32(-970), plane.inside(np.minimum(sphenoid, below + 2)))
    maxillary = np.minimum(_ellipsoid((x - 26, y + 62 * scale, z + 34), (13, 15, 15)), outer - 2)
    _paint(hu, np.float32(700), plane.inside(np.minimum(np.minimum(maxillary + 2, outer - 1), below)))
    _paint(hu, np.float32(-960), plane.inside(np.minimum(maxillary, below)))
    _paint_orbits(hu, plane, outer, below, scale)
    if head.pineal_hu > 50:  # A frontal sinus in about two heads of three.
        air = np.minimum(np.minimum(outer - 2, thickness - 2.2 - outer), np.minimum(17 - x, 24 - z))
        air = np.minimum(np.minimum(air, np.abs(plane.x - 1.5) - 0.6), -y)
        _paint(hu, np.float32(-950), plane.inside(air))


def _paint_orbits(hu: FloatArray, plane: Plane, outer: FloatArray, below: FloatArray, scale: float) -> None:
    x, y, z = np.abs(plane.x), plane.y, plane.z
    point = (x, y, z)
    front = -84.0 * scale
    skin = outer + 5.5
    cone = np.minimum(np.minimum(_tube(point, (12, -32, 0), (33, front - 8, -6), 3.5, 20), below), skin)
    _paint(hu, np.float32(850), plane.inside(np.minimum(np.minimum(cone + 2.0, y - front - 6), below + 2)))
    _paint(hu, np.float32(-95), plane.inside(cone))
    _paint(hu, np.float32(45), plane.inside(np.minimum(cone, 3.5 - skin)))
    globe_y = front + 14
    nerve = _tube(point, (13, -34, 0), (31, globe_y + 8, -5), 1.8, 2.0)
    _paint(hu, np.float32(38), plane.inside(np.minimum(nerve, below)))
    for start, end in (((9, -36, -1), (19, globe_y + 2, -5)), ((17, -34, -1), (44, globe_y + 4, -5))):
        _paint(hu, np.float32(58), plane.inside(np.minimum(_tube(point, start, end, 1.2, 2.0), below)))
    globe = np.minimum(12.2 - _distance(point, (32, globe_y, -5)), below)
    _paint(hu, np.float32(55), plane.inside(globe))
    _paint(hu, np.float32(11), plane.inside(globe - 1.1))
    lens = np.minimum(_ellipsoid((x - 32, y - globe_y + 8.5, z + 5), (4.6, 2.2, 4.6)), below)
    _paint(hu, np.float32(82), plane.inside(lens))


# Inside the skull ----------------------------------------------------------------------------------------------------


def _paint_content(hu: FloatArray, head: Head, plane: Plane, depth: FloatArray, lumps: FloatArray) -> HeadSlice:
    """Brain, fluid and dura inside the skull's inner table."""
    x, y, z = plane.x, plane.y, plane.z
    cavity = plane.inside(depth)
    tent = _tentorium_height(plane)
    cerebral = np.maximum(z - tent, (-3 + 0.5 * np.abs(x)) - y)
    gap = 0.7 + 2.2 * head.atrophy + (0.4 + 0.5 * head.atrophy) * lumps
    brain_depth = np.minimum(depth - gap, np.abs(cerebral) - 0.4)
    fluid = _fluid(head, plane, brain_depth, cerebral)
    ventricles = _ventricles(head, plane)
    tissue = np.minimum(np.minimum(brain_depth, -fluid), -ventricles)
    parenchyma = _parenchyma_hu(head, plane, tissue, brain_depth, ventricles, cerebral, lumps)
    _paint(hu, np.float32(head.csf_hu), cavity)
    _paint(hu, parenchyma, cavity * plane.inside(np.minimum(brain_depth, -fluid)))
    _paint(hu, np.float32(head.csf_hu), cavity * plane.inside(ventricles, 1.2))
    _paint_dura(hu, plane, depth, cerebral, tent, cavity)
    _paint_calcifications(hu, head, plane, cavity)
    return HeadSlice(
        plane, hu, depth, brain_depth, np.minimum(np.maximum(fluid, -brain_depth), depth), ventricles, cerebral
    )


def _tentorium_height(plane: Plane) -> FloatArray:
    """The tent over the cerebellum: low at the skull, high in the midline behind the midbrain."""
    x, y = plane.x, plane.y
    return (9 + 27 * _bump(x, 23) * _bump(y - 22, 28) + 0.05 * np.clip(y, 0, 60)).astype(np.float32)


def _fluid(head: Head, plane: Plane, brain_depth: FloatArray, cerebral: FloatArray) -> FloatArray:
    """Sulci (level sets of the folds, deeper in old brains), fissures and basal cisterns; mm, positive in fluid."""
    x, y, z = plane.x, plane.y, plane.z
    side = np.abs(x)
    old = head.atrophy
    reach = 13 + 9 * old
    # |folds| < width is a sheet; its slope is about 2 pi / 15 mm per mm.
    sheet = (0.16 + 0.42 * old) * (1 - np.clip(brain_depth, 0, None) / reach) - np.abs(head.folds.on(plane)) * 0.9
    sulci = np.minimum(sheet / 0.42, reach - brain_depth)
    folia = (0.03 + 0.2 * old - np.abs(head.folia.on(plane)) * 0.6) / 1.3
    sulci = np.where(cerebral > 0, sulci, np.minimum(folia, 14 - brain_depth))
    core = np.maximum(
        15.0 - np.sqrt((side / 1.15) ** 2 + (y - 9) ** 2), _ellipsoid((side, y - 2, z - 38), (30, 32, 22))
    )
    sulci = np.minimum(sulci, -core)
    middle = 0.5 + 1.3 * old - side
    callosum = _ellipsoid((x, y - 2, z - 50), (30, 44, 14))
    center = np.maximum(callosum, _ellipsoid((x, y - 6, z - 32), (30, 34, 24)))
    midline = np.minimum(np.minimum(middle, -center), np.where(cerebral > 0, 30, -30).astype(np.float32))
    sylvius = _sylvian(side, y, z, old)
    return np.maximum(np.maximum(sulci, midline), np.maximum(sylvius, _cisterns(side, y, z, old))).astype(np.float32)


def _sylvian(side: FloatArray, y: FloatArray, z: FloatArray, old: float) -> FloatArray:
    """The cleft over the insula and its opening to the side; mm."""
    wall = 41 - 0.009 * (y + 6) ** 2 - 0.004 * (z - 38) ** 2
    cleft = 0.8 + 1.5 * old - np.abs(side - wall)
    cleft = np.minimum(cleft, np.minimum(27 - np.abs(y + 6), 17 - np.abs(z - 38)))
    stem = np.minimum(1.0 + 1.6 * old - np.abs(y + 14 - 0.35 * (side - 41)), np.minimum(side - 40, 14 - np.abs(z - 36)))
    return np.maximum(cleft, stem)


def _cisterns(side: FloatArray, y: FloatArray, z: FloatArray, old: float) -> FloatArray:
    """Suprasellar star, ambient and quadrigeminal cisterns, prepontine cistern, cisterna magna; mm."""
    grown = 0.6 + 1.5 * old
    angle = np.arctan2(side, -(y + 10))
    star = 9.5 + grown + 4 * np.cos(5 * angle) - np.sqrt(side**2 + (y + 10) ** 2)
    star = np.minimum(star, np.minimum(z - 5, 21 - z))
    stem = np.sqrt((side / 1.15) ** 2 + (y - 9) ** 2)
    ring = np.minimum(0.5 + grown * 0.7 - np.abs(stem - 15.5), np.minimum(np.minimum(z - 12, 30 - z), y - 2))
    plate = np.minimum(0.4 + grown - np.abs(y - 25 + 0.02 * side**2), np.minimum(15 - side, np.minimum(z - 18, 36 - z)))
    pons = np.minimum(1.5 + grown - np.abs(y + 6 - 0.02 * side**2), np.minimum(13 - side, np.minimum(12 - z, z + 20)))
    magna = np.minimum(5 + 3 * grown - np.sqrt(side**2 + (y - 68) ** 2), -10 - z)
    return np.maximum(np.maximum(np.maximum(star, ring), np.maximum(plate, pons)), magna)


def _ventricles(head: Head, plane: Plane) -> FloatArray:
    """Lateral (horns, body, atrium), third and fourth ventricle; mm, positive inside."""
    side, y, z = np.abs(plane.x), plane.y, plane.z
    point = (side, y, z)
    size = head.ventricles * (0.85 + 0.75 * head.atrophy)
    fourth = _ellipsoid((side, y - 27, z + 3), (7 * size + 1, 4.5 * size + 1, 12))
    third = np.minimum(np.minimum(1.3 * size + 0.6 - side, 14 - np.abs(y - 2)), 9 - np.abs(z - 32))
    inside = np.maximum(fourth, third)
    tubes = (
        ((6, -12, 45), (15, -37, 45), 3.6, 4.6),
        ((9, -30, 53), (11, -5, 58), 4.4, 4.6),
        ((11, -5, 58), (19, 27, 56), 4.6, 5.4),
        ((19, 27, 56), (24, 34, 43), 5.6, 6.0),
        ((24, 34, 43), (22, 58, 42), 5.0, 1.6),
        ((24, 34, 43), (34, 8, 20), 4.2, 1.3),
    )
    for start, end, first, last in tubes:
        inside = np.maximum(inside, _tube(point, start, end, first * size, last * size))
    return np.minimum(inside, np.where(z > 40, side - 0.7, 30)).astype(np.float32)


def _parenchyma_hu(
    head: Head,
    plane: Plane,
    tissue: FloatArray,
    brain_depth: FloatArray,
    ventricles: FloatArray,
    cerebral: FloatArray,
    lumps: FloatArray,
) -> FloatArray:
    """Grey matter as a ribbon along every surface, white matter within, the deep nuclei, cerebellum and brainstem."""
    side, y, z = np.abs(plane.x), plane.y, plane.z
    solid = ((tissue > 0) | (ventricles > -2.5)).astype(np.uint8)
    ribbon = cv2.distanceTransform(solid, cv2.DIST_L2, 3) * np.float32(plane.pixel_mm)
    grey = plane.inside(3.4 - ribbon, 2.2) * (brain_depth < 32)
    for nucleus in (
        _ellipsoid((side - 15, y + 20, z - 46), (5.5, 12, 14)),
        _ellipsoid((side - 26 + 0.12 * (y + 4), y + 4, z - 38), (7, 17, 12)),
        _ellipsoid((side - 10.5 - 0.2 * (y - 12), y - 11, z - 40), (8, 14, 11)),
    ):
        grey = np.maximum(grey, 0.92 * plane.inside(nucleus, 2.5))
    contrast = np.float32(head.grey_hu - head.white_hu)
    hu = np.float32(head.white_hu) + contrast * grey
    stem = plane.inside(13.5 - np.sqrt((side / 1.15) ** 2 + (y - 9) ** 2), 2) * plane.inside(30 - z, 8)
    cerebellum = head.white_hu + contrast * (0.35 + 0.5 * plane.inside(9 - ribbon, 8))
    hu = np.where(cerebral > 0, hu, cerebellum)
    hu += (head.white_hu + 0.5 * contrast - hu) * stem
    return (hu + 0.5 * lumps).astype(np.float32)


def _paint_dura(
    hu: FloatArray, plane: Plane, depth: FloatArray, cerebral: FloatArray, tent: FloatArray, cavity: FloatArray
) -> None:
    """Falx, tentorium, and the venous sinuses at their edges."""
    x, y, z = plane.x, plane.y, plane.z
    reach = np.where(y < 0, 26, 36).astype(np.float32) + np.clip(z - 58, 0, 60)
    falx = np.minimum(np.minimum(0.75 - np.abs(x), reach - depth), np.where(cerebral > 0, z - 12, -9))
    _paint(hu, np.float32(49), cavity * plane.inside(falx))
    behind = y > 2
    leaf = np.minimum(np.where(behind, 0.7 - np.abs(z - tent) * 0.75, -9), 26 + np.abs(x) - depth)
    _paint(hu, np.float32(44), cavity * plane.inside(leaf, 1.6))
    sagittal = np.where((z > 14) & (np.abs(y) > 20), np.where(y > 0, 6.5, 3.0) - depth - 0.9 * np.abs(x), -9)
    transverse = np.where(y > 20, 4.5 - depth - 0.7 * np.abs(z - tent - 1), -9)
    _paint(hu, np.float32(52), cavity * plane.inside(np.maximum(sagittal, transverse).astype(np.float32), 1.5))


def _paint_calcifications(hu: FloatArray, head: Head, plane: Plane, cavity: FloatArray) -> None:
    """Pineal gland and choroid plexus: bright without being blood."""
    side, y, z = np.abs(plane.x), plane.y, plane.z
    pineal = 2.4 - _distance((side, y, z), (0, 21, 38))
    _paint(hu, np.float32(head.pineal_hu), cavity * plane.inside(pineal))
    if head.pineal_hu > 100:
        plexus = 2.8 - _distance((side, y, z), (23, 35, 45))
        _paint(hu, np.float32(0.6 * head.pineal_hu), cavity * plane.inside(plexus, 1.5))


# Formulas ------------------------------------------------------------------------------------------------------------

Point = tuple[FloatArray, FloatArray, FloatArray]


def _paint(hu: FloatArray, value: FloatArray | np.float32, share: FloatArray) -> None:
    hu += (value - hu) * share


def _bump(value: FloatArray, width: float) -> FloatArray:
    return np.exp(-((value / np.float32(width)) ** 2))


def _step(value: FloatArray, softness: float) -> FloatArray:
    return np.float32(0.5) * (1 + np.tanh(value / np.float32(2 * softness)))


def _distance(point: Point, center: tuple[float, float, float]) -> FloatArray:
    return np.sqrt(sum((axis - np.float32(at)) ** 2 for axis, at in zip(point, center, strict=True)))


def _ellipsoid(offset: Point, radii: tuple[float, float, float]) -> FloatArray:
    """Approximate signed distance: exact on the surface, scaled by the smallest radius inside."""
    ratio = np.sqrt(sum((axis / np.float32(radius)) ** 2 for axis, radius in zip(offset, radii, strict=True)))
    return (1 - ratio) * np.float32(min(radii))


def _tube(
    point: Point, start: tuple[float, float, float], end: tuple[float, float, float], first: float, last: float
) -> FloatArray:
    """Signed distance to a round tube whose radius goes from `first` to `last` between two points."""
    way = np.subtract(end, start).astype(np.float32)
    offset = [axis - np.float32(at) for axis, at in zip(point, start, strict=True)]
    along = np.clip(sum(o * w for o, w in zip(offset, way, strict=True)) / np.float32(way @ way), 0, 1)
    away = np.sqrt(sum((o - along * w) ** 2 for o, w in zip(offset, way, strict=True)))
    return np.float32(first) + np.float32(last - first) * along - away
