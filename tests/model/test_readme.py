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
