"""The Read page's answer: the call, what the operating point is worth, warnings, and the reader's own verdict."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from hemo.charts.score_bar import score_bar
from hemo.evaluate.metrics import predictive_values
from hemo.evaluate.study_reading import StudyReading, study_rule, study_rule_name
from hemo.model.bundle import ModelBundle
from hemo.model.card import Card, default_threshold
from pages.components import calls, figures, read_intake
from pages.components.reading_room import VERDICTS, OpenStudy
from pages.components.text import plain

POINT, PREVALENCE = "read_point", "read_prevalence"
DEFAULT_PREVALENCE = 10.0
DEFAULT_POINT = "(default)"
SHOWN_WARNINGS = 2
SAME = 1e-6


def chosen_point(card: Card) -> str | None:
    """Name of the operating point the reader chose; None for the model's default call, or where this card lacks it."""
    chosen = st.session_state.get(POINT, DEFAULT_POINT)
    return chosen if any(point["name"] == chosen for point in card["operating_points"]) else None


def decides(card: Card, point: str | None) -> tuple[tuple[float, float] | None, float | None]:
    """What turns a score into a call at this point: the uncertain band or else a threshold."""
    band = card["uncertain_band"]
    if point is None and band is not None:
        return (band[0], band[1]), None
    named = [each["threshold"] for each in card["operating_points"] if each["name"] == point]
    return None, named[0] if named else default_threshold(card)


def show(entry: OpenStudy, answer: StudyReading, chosen: ModelBundle) -> None:
    """Show the study's call and everything that qualifies it."""
    card = chosen.card
    band, threshold = decides(card, chosen_point(card))
    _show_study(entry, chosen)
    with st.container(gap="xxsmall", key="read_call"):
        _show_call(entry, answer, card, band, threshold)
    with st.container(gap="xxsmall", key="read_this_slice"):
        _show_slice(entry, answer)
    with st.container(gap="xsmall", key="read_cut"):
        _show_point(card)
    with st.container(gap="xsmall", key="read_warnings"):
        _show_warnings(entry, card)
    with st.container(gap="xsmall", key="read_verdict"):
        _show_verdict(entry)


def _show_call(
    entry: OpenStudy, answer: StudyReading, card: Card, band: tuple[float, float] | None, threshold: float | None
) -> None:
    score = "" if answer.score is None else f"  {answer.score:.2f}"
    st.markdown(f"### {calls.marked(answer.call)}{score}")
    st.html(score_bar(answer.score, answer.call, threshold=threshold, band=band))
    if answer.worst is None:
        st.caption("No slice could be read.")
        return
    refused = len(entry) - answer.n_read
    told = f"Highest slice score, slice {answer.worst + 1} of {len(entry)}; {answer.n_called} called"
    st.caption(told + (f", {refused} refused." if refused else "."))
    if len(entry) > 1 and study_rule(card) != "max":
        patient = card["metrics"].get("patient_auc")
        worth = "" if patient is None else f" Patient AUC {patient['value']:.2f}, n = {patient['n']}."
        help_text = f"{study_rule_name(card)}. Orders the list of studies; the calls rest on slices.{worth}"
        st.caption(f"Study score {answer.study_score:.2f}", help=plain(help_text))


def _show_study(entry: OpenStudy, chosen: ModelBundle) -> None:
    """Which study this is, and the series of it that were not read."""
    study = entry.study
    with st.container(gap="xxsmall", key="read_which"):
        st.markdown(f"**{plain(entry.title, 80)}**")
        pictures = "1 picture" if len(entry) == 1 else f"{len(entry)} pictures"
        pixel = "" if study.spacing is None else f" · pixel {study.spacing[1]:.2f} mm"
        st.caption(pictures if study.kind == "pictures" else plain(study.series or study.kind) + pixel)
        if study.others:
            with st.popover(f"{len(study.others)} other series", icon=":material/layers:", width="stretch"):
                for number, other in enumerate(study.others):
                    st.markdown(plain(other.label))
                    st.caption(f"Not read: {plain(other.reason)}.")
                    if other.readable and st.button("Read it too", key=f"read_other_{entry.key}_{number}"):
                        read_intake.read_other(entry, other, chosen)
                        st.rerun()


def _show_slice(entry: OpenStudy, answer: StudyReading) -> None:
    position = entry.position or 0
    st.markdown(f"This slice: **{calls.marked(answer.calls[position])}**")
    st.caption(plain(answer.reasons[position][:1].upper() + answer.reasons[position][1:]))


