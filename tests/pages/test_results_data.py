"""From a table on disk to every figure and chart: what is computed, and within which time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hemo.bench.judging import made_up_frame
from hemo.charts.calibration import reliability_figure
from hemo.charts.confusion import confusion_figure
from hemo.charts.decision import decision_figure
from hemo.charts.operating import operating_figure
from hemo.charts.precision_recall import precision_recall_figure
from hemo.charts.roc import roc_figure
from hemo.charts.scores import patient_strip, score_histogram
from hemo.evaluate.judged import Judged, judge
from hemo.evaluate.operating_point import OperatingPoint
from hemo.evaluate.predictions import About, Predictions
from pages.components import results_compare
from pages.components.results_operating import exact


def save_table(folder: Path, n: int = 2501, n_groups: int = 82, **changes: str) -> Predictions:
    values = {
        "model": "m",
        "model_sha256": "0",
        "data": "d",
        "data_fingerprint": "0",
        "group_kind": "patient",
    } | changes
    about = About(threshold=0.5, **values)
    table = Predictions(made_up_frame(n, n_groups), about)
    table.save(folder)
    return table


def figures_of(judged: Judged) -> list:
    predictions = judged.predictions
    return [
        roc_figure({"m": judged.roc}, judged.n),
        precision_recall_figure({"m": judged.precision_recall}, 0.1, judged.n),
        operating_figure(judged.table, 0.5, judged.n),
        confusion_figure(judged.evaluation.counts, judged.n),
        reliability_figure({"a": judged.reliability, "b": judged.uncalibrated}, judged.n),
        decision_figure(judged.decision, judged.n),
        score_histogram(predictions.labels, predictions.probabilities, 0.5, judged.n),
        patient_strip(predictions.frame, 0.5, judged.n),
    ]


def test_from_a_cached_table_to_all_charts(tmp_path: Path) -> None:
    save_table(tmp_path / "t")
    figures = figures_of(judge(tmp_path / "t"))
    assert all(figure.data for figure in figures)


def test_calibration_shows_before_and_after_only_where_they_differ(tmp_path: Path) -> None:
    save_table(tmp_path / "t", 600, 30)
    judged = judge(tmp_path / "t")
    assert judged.uncalibrated
    assert judged.uncalibrated_ece is not None
    frame = judged.predictions.frame
    same = frame.assign(probability=1 / (1 + np.exp(-frame["logit"])))
    Predictions(same, judged.predictions.about).save(tmp_path / "t")
    assert judge(tmp_path / "t").uncalibrated == []


@pytest.mark.slow
def test_a_hundred_thousand_slices_stay_small_on_the_wire(tmp_path: Path) -> None:
    save_table(tmp_path / "t", 100_000, 3000)
    figures = figures_of(judge(tmp_path / "t"))
    assert sum(len(figure.to_json()) for figure in figures) < 3_000_000


def test_a_named_threshold_is_meant_exactly(tmp_path: Path) -> None:
    save_table(tmp_path / "t", 600, 30)
    judged = judge(tmp_path / "t")
    point = OperatingPoint("balanced", 0.40076, 0.9, 0.9, "")
    judged = replace(judged, evaluation=replace(judged.evaluation, points=(point,)))
    assert exact(judged, 0.401) == 0.40076
    assert exact(judged, 0.402) == 0.402


def test_pairs_are_the_slices_that_both_accepted(tmp_path: Path) -> None:
    first = save_table(tmp_path / "a", 60, 12)
    frame = first.frame.copy()
    frame.loc[:9, ["call", "probability"]] = ["Refused", np.nan]
    paired = results_compare.pair(first, Predictions(frame.iloc[::-1], first.about))
    assert paired is not None
    assert len(paired) == 50
    assert (paired["first"] == paired["second"]).all()
    assert results_compare.pair(first, Predictions(frame.iloc[:10], first.about)) is None


def test_levels_of_claim_never_share_a_column(tmp_path: Path) -> None:
    save_table(tmp_path / "a", 600, 30)
    save_table(tmp_path / "b", 600, 30, protocol="out of fold", data="seen")
    table = results_compare.across_sets([judge(tmp_path / name) for name in "ab"])
    assert list(table["Protocol"]) == ["Other data", "Out of fold"]
    assert {"AUC by slice", "AUC by patient or series"} <= set(table.columns)
