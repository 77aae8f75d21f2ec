"""What the network still scores when parts of the picture are taken away, and whether its map follows its weights.

Each probe changes the prepared image and asks the same network again: the skull without the brain, the brain without
the skull, the corners without the head, the lesion box covered, an equal area elsewhere covered. The map controls run
the same images through the same network with its weights shuffled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemo.data.manifest import Manifest
from hemo.errors import HemoError
from hemo.evaluate.localisation import boxes_to_mask, enlarged, mask_to_prepared
from hemo.evaluate.map_kinds import OTHERS, OWN, other_maps, shuffled, steps_of
from hemo.evaluate.predictions import Predictions
from hemo.evaluate.repaint import PARTS, changed, covered, head_parts

if TYPE_CHECKING:
    from hemo.model.predictor import Predictor

Progress = Callable[[int, int], None]
MOST = 300
DELETED_KINDS = (shuffled(OWN), *OTHERS)
"""Kinds of map, beside the own one, whose deletion and insertion curves are drawn."""
DELETED = 1 + len(DELETED_KINDS)


@dataclass(frozen=True)
class Probes:
    """Answers of the network to changed images, for a sample of the accepted slices.

    Args:
        rows: positions of the sampled slices in the predictions table, int64 (n,).
        intact: probability as it was, float64 (n,).
        parts: probe → probability, float64 (n,).
        boxed: positions within the sample of bleeds with a box or mask, int64 (b,).
        covered: their probability with the lesion covered, float64 (b,).
        elsewhere: their probability with an equal area in the mirrored place covered, float64 (b,).
        maps: their maps by other methods and with shuffled weights, see `map_kinds.other_maps`: name → float16
            (b, h, w), or of the first of them, (o, h, w).
        erased: kind of map → mean score as the hottest part is painted over (deletion), float64 (steps + 1,).
        revealed: kind of map → mean score as the hottest part is put back (insertion), float64 (steps + 1,).
    """

    rows: NDArray[np.int64]
    intact: NDArray[np.float64]
    parts: dict[str, NDArray[np.float64]]
    boxed: NDArray[np.int64]
    covered: NDArray[np.float64]
    elsewhere: NDArray[np.float64]
    maps: dict[str, NDArray[np.float16]]
    erased: dict[str, NDArray[np.float64]]
    revealed: dict[str, NDArray[np.float64]]


def lesion_masks(
    predictions: Predictions, manifest: Manifest, rows: Sequence[int]
) -> tuple[dict[int, NDArray[np.bool_]], bool]:
    """Lesions in the prepared image by row, from masks where the set has them, else from boxes; and whether exact."""
    size = int(predictions.about.preparation["size"])
    if predictions.to_source is None or predictions.shapes is None:
        return {}, False
    place = {str(path): i for i, path in enumerate(manifest.frame["path"])}
    frame = predictions.frame
    exact = "mask_path" in frame.columns and bool((frame["mask_path"].fillna("") != "").any())
    found: dict[int, NDArray[np.bool_]] = {}
    for row in rows:
        affine, shape = predictions.to_source[row], tuple(int(v) for v in predictions.shapes[row])
        lesion = None
        if exact:
            try:
                mask = manifest.read_mask(place[str(frame["source"].iloc[row])])
            except (HemoError, OSError, KeyError):
                mask = None
            lesion = None if mask is None else mask_to_prepared(mask, affine, size)
        elif "boxes" in frame.columns and frame["boxes"].iloc[row]:
            lesion = boxes_to_mask(frame["boxes"].iloc[row], affine, (shape[0], shape[1]), size)
        if lesion is not None:
            found[row] = lesion
    return found, exact


def run_probes(
    predictor: "Predictor",
    manifest: Manifest,
    predictions: Predictions,
    progress: Progress | None = None,
    most: int = MOST,
    occlusions: int = 40,
    seed: int = 0,
) -> tuple[Probes, dict[int, NDArray[np.bool_]], bool]:
    """Ask the network about changed images of a sample of slices.

    Args:
        predictor: the bundle's network.
        manifest: the data set, rows as in `predictions`.
        predictions: the table, with maps.
        progress: called with (done, total).
        most: slices of each label in the sample, bleeds with a box first.
        occlusions: bleeds that get the maps that take long: occlusion and integrated gradients.
        seed: of the sample and the shuffling.

    Returns:
        the answers, the lesions by row in the prepared image, and whether those are masks.
    """
    rows = _sample(predictions, most, seed)
    lesions, exact = lesion_masks(predictions, manifest, [int(r) for r in rows if predictions.frame["label"].iloc[r]])
    images = np.stack([predictor.preparation.apply(manifest.read(int(row))).image for row in rows])
    boxed = np.array([i for i, row in enumerate(rows) if int(row) in lesions and lesions[int(row)].any()], np.int64)
    occluded = boxed[:occlusions]
    steps = len(PARTS) + (2 + steps_of(len(occluded)) + DELETED if boxed.size else 0)
    done = 0

    def ask(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        return predictor.predict(batch).probability.astype(np.float64)

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, steps)

    parts = {}
    for part in PARTS:
        parts[part] = ask(np.stack([changed(image, part) for image in images]))
        step()
    hidden = elsewhere = np.empty(0)
    maps: dict[str, NDArray[np.float16]] = {}
    erased: dict[str, NDArray[np.float64]] = {}
    revealed: dict[str, NDArray[np.float64]] = {}
    if boxed.size:
        where = [lesions[int(rows[i])] for i in boxed]
        hidden = ask(np.stack([covered(images[i], lesion) for i, lesion in zip(boxed, where, strict=True)]))
        step()
        mirrored = [_elsewhere(lesion) for lesion in where]
        elsewhere = ask(np.stack([covered(images[i], place) for i, place in zip(boxed, mirrored, strict=True)]))
        step()
        for more in other_maps(predictor, ask, images[boxed], len(occluded), seed):
            maps |= more
            step()
        if predictions.heat is not None:
            own = predictions.heat[rows[occluded]]
            kinds = {OWN: own} | {name: heat[: len(occluded)] for name, heat in maps.items() if name in DELETED_KINDS}
            for name, heat in kinds.items():
                erased[name], revealed[name] = deletion_insertion_curves(ask, images[occluded], heat)
                step()
        if done < steps:  # a network whose own map is Grad-CAM has fewer kinds
            done = steps - 1
            step()
    intact = predictions.frame["probability"].to_numpy(dtype=np.float64)[rows]
    probes = Probes(rows, intact, parts, boxed, hidden, elsewhere, maps, erased, revealed)
    return probes, lesions, exact


def deletion_insertion_curves(
    ask: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    images: NDArray[np.uint8],
    heat: NDArray[np.floating],
    steps: int = 8,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean scores as the head's hottest pixels are painted over, and as they are put back (Petsiuk et al. 2018).

    Args:
        ask: images (n, S, S) → probabilities (n,).
        images: uint8 (N, S, S).
        heat: maps (N, h, w) of any scale.
        steps: parts of equal size that the head is cut into, hottest first.

    Returns:
        scores float64 (steps + 1,) from intact to painted over, and from painted over to intact.
    """
    size = images.shape[1]
    erased, revealed = np.zeros(steps + 1), np.zeros(steps + 1)
    for image, each in zip(images, heat, strict=True):
        outline, inside = head_parts(image)
        region = inside if inside.any() else outline
        places = np.flatnonzero(region.ravel()) if region.any() else np.arange(image.size)
        grown = enlarged(each, size).ravel()[places]
        order = places[np.argsort(-grown, kind="stable")]
        blank = image.ravel().copy()
        blank[places] = int(np.median(image.ravel()[places]))
        batch = []
        for k in range(steps + 1):
            hottest = order[: round(len(order) * k / steps)]
            without, alone = image.ravel().copy(), blank.copy()
            without[hottest], alone[hottest] = blank[hottest], image.ravel()[hottest]
            batch += [without.reshape(size, size), alone.reshape(size, size)]
        scores = ask(np.stack(batch)).reshape(steps + 1, 2)
        erased += scores[:, 0] / len(images)
        revealed += scores[:, 1] / len(images)
    return erased, revealed


