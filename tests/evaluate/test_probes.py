import numpy as np
import pytest

from hemo.data.manifest import Manifest
from hemo.evaluate import map_kinds, probes, repaint
from hemo.evaluate.predictions import predict_manifest
from tests.evaluate.conftest import RulePredictor


@pytest.fixture
def head() -> np.ndarray:
    """A ring of bone around grey brain on black, with a bright spot inside."""
    y, x = np.mgrid[0:96, 0:96]
    radius = np.hypot(y - 48, x - 48)
    picture = np.where(radius < 40, 255, 0) * (radius >= 34) + np.where(radius < 34, 90, 0)
    picture[30:36, 40:48] = 180
    return picture.astype(np.uint8)


def test_the_skull_is_told_from_what_lies_inside(head: np.ndarray) -> None:
    outline, inside = repaint.head_parts(head)
    assert outline[48, 10]
    assert not outline[2, 2]
    assert inside[48, 48]
    assert not inside[48, 11]


def test_what_is_taken_away_is_gone_and_the_rest_stays(head: np.ndarray) -> None:
    brain, skull, outline = (repaint.changed(head, part) for part in repaint.PARTS)
    assert brain[48, 11] == 0
    assert brain[33, 44] == 180
    assert skull[48, 11] == 255
    assert skull[33, 44] == 90
    assert set(np.unique(outline)) == {0, 90}
    with pytest.raises(ValueError, match="expected one of brain only"):
        repaint.changed(head, "nose")


def test_a_covered_lesion_has_the_brains_grey(head: np.ndarray) -> None:
    lesion = head == 180
    assert (repaint.covered(head, lesion)[lesion] == 90).all()


def test_an_occlusion_map_peaks_where_covering_costs_most(head: np.ndarray) -> None:
    def ask(batch: np.ndarray) -> np.ndarray:
        return batch[:, 30:36, 40:48].mean(axis=(1, 2)) / 255

    heat = map_kinds.occlusion_map(ask, head, 180 / 255)
    assert heat.shape == (8, 8)
    assert np.unravel_index(heat.argmax(), heat.shape)[0] in (2, 3)


def test_a_control_is_named_after_its_kind() -> None:
    for kind in (map_kinds.OWN, *map_kinds.OTHERS):
        assert map_kinds.of_control(map_kinds.shuffled(kind)) == kind
        assert map_kinds.of_control(kind) is None


@pytest.mark.usefixtures("every_slice_is_a_head", "maps_without_a_network")
def test_probes_ask_about_the_slices_that_bleed_and_their_boxes(small_set: Manifest, rule: RulePredictor) -> None:
    table = predict_manifest(rule, small_set)
    steps: list[tuple[int, int]] = []
    found, lesions, exact = probes.run_probes(
        rule, small_set, table, lambda done, total: steps.append((done, total)), occlusions=2
    )
    assert [done for done, _ in steps] == list(range(1, steps[-1][1] + 1))
    assert not exact
    assert len(found.rows) == 24
    assert len(found.boxed) == 6
    assert set(lesions) == set(np.flatnonzero(small_set.labels))
    assert (found.intact[found.boxed] - found.covered > 0.2).all()
    everyone = {map_kinds.OWN, *map_kinds.OTHERS}
    assert set(found.maps) == {map_kinds.shuffled(name) for name in everyone} | set(map_kinds.OTHERS)
    assert found.maps[map_kinds.OCCLUSION].shape == (2, 8, 8)
    assert found.maps[map_kinds.shuffled(map_kinds.OWN)].max() == 1
    assert found.maps[map_kinds.GRADIENTS].shape == (2, 32, 32)
    assert found.maps["Grad-CAM++"].shape == (6, 4, 4)
    assert set(found.erased) == everyone | {map_kinds.shuffled(map_kinds.OWN)}
    assert found.erased["heat map"][0] == pytest.approx(found.intact[found.boxed[:2]].mean(), abs=0.01)


def test_a_good_map_makes_the_score_fall_early_and_return_early(head: np.ndarray) -> None:
    def ask(batch: np.ndarray) -> np.ndarray:
        return batch[:, 30:36, 40:48].mean(axis=(1, 2)) / 255

    good = np.zeros((96, 96), np.float32)
    good[30:36, 40:48] = 1
    curves = {
        name: probes.deletion_insertion_curves(ask, head[None], heat[None])
        for name, heat in {"good": good, "bad": -good}.items()
    }
    assert curves["good"][0][1] < curves["bad"][0][1]
    assert curves["good"][1][1] > curves["bad"][1][1]
    for erased, revealed in curves.values():
        assert erased[0] == revealed[-1] == pytest.approx(180 / 255)
        assert erased[-1] == revealed[0]
