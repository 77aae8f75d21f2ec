"""Read a scan: a study in, a triaged and explained answer out."""

from typing import Literal

import streamlit as st

from hemo.errors import HemoError
from hemo.evaluate.study_reading import StudyReading, read_study
from hemo.model.bundle import ModelBundle
from pages.components import (
    calls,
    models,
    notice,
    read_answer,
    read_export,
    read_intake,
    read_viewer,
    reading_room,
    state,
)
from pages.components.reading_room import OpenStudy
from pages.components.text import one_line, plain

STUDY = "read_study"
SHOWN_STUDIES = 200
FEW_STUDIES = 10


def show_without_model() -> None:
    """Nothing can be read without a model: say so, and lead to where one is made."""
    for fault in models.listing().faults:
        notice.warning(f"{fault.path.name} is not used. {fault.reason}")
    if notice.empty_state(
        "No model to read with",
        "A study's slices and the model's calls stand here. No model bundle was found in `models/`; a training run on "
        "the phantom, kept as a bundle, fills it in minutes.",
        "Go to Train",
        key="read_no_model",
        icon=":material/deployed_code:",
    ):
        st.switch_page("pages/train.py")


def show_triage(answers: list[tuple[OpenStudy, StudyReading]]) -> None:
    """The studies, worst first; the chosen one is in the viewer."""
    room = reading_room.room()
    known = {entry.key: (entry, answer) for entry, answer in answers[:SHOWN_STUDIES]}
    if st.session_state.get(STUDY) not in known or room.current is None:
        st.session_state[STUDY] = next(iter(known))
    height: int | Literal["content"] = 640 if len(known) > FEW_STUDIES else "content"
    with st.container(height=height, border=False, key="read_triage"):
        chosen = st.radio(
            f"{len(answers)} studies, worst first",
            list(known),
            key=STUDY,
            format_func=lambda key: _triage_line(*known[key]),
            captions=[_triage_caption(entry, answer) for entry, answer in known.values()],
        )
        if len(answers) > len(known):
            st.caption(f"and {len(answers) - len(known)} more; export lists them all.")
    room.current = chosen


def _triage_line(entry: OpenStudy, answer: StudyReading) -> str:
    score = "" if answer.score is None else f" {answer.score:.2f}"
    mark = calls.marked(answer.call).split(" ")[0]
    return f"{mark}{score} {plain(one_line(entry.title, 40))}"


def _triage_caption(entry: OpenStudy, answer: StudyReading) -> str:
    slices = "1 slice" if len(entry) == 1 else f"{len(entry)} slices"
    return f"{slices}, {answer.n_called} called" if answer.n_read else f"{slices}, none read"


def show_notes() -> None:
    """What the last drop left out, and why."""
    room = reading_room.room()
    notice.refused_files(room.refused)
    if room.full:
        limit = reading_room.MAX_BYTES // 1_000_000
        notice.warning(f"No room for {len(room.full)} more studies: expected at most {limit} MB in one session.")


def show_room(chosen: ModelBundle) -> None:
    """Triage, viewer and answer side by side."""
    room = reading_room.room()
    card, identity = chosen.card, models.identity(chosen)
    point = read_answer.chosen_point(card)
    answers = [(entry, read_study(entry.readings[identity], card, point)) for entry in room.studies]
    answers.sort(key=lambda pair: pair[1].order)
    if len(answers) > 1:
        triage, viewer, panel = st.columns([1.15, 4.1, 1.75], gap="medium")
        with triage:
            show_triage(answers)
    else:
        viewer, panel = st.columns([4.6, 1.75], gap="medium")
        room.current = answers[0][0].key
    entry, answer = next(pair for pair in answers if pair[0].key == room.current)
    with viewer:
        read_viewer.show(entry, answer, chosen)
    with panel:
        read_answer.show(entry, answer, chosen)
        read_export.show(answers, entry, answer, chosen)


def main() -> None:
    """Draw the page."""
    name = state.active_model()
    if name is None:
        st.title("Read a scan")
        show_without_model()
        return
    chosen = models.bundle(name)
    room = reading_room.room()
    if not (room.studies or room.refused):
        st.title("Read a scan")
    read_intake.show_drop_zone(chosen)
    show_notes()
    if not room.studies:
        read_intake.show_empty(chosen)
        return
    read_intake.bring_up_to_date(chosen)
    with st.container(key="read_room"):
        show_room(chosen)


try:
    main()
except HemoError as error:
    notice.error(error)
