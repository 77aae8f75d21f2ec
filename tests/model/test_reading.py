"""From slices to readings: order kept, refusals before scores, calls from the card, heat over the slice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemo.ct.guard import GuardVerdict
from hemo.ct.slice import CTSlice
from hemo.ct.window import MODEL_WINDOW
from hemo.data.phantom_study import phantom_study
from hemo.errors import BundleError
from hemo.model import reading as reading_module
from hemo.model.card import Card, validate_card
from hemo.model.predictor import BATCH, Predictor
from hemo.model.reading import call_for, iterate_readings, read_slices
from tests.small_bundle import small_card, write_small_bundle


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_small_bundle(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def slices() -> tuple[CTSlice, ...]:
    study = phantom_study(3, 5, "intraparenchymal", 128)
    return tuple(
        CTSlice(pixels.astype(np.float32), "HU", f"slice {number}", warnings=(f"warning {number}",))
        for number, pixels in enumerate(study.hu)
    )


def picture(name: str, level: float) -> CTSlice:
    return CTSlice(np.full((40, 50), level, np.float32), "grey", name)


def refuse_named(names: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def assess(ct_slice: CTSlice) -> GuardVerdict:
        refused = ct_slice.name in names
        reason = f"{ct_slice.name} is no head" if refused else ""
        return GuardVerdict(not refused, reason, "none" if refused else "brain", -1.0 if refused else 1.0)

    monkeypatch.setattr(reading_module, "assess", assess)


def test_readings_keep_the_order_and_carry_the_slices_warnings(
    predictor: Predictor, slices: tuple[CTSlice, ...]
) -> None:
    readings = read_slices(predictor, slices, guard=False)
    assert [reading.name for reading in readings] == [ct_slice.name for ct_slice in slices]
    assert [reading.warnings for reading in readings] == [ct_slice.warnings for ct_slice in slices]
    for ct_slice, reading in zip(slices, readings, strict=True):
        assert reading.heat is not None
        assert reading.heat.shape == ct_slice.shape
        assert reading.heat.dtype == np.float32
        assert 0 <= reading.heat.min() <= reading.heat.max() <= 1


def test_a_reading_is_the_predictors_score_of_the_prepared_slice(
    predictor: Predictor, slices: tuple[CTSlice, ...]
) -> None:
    (reading,) = read_slices(predictor, slices[2:3], guard=False)
    prepared = predictor.preparation.apply(slices[2])
    scores = predictor.predict(prepared.image[np.newaxis])
    assert reading.probability == pytest.approx(float(scores.probability[0]), abs=1e-6)
    assert reading.logit == pytest.approx(float(scores.logit[0]), abs=1e-4)
    np.testing.assert_allclose(reading.heat, prepared.heat_to_source(scores.heat[0]), atol=1e-5)
    from_picture = CTSlice(slices[2].grey(MODEL_WINDOW).astype(np.float32), "grey", "png")
    assert read_slices(predictor, [from_picture], guard=False)[0].probability == reading.probability


def test_what_the_guard_refuses_gets_no_score_and_does_not_shift_the_others(
    predictor: Predictor, slices: tuple[CTSlice, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    without = read_slices(predictor, slices, guard=False)
    refuse_named({"slice 0", "slice 3"}, monkeypatch)
    readings = read_slices(predictor, slices)
    for number, (reading, plain) in enumerate(zip(readings, without, strict=True)):
        if number in (0, 3):
            assert (reading.call, reading.probability, reading.heat, reading.logit) == ("Refused", None, None, None)
            assert reading.reason == f"slice {number} is no head"
        else:
            assert reading.probability == pytest.approx(plain.probability, abs=1e-6)


def test_nothing_but_refused_slices_and_nothing_at_all_are_read_too(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_named({"a", "b"}, monkeypatch)
    assert [reading.call for reading in read_slices(predictor, [picture("a", 0), picture("b", 9)])] == ["Refused"] * 2
    assert read_slices(predictor, []) == []


def test_an_empty_picture_is_refused_by_the_guard_itself(predictor: Predictor) -> None:
    (reading,) = read_slices(predictor, [picture("air", 0)])
    assert reading.call == "Refused"
    assert reading.probability is None
    assert reading.reason


def test_slices_are_taken_a_batch_at_a_time(predictor: Predictor) -> None:
    taken = 0

    def stream() -> Iterator[CTSlice]:
        nonlocal taken
        while True:
            taken += 1
            yield picture(str(taken), 100)

    readings = iterate_readings(predictor, stream(), guard=False, heat=False)
    assert next(readings).heat is None
    assert taken == BATCH


def card(**changes: Any) -> Card:
    filled = {"created": "2026-01-02", "versions": {}, "sha256": "a" * 64}
    return validate_card(small_card() | filled | changes)


@pytest.mark.parametrize(
    ("probability", "call"),
    [
        (0.0, "Normal"),
        (0.399, "Normal"),
        (0.4, "Uncertain"),
        (0.6, "Uncertain"),
        (0.601, "Hemorrhage"),
        (1.0, "Hemorrhage"),
    ],
)
def test_the_band_decides_where_no_point_is_named(probability: float, call: str) -> None:
    assert call_for(probability, card())[0] == call


@pytest.mark.parametrize(
    ("probability", "point", "call"),
    [
        (0.45, "rule-out", "Hemorrhage"),
        (0.3, "rule-out", "Hemorrhage"),
        (0.299, "rule-out", "Normal"),
        (0.45, "balanced", "Normal"),
    ],
)
def test_a_named_point_is_a_plain_cut(probability: float, point: str, call: str) -> None:
    given, reason = call_for(probability, card(), point)
    assert given == call
    assert point in reason


def test_without_a_band_the_balanced_threshold_decides() -> None:
    assert call_for(0.5, card(uncertain_band=None))[0] == "Hemorrhage"
    assert call_for(0.49, card(uncertain_band=None))[0] == "Normal"


def test_an_unknown_point_is_refused_before_anything_is_read(predictor: Predictor) -> None:
    with pytest.raises(BundleError, match="rule-out, balanced"):
        next(iterate_readings(predictor, iter([picture("a", 0)]), point="rule-in"))


@pytest.mark.slow
def test_real_slices_get_heat_at_their_own_resolution(predictor: Predictor, hemo_data: Path) -> None:
    from hemo.ct.read import read_path

    real = [read_path(path) for path in sorted((hemo_data / "ct-ich/Patients_CT/049/brain").glob("*.jpg"))]
    for reading in read_slices(predictor, real):
        assert (reading.heat is None) == (reading.call == "Refused")
        if reading.heat is not None:
            assert reading.heat.shape == (650, 650)