def _show_point(card: Card) -> None:
    options = [DEFAULT_POINT, *(point["name"] for point in card["operating_points"])]
    # A point that only the former model had falls back to the default.
    if st.session_state.get(POINT, DEFAULT_POINT) not in options:
        st.session_state[POINT] = DEFAULT_POINT
    st.selectbox(
        "Operating point",
        options,
        key=POINT,
        format_func=lambda name: _point_title(card, None if name == DEFAULT_POINT else name),
        help="Where the score is cut into calls. Another point costs no new inference.",
    )
    point = chosen_point(card)
    rows = _measured(card, point)
    for row in rows:
        st.caption(_worth(row), help=f"Per slice. Fitted on {plain(row['fitted_on'])}.")
    if not rows:
        st.caption("The card gives no sensitivity and specificity for this cut.")


def _point_title(card: Card, name: str | None) -> str:
    band, threshold = decides(card, name)
    if band is not None:
        return f"Default: uncertain {band[0]:.2f} to {band[1]:.2f}"
    return f"{'Default' if name is None else name.capitalize()}: from {threshold:.2f}"


def _measured(card: Card, point: str | None) -> list[Mapping[str, Any]]:
    """The card's points whose thresholds decide now: both edges of the band, or the one threshold."""
    band, threshold = decides(card, point)
    edges = [threshold] if band is None else list(band)
    known = [
        each
        for each in card["operating_points"]
        if each.get("sensitivity") is not None and each.get("specificity") is not None
    ]
    if point is not None:
        return [each for each in known if each["name"] == point]
    return [each for edge in edges for each in known if edge is not None and abs(each["threshold"] - edge) < SAME]


def _worth(point: Mapping[str, Any]) -> str:
    return (
        f"{plain(point['name']).capitalize()}: sensitivity {point['sensitivity']:.2f}, "
        f"specificity {point['specificity']:.2f}"
    )


def _show_prevalence(rows: list[Mapping[str, Any]]) -> None:
    percent = st.number_input(
        "Slices with a bleed, in percent",
        0.1,
        99.0,
        DEFAULT_PREVALENCE,
        1.0,
        key=PREVALENCE,
        help="What share of the slices you read show a hemorrhage.",
    )
    share = percent / 100
    for row in rows:
        sensitivity, specificity = row["sensitivity"], row["specificity"]
        positive, negative = predictive_values(sensitivity, specificity, share)
        called = 1000 * (share * sensitivity + (1 - share) * (1 - specificity))
        missed = 1000 * share * (1 - sensitivity)
        st.markdown(
            f"**{plain(row['name']).capitalize()}**: of 1,000 slices {called:.0f} are called and {missed:.0f} "
            f"bleeds are missed. Positive predictive value {positive:.2f}, negative {negative:.3f}."
        )


def _show_warnings(entry: OpenStudy, card: Card) -> None:
    here = entry.study.slices[entry.position or 0].warnings
    warnings = list(dict.fromkeys([*entry.study.warnings, *here]))
    for sentence in warnings[:SHOWN_WARNINGS]:
        st.caption(f":orange[:material/warning:] {plain(sentence, 160)}")
    rows = _measured(card, chosen_point(card))
    limits, prevalence = st.columns(2, gap="xsmall")
    with limits, st.popover(f"Limits ({len(warnings) + len(card['limits'])})", width="stretch"):
        for sentence in [*warnings, *card["limits"]]:
            st.markdown(f"- {plain(sentence)}")
        st.markdown(f"- Figures are {figures.LEVEL}; a study of many slices is called more often than a slice.")
    with prevalence, st.popover("Prevalence", width="stretch", disabled=not rows):
        _show_prevalence(rows)


def _show_verdict(entry: OpenStudy) -> None:
    verdict_key, note_key = f"read_verdict_{entry.key}", f"read_note_{entry.key}"
    st.session_state.setdefault(verdict_key, entry.verdict)
    st.session_state.setdefault(note_key, entry.note)
    entry.verdict = st.segmented_control(
        "Your verdict on the call",
        VERDICTS,
        key=verdict_key,
        help="Kept in this session only; exported with the results.",
    )
    entry.note = st.text_input(
        "Note", key=note_key, placeholder="Note on this study", label_visibility="collapsed", max_chars=500
    )
