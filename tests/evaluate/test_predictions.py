import dataclasses

import cv2
import numpy as np
import pytest

from hemo.data.manifest import Manifest, Problem
from hemo.errors import DatasetError
from hemo.evaluate import predictions as module
from hemo.evaluate.predictions import Predictions, predict_manifest, with_refused_files
from hemo.workspace import Workspace
from tests.evaluate.conftest import RulePredictor

pytestmark = pytest.mark.usefixtures("every_slice_is_a_head")


def test_one_row_a_slice_in_the_order_of_the_set(small_set: Manifest, rule: RulePredictor) -> None:
    seen: list[tuple[int, int]] = []
    table = predict_manifest(rule, small_set, lambda done, total: seen.append((done, total)))
    assert list(table.frame["source"]) == list(small_set.frame["path"])
    assert set(module.COLUMNS) <= set(table.frame.columns)
    assert seen[-1] == (24, 24)
    assert (table.labels == small_set.labels).all()
    bleeds = table.frame["label"] == 1
    assert table.frame.loc[bleeds, "probability"].min() > table.frame.loc[~bleeds, "probability"].max()
    assert set(table.frame.loc[~bleeds, "call"]) == {"Normal"}
    assert table.frame.loc[bleeds, "reason"].str.contains("uncertain band").all()


def test_computed_once_and_again_when_model_or_data_change(small_set: Manifest, rule: RulePredictor) -> None:
    folder = Workspace.from_environment().predictions
    first = predict_manifest(rule, small_set, folder=folder)
    assert rule.calls == 1
    second = predict_manifest(rule, small_set, folder=folder)
    assert rule.calls == 1
    np.testing.assert_array_equal(first.frame["probability"], second.frame["probability"])
    assert second.heat is not None
    np.testing.assert_array_equal(first.heat, second.heat)
    assert second.frame["boxes"].map(len).sum() == 6
    rule.bundle.card["sha256"] = "1" * 64
    predict_manifest(rule, small_set, folder=folder)
    assert rule.calls == 2
    cv2.imwrite(str(small_set.root / "01.png"), np.full((64, 48), 90, np.uint8))
    predict_manifest(rule, small_set, folder=folder)
    assert rule.calls == 3


def test_a_cached_table_follows_the_split_and_place_of_the_set(small_set: Manifest, rule: RulePredictor) -> None:
    folder = Workspace.from_environment().predictions
    predict_manifest(rule, small_set, folder=folder)
    other = small_set.with_split(["validation"] * 24)
    moved = dataclasses.replace(other, frame=other.frame.iloc[::-1], name="moved")
    table = predict_manifest(rule, moved, folder=folder)
    assert rule.calls == 1
    assert set(table.frame["split"]) == {"validation"}
    assert list(table.frame["source"]) == list(moved.frame["path"])
    fresh = predict_manifest(rule, moved)
    np.testing.assert_allclose(table.frame["probability"], fresh.frame["probability"])
    np.testing.assert_array_equal(table.heat, fresh.heat)
    assert table.about.data == "moved"


def test_a_damaged_cache_is_computed_again(small_set: Manifest, rule: RulePredictor) -> None:
    folder = Workspace.from_environment().predictions
    predict_manifest(rule, small_set, folder=folder)
    (target,) = folder.iterdir()
    (target / "about.json").write_text("{")
    assert len(predict_manifest(rule, small_set, folder=folder)) == 24
    assert rule.calls == 2
    with pytest.raises(DatasetError, match="Expected a predictions table"):
        Predictions.load(folder / "nowhere")


def test_a_stopped_run_leaves_no_table(small_set: Manifest, rule: RulePredictor) -> None:
    folder = Workspace.from_environment().predictions

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_manifest(rule, small_set, stop, folder)
    assert list(folder.iterdir()) == []


def test_an_unreadable_slice_is_refused_with_its_reason(small_set: Manifest, rule: RulePredictor) -> None:
    path = small_set.root / "03.png"
    path.write_bytes(path.read_bytes()[:200])
    table = predict_manifest(rule, small_set)
    row = table.frame.iloc[3]
    assert row["call"] == "Refused"
    assert "Expected" in row["reason"]
    assert np.isnan(row["probability"])
    assert len(table.labels) == 23
    assert table.placed_heat(3) is None


def test_files_that_the_importer_refused_are_not_dropped(small_set: Manifest, rule: RulePredictor) -> None:
    lost = small_set.with_problems([Problem("x/99.png", "unreadable", "Expected a slice. Received: text.")])
    table = with_refused_files(predict_manifest(rule, lost))
    assert len(table) == 25
    assert table.frame.iloc[-1]["reason"] == "Expected a slice. Received: text."
    assert table.heat is not None
    assert len(table.heat) == 25
    assert len(table.labels) == 24


def test_heat_lies_over_the_slice_it_came_from(small_set: Manifest, rule: RulePredictor) -> None:
    table = predict_manifest(rule, small_set)
    heat = table.placed_heat(0)
    assert heat is not None
    assert heat.shape == (64, 48)
    peak = np.unravel_index(heat.argmax(), heat.shape)
    assert peak[0] < 32
    assert peak[1] < 24
    assert table.slice_file(0) == small_set.root / "00.png"


def test_subset_keeps_rows_and_maps_together(small_set: Manifest, rule: RulePredictor) -> None:
    table = predict_manifest(rule, small_set)
    part = table.subset(np.asarray(table.frame["label"] == 1))
    assert len(part) == 6
    assert part.heat is not None
    assert table.heat is not None
    np.testing.assert_array_equal(part.heat[1], table.heat[4])
