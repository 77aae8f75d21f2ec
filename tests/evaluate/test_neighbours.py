"""Neighbours by embedding: found by fingerprints, never of the same patient, plain where patients are unknown."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemo.evaluate.neighbours import nearest, training_table, training_table_folder, with_appearance
from hemo.evaluate.predictions import About, Predictions


def table_of(n: int = 12, **about: object) -> Predictions:
    """Slices on a circle: neighbours in number are neighbours in direction, two slices a patient."""
    angle = np.linspace(0, np.pi, n)
    frame = pd.DataFrame(
        {
            "source": [f"{i}.png" for i in range(n)],
            "slice": [str(i) for i in range(n)],
            "group": [f"p{i // 2}" for i in range(n)],
            "label": [i % 2 for i in range(n)],
            "probability": 0.5,
            "logit": 0.0,
            "call": "Uncertain",
            "reason": "",
            "split": ["train"] * (n - 2) + ["test"] * 2,
        }
    )
    values = {"data": "set", "data_fingerprint": "f", "group_kind": "patient"} | about
    made = About("m", "w", threshold=0.5, trained_on={"fingerprint": "f", "name": "set"}, **values)  # type: ignore[arg-type]
    embedding = np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float16)
    return Predictions(frame, made, thumbs=np.zeros((n, 24, 24), np.uint8), embedding=embedding)


def test_none_is_of_the_same_patient_and_all_are_of_the_training_part() -> None:
    table = table_of()
    found = nearest(table, table, 4, k=4)
    assert found is not None
    assert {3, 6} < set(found.rows)
    assert not {4, 5} & set(found.rows)
    assert list(found.similarity) == sorted(found.similarity, reverse=True)
    assert "8 slices of set, its training part; none of the same patient." in found.note
    late = nearest(table, table, 11)
    assert late is not None
    assert max(late.rows) < 10


def test_where_patients_are_unknown_it_says_so() -> None:
    table = table_of(group_kind="file")
    found = nearest(table, table, 4, k=2)
    assert found is not None
    assert 4 not in found.rows
    assert "a neighbour may be of the same patient" in found.note


def test_slices_of_other_data_have_neighbours_in_the_training_data() -> None:
    training = table_of()
    other = replace(training, about=replace(training.about, data_fingerprint="g", data="other"))
    found = nearest(other, training, 4, k=1)
    assert found is not None
    assert found.rows == (4,)
    assert found.note == "From 10 slices of set, its training part."
    refused = replace(other, frame=other.frame.assign(call="Refused"))
    assert nearest(refused, training, 4) is None


def test_an_out_of_fold_table_borrows_what_its_slices_look_like() -> None:
    training = table_of()
    brought = replace(training, thumbs=None, embedding=None).subset(np.arange(12) % 3 == 0)
    full = with_appearance(brought, training)
    assert full.embedding is not None
    assert training.embedding is not None
    np.testing.assert_array_equal(full.embedding, training.embedding[::3])
    elsewhere = replace(training, about=replace(training.about, data_fingerprint="g"))
    assert with_appearance(brought, elsewhere).embedding is None


def test_the_training_table_is_found_by_its_fingerprints(tmp_path: Path) -> None:
    table = table_of()
    assert training_table_folder(tmp_path, table.about) is None
    table.save(tmp_path / "one")
    replace(table, about=replace(table.about, model_sha256="x")).save(tmp_path / "two")
    replace(table, about=replace(table.about, protocol="out of fold")).save(tmp_path / "three")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "about.json").write_text("{")
    assert training_table_folder(tmp_path, table.about) == tmp_path / "one"
    kept = training_table(tmp_path / "one")
    assert kept is not None
    np.testing.assert_array_equal(kept.embedding, table.embedding)
    replace(table, embedding=None).save(tmp_path / "one")
    assert training_table(tmp_path / "one") is None
    assert training_table(tmp_path / "nowhere") is None


@pytest.mark.parametrize("blank", [0, 3])
def test_a_slice_without_an_embedding_has_no_neighbours(blank: int) -> None:
    table = table_of()
    assert table.embedding is not None
    table.embedding[blank] = 0
    assert nearest(table, table, blank) is None
