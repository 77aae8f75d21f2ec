"""Training: an epoch's images out of the cache of prepared shards, against decoding and preparing them every epoch."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemo.bench.ratio import Ratio, interleaved

if TYPE_CHECKING:
    from hemo.data.manifest import Manifest

SLICES = 192
SIZE = 256
BATCH = 32
TARGET = 10


def run() -> list[Ratio]:
    """Read the same slices in the same shuffled batches both ways; nothing is augmented and nothing trains.

    The JPEGs are CT-ICH's where `HEMO_DATA` names a folder that has it, else a phantom's, saved as CT-ICH's are
    (650×650, one channel). Files and cache were both read before: neither way waits for a disk.
    """
    from hemo.ct.preparation import Preparation
    from hemo.data.prepared import prepared_images

    preparation = Preparation("head", SIZE)
    with tempfile.TemporaryDirectory() as folder:
        manifest, what = slices_as_jpeg(Path(folder))
        images = prepared_images(manifest, preparation, Path(folder) / "cache")
        order = np.random.default_rng(0).permutation(len(manifest))
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]

        def decoded() -> None:
            for rows in batches:
                np.stack([preparation.apply(manifest.read(int(row))).image for row in rows])

        def cached() -> None:
            for rows in batches:
                images[rows]

        seconds = interleaved({"decoded": decoded, "cached": cached}, repeats=5, warm_up=1)
    name = f"input of an epoch of {len(order)} slices of {what}, from the cache"
    return [Ratio.at_least(name, "decoding and preparing each JPEG", seconds["decoded"], seconds["cached"], TARGET)]


def slices_as_jpeg(folder: Path) -> "tuple[Manifest, str]":
    """Up to `SLICES` JPEGs and what they are, in words.

    Args:
        folder: where a phantom's are written.
    """
    from hemo.data.importers import import_dataset

    real = Path(os.environ.get("HEMO_DATA", "")) / "ct-ich"
    if os.environ.get("HEMO_DATA") and real.is_dir():
        manifest = import_dataset(real)
        return manifest.subset(np.linspace(0, len(manifest) - 1, SLICES).astype(int)), "CT-ICH"
    return phantom_as_jpeg(folder / "phantom"), "a phantom"


def phantom_as_jpeg(folder: Path) -> "Manifest":
    """A phantom's slices as JPEGs of CT-ICH's size and quality, by class."""
    import cv2

    from hemo.ct.window import MODEL_WINDOW, apply_window
    from hemo.data.importers import import_dataset
    from hemo.data.phantom_study import phantom_study

    studies = 8
    for number in range(studies):
        study = phantom_study(number, SLICES // studies, "subdural" if number % 2 else None)
        for index, hu in enumerate(study.hu):
            path = folder / ("Hemorrhage" if study.labels[index] else "Normal") / f"{number}_{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = cv2.resize(apply_window(hu, MODEL_WINDOW), (650, 650), interpolation=cv2.INTER_LINEAR)
            cv2.imwrite(str(path), grey, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return import_dataset(folder)
