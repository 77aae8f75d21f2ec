from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hemo.data.manifest import Manifest
from hemo.errors import DatasetError
from hemo.evaluate.calibration import Calibration
from hemo.evaluate.evaluation import evaluate
from hemo.evaluate.metrics import METRICS, confusion, sensitivity
from hemo.evaluate.operating_point import cross_fitted_calls
from hemo.evaluate.out_of_fold import folds_of, has_out_of_fold, load_out_of_fold
from hemo.evaluate.predictions import predict_manifest, table_folder
from hemo.model.bundle import find_bundle
from hemo.workspace import REPOSITORY
from tests.evaluate.conftest import RulePredictor

pytestmark = pytest.mark.usefixtures("every_slice_is_a_head")


@pytest.fixture
def bundle(small_set: Manifest, rule: RulePredictor, tmp_path: Path) -> Any:
    """A bundle that brings a table of noisy logits over the small set, three folds by patient."""
    card = rule.bundle.card | {"study_score": {"rule": "top3"}}
    card["data"] = {"name": "small", "fingerprint": small_set.fingerprint(), "split": "3 folds"}
    path = tmp_path / "bundle"
    rng = np.random.default_rng(0)
    patient = small_set.frame["group"].str.removeprefix("patient ").astype(int)
    logit = 3 * small_set.labels - 1 + rng.normal(0, 1.5, 24)
    table = predict_manifest(rule, small_set)
    frame = table.frame.drop(columns="boxes")
    frame = frame.assign(fold=patient // 2 % 3, logit=logit, probability=Calibration().apply(logit))
    replace(table, frame=frame, about=replace(table.about, root="elsewhere")).save(path / "out_of_fold")
    return SimpleNamespace(path=path, card=card, name="rule")


def test_the_table_becomes_predictions_with_what_the_set_knows(bundle: Any, small_set: Manifest) -> None:
    assert has_out_of_fold(bundle)
    table = load_out_of_fold(bundle, small_set)
    assert table.about.protocol == "out of fold"
    assert table.about.root == str(small_set.root)
    assert table.about.study_rule == "top3"
    assert table.frame["boxes"].map(len).sum() == 6
    assert table.heat is not None
    assert evaluate(table).warnings == ()
    alone = load_out_of_fold(bundle)
    assert alone.about.root == ""
    assert "boxes" not in alone.frame.columns


def test_figures_are_cross_fitted(bundle: Any, small_set: Manifest) -> None:
    table = load_out_of_fold(bundle, small_set)
    calls, thresholds = cross_fitted_calls(table.labels, table.probabilities, folds_of(table), "balanced")
    evaluation = evaluate(table)
    expected = sensitivity(confusion(table.labels, calls.astype(float), 0.5)).value
    assert evaluation.metrics["sensitivity"].value == expected
    assert evaluation.counts.tp == int((calls & (table.labels == 1)).sum())
    assert len(set(thresholds)) > 1


def test_the_shipped_table_gives_the_figures_of_its_card() -> None:
    shipped = find_bundle(REPOSITORY / "models", "hemo-lite0")
    metrics = evaluate(load_out_of_fold(shipped)).metrics
    for name in METRICS:
        stated = shipped.card["metrics"][name]
        assert metrics[name].value == pytest.approx(stated["value"], abs=1e-6), name
        assert metrics[name].interval == pytest.approx(stated["interval"], abs=1e-6), name


def test_thresholds_are_fitted_on_foreign_pictures_too(bundle: Any, small_set: Manifest) -> None:
    table = load_out_of_fold(bundle, small_set)
    # Foreign pictures with scores so high that every threshold must rise above what the slices alone would ask for.
    pictured = replace(table, frame=table.frame.assign(foreign_logit=table.frame["logit"] + 4.0))
    assert evaluate(pictured).counts.fp < evaluate(table).counts.fp
    none = replace(table, frame=table.frame.assign(foreign_logit=np.nan))
    assert evaluate(none).counts == evaluate(table).counts
    refused = pictured.frame.assign(
        call=["Refused", *pictured.frame["call"][1:]],
        logit=[np.nan, *pictured.frame["logit"][1:]],
        probability=[np.nan, *pictured.frame["probability"][1:]],
    )
    assert evaluate(replace(pictured, frame=refused)).counts.n == 23


def test_other_data_are_not_mixed_in(bundle: Any, small_set: Manifest) -> None:
    other = replace(small_set, frame=small_set.frame.assign(label=1 - small_set.frame["label"]))
    assert load_out_of_fold(bundle, other).about.root == ""


def test_a_table_written_anew_beside_the_same_weights_is_another(
    bundle: Any, small_set: Manifest, tmp_path: Path
) -> None:
    before = table_folder(tmp_path, bundle, small_set, "out of fold")
    assert before == table_folder(tmp_path, bundle, small_set, "out of fold")
    path = bundle.path / "out_of_fold" / "predictions.csv"
    path.write_text(path.read_text().replace("Normal", "Uncertain", 1))
    after = table_folder(tmp_path, bundle, small_set, "out of fold")
    assert after != before
    assert table_folder(tmp_path, bundle, small_set) not in (before, after)


def test_a_table_without_folds_says_so(bundle: Any) -> None:
    path = bundle.path / "out_of_fold" / "predictions.csv"
    pd.read_csv(path).drop(columns="fold").to_csv(path, index=False)
    with pytest.raises(DatasetError, match="Expected the column fold"):
        load_out_of_fold(bundle)
    (bundle.path / "out_of_fold" / "about.json").unlink()
    assert not has_out_of_fold(bundle)
    with pytest.raises(DatasetError, match="Expected a predictions table"):
        load_out_of_fold(bundle)
