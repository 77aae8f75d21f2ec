"""Training batches of the shipped model: real bleeds, bleed-free slices without and with a painted bleed, phantoms.

Three facts shape a batch. Bleeds are rare and come from few patients, so they are drawn patient by patient rather than
slice by slice. Where a real bleed lies is not known to training (boxes are kept for judging), but a painted one has an
exact mask and a bleed-free slice has none anywhere, so both teach the evidence map its place; a real bleed teaches
only that there is none outside the skull. And a network that is fed mid-head bleeds against necks learns anatomy, so
most bleed-free slices are drawn from those with a brain in view.
"""

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from hemo.data.degrade import DegradeSettings, degrade, warp_matrix
from hemo.data.lesion import (
    BLEED_KINDS,
    Anatomy,
    find_anatomy,
    grey_to_hu,
    hu_to_grey,
    paint_bleed,
    paint_thin_collection,
)
from hemo.data.mimic import paint_mimic
from hemo.data.phantom_pool import PhantomPool
from hemo.errors import DatasetError

_KIND_SHARES = {
    "epidural": 0.24,
    "intraparenchymal": 0.26,
    "intraventricular": 0.14,
    "subarachnoid": 0.16,
    "subdural": 0.20,
}
PLACE = 8
"""Side of one place of the evidence map, in pixels of the prepared image."""
_LEAST_COVER = 0.2
"""A place of the evidence map counts as bleed from this share of its area; below it, it is left out of the loss."""


@dataclass(frozen=True)
class BatchSettings:
    """What a batch is made of.

    Args:
        bleeds, clear, painted, phantoms: slices of each sort in a batch; every second phantom bleeds.
        thin_share: share of the painted bleeds that are collections of a few millimetres along the bone.
        brain_share: share of the bleed-free slices drawn from those with a brain in view.
        mimic_share: share of all slices into which something harmless is painted.
        smoothing: label smoothing of the call.
        place_weight: weight of a bleeding place against a bleed-free one in the evidence map's loss.
    """

    bleeds: int = 7
    clear: int = 9
    painted: int = 8
    phantoms: int = 0
    thin_share: float = 0.0
    brain_share: float = 0.7
    mimic_share: float = 0.25
    smoothing: float = 0.05
    place_weight: float = 4.0

    @property
    def size(self) -> int:
        """Slices in a batch."""
        return self.bleeds + self.clear + self.painted + self.phantoms

    def to_json(self) -> dict[str, Any]:
        """Plain values for a card."""
        return asdict(self)


@dataclass(frozen=True)
class Batch:
    """One batch for a network with a logit and an evidence map.

    Attributes:
        images: (N, S, S, 1) float32 in [0, 1].
        targets: "logit" (N, 1) float32, "evidence" (N, S/PLACE, S/PLACE, 1) float32.
        weights: "logit" (N,) float32, "evidence" (N, S/PLACE, S/PLACE) float32, zero where the place is not known.
    """

    images: np.ndarray
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]


