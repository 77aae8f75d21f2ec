import csv
from collections import Counter

import pytest

from hemo.data.levels import LEVELS, ct_ich_level


def test_levels_of_a_patient_run_upwards():
    levels = [ct_ich_level("049", number) for number in range(1, 34)]
    assert [LEVELS.index(level) for level in levels] == sorted(LEVELS.index(level) for level in levels)
    assert (levels[0], levels[6], levels[14], levels[-1]) == LEVELS


@pytest.mark.parametrize(("patient", "number"), [("048", 3), ("N1", 3), ("049", "x"), ("049", 0)])
def test_unknown_slices_have_no_level(patient, number):
    assert ct_ich_level(patient, number) == ""


def test_bleeds_lie_where_there_is_brain(hemo_data):
    """A check of the annotation against a label it was made without."""
    counts = Counter()
    with (hemo_data / "ct-ich" / "hemorrhage_diagnosis.csv").open(encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            level = ct_ich_level(row["PatientNumber"], row["SliceNumber"])
            assert level in LEVELS
            counts[level, row["No_Hemorrhage"] == "0"] += 1
    assert counts["neck", True] == 0
    assert counts["brain", True] >= 0.85 * sum(counts[level, True] for level in LEVELS)
