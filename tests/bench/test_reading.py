"""The baseline of the reading benchmark is a fair one: it gives the same answer the usual way."""

import numpy as np

from hemo.bench.reading import bare_forward, eager_reading
from hemo.model.architectures import ARCHITECTURES
from hemo.model.architectures.lite0 import EVIDENCE_STRIDE
from hemo.model.predictor import TracedNetwork


def test_the_baseline_gives_the_answer_that_the_traced_pass_gives() -> None:
    size = 64
    image = np.random.default_rng(0).integers(0, 256, (size, size)).astype(np.uint8)
    seed = ARCHITECTURES["seed_cnn"].build(size)
    answer, heat = eager_reading(seed)(image)
    logit, evidence = TracedNetwork(seed).run(image[np.newaxis])
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), answer[:, 1], atol=1e-5)
    assert heat.shape == evidence.shape[1:]
    compact = ARCHITECTURES["compact"].build(size)
    answer, heat = eager_reading(compact)(image)
    logit, evidence = TracedNetwork(compact).run(image[np.newaxis])
    np.testing.assert_allclose(bare_forward(compact)(image[np.newaxis])[:, 0], logit, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(answer[:, 0], logit, rtol=1e-4, atol=1e-6)
    # Grad-CAM averages gradients over places where Hemo's map sums them.
    np.testing.assert_allclose(heat * heat.size, evidence[0], rtol=1e-3, atol=1e-5)


def test_the_baseline_for_an_evidence_map_weighs_the_features_below_it() -> None:
    lite0 = ARCHITECTURES["lite0"].build(64)
    image = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    answer, heat = eager_reading(lite0)(image)
    np.testing.assert_allclose(answer[:, 0], TracedNetwork(lite0).run(image[np.newaxis])[0], rtol=1e-4, atol=1e-5)
    assert heat.shape == (64 // EVIDENCE_STRIDE, 64 // EVIDENCE_STRIDE)
