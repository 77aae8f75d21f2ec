"""The sentences on what a network gets wrong: counted by hand on a table of ten slices."""

import pandas as pd
import pytest

from hemo.data.manifest import SUBTYPES
from hemo.evaluate.failures import failures
from hemo.evaluate.predictions import About, Predictions


@pytest.fixture
def table() -> Predictions:
    rows = [
        # group, slice, label, probability, subtype
        ("a", "1", 1, 0.9, "epidural"),
        ("a", "2", 1, 0.2, "epidural"),
        ("b", "1", 1, 0.1, "subdural"),
        ("b", "2", 1, 0.3, "subdural"),
        ("c", "1", 0, 0.8, ""),
        ("c", "2", 0, 0.1, ""),
        ("d", "1", 0, 0.7, ""),
        ("d", "2", 0, 0.6, ""),
        ("e", "1", 0, 0.0, ""),
        ("e", "2", 1, None, "epidural"),
    ]
    frame = pd.DataFrame(rows, columns=["group", "slice", "label", "probability", "kind"])
    frame["label"] = frame["label"].astype("Int64")
    for name in SUBTYPES:
        frame[name] = frame["kind"] == name
    frame["source"] = frame["group"] + "/" + frame["slice"] + ".png"
    frame["logit"], frame["reason"] = frame["probability"], ""
    frame["call"] = ["Normal" if p == p else "Refused" for p in frame["probability"]]
    about = About("m", "", "set", "", "patient", 0.5)
    return Predictions(frame.drop(columns="kind"), about)


def test_errors_are_counted_by_patient_and_kind_and_the_worst_are_named(table: Predictions) -> None:
    assert failures(table, 0.5) == [
        "Missed: 3 of 4 bleeds missed at the balanced threshold, by patient: in b (2 of 2), a (1 of 2)",
        "Missed by kind: epidural 1 of 2, subdural 2 of 2",
        "Lowest scores of bleeds, one a patient, as patient/slice: b/1 (0.100), a/2 (0.200)",
        "False alarms: 3 of 5 normal slices called at the balanced threshold, by patient: in d (2 of 2), c (1 of 2)",
        "Highest scores of slices labelled normal, one a patient, as patient/slice: c/1 (0.800), d/1 (0.700), e/1 "
        "(0.000)",
        "Refused as no head CT although a bleed is labelled: e/2",
    ]


def test_nothing_wrong_leaves_the_extremes_only(table: Predictions) -> None:
    rows = table.frame["group"].isin(["a", "e"]) & (table.frame["slice"] == "1")
    flawless = Predictions(table.frame[rows].reset_index(drop=True), table.about)
    said = failures(flawless, 0.5)
    assert [sentence.split(",")[0] for sentence in said] == [
        "Lowest scores of bleeds",
        "Highest scores of slices labelled normal",
    ]
