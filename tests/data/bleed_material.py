"""Phantom slices in the model's window that the painting tests work on."""

import functools

import numpy as np

from hemo.ct.preparation import Preparation
from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.phantom_study import phantom_study


@functools.cache
def prepared_phantoms() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prepared images (N, 224, 224) uint8, labels (N,) and groups (N,) of six phantom studies."""
    images, labels, groups = [], [], []
    kinds = ("epidural", "intraparenchymal", "subdural", None, None, None)
    for seed, kind in enumerate(kinds):
        study = phantom_study(seed=seed, n_slices=8, bleed=kind, size=192)
        for hu, label in zip(study.hu, study.labels, strict=True):
            images.append(Preparation().apply(apply_window(hu, MODEL_WINDOW)).image)
            labels.append(int(label))
            groups.append(study.name)
    return np.stack(images), np.array(labels), np.array(groups)


@functools.cache
def brain_slice() -> np.ndarray:
    """A bleed-free prepared mid-brain slice, (224, 224) uint8."""
    study = phantom_study(seed=5, n_slices=12, size=256)
    middle = [index for index, level in enumerate(study.levels) if level == "brain"][2]
    return Preparation().apply(apply_window(study.hu[middle], MODEL_WINDOW)).image
