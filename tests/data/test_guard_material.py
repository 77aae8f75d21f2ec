import numpy as np

from hemo.data.guard_material import made_examples, package_examples, package_pictures, phantom_examples
from hemo.data.non_heads import FAMILIES


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
