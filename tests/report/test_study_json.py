"""Readings as JSON: every slice with its call, the model that gave it, and nothing that names the patient."""

import json

import numpy as np

from hemo.ct.slice import CTSlice
from hemo.evaluate.study_reading import read_study
from hemo.model.reading import Reading
from hemo.report.study_json import StudyResult, studies_json
from tests.small_bundle import small_card

CARD = small_card(sha256="0" * 64, created="2026-01-01T00:00:00+00:00")


def result(**changes: object) -> StudyResult:
    slices = [CTSlice(np.zeros((2, 2), np.float32), "HU", f"CANARY {at}", position_mm=5.0 * at) for at in range(2)]
    readings = [
        Reading("CANARY", 0.9, "Hemorrhage", "", None, ()),
        Reading("CANARY", None, "Refused", "no head in view", None, ()),
    ]
    values = {"name": "study 1", "slices": slices, "readings": readings, "answer": read_study(readings, CARD)}
    return StudyResult(**(values | changes))


def test_every_slice_leaves_with_score_call_and_reason() -> None:
    study = json.loads(studies_json([result()], CARD, None))["studies"][0]
    assert study["call"] == "Hemorrhage" and study["score"] == 0.9 and study["highest_slice"] == 1
    first, second = study["slices"]
    assert (first["call"], first["score"], first["position_mm"]) == ("Hemorrhage", 0.9, 0.0)
    assert (second["call"], second["score"], second["reason"]) == ("Refused", None, "no head in view")


def test_the_model_and_its_cut_are_named() -> None:
    content = json.loads(studies_json([result()], CARD, "rule-out"))
    assert content["model"]["name"] == "tiny" and content["model"]["sha256"] == "0" * 64
    assert content["operating_point"] == "rule-out" and content["uncertain_band"] is None
    assert json.loads(studies_json([], CARD, None))["uncertain_band"] == CARD["uncertain_band"]
    assert content["notice"] == "For teaching and research, not for diagnosis."


def test_the_readers_verdict_goes_along() -> None:
    study = json.loads(studies_json([result(verdict="Unsure", note="motion")], CARD, None))["studies"][0]
    assert study["reader"] == {"verdict": "Unsure", "note": "motion"}


def test_slice_names_stay_inside() -> None:
    assert "CANARY" not in studies_json([result()], CARD, None)
