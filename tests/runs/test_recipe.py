"""The shipped model's recipe, end to end on phantoms: folds, table, network, card."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemo.data.bleed_batches import BatchSettings
from hemo.data.importers import import_dataset
from hemo.data.phantom import write_phantom
from hemo.errors import RunError
from hemo.evaluate.predictions import Predictions
from hemo.model.fit_lite0 import Lite0Settings
from hemo.model.predictor import Predictor
from hemo.runs import recipe
from hemo.runs.card_check import NEEDS_CT, check_card
from hemo.runs.recipe_card import OUT_OF_FOLD, ship
from hemo.runs.recipe_table import read_out_of_fold

COARSE = Lite0Settings(steps=2, warmup=1, size=64, batch=BatchSettings(bleeds=2, clear=1, painted=1))
FINE = Lite0Settings(
    steps=2, warmup=1, size=96, batch=BatchSettings(bleeds=2, clear=1, painted=1, phantoms=2, thin_share=0.5)
)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "set"
    write_phantom(folder, studies=8, seed=2, n_slices=6, size=160)
    return folder


@pytest.mark.slow
def test_from_data_to_a_bundle_whose_figures_are_out_of_fold(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recipe, "FOLDS", 3)
    monkeypatch.setattr(recipe, "MEMBERS", (1.0, 0.5))
    run = recipe.run_recipe(phantoms, tmp_path / "run", coarse=COARSE, fine=FINE, workers=2)
    table = pd.read_csv(run / "out_of_fold.csv", dtype={"group": str})
    assert table.groupby("group")["fold"].nunique().max() == 1
    assert np.isfinite(table[["logit", "logit_member1", "logit_member2"]]).all(axis=None)
    assert not np.allclose(table["logit_member1"], table["logit_member2"])
    said = capfd.readouterr().out
    assert "fold2: " in said and "patients predicted, AUC" in said

    bundle = ship(run, phantoms, tmp_path / "models", "small")
    assert bundle.card["data"]["n_patients"] == 8
    assert bundle.card["metrics"]["auc"]["n"] == len(table)
    assert bundle.card["metrics"]["auc"]["n_groups"] == 8
    assert bundle.card["metrics"]["with_neighbours_auc"]["n"] == len(table)
    kept = Predictions.load(bundle.path / OUT_OF_FOLD)
    assert kept.about.protocol == "out of fold" and kept.about.root == ""
    assert len(kept) == len(table) and kept.heat is not None and kept.heat.max() <= 1
    assert {entry.verdict for entry in check_card(bundle)} == {"same", NEEDS_CT}
    predictor = Predictor(bundle)
    assert bundle.preparation.size == 96
    assert predictor.predict(np.zeros((1, 96, 96), np.uint8)).heat.shape == (1, 12, 12)

    (run / "fold2.npz").unlink()
    part, covered = read_out_of_fold(run, import_dataset(phantoms))
    assert set(part.folds) == {0, 1} and 0 < len(part.frame) < len(table)
    assert list(part.frame["path"]) == list(covered.frame["path"])

    with pytest.raises(RunError, match="begun with others"):
        recipe.run_recipe(phantoms, run, coarse=COARSE, fine=replace(FINE, steps=3))
    with pytest.raises(RunError, match="--resume"):
        recipe.run_recipe(phantoms, run, resume=False, coarse=COARSE, fine=FINE)


def test_a_run_without_its_folds_is_not_shipped(phantoms: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(RunError, match="at least two finished folds"):
        read_out_of_fold(tmp_path / "run", import_dataset(phantoms))
