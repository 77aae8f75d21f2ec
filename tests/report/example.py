"""A study with its readings, for tests of what leaves the app; no network is asked."""

import numpy as np

from hemo.ct.slice import CTSlice
from hemo.evaluate.study_reading import StudyReading
from hemo.model.reading import Reading
from hemo.report.study_json import StudyResult
from tests.ct.make_dicom import head

SHA = "ab" * 32

CARD = {
    "name": "example-net",
    "architecture": "compact",
    "preparation": {"kind": "head", "size": 64},
    "data": {
        "name": "Phantom", "fingerprint": "00", "n": 10, "n_patients": 5, "licence": "none",
        "citation": "No one. Nowhere 2024.", "split": "by patient",
    },
    "settings": {},
    "versions": {"keras": "3.15.1", "hemo": "0.1"},
    "metrics": {},
    "calibration": {"temperature": None, "how": "none"},
    "operating_points": [
        {"name": "screening", "threshold": 0.2, "sensitivity": 0.95, "specificity": 0.7, "fitted_on": "validation"}
    ],
    "uncertain_band": [0.3, 0.6],
    "sha256": SHA,
    "created": "2024-05-06T07:08:09+00:00",
    "limits": ["Trained on one hospital's trauma patients."],
}  # fmt: skip

PROBABILITIES = (None, 0.05, 0.2, 0.97, 0.91, 0.45, 0.1, None)


def call_of(probability: float | None) -> str:
    if probability is None:
        return "Refused"
    return "Hemorrhage" if probability > 0.6 else "Uncertain" if probability >= 0.3 else "Normal"


def example(probabilities=PROBABILITIES, side: int = 128, unit: str = "HU") -> StudyResult:
    slices, readings = [], []
    for index, probability in enumerate(probabilities):
        pixels = head(index, side).astype(np.float32)
        heat = np.zeros((side, side), np.float32)
        if probability is not None:
            heat[side // 2 : side // 2 + 20, side // 3 : side // 3 + 20] = probability
        slices.append(
            CTSlice(pixels if unit == "HU" else np.clip(pixels, 0, 255), unit, f"s{index}", (0.5, 0.5), 5.0 * index)
        )
        readings.append(
            Reading(
                f"s{index}", probability, call_of(probability),
                "Expected a head." if probability is None else "Because of the score.",
                None if probability is None else heat, (),
            )
        )  # fmt: skip
    calls = tuple(call_of(probability) for probability in probabilities)
    scored = [(probability, -index) for index, probability in enumerate(probabilities) if probability is not None]
    score, worst = max(scored) if scored else (None, None)
    answer = StudyReading(
        "Refused" if worst is None else calls[-worst],
        score,
        None if worst is None else -worst,
        score,
        calls,
        tuple(reading.reason for reading in readings),
    )
    return StudyResult(
        "study 1", slices, readings, answer, ("Slices are 10 mm thick: small bleeds can be averaged away.",),
        "disagree", "Motion artefact.",
    )  # fmt: skip
