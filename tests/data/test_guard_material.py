import numpy as np

from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.guard_material import foreign, made_examples, package_examples, package_pictures, phantom_examples
from hemo.data.non_heads import FAMILIES
from hemo.data.phantom_study import phantom_study


def test_foreign_pictures_vary_in_size_and_repeat_by_seed():
    grey = apply_window(phantom_study(1, 3, None, 192).hu[1], MODEL_WINDOW)
    shapes = set()
    for seed in range(12):
        (one, tint), (two, _) = (foreign(grey, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, two)
        assert one.dtype == np.uint8 and one.ndim == 2 and 0 <= tint <= 0.3
        shapes.add(one.shape)
    assert len(shapes) > 8


def test_made_examples_cover_every_family():
    examples = list(made_examples(1, np.random.default_rng(0)))
    assert {example.family for example in examples} == set(FAMILIES)
    assert not any(example.is_head for example in examples)


def test_package_pictures_hold_no_head_and_keep_their_source():
    names = [name for name, _ in package_pictures()]
    assert "phantom.png" not in names and "astronaut.png" in names
    examples = list(package_examples(1, np.random.default_rng(0)))
    assert sorted(example.source for example in examples) == sorted(names)


def test_phantom_examples_are_heads_with_levels():
    examples = list(phantom_examples(1, np.random.default_rng(0)))
    assert examples and all(example.is_head and example.level in ("base", "brain", "vertex") for example in examples)
