"""The charts of a data set: counts as drawn, and a reason where there is nothing to draw."""

import pandas as pd

from hemo.charts.dataset import MOST_GROUPS, group_bars, subtype_bars
from hemo.data.manifest import SUBTYPES


def frame(groups: dict[str, tuple[int, int]], kind: str = "patient") -> pd.DataFrame:
    """Patients of (slices, bleed slices), every bleed epidural."""
    rows = [
        {"group": group, "group_kind": kind, "label": int(i < bleeds), **dict.fromkeys(SUBTYPES, False)}
        for group, (slices, bleeds) in groups.items()
        for i in range(slices)
    ]
    table = pd.DataFrame(rows)
    return table.assign(epidural=table["label"] == 1)


def test_each_patient_is_a_bar_with_its_bleeds_and_the_rest() -> None:
    figure = group_bars(frame({"a": (5, 0), "b": (4, 3)}))
    bleeds, normal = figure.data
    assert list(bleeds.x) == ["b", "a"]
    assert list(bleeds.y) == [3, 0]
    assert list(normal.y) == [1, 5]
    assert "n = 9 slices of 2 patients, 1 with a bleed" in figure.layout.title.subtitle.text


def test_very_many_patients_are_cut_and_it_says_so() -> None:
    figure = group_bars(frame({f"p{i}": (1, i % 2) for i in range(MOST_GROUPS + 5)}))
    assert len(figure.data[0].x) == MOST_GROUPS
    assert f"the {MOST_GROUPS} with most bleeds shown" in figure.layout.title.subtitle.text


def test_unknown_patients_are_a_reason_in_place_of_bars() -> None:
    figure = group_bars(frame({"a": (1, 1)}, kind="file"))
    assert not figure.data
    assert "Neither patients nor series" in figure.layout.annotations[0].text


def test_kinds_of_bleed_count_slices_and_patients() -> None:
    figure = subtype_bars(frame({"a": (5, 2), "b": (4, 3)}))
    bars = dict(zip(figure.data[0].y, figure.data[0].text, strict=True))
    assert bars["Epidural"] == "5 of 2 patients"
    assert bars["Subdural"] == "0 of 0 patients"


def test_unknown_kinds_are_a_reason_in_place_of_bars() -> None:
    assert not subtype_bars(frame({"a": (3, 0)})).data


def test_names_that_plotly_would_read_as_markup_are_made_safe() -> None:
    assert list(group_bars(frame({"<b>x": (1, 1)})).data[0].x) == ["&lt;b&gt;x"]
