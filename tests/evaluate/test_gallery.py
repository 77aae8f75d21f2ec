import dataclasses

import numpy as np
import pytest

from hemo.data.manifest import Manifest
from hemo.evaluate import gallery
from hemo.evaluate.metrics import confusion
from hemo.evaluate.predictions import Predictions, predict_manifest
from tests.evaluate.conftest import RulePredictor

pytestmark = pytest.mark.usefixtures("every_slice_is_a_head")


@pytest.fixture
def table(small_set: Manifest, rule: RulePredictor) -> Predictions:
    return predict_manifest(rule, small_set)


def test_the_cells_are_those_of_the_matrix(table: Predictions) -> None:
    threshold = float(np.median(table.probabilities))
    counts = confusion(table.labels, table.probabilities, threshold)
    found = {cell: gallery.cell_rows(table, cell, threshold) for cell in ("tp", "fp", "fn", "tn")}
    assert {cell: len(rows) for cell, rows in found.items()} == vars(counts)
    assert sorted(np.concatenate(list(found.values()))) == list(range(24))
    with pytest.raises(ValueError, match="expected one of tp, fp, fn, tn"):
        gallery.cell_rows(table, "all", threshold)


def test_filters_offer_what_the_set_knows(table: Predictions) -> None:
    assert gallery.filters(table) == {"subtype": ["epidural"], "split": ["train", "test"]}
    rows = np.arange(24)
    assert set(gallery.filtered(table, rows, {"subtype": "epidural", "split": "", "group": ""})) == {
        0,
        4,
        8,
        12,
        16,
        20,
    }
    assert set(gallery.filtered(table, rows, {"split": "test"})) == set(range(16, 24))
    assert set(gallery.filtered(table, rows, {"group": "patient 1"})) == {2, 3, 20, 21, 22, 23}


def test_orders(table: Predictions) -> None:
    rows = np.arange(24)
    gap = np.abs(table.frame["probability"].to_numpy() - 0.5)
    assert gallery.ordered(table, rows, 0.5, "confident")[0] == gap.argmax()
    assert gallery.ordered(table, rows, 0.5, "close")[0] == gap.argmin()
    assert list(gallery.ordered(table, rows, 0.5, "patient")) == list(rows)


def test_by_brightness_and_the_slices_most_alike_of_other_patients(table: Predictions) -> None:
    rows = np.arange(24)
    level = gallery.brightness(table)
    assert level is not None
    assert gallery.ordered(table, rows, 0.5, "bright")[0] == level.argmax()
    assert gallery.ordered(table, rows, 0.5, "dark")[0] == level.argmin()
    found = gallery.alike(table, 0, k=3)
    assert [table.frame["label"].iloc[row] for row, _ in found] == [1, 1, 1]
    assert all(table.frame["group"].iloc[row] != "patient 0" for row, _ in found)
    assert found[0][1] >= found[1][1]
    assert gallery.alike(dataclasses.replace(table, thumbs=None), 0) == []


def test_a_slice_comes_with_its_heat_map_even_without_the_affine(table: Predictions) -> None:
    kept = gallery.look_up(table, 0)
    assert kept.grey is not None
    assert kept.heat is not None
    assert kept.heat.shape == kept.grey.shape == (64, 48)
    again = gallery.look_up(dataclasses.replace(table, to_source=None, shapes=None), 0)
    assert again.heat is not None
    np.testing.assert_allclose(again.heat, kept.heat, atol=1e-3)


def test_a_slice_that_is_gone_says_so(table: Predictions) -> None:
    (table.slice_file(3)).unlink()  # type: ignore[union-attr]
    assert gallery.look_up(table, 3).why == "the slice is not on this machine"
    (table.slice_file(4)).write_bytes(b"text")  # type: ignore[union-attr]
    assert "Expected" in gallery.look_up(table, 4).why


def test_words_and_export(table: Predictions) -> None:
    assert gallery.described(table, 0).startswith("patient 0 · slice 0 · score 0.")
    assert "labelled epidural" in gallery.described(table, 0)
    assert "labelled normal" in gallery.described(table, 1)
    assert list(gallery.doubtful_table(table, {"03.png", "nowhere"})["source"]) == ["03.png"]


def test_brightness_is_the_brains_and_can_be_filtered_by(table: Predictions) -> None:
    thumbs = np.zeros((24, 24, 24), np.uint8)
    thumbs[:, 2:22, 2:22] = 255  # a skull
    thumbs[:, 5:19, 5:19] = np.linspace(60, 140, 24).astype(np.uint8)[:, None, None]
    thumbs[3] = 0
    heads = dataclasses.replace(table, thumbs=thumbs)
    level = gallery.brightness(heads)
    assert level is not None
    assert level[0] == 60
    assert level[23] == 140
    assert np.isnan(level[3])
    rows = np.arange(24)
    assert set(gallery.within(level, rows, 60, 70)) == {0, 1, 2}
    assert gallery.ordered(heads, rows, 0.5, "bright")[-1] == 3


def test_windows_are_a_filter_or_a_note(table: Predictions) -> None:
    assert gallery.window_note(table) == "not named by the set"
    one = dataclasses.replace(table, frame=table.frame.assign(window="brain"))
    assert gallery.window_note(one) == "all brain"
    assert "window" not in gallery.filters(one)
    two = dataclasses.replace(table, frame=table.frame.assign(window=["brain"] * 12 + ["bone"] * 12))
    assert gallery.window_note(two) == ""
    assert gallery.filters(two)["window"] == ["brain", "bone"]