class BleedBatches:
    """Draws batches; batch `step` is a function of the seed and the step alone, so a resumed run draws the same.

    Args:
        images: (N, S, S) uint8, prepared, in the model's window.
        labels: (N,) 0 or 1.
        groups: (N,) patient of each slice.
        seed: of every draw.
        settings: what a batch is made of.
        degradations: what each image goes through.

    Raises:
        DatasetError: no bleed, or no bleed-free slice with a brain in view to paint into.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        groups: np.ndarray,
        seed: int,
        settings: BatchSettings | None = None,
        degradations: DegradeSettings | None = None,
    ) -> None:
        self.images = images
        self.settings = settings or BatchSettings()
        self.degradations = degradations or DegradeSettings()
        self.seed = seed
        self._phantoms = PhantomPool.made(images.shape[1], seed) if self.settings.phantoms else None
        self._anatomies: dict[int, Anatomy | None] = {}
        self._bleeds = np.flatnonzero(labels == 1)
        self._clear = np.flatnonzero(labels == 0)
        self._with_brain = np.array([index for index in self._clear if self._anatomy(int(index)) is not None], int)
        if not len(self._bleeds) or not len(self._with_brain):
            raise DatasetError(
                "Expected slices with a bleed and bleed-free slices with a brain in view. "
                f"Received: {len(self._bleeds)} and {len(self._with_brain)}"
            )
        _, of_patient, counts = np.unique(groups[self._bleeds], return_inverse=True, return_counts=True)
        # Square root: a patient with 30 near copies counts more than one with a single slice, but not 30 times.
        chance = counts[of_patient] ** -0.5
        self._bleed_chance = chance / chance.sum()

    def batch(self, step: int) -> Batch:
        """The batch of this step."""
        settings = self.settings
        rng = np.random.default_rng([self.seed, step])
        drawn = [(int(i), False) for i in rng.choice(self._bleeds, settings.bleeds, p=self._bleed_chance)]
        from_brain = rng.random(settings.clear) < settings.brain_share
        drawn += [(int(rng.choice(self._with_brain if brain else self._clear)), False) for brain in from_brain]
        drawn += [(int(i), True) for i in rng.choice(self._with_brain, settings.painted)]
        bleeding = set(self._bleeds.tolist())
        parts = [self._slice(index, paint, index in bleeding, rng) for index, paint in drawn]
        parts += [self._phantom(place % 2 == 0, rng) for place in range(settings.phantoms)]
        images, calls, places, weights = (np.stack(column) for column in zip(*parts, strict=True))
        smooth = settings.smoothing
        return Batch(
            images=images[..., None].astype(np.float32) / 255.0,
            targets={
                "logit": (calls * (1 - smooth) + smooth / 2).astype(np.float32)[:, None],
                "evidence": places[..., None],
            },
            weights={"logit": np.ones(len(parts), np.float32), "evidence": weights},
        )

    def _anatomy(self, index: int) -> Anatomy | None:
        if index not in self._anatomies:
            self._anatomies[index] = find_anatomy(self.images[index])
        return self._anatomies[index]

    def _slice(
        self, index: int, paint: bool, bleeding: bool, rng: np.random.Generator
    ) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
        """One slice: the image, its call, and target and weight of each place of the evidence map."""
        image = self.images[index]
        mask = np.zeros(image.shape, bool)
        mimic = rng.random() < self.settings.mimic_share
        anatomy = self._anatomy(index) if paint or mimic else None
        if anatomy is not None:
            hu = grey_to_hu(image)
            if mimic:
                hu = paint_mimic(hu, anatomy, rng)
            if paint:
                hu, mask = self._with_bleed(hu, anatomy, rng)
            image = hu_to_grey(hu)
        image, cover, warp = self._as_seen(image, mask, rng)
        places, weights = self._places(cover)
        if bleeding:
            # Where the bleed lies is not known, but that it lies inside the skull is: without this the network
            # keeps what it knows of the whole slice in a corner of the air, and the heat map shows it there.
            inside = cv2.warpAffine(self._room(index).astype(np.float32), warp, image.shape[::-1])
            weights = (cv2.resize(inside, weights.shape[::-1], interpolation=cv2.INTER_AREA) < 0.01).astype(np.float32)
        # A painted bleed of a pixel or two that the warp lost is no bleed that anyone could call.
        call = 1.0 if bleeding or (paint and cover.sum() >= 6.0) else 0.0
        return image, call, places, weights

    def _phantom(self, bleeding: bool, rng: np.random.Generator) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
        """Like `_slice`, of a phantom: its mask is exact."""
        if self._phantoms is None:
            raise ValueError("Expected settings with phantoms. Received: none")
        image, mask = self._phantoms.draw(bleeding, rng)
        image, cover, _ = self._as_seen(image, mask, rng)
        return image, float(cover.sum() >= 6.0), *self._places(cover)

    def _with_bleed(self, hu: np.ndarray, anatomy: Anatomy, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if self.settings.thin_share and rng.random() < self.settings.thin_share:
            return paint_thin_collection(hu, anatomy, rng)
        kind = str(rng.choice(BLEED_KINDS, p=[_KIND_SHARES[name] for name in BLEED_KINDS]))
        return paint_bleed(hu, anatomy, kind, rng)

    def _as_seen(
        self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image and cover of the bleed after tilt and degradations, and the tilt."""
        shape = image.shape[::-1]
        warp = warp_matrix(image.shape[0], self.degradations, rng)
        seen = degrade(cv2.warpAffine(image, warp, shape, flags=cv2.INTER_LINEAR), rng, self.degradations)
        return seen, cv2.warpAffine(mask.astype(np.float32), warp, shape, flags=cv2.INTER_LINEAR), warp

    def _room(self, index: int) -> np.ndarray:
        """Where a bleed could be, (S, S) bool: inside the skull and half a place around it, else the whole head."""
        anatomy = self._anatomy(index)
        if anatomy is None:
            return np.asarray(self.images[index] > 0)
        return cv2.dilate(anatomy.intracranial.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)

    def _places(self, cover: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Target and weight of each place, (S/PLACE, S/PLACE) float32, from a mask's cover of each pixel."""
        side = cover.shape[0] // PLACE
        share = cv2.resize(cover, (side, side), interpolation=cv2.INTER_AREA)
        # Of a bleed too small to fill a place, the fullest place stands for it.
        places = (share >= min(_LEAST_COVER, max(float(share.max()), 1e-6))).astype(np.float32)
        weights = np.where(places > 0, self.settings.place_weight, np.where(share > 0.01, 0.0, 1.0))
        return places, weights.astype(np.float32)
