"""One class, one patient, constant scores, ties, no groups, NaN: from a kept table to every figure and chart."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemo.charts.precision_recall import precision_recall_figure
from hemo.charts.roc import roc_figure
from hemo.charts.scores import patient_strip, score_histogram
from hemo.evaluate.evaluation import to_json
from hemo.evaluate.judged import Judged, judge
from hemo.evaluate.predictions import About, Predictions

N = 60


def judged(folder: Path, kind: str = "patient", **changes: object) -> Judged:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "source": [f"{i}.png" for i in range(N)],
            "slice": [str(i) for i in range(N)],
            "group": [f"p{i // 3}" for i in range(N)],
            "label": (np.arange(N) % 6 == 0).astype(int),
            "probability": rng.random(N),
            "logit": rng.normal(size=N),
            "call": "Uncertain",
            "reason": "",
            "epidural": np.arange(N) % 6 == 0,
        }
    ).assign(**changes)
    Predictions(frame, About("m", "0", "d", "0", kind, 0.5)).save(folder / "t")
    return judge(folder / "t")


CASES = {
    "one class": {"label": 0, "epidural": False},
    "bleeds only": {"label": 1},
    "one patient": {"group": "only"},
    "constant scores": {"probability": 0.4},
    "ties": {"probability": np.repeat([0.2, 0.7], N // 2)},
    "no groups": {"kind": "file"},
    "NaN": {"probability": np.append(np.nan, np.full(N - 1, 0.3))},
    "all refused": {"call": "Refused", "probability": np.nan},
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_breaks_and_what_is_not_defined_says_why(tmp_path: Path, case: str) -> None:
    found = judged(tmp_path, **CASES[case])  # type: ignore[arg-type]
    content = to_json(found.predictions, found.evaluation)
    assert content["n"] == (0 if case == "all refused" else N)
    for name, why in content["why_not_defined"].items():
        assert why.startswith("not defined, because"), name
    for name in set(content["intervals"]) - set(content["why_not_defined"]):
        assert content["intervals"][name] or content["why_no_interval"][name], name
    figures = [
        roc_figure({"m": found.roc}, found.n),
        precision_recall_figure({"m": found.precision_recall}, 0.1, found.n),
        score_histogram(found.predictions.labels, found.predictions.probabilities, 0.5, found.n),
        patient_strip(found.predictions.frame[found.predictions.accepted], 0.5, found.n),
    ]
    assert all(figure.to_json() for figure in figures)


@pytest.mark.parametrize("case", ["one class", "bleeds only", "NaN", "all refused"])
def test_a_curve_that_is_not_defined_is_a_sentence(tmp_path: Path, case: str) -> None:
    found = judged(tmp_path, **CASES[case])  # type: ignore[arg-type]
    assert str(found.roc).startswith("not defined, because")
    assert str(found.table).startswith("not defined, because")


def test_one_patient_has_figures_and_no_interval(tmp_path: Path) -> None:
    found = judged(tmp_path, group="only")
    auc = found.evaluation.metrics["auc"]
    assert auc.value is not None
    assert auc.interval is None
    assert "1 patient" in auc.why_none


def test_constant_scores_are_worth_a_coin(tmp_path: Path) -> None:
    assert judged(tmp_path, probability=0.4).evaluation.metrics["auc"].value == 0.5
