import numpy as np
import pandas as pd
import pytest

from hemo.data.manifest import Manifest
from hemo.evaluate import shortcuts
from hemo.evaluate.audit import Audit, run_audit
from hemo.evaluate.baselines import Baseline, Features, extract_features
from hemo.evaluate.metrics import Metric
from hemo.evaluate.predictions import predict_manifest
from hemo.evaluate.random_labels import RandomLabels
from hemo.evaluate.shortcuts import Check
from tests.evaluate.conftest import RulePredictor


def split_frame(**changes: object) -> pd.DataFrame:
    frame = {"group": ["a", "a", "b", "c"], "split": ["train", "train", "test", "test"]}
    return pd.DataFrame(frame | changes)


def test_a_patient_on_two_sides_fails() -> None:
    assert shortcuts.check_overlap(split_frame(), "patient").level == "pass"
    check = shortcuts.check_overlap(split_frame(group=["a", "b", "b", "c"]), "patient")
    assert check.level == "fail"
    assert "1 of 3 patient groups, 2 slices" in check.finding
    assert shortcuts.check_overlap(split_frame(split=[""] * 4), "patient").level == "unknown"
    assert shortcuts.check_overlap(split_frame(), "file").level == "unknown"


def test_memory_matters_where_the_split_shares_patients() -> None:
    clean, shared = Check("o", "pass", "", ""), Check("o", "fail", "", "")
    assert shortcuts.check_random_labels((0.98, 0.51), clean, "patient").level == "pass"
    check = shortcuts.check_random_labels((0.98, 0.51), shared, "patient")
    assert check.level == "fail"
    assert "AUC 0.98 split by slice and 0.51 split by patient" in check.finding
    assert shortcuts.check_random_labels(None, clean, "patient").level == "unknown"
    trained = RandomLabels(0.91, 0.48, (300, 310), 20, 9)
    told = shortcuts.check_random_labels((0.98, 0.51), clean, "patient", trained).finding
    assert "trained on such labels for 9 epochs, 0.91 and 0.48 on 300 and 310 held-out slices" in told


def features_of(thumbnails: np.ndarray) -> Features:
    n = len(thumbnails)
    return Features(np.ones(n, np.float32), np.ones((n, 2), np.float32), np.zeros(n, np.float32), thumbnails)


def test_near_copies_under_two_names_are_found_and_neighbours_are_not() -> None:
    rng = np.random.default_rng(0)
    thumbs = rng.random((6, 256)).astype(np.float32)
    thumbs[4] = thumbs[0] * 0.98 + 0.01  # a copy under another name, brighter
    thumbs[1] = thumbs[0]  # a neighbour of the same patient
    pairs = shortcuts.near_duplicates(features_of(thumbs), ["a", "a", "b", "c", "d", "e"], ["train"] * 3 + ["test"] * 3)
    assert {tuple(pair) for pair in pairs[["first", "second"]].to_numpy()} == {(0, 4), (1, 4)}
    assert pairs["across"].all()
    assert shortcuts.check_duplicates(pairs, 6).level == "fail"
    assert shortcuts.check_duplicates(pairs.iloc[:0], 6).level == "pass"


def test_blank_slices_are_no_copies_of_each_other() -> None:
    pairs = shortcuts.near_duplicates(features_of(np.zeros((3, 256), np.float32)), ["a", "b", "c"], [""] * 3)
    assert pairs.empty


def baseline(auc: float) -> Baseline:
    return Baseline("mean grey", "test", "x", {"auc": Metric(auc, n=100)})


@pytest.mark.parametrize(
    ("theirs", "ours", "level"), [(0.6, 0.95, "pass"), (0.9, 0.95, "warn"), (0.97, 0.95, "fail"), (0.02, 0.95, "fail")]
)
def test_a_network_must_beat_mean_grey_whichever_way_it_points(theirs: float, ours: float, level: str) -> None:
    check = shortcuts.check_baselines([baseline(theirs)], {"test": Metric(ours)})
    assert check.level == level
    assert "mean grey" in check.finding
    assert ("other way round" in check.finding) == (theirs < 0.5)