def _sample(predictions: Predictions, most: int, seed: int) -> NDArray[np.int64]:
    """At most `most` accepted slices of each label, bleeds with a lesion marked first."""
    rng = np.random.default_rng(seed)
    frame = predictions.frame
    chosen: list[NDArray[np.int64]] = []
    for label in (1, 0):
        rows = rng.permutation(np.flatnonzero(predictions.accepted & (frame["label"] == label).to_numpy(dtype=bool)))
        if label and "boxes" in frame.columns:
            marked = np.array([bool(frame["boxes"].iloc[row]) for row in rows], dtype=bool)
            rows = np.concatenate([rows[marked], rows[~marked]])
        chosen.append(rows[:most].astype(np.int64))
    return np.sort(np.concatenate(chosen))


def _elsewhere(lesion: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The lesion mirrored to the other side of the head, off the lesion itself."""
    mirrored = np.ascontiguousarray(lesion[:, ::-1]) & ~lesion
    return mirrored if mirrored.sum() >= lesion.sum() / 4 else np.ascontiguousarray(lesion[::-1, ::-1]) & ~lesion


def maps_at(heat: NDArray[np.floating], size: int) -> list[NDArray[np.float32]]:
    """Every map (N, h, w) at the prepared image's size."""
    return [enlarged(each, size) for each in heat]
