import numpy as np
import pytest

from hemo.data.phantom_anatomy import anatomy_slice, cut, draw_head
from hemo.data.phantom_study import KINDS, level_of, phantom_study

SEEDS = (2, 11)


@pytest.fixture(scope="module")
def normal():
    return phantom_study(7, 24, None, 192)


def middle_of(study):
    return int(np.argmin(np.abs(study.positions - 50)))


def test_shapes_and_types(normal):
    assert normal.hu.shape == normal.masks.shape == (24, 192, 192)
    assert normal.hu.dtype == np.float32 and normal.masks.dtype == bool
    assert len(normal.levels) == len(normal.labels) == len(normal.positions) == 24
    assert normal.hu.min() >= -1024 and normal.hu.max() < 2000
    assert not normal.labels.any() and not normal.masks.any()


def test_tissues_have_textbook_densities(normal):
    hu = normal.hu[middle_of(normal)]
    assert (hu[0, 0], hu[-1, -1]) == pytest.approx((-1000, -1000), abs=15)
    brain = hu[(hu > 0) & (hu < 60)]
    assert 25 < np.median(brain) < 38
    assert 0.02 < (hu > 400).mean() < 0.2  # skull


def test_grey_matter_is_brighter_than_white_and_fluid_is_darkest():
    head = draw_head(np.random.default_rng(5))
    piece = anatomy_slice(head, cut(head, 62.0, 192, 230 / 192))
    deep = piece.hu[(piece.brain_depth > 28) & (piece.ventricles < -8) & (np.abs(piece.plane.x) > 8)]
    rim = piece.hu[(piece.brain_depth > 0.8) & (piece.brain_depth < 1.6) & (piece.fluid < -1.5)]
    fluid = piece.hu[(piece.ventricles > 1.5)]
    assert np.median(rim) - np.median(deep) == pytest.approx(head.grey_hu - head.white_hu, abs=2.5)
    assert fluid.size and np.median(fluid) == pytest.approx(head.csf_hu, abs=1)


def test_levels_run_from_base_to_vertex(normal):
    assert normal.levels[0] == "base" and normal.levels[-1] == "vertex"
    order = [("base", "brain", "vertex").index(level) for level in normal.levels]
    assert order == sorted(order)
    assert level_of(15.9, 104) == "base" and level_of(16, 104) == "brain" and level_of(84.1, 104) == "vertex"


def test_same_arguments_same_arrays():
    one, two = (phantom_study(4, 5, "subdural", 96) for _ in range(2))
    np.testing.assert_array_equal(one.hu, two.hu)
    np.testing.assert_array_equal(one.masks, two.masks)
    assert not np.array_equal(one.hu, phantom_study(5, 5, "subdural", 96).hu)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_blood_is_where_the_mask_says_and_denser_than_brain(kind, seed):
    study = phantom_study(seed, 24, kind, 160)
    assert 1 <= study.labels.sum() < 24
    np.testing.assert_array_equal(study.labels.astype(bool), study.masks.any(axis=(1, 2)))
    brain = np.median(study.hu[(study.hu > 10) & (study.hu < 60) & ~study.masks])
    inside = study.hu[study.masks]
    # The blood fields of thin sulci share their pixels with fluid and bone, so the median speaks, not the extremes.
    assert np.median(inside) > brain + 4
    assert not (np.median(study.hu[~study.masks & (study.hu > 0) & (study.hu < 100)]) > 45)


@pytest.mark.parametrize("kind", ["epidural", "subdural", "intraparenchymal"])
def test_a_bleed_is_one_body_across_slices(kind):
    study = phantom_study(SEEDS[0], 40, kind, 128)
    rows = np.flatnonzero(study.labels)
    assert rows[-1] - rows[0] + 1 == len(rows) >= 3
    shared = [(study.masks[a] & study.masks[a + 1]).sum() for a in rows[:-1]]
    assert min(shared) > 0


def test_lens_and_crescent_differ_as_taught():
    """An epidural lens is compact and thick, a subdural crescent long and thin."""

    def slenderness(kind):
        ratios = []
        for seed in range(6):
            study = phantom_study(seed, 20, kind, 128)
            mask = study.masks[int(study.masks.sum(axis=(1, 2)).argmax())]
            rows, columns = np.nonzero(mask)
            extent = np.hypot(np.ptp(rows), np.ptp(columns)) + 1
            ratios.append(extent**2 / mask.sum())
        return np.median(ratios)

    assert slenderness("subdural") > 1.8 * slenderness("epidural")


def test_ventricular_blood_lies_in_what_was_fluid():
    with_blood, without = phantom_study(8, 16, "intraventricular", 160), phantom_study(8, 16, None, 160)
    assert with_blood.masks.any()
    # One seed draws one head, so the same pixels without the bleed hold fluid; the noise differs.
    assert np.median(without.hu[with_blood.masks]) < 22


@pytest.mark.parametrize("bad", [{"seed": -1}, {"n_slices": 0}, {"size": 8}])
def test_numbers_out_of_range(bad):
    with pytest.raises(ValueError, match="Received"):
        phantom_study(**{"seed": 0, "n_slices": 2, "size": 64, **bad})


def test_unknown_kind():
    with pytest.raises(ValueError, match=r"expected one of epidural.*Received: 'nosebleed'"):
        phantom_study(0, 2, "nosebleed", 64)
