"""Does a card say what the bundle's own out-of-fold table gives? Computed again from the table, without the CT."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hemo.evaluate.calibrated_folds import OutOfFold
from hemo.evaluate.metrics import Metric
from hemo.evaluate.out_of_fold import load_out_of_fold
from hemo.model.bundle import ModelBundle
from hemo.model.card import default_threshold
from hemo.runs.recipe_figures import OF_CALLS, best_reach, best_rule, card_figures, fitted_points

NEEDS_CT = "needs the CT"
NOT_IN_TABLE = "not in the table"
"""Of what rests on the foreign pictures' logits, which tables written before they were kept do not hold."""
_TOLERANCE = 1e-6
"""The table's scores are written as text."""


@dataclass(frozen=True)
class Checked:
    """One number of a card.

    Args:
        name: of the figure, or of the calibration's or an operating point's number.
        stated: by the card.
        computed: from the table; None where the table alone cannot give it.
        lacking: what would be needed then.
    """

    name: str
    stated: float
    computed: float | None
    lacking: str = NEEDS_CT

    @property
    def verdict(self) -> str:
        """Same, differs, or what would be needed."""
        if self.computed is None:
            return self.lacking
        return "same" if math.isclose(self.stated, self.computed, abs_tol=_TOLERANCE) else "differs"


def check_card(bundle: ModelBundle) -> list[Checked]:
    """Compute every number of the card again: calibration, operating points, figures and the ends of their intervals.

    Args:
        bundle: with an out-of-fold table of the recipe.

    Raises:
        DatasetError: the bundle brings no such table.
        RunError: its table does not say which fold each slice was in.
    """
    card = bundle.card
    predictions = load_out_of_fold(bundle)
    table = OutOfFold.of_predictions(predictions)
    calibration = table.calibration.to_json()
    checked = [
        Checked(f"calibration {name}", float(card["calibration"][name]), float(calibration[name]))
        for name in ("temperature", "bias")
    ]
    points = {point.name: point for point in fitted_points(table, "")}
    foreign = bool(table.pictured.any())
    for entry in card["operating_points"]:
        stated: dict[str, Any] = dict(entry)
        for part in ("threshold", "sensitivity", "specificity"):
            if stated[part] is not None:
                again = float(getattr(points[stated["name"]], part)) if foreign else None
                checked.append(Checked(f"{stated['name']} {part}", float(stated[part]), again, NOT_IN_TABLE))
    reach = (card.get("study_context") or {}).get("reach_mm")
    if reach is not None:
        checked.append(Checked("study_context reach_mm", float(reach), best_reach(table)))
    figures = card_figures(predictions, table, best_rule(table), default_threshold(card))
    for name, metric in card["metrics"].items():
        lacking = not foreign and (name in OF_CALLS or name.startswith("foreign_pictures"))
        found = None if lacking else figures.get(name)
        checked += _figure(name, metric, found, NOT_IN_TABLE if lacking else NEEDS_CT)
    return checked


def _figure(name: str, stated: Mapping[str, Any], found: Metric | None, lacking: str) -> list[Checked]:
    """A figure and the ends of its interval."""
    checked = [Checked(name, float(stated["value"]), None if found is None else found.value, lacking)]
    for place, end in enumerate(("low", "high")):
        if stated["interval"]:
            again = None if found is None else (found.interval[place] if found.interval else math.nan)
            checked.append(Checked(f"{name}, interval {end}", float(stated["interval"][place]), again, lacking))
    return checked
