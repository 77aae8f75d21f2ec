import numpy as np

from hemo.report.key_slices import key_slices
from tests.report.example import example


def test_highest_scores_come_in_the_study_s_order():
    keys = key_slices(example(), limit=3)
    assert [(key.number, key.call) for key in keys] == [(4, "Hemorrhage"), (5, "Hemorrhage"), (6, "Uncertain")]
    assert keys[0].caption == "Slice 4, 15.0 mm: Hemorrhage, score 0.970"


def test_refused_slices_are_never_among_them():
    assert [key.number for key in key_slices(example(), limit=99)] == [2, 3, 4, 5, 6, 7]
    assert key_slices(example((None, None))) == []


def test_equal_scores_prefer_the_earlier_slice():
    assert [key.number for key in key_slices(example((0.5, 0.5, 0.5)), limit=2)] == [1, 2]


def test_heat_marks_only_where_it_is():
    (key,) = key_slices(example((0.9,)))
    changed = (key.marked != key.grey[..., np.newaxis]).any(axis=2)
    assert changed[64:84, 42:62].all() and not changed[:60].any()
