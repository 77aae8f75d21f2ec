"""The README cannot be broken, or made to say something else, by what a card holds."""

from hemo.model.card import validate_card
from hemo.model.readme import bundle_readme
from tests.small_bundle import small_card


def readme(**changes: object) -> str:
    filled = {"created": "2026-01-02", "versions": {}, "sha256": "a" * 64}
    return bundle_readme(validate_card(small_card() | filled | changes), 1_234_567)


def test_cells_cannot_break_out_of_the_table() -> None:
    text = readme(architecture="a | b\n# Heading <script>[link](x)")
    (row,) = [line for line in text.splitlines() if line.startswith("| Architecture")]
    assert row == r"| Architecture | a \| b # Heading \<script\>\[link\](x) |"


def test_what_is_unknown_is_said_to_be_unknown() -> None:
    data = dict(small_card()["data"], n_patients=None)
    text = readme(metrics={}, operating_points=[], uncertain_band=None, limits=[], data=data)
    assert "Nothing was measured." in text
    assert "None fitted." in text
    assert "No score is called Uncertain." in text
    assert "| Patients or series | unknown |" in text
    assert "1.2 MB" in text


def test_what_a_card_adds_is_said() -> None:
    calibration = {"temperature": 0.5, "bias": -1.25, "how": "held-out slices"}
    text = readme(
        calibration=calibration,
        measured_on="slices of other patients",
        failures=["Calls the falx a bleed."],
        study_score={"rule": "max", "name": "the highest slice", "how": "out of fold"},
        intended_use="Only this.",
    )
    assert r"sigmoid(logit / 0.500 -1.250)" in text
    assert "Measured on: slices of other patients." in text
    assert "## What it gets wrong\n\n- Calls the falx a bleed." in text
    assert "A study's score: the highest slice (out of fold)." in text
    assert "## Intended use\n\nOnly this." in text
    assert "| AUC | 0.812 |" in text
    assert "| Networks |" not in text and "| Networks |" not in readme(settings={"members": [[3, 1]]})
    joined = readme(settings={"members": [[3, 1], [2, 1]]})
    assert "| Networks | 2, trained apart and joined: the map is the mean of theirs |" in joined


def test_a_card_that_adds_nothing_still_states_its_use() -> None:
    text = readme()
    assert "Not for diagnosis" in text
    assert "What it gets wrong" not in text
    assert "Measured on:" not in text
