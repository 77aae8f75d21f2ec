import numpy as np
import pytest

from hemo.data.non_heads import FAMILIES, HU_FAMILIES, make_non_head


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_deterministic_and_of_its_type(family):
    one, two, other = (make_non_head(family, np.random.default_rng(seed), 96) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert one.shape[:2] == (96, 96)
    assert one.dtype == (np.float32 if family in HU_FAMILIES else np.uint8)
    if family != "plain":
        assert not np.array_equal(one, other)


def test_ct_of_the_chest_holds_air_soft_tissue_and_bone():
    hu = make_non_head("chest CT", np.random.default_rng(0), 192)
    for low, high, least in ((-950, -700, 0.05), (0, 100, 0.1), (200, 900, 0.003)):
        assert ((hu > low) & (hu < high)).mean() > least


def test_unknown_family():
    with pytest.raises(ValueError, match=r"expected one of chest CT.*Received: 'cat'"):
        make_non_head("cat", np.random.default_rng(0))
