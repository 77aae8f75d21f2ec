"""What leaves the Read page: JSON for now."""

from hemo.model.bundle import ModelBundle
from hemo.model.study_reading import StudyReading
from pages.components.reading_room import OpenStudy


def show(answers: list[tuple[OpenStudy, StudyReading]], entry: OpenStudy, chosen: ModelBundle) -> None:
    """Offer the exports."""
