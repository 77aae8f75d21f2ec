"""At which level of the head a slice of CT-ICH lies, annotated by eye, once for each patient.

A model can score on CT-ICH by anatomy alone (bleeds lie mid-head, bleed-free slices include neck and vertex), so the
figures on brain-level slices need to know which those are, and not from the same picture heuristics that are judged.
"""

import json
from functools import cache
from importlib import resources

LEVELS = ("neck", "base", "brain", "vertex")
"""From below: neck or face without brain in view; skull base; cerebrum; the top, little brain within thick bone."""


def ct_ich_level(patient: str | int, slice_number: str | int) -> str:
    """Level of a CT-ICH slice, one of LEVELS, or "" for a patient or number that is not in the annotation.

    >>> ct_ich_level("049", 20), ct_ich_level(49, 3)
    ('brain', 'neck')
    """
    try:
        starts = _starts().get(int(patient))
        number = int(slice_number)
    except ValueError:
        return ""
    if starts is None or number < 1:
        return ""
    return LEVELS[sum(number >= start for start in starts)]


@cache
def _starts() -> dict[int, tuple[int, int, int]]:
    text = resources.files("hemo.data").joinpath("ct_ich_levels.json").read_text(encoding="utf-8")
    return {int(patient): (base, brain, top) for patient, (base, brain, top) in json.loads(text)["patients"].items()}
