"""The kinds of map that a network's own heat map is held against, and its controls with shuffled weights.

Grad-CAM and Grad-CAM++ apply to the last features before any pooling, so they are left out where the own map is
Grad-CAM already; occlusion and integrated gradients apply to every network. Each kind has its control: the same method
on the same network with the values of every weight tensor shuffled (Adebayo et al., NeurIPS 2018).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hemo.evaluate.repaint import Image, head_parts
from hemo.model import saliency
from hemo.model.heatmap import find_heat_source, inside_head
from hemo.model.saliency import GRAD_CAM, GRAD_CAM_PLUS

if TYPE_CHECKING:
    from hemo.model.predictor import Predictor

Ask = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

OWN, OCCLUSION, GRADIENTS = "heat map", "occlusion", "integrated gradients"
OTHERS = (GRAD_CAM, GRAD_CAM_PLUS, OCCLUSION, GRADIENTS)
OWN_KINDS = {
    "evidence": "its evidence map, one logit a place, which the call is pooled from",
    "cam": "its class activation map, to which Grad-CAM is equal on this kind of network",
    "gradcam": "Grad-CAM on the last convolution",
}
"""What a network's own heat map is, by `hemo.model.heatmap.HeatKind`."""
_SHUFFLED = ", weights shuffled"


def shuffled(kind: str) -> str:
    """Name of a kind's control."""
    return ("same map" if kind == OWN else kind) + _SHUFFLED


def of_control(name: str) -> str | None:
    """The kind that a control belongs to; None where the name is no control's.

    >>> of_control(shuffled("occlusion"))
    'occlusion'
    """
    if not name.endswith(_SHUFFLED):
        return None
    kind = name.removesuffix(_SHUFFLED)
    return OWN if kind == "same map" else kind


@dataclass(frozen=True)
class ShuffledNetwork:
    """The same network with the values of every weight tensor shuffled.

    Args:
        model: the `keras.Model`.
        run: images uint8 (N, S, S) → logits (N,) and its own maps (N, h, w).
    """

    model: Any
    run: Callable[[NDArray[np.uint8]], tuple[NDArray[np.floating], NDArray[np.floating]]]


def shuffled_network(predictor: "Predictor", seed: int = 0) -> ShuffledNetwork:
    """Shuffle a network, traced like the original."""
    from hemo.model.predictor import TracedNetwork

    rng = np.random.default_rng(seed)
    model = predictor.bundle.load_model()
    model.set_weights([rng.permutation(value.ravel()).reshape(value.shape) for value in model.get_weights()])
    return ShuffledNetwork(model, TracedNetwork(model).run)


def gradient_cams(model: Any, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Grad-CAM and Grad-CAM++ by name, float32 (N, h, w) each; only what differs from the network's own map."""
    # Without an evidence output the own map is Grad-CAM, or the class activation map, which equals it.
    same = () if find_heat_source(model).kind == "evidence" else (GRAD_CAM,)
    found = saliency.gradient_cams(model, images)
    return {name: inside_head(maps, images) for name, maps in found.items() if name not in same}


def gradient_maps(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Integrated gradients, float32 (N, S, S)."""
    return saliency.integrated_gradients(model, images)


def other_maps(
    predictor: "Predictor", ask: Ask, images: NDArray[np.uint8], slow: int, seed: int = 0
) -> Iterator[dict[str, NDArray[np.float16]]]:
    """Maps of the same slices by other methods, and every method's control; some names after each step of the work.

    Args:
        predictor: the network.
        ask: images → its probabilities.
        images: uint8 (N, S, S).
        slow: occlusion and integrated gradients cover the first of them only.
        seed: of the shuffling.

    Yields:
        name → float16 (N, h, w), or (slow, h, w), each map scaled to a highest value of 1. See `steps_of`.
    """
    control = shuffled_network(predictor, seed)
    model = predictor.bundle.load_model()
    first = images[:slow]
    yield {shuffled(OWN): normalised(control.run(images)[1])}
    yield {name: normalised(maps) for name, maps in gradient_cams(model, images).items()}
    yield {shuffled(name): normalised(maps) for name, maps in gradient_cams(control.model, images).items()}
    yield {GRADIENTS: normalised(gradient_maps(model, first))}
    yield {shuffled(GRADIENTS): normalised(gradient_maps(control.model, first))}
    for name, answer in ((OCCLUSION, ask), (shuffled(OCCLUSION), lambda batch: _probability(control.run(batch)[0]))):
        maps = []
        for image in first:
            maps.append(occlusion_map(answer, image, float(answer(image[np.newaxis])[0])))
            yield {}
        yield {name: normalised(np.stack(maps))}


def steps_of(slow: int) -> int:
    """How often `other_maps` yields."""
    return 7 + 2 * slow


def occlusion_map(ask: Ask, image: Image, intact: float, grid: int = 8) -> NDArray[np.float32]:
    """How much the score falls when a patch is painted over (Zeiler & Fergus 2014), float32 (grid, grid), ≥ 0."""
    size = image.shape[0]
    _, inside = head_parts(image)
    fill = int(np.median(image[inside])) if inside.any() else int(np.median(image))
    edges = np.linspace(0, size, grid + 1).round().astype(int)
    reach = size // (2 * grid)
    batch = []
    for top, bottom in pairwise(edges):
        for left, right in pairwise(edges):
            patch = image.copy()
            patch[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach] = fill
            batch.append(patch)
    fall = intact - ask(np.stack(batch))
    return np.clip(fall, 0, None).reshape(grid, grid).astype(np.float32)


def normalised(maps: NDArray[np.floating]) -> NDArray[np.float16]:
    """Each map scaled to a highest value of 1; shuffled weights have no scale of their own."""
    peak = np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-12)
    return (maps / peak).astype(np.float16)


def _probability(logit: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logit, dtype=np.float64))))
