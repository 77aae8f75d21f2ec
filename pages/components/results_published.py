"""The published project's own data: its random-split figure beside the patient-disjoint ones and the trivial rules."""

from pages.components.results_data import Judged


def show(chosen: Judged) -> None:
    """Nothing on other sets."""
