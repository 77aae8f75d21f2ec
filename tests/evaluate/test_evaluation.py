import json

import numpy as np
import pytest

from hemo.data.manifest import Manifest
from hemo.evaluate.evaluation import AGE_GROUPS, HOW_COUNTED, NO_AGES, by_age, by_subtype, evaluate, to_json
from hemo.evaluate.predictions import Predictions, predict_manifest
from tests.evaluate.conftest import RulePredictor

pytestmark = pytest.mark.usefixtures("every_slice_is_a_head")


@pytest.fixture
def table(small_set: Manifest, rule: RulePredictor) -> Predictions:
    return predict_manifest(rule, small_set)


def test_json_holds_what_others_script_against(table: Predictions) -> None:
    content = json.loads(json.dumps(to_json(table, evaluate(table)), allow_nan=False))
    expected = {"n", "n_positive", "n_groups", "auc", "average_precision", "accuracy", "sensitivity", "specificity"}
    assert expected | {"threshold", "brier", "ece", "intervals", "refused", "how_counted"} <= set(content)
    assert (content["n"], content["n_positive"], content["n_groups"]) == (24, 6, 12)
    assert content["auc"] == 1.0
    assert content["threshold"] == 0.5
    assert content["intervals"]["accuracy"] is not None
    assert content["intervals"]["sensitivity"] is None
    assert "6 patients with a slice that shows a bleed" in content["why_no_interval"]["sensitivity"]
    assert content["how_counted"] == HOW_COUNTED
    assert content["by_group"]["n"] == 12


def test_refused_slices_are_in_no_figure_and_in_the_list(table: Predictions) -> None:
    frame = table.frame.copy()
    frame.loc[0, ["call", "reason"]] = ["Refused", "no head in view"]
    frame.loc[0, ["logit", "probability"]] = np.nan
    content = to_json(*(lambda t: (t, evaluate(t)))(Predictions(frame, table.about)))
    assert content["n"] == 23
    assert content["refused"] == 1
    assert content["refused_positive"] == 1
    assert content["refused_slices"] == [{"source": "00.png", "reason": "no head in view"}]
    assert any("1 of 24 slices (4.2%) were refused" in warning for warning in content["warnings"])


def test_uncertain_slices_count_by_their_score(table: Predictions) -> None:
    frame = table.frame.assign(call="Uncertain")
    evaluation = evaluate(Predictions(frame, table.about))
    assert evaluation.n_uncertain == 24
    assert evaluation.metrics["accuracy"].value == evaluate(table).metrics["accuracy"].value


def test_figures_on_training_slices_say_so(table: Predictions) -> None:
    from dataclasses import replace

    about = replace(table.about, trained_on={"fingerprint": table.about.data_fingerprint})
    assert "trained on" in evaluate(Predictions(table.frame, about)).warnings[0]


def test_everything_refused_gives_reasons_not_errors(table: Predictions) -> None:
    frame = table.frame.assign(call="Refused", probability=np.nan, logit=np.nan)
    content = to_json(*(lambda t: (t, evaluate(t)))(Predictions(frame, table.about)))
    assert content["n"] == 0
    assert content["auc"] is None
    assert content["why_not_defined"]["auc"] == "not defined, because there are no slices"
    json.dumps(content, allow_nan=False)


def test_subtypes_stand_against_all_bleed_free_slices(table: Predictions) -> None:
    (row,) = by_subtype(table, 0.5).to_dict("records")
    assert (row["subtype"], row["n_positive"], row["n_groups_positive"]) == ("epidural", 6, 6)
    assert row["auc"].value == 1.0
    assert row["auc"].n == 24


def test_unknown_patients_and_near_copies_leave_no_interval(table: Predictions) -> None:
    from dataclasses import replace

    from hemo.evaluate.evaluation import near_copy_share

    unknown = replace(table, about=replace(table.about, group_kind="file"))
    rng = np.random.default_rng(0)
    apart = replace(unknown, thumbs=rng.integers(0, 255, (24, 24, 24)).astype(np.uint8))
    assert near_copy_share(apart) == 0
    assert evaluate(apart).metrics["accuracy"].interval is not None
    series = rng.integers(0, 200, (6, 24, 24)).repeat(4, axis=0)
    copies = replace(unknown, thumbs=(series + rng.integers(0, 5, (24, 24, 24))).astype(np.uint8))
    evaluation = evaluate(copies)
    assert near_copy_share(copies) == 1
    assert all(metric.interval is None for metric in evaluation.metrics.values())
    assert "100% of the images are near copies" in evaluation.metrics["auc"].why_none
    assert any("near copies" in warning for warning in evaluation.warnings)
    (row,) = by_subtype(copies, 0.5).to_dict("records")
    assert row["sensitivity"].interval is None
    assert "near copies" in row["sensitivity"].why_none
    assert row["n_groups_positive"] is None


def test_children_and_adults_where_ages_are_known(table: Predictions) -> None:
    from dataclasses import replace

    assert by_age(table, 0.5) == NO_AGES
    assert to_json(table, evaluate(table))["by_age"] == NO_AGES
    blank = replace(table, frame=table.frame.assign(age=np.nan))
    assert by_age(blank, 0.5) == NO_AGES
    aged = replace(table, frame=table.frame.assign(age=[4.0] * 8 + [60.0] * 12 + [np.nan] * 4))
    children, adults, unknown = by_age(aged, 0.5)
    assert (children.n, adults.n, unknown.n) == (8, 12, 4)
    assert children.metrics["auc"].value == 1.0
    assert children.n_groups == 4
    assert children.metrics["auc"].interval is None
    assert [row["name"] for row in to_json(aged, evaluate(aged))["by_age"]] == list(AGE_GROUPS)
