"""Prepared phantom slices with their exact masks, drawn from while training: a supplement to real CT."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from hemo.ct.preparation import Preparation
from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.phantom_study import KINDS, phantom_study

STUDIES = 20
_SLICES = 12
_FIRST_SEED = 700_000


@dataclass(frozen=True)
class PhantomPool:
    """Slices of synthetic heads, skull base left out.

    Args:
        images: (N, S, S) uint8, prepared, in the model's window.
        masks: (N, S, S) bool, where there is blood.
    """

    images: np.ndarray
    masks: np.ndarray

    @classmethod
    def made(cls, size: int, seed: int, studies: int = STUDIES) -> "PhantomPool":
        """Make the slices: every second study bleeds, the kinds in turn; the same arguments give the same slices.

        Args:
            size: side of the prepared images.
            seed: of the heads.
            studies: how many heads.
        """
        preparation = Preparation("head", size)
        images, masks = [], []
        for index in range(studies):
            kind = KINDS[(index // 2) % len(KINDS)] if index % 2 else None
            study = phantom_study(_FIRST_SEED + 1000 * seed + index, _SLICES, kind, size)
            for hu, mask, level in zip(study.hu, study.masks, study.levels, strict=True):
                prepared = preparation.apply(apply_window(hu, MODEL_WINDOW))
                if level == "base" or not prepared.head_found:
                    continue
                flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
                placed = cv2.warpAffine(mask.astype(np.float32), prepared.to_source, (size, size), flags=flags)
                images.append(prepared.image)
                masks.append(placed > 0.5)
        return cls(np.stack(images), np.stack(masks))

    @cached_property
    def _bleeding(self) -> np.ndarray:
        """(N,) bool; every draw asks, and the masks are many megabytes."""
        return np.asarray(self.masks.any(axis=(1, 2)))

    def draw(self, bleeding: bool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Image and mask of one slice, with or without blood."""
        row = int(rng.choice(np.flatnonzero(self._bleeding == bleeding)))
        return self.images[row], self.masks[row]
