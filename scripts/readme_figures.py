"""Write the shipped model's figures into the project's README, from its card, so that the two cannot differ.

    python scripts/readme_figures.py

A test asks for the same text.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hemo.model.card import read_card
from hemo.model.readme import interval_text
from hemo.workspace import REPOSITORY

README = REPOSITORY / "README.md"
CARD = REPOSITORY / "models" / "hemo-lite0" / "card.json"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
ROWS = (
    ("auc", "AUC by slice"),
    ("brain_level_auc", "AUC by slice, brain level only ({n:,} slices)"),
    ("patient_auc", "AUC by patient ({n})"),
    ("foreign_pictures_auc", "AUC by slice, as foreign pictures: cropped, re-windowed, noisy, compressed ({n:,})"),
    ("average_precision", "average precision"),
    ("sensitivity_at_specificity_0.90", "sensitivity at specificity 0.90"),
    ("sensitivity", "sensitivity at the balanced point"),
    ("specificity", "specificity at the balanced point"),
    ("ece", "calibration error (ECE)"),
    ("peak_in_box_where_called", "peak of the heat map in a lesion box where it calls ({n}, {n_groups} patients)"),
    ("peak_in_box_random_weights", "the same with random weights, all bleeds with a box ({n})"),
    ("peak_in_box_centre_guess", "the same for a guess at the middle ({n})"),
    ("with_neighbours_auc", "each score smoothed over its series: AUC"),
    ("with_neighbours_brain_level_auc", "smoothed: AUC, brain level only"),
    ("with_neighbours_average_precision", "smoothed: average precision"),
    ("with_neighbours_sensitivity_at_specificity_0.90", "smoothed: sensitivity at specificity 0.90"),
)


def figures(card: Any) -> str:
    """The block between the marks: a table of the card's figures, and what it misses."""
    lines = ["| figure | value | 95 % by patient |", "|---|---|---|"]
    for key, words in ROWS:
        metric = card["metrics"][key]
        lines.append(f"| {words.format(**metric)} | {metric['value']:.3f} | {interval_text(metric)} |")
    misses = [text for text in card["failures"] if text.startswith(("Missed", "False alarms"))]
    return "\n".join([*lines, "", *(f"- {text}." for text in misses)])


def with_figures(readme: str, card: Any) -> str:
    """The README with the block between the marks written anew."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{figures(card)}\n{END}{rest.split(END)[1]}"


def main(path: Path = README) -> None:
    """Write the README."""
    path.write_text(with_figures(path.read_text(encoding="utf-8"), read_card(CARD)), encoding="utf-8")


if __name__ == "__main__":
    main()
