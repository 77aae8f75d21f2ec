import numpy as np
import pytest

from hemo.data.phantom_anatomy import cut, draw_head
from hemo.data.phantom_waves import Waves


def test_field_equals_its_formula_and_has_unit_variance():
    head = draw_head(np.random.default_rng(0))
    plane = cut(head, 40.0, 128, 1.8)
    waves = Waves.draw(np.random.default_rng(1), 12.0, count=64)
    field = waves.on(plane)
    for row, column in ((0, 0), (17, 90), (127, 127)):
        point = np.array([plane.x[row, column], plane.y[row, column], plane.z[row, column]], float)
        expected = np.sqrt(2 / 64) * np.cos(waves.vectors @ point + waves.phases).sum()
        assert field[row, column] == pytest.approx(expected, abs=5e-3)
    assert field.std() == pytest.approx(1, abs=0.2)
    assert abs(field.mean()) < 0.25


def test_neighboring_planes_agree():
    head = draw_head(np.random.default_rng(0))
    waves = Waves.draw(np.random.default_rng(1), 15.0)
    near, far = (waves.on(cut(head, z, 96, 2.4)) for z in (40.5, 70.0))
    here = waves.on(cut(head, 40.0, 96, 2.4))
    assert np.corrcoef(here.ravel(), near.ravel())[0, 1] > 0.95
    assert abs(np.corrcoef(here.ravel(), far.ravel())[0, 1]) < 0.3
