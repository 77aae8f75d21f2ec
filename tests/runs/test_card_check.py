"""Every number of the shipped card comes from the table in its bundle."""

from dataclasses import replace
from pathlib import Path

import pytest

from hemo.cli import main
from hemo.errors import RunError
from hemo.evaluate.calibrated_folds import OutOfFold
from hemo.evaluate.out_of_fold import load_out_of_fold
from hemo.model.bundle import ModelBundle, find_bundle
from hemo.runs import card_check
from hemo.runs.card_check import NEEDS_CT, NOT_IN_TABLE, check_card
from hemo.workspace import REPOSITORY

SHIPPED = REPOSITORY / "models"
_PARTS = ("threshold", "sensitivity", "specificity")


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return find_bundle(SHIPPED, "hemo-lite0")


def test_the_shipped_card_is_what_its_table_gives(bundle: ModelBundle) -> None:
    checked = check_card(bundle)
    assert {entry.verdict for entry in checked} == {"same", NEEDS_CT}, "every number is in the table or needs the CT"
    same = {entry.name for entry in checked if entry.verdict == "same"}
    assert {"calibration bias", "auc", "patient_auc", "with_neighbours_auc", "peak_in_box_where_called"} <= same
    needing = {entry.name.split(",")[0] for entry in checked if entry.verdict == NEEDS_CT}
    assert needing == {"peak_in_box_random_weights", "mass_in_box_random_weights"}


def test_without_foreign_pictures_what_rests_on_them_is_named_not_guessed(
    bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_out_of_fold(bundle)
    older = replace(whole, frame=whole.frame.drop(columns="foreign_logit"))
    monkeypatch.setattr(card_check, "load_out_of_fold", lambda _: older)
    checked = check_card(bundle)
    missing = {entry.name.split(",")[0] for entry in checked if entry.verdict == NOT_IN_TABLE}
    points = {f"{point} {part}" for point in ("rule-out", "balanced", "rule-in") for part in _PARTS}
    foreign = {f"foreign_pictures_{name}" for name in ("auc", "sensitivity", "specificity")}
    assert missing == points | foreign | {"accuracy", "sensitivity", "specificity", "ppv", "npv"}
    assert [entry for entry in checked if entry.verdict == "differs"] == []


def test_a_number_that_was_touched_is_found(bundle: ModelBundle) -> None:
    auc = bundle.card["metrics"]["auc"]
    touched = {**auc, "value": auc["value"] + 0.001}
    card = {**bundle.card, "metrics": {**bundle.card["metrics"], "auc": touched}}
    differing = [entry.name for entry in check_card(replace(bundle, card=card)) if entry.verdict == "differs"]
    assert differing == ["auc"]


def test_a_table_without_folds_is_refused(bundle: ModelBundle) -> None:
    predictions = load_out_of_fold(bundle)
    with pytest.raises(RunError, match="column fold"):
        OutOfFold.of_predictions(replace(predictions, frame=predictions.frame.drop(columns="fold")))


def test_the_command_ends_with_zero_and_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(SHIPPED))
    monkeypatch.setenv("HEMO_HOME", str(tmp_path))
    assert main(["evaluate", "--check-card", "--model", "hemo-lite0"]) == 0
    said = capsys.readouterr().out
    assert "differs" not in said and "same" in said.splitlines()[-1]


def test_without_path_or_card_it_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate"]) == 1
    assert "Expected PATH" in capsys.readouterr().err
