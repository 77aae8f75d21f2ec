"""The published project's run, made again: what its random split showed and what other series show.

`docs/reproduction.json` is written by `scripts/reproduce_published.py`; nothing here is computed again.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hemo.workspace import REPOSITORY

FILE = REPOSITORY / "docs" / "reproduction.json"


@dataclass(frozen=True)
class Reproduction:
    """The recorded run.

    Args:
        fingerprint: of the data it was made on.
        epochs: that it trained.
        parts: rows of the comparison, see `table`.
        why_no_intervals: why the figures carry none.
    """

    fingerprint: str
    epochs: int
    parts: tuple[dict[str, Any], ...]
    why_no_intervals: str


def load_reproduction(path: Path = FILE) -> Reproduction | None:
    """The recorded run; None where there is no record or it cannot be read."""
    try:
        values = json.loads(path.read_text("utf-8"))
        parts = tuple(values["parts"].values())
        for part in parts:
            float(part["network"]["accuracy"]), str(part["title"]), int(part["slices"]), int(part["series"])
        return Reproduction(
            str(values["data"]["fingerprint"]), int(values["epochs"]), parts, str(values.get("why_no_intervals", ""))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def table(reproduction: Reproduction) -> pd.DataFrame:
    """One row a part: what it was judged on, n, and the accuracy and AUC of the network and of each trivial rule."""
    rows = []
    for part in reproduction.parts:
        row = {
            "Judged on": part["title"],
            "Series seen in training": "yes" if part["series_also_trained"] else "no",
            "Slices": int(part["slices"]),
            "Series": int(part["series"]),
            "Accuracy": float(part["network"]["accuracy"]),
            "AUC": float(part["network"]["auc"]),
        }
        for rule, figures in part["rules"].items():
            row[f"AUC of {rule}"] = float(figures["auc"])
            row[f"Accuracy of {rule}"] = float(figures["accuracy"])
        rows.append(row)
    return pd.DataFrame(rows)


def sentence(reproduction: Reproduction) -> str:
    """What the published figure was worth, in one sentence."""
    seen = [part for part in reproduction.parts if part["series_also_trained"]]
    other = [part for part in reproduction.parts if not part["series_also_trained"]]
    if not seen or not other:
        return ""
    first = seen[0]["network"]["accuracy"]
    rest = " and ".join(f"{part['network']['accuracy']:.2f}" for part in other)
    return (
        f"Split at random by slice the published network is right on {first:.0%} of the slices; on series it has not "
        f"seen, {rest}. Neighbouring slices of a series are near copies: the first figure is memory."
    )
