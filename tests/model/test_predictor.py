"""The predictor: one traced pass, the same for one and for many, in any number of threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hemo.errors import RefusedInput
from hemo.model.bundle import ModelBundle
from hemo.model.predictor import BATCH, Predictor
from tests.small_bundle import SIZE, write_small_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return write_small_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def predictor(bundle: ModelBundle) -> Predictor:
    return Predictor(bundle)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    rng = np.random.default_rng(3)
    levels = np.linspace(100, 220, 2 * BATCH + 3)[:, None, None]
    return np.clip(rng.normal(levels, 10, (len(levels), SIZE, SIZE)), 0, 255).astype(np.uint8)


def test_scores_equal_the_model_called_the_slow_way(
    predictor: Predictor, bundle: ModelBundle, images: np.ndarray
) -> None:
    scores = predictor.predict(images)
    slow = bundle.load_model()(images[..., None].astype(np.float32) / 255, training=False).numpy()[:, 0]
    np.testing.assert_allclose(scores.logit, slow, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores.probability, 1 / (1 + np.exp(-slow.astype(np.float64))), atol=1e-5)
    assert scores.logit.dtype == scores.probability.dtype == scores.heat.dtype == np.float32


def test_one_and_many_agree(predictor: Predictor, images: np.ndarray) -> None:
    many = predictor.predict(images)
    for index in (0, BATCH, len(images) - 1):
        one = predictor.predict(images[index : index + 1])
        np.testing.assert_allclose(one.logit[0], many.logit[index], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(one.heat[0], many.heat[index], rtol=1e-4, atol=1e-5)


def test_the_heat_scale_is_the_bundles_not_the_images(bundle: ModelBundle) -> None:
    predictor = Predictor(ModelBundle(bundle.path, dict(bundle.card, heat={"scale": 1000.0})))  # type: ignore[arg-type]
    weak = np.full((1, SIZE, SIZE), 100, np.uint8)
    strong = weak.copy()
    weak[:, 10:20, 10:20] = 150
    strong[:, 10:20, 10:20] = 175
    peaks = [float(predictor.predict(image).heat.max()) for image in (weak, strong)]
    assert 0 < peaks[0] < peaks[1] < 1


def test_temperature_softens_the_probability_and_leaves_the_logit(tmp_path: Path, images: np.ndarray) -> None:
    bundle = write_small_bundle(tmp_path)
    plain = Predictor(bundle).predict(images)
    card = dict(bundle.card, calibration={"temperature": 2.0, "how": "made up"})
    softened = Predictor(ModelBundle(bundle.path, card)).predict(images)  # type: ignore[arg-type]
    np.testing.assert_array_equal(plain.logit, softened.logit)
    np.testing.assert_allclose(softened.probability, 1 / (1 + np.exp(-plain.logit / 2)), atol=1e-6)


def test_extreme_logits_stay_finite(predictor: Predictor) -> None:
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(predictor.calibrate(np.array([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((SIZE, SIZE), np.uint8),
        np.zeros((1, SIZE, SIZE - 1), np.uint8),
        np.zeros((1, SIZE, SIZE), np.float32),
        np.zeros((0, SIZE, SIZE), np.uint8),
        np.zeros((1, SIZE, SIZE, 1), np.uint8),
    ],
)
def test_images_of_another_shape_or_type_are_refused(predictor: Predictor, images: np.ndarray) -> None:
    with pytest.raises(RefusedInput, match=r"Expected images of uint8 \(N, 64, 64\)"):
        predictor.predict(images)


def test_many_threads_get_the_same_answer(bundle: ModelBundle, images: np.ndarray) -> None:
    predictor = Predictor(bundle)  # not traced yet: the threads race for the first call
    with ThreadPoolExecutor(8) as pool:
        logits = list(pool.map(lambda _: predictor.predict(images[:5]).logit, range(16)))
    for logit in logits:
        np.testing.assert_allclose(logit, logits[0], rtol=1e-5)


def test_the_traced_functions_are_traced_once(predictor: Predictor, images: np.ndarray) -> None:
    for count in (1, 2, 5, BATCH, BATCH + 1):
        predictor.predict(images[:count])
    network = predictor._network
    assert network._one.experimental_get_tracing_count() == 1  # type: ignore[attr-defined]
    assert network._many.experimental_get_tracing_count() == 1  # type: ignore[attr-defined]