def test_parts_that_hold_no_blood_must_not_score() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    good = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    nothing = np.array([0.5, 0.4, 0.6, 0.5, 0.4, 0.6])
    by_name = {c.name: c for c in shortcuts.check_parts(labels, good, {"skull only": good, "brain only": good})}
    assert by_name["Skull only"].level == "fail"
    assert by_name["Brain only"].level == "pass"
    assert shortcuts.check_parts(labels, good, {"skull only": nothing})[0].level == "pass"


def test_covering_the_lesion_must_cost_more() -> None:
    intact = np.full(5, 0.9)
    assert shortcuts.check_occlusion(intact, np.full(5, 0.2), np.full(5, 0.85)).level == "pass"
    assert shortcuts.check_occlusion(intact, np.full(5, 0.88), np.full(5, 0.6)).level == "fail"
    assert shortcuts.check_occlusion(np.empty(0), np.empty(0), np.empty(0)).level == "unknown"


def test_a_map_is_held_against_its_controls_only() -> None:
    rates = {
        "heat map": Metric(0.8, n=50),
        "same map, weights shuffled": Metric(0.1, n=50),
        "guess at the centre of the head": Metric(0.3, n=50),
        "occlusion (40 bleeds)": Metric(0.9, n=40),
    }
    check = shortcuts.check_heat(rates)
    assert check.level == "pass"
    assert "centre of the head: 0.30" in check.finding
    assert shortcuts.check_heat(rates | {"same map, weights shuffled": Metric(0.8)}).level == "fail"
    assert shortcuts.check_heat({}).level == "unknown"


def test_the_verdict_names_what_failed() -> None:
    good, bad = Check("a", "pass", "Fine.", ""), Check("b", "fail", "Mean grey does as well.", "")
    assert "do not take this for reading. Mean grey does as well." in shortcuts.verdict([good, bad], Metric(0.9))
    assert "none of the 1 checks" in shortcuts.verdict([good], Metric(0.9))
    assert "no figure" in shortcuts.verdict([good], Metric.undefined("there are no slices"))
    assert "Nothing could be checked" in shortcuts.verdict([Check("a", "unknown", "", "")], Metric(0.9))


@pytest.mark.usefixtures("every_slice_is_a_head", "maps_without_a_network")
def test_the_audit_is_made_once_and_read_back(small_set: Manifest, rule: RulePredictor, tmp_path: object) -> None:
    table = predict_manifest(rule, small_set)
    stages: list[str] = []
    audit = run_audit(table, small_set, rule, tmp_path / "cache", stages.append, train=False)  # type: ignore[operator]
    names = {check.name for check in audit.checks}
    assert {"Near copies", "Trivial baselines", "Skull only", "Lesion covered", "Heat map against controls"} <= names
    assert {row["rule"] for row in audit.baselines} >= {"network", "mean grey", "16×16 thumbnail"}
    heat = next(row for row in audit.localisation if row["name"] == "heat map")
    assert heat["peak_in_box"]["value"] == 1.0
    assert "baselines" in stages
    assert {row["name"] for row in audit.curves} >= {"heat map", "integrated gradients"}
    audit.save(tmp_path)  # type: ignore[arg-type]
    assert Audit.load(tmp_path) == audit  # type: ignore[arg-type]
    assert Audit.load(tmp_path / "nowhere") is None  # type: ignore[operator]


@pytest.mark.usefixtures("every_slice_is_a_head")
def test_without_the_network_the_audit_keeps_to_the_data(small_set: Manifest, rule: RulePredictor, tmp_path) -> None:
    audit = run_audit(predict_manifest(rule, small_set), small_set, None, tmp_path, train=False)
    assert "Skull only" not in {check.name for check in audit.checks}
    assert next(row["name"] for row in audit.localisation) == "heat map"
    assert "same map, weights shuffled" not in {row["name"] for row in audit.localisation}
    assert extract_features(small_set, tmp_path).readable.all()
