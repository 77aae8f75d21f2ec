"""The operating curve: a threshold to drag, and live what it costs and what it misses."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from hemo.charts.confusion import CELL_NAMES, CELLS, confusion_figure
from hemo.charts.operating import operating_figure
from hemo.evaluate.curves import ThresholdTable
from hemo.evaluate.intervals import MIN_GROUPS, plural, wilson
from hemo.evaluate.judged import Judged
from hemo.evaluate.levels import group_scores
from hemo.evaluate.metrics import Counts
from hemo.evaluate.operating_point import DESCRIPTIONS
from pages.components import results_chart, results_clicks, results_gallery
from pages.components.results_data import is_out_of_fold

THRESHOLD, PREVALENCE, CELL = "results_threshold", "results_prevalence", results_gallery.CELL
WANTED = results_clicks.WANTED
_CLICKS, _KEPT = "results_confusion", "results_operating_kept"


def show(chosen: Judged) -> None:
    """Curve, threshold, figures, confusion matrix and the slices behind one of its cells."""
    if isinstance(chosen.table, str):
        st.info(f"The operating curve is {chosen.table}.", icon=":material/info:")
        return
    _start_at(chosen)
    # A rerun that a dialog asks for can end before these widgets are drawn, and Streamlit then forgets their values.
    for key, value in st.session_state.get(_KEPT, {}).items():
        st.session_state.setdefault(key, value)
    if WANTED in st.session_state:
        st.session_state[THRESHOLD] = st.session_state.pop(WANTED)
    _show_live(chosen, chosen.table)


def _start_at(chosen: Judged) -> None:
    """A new table starts at its own balanced point and its own share of bleeds."""
    if st.session_state.get("results_of") != str(chosen.folder):
        st.session_state["results_of"] = str(chosen.folder)
        st.session_state[THRESHOLD] = round(chosen.evaluation.threshold, 3)
        st.session_state[PREVALENCE] = _share(chosen)
        st.session_state[CELL] = "fn"


def _share(chosen: Judged) -> float:
    """The set's own share of bleeds, in per cent, to half a per cent."""
    return min(90.0, max(0.5, round(200 * chosen.evaluation.n_positive / max(chosen.evaluation.n, 1)) / 2))


@st.fragment
def _show_live(chosen: Judged, table: ThresholdTable) -> None:
    with st.container(key="results_operating_room"):
        left, right = st.columns([1.45, 1], gap="large")
    with right:
        _show_controls(chosen)
        threshold = exact(chosen, float(st.session_state[THRESHOLD]))
        index = table.index(threshold)
        _show_figures(chosen, table, index, st.session_state[PREVALENCE] / 100)
    with left:
        results_chart.show(
            operating_figure(
                table, threshold, chosen.n, chosen.evaluation.points, chosen.predictions.about.band, height=430
            ),
            key="results_operating",
            alt=f"Sensitivity and specificity over the threshold; at {threshold:.3f} sensitivity is "
            f"{table.sensitivity[index, 0]:.3f} and specificity {table.specificity[index, 0]:.3f}",
        )
    st.subheader("Calls and the slices behind them")
    with st.container(key="results_cells_room"):
        matrix, gallery = st.columns([1, 1.9], gap="large")
    counts = counts_at(chosen, threshold)
    st.session_state[_KEPT] = {key: st.session_state[key] for key in (THRESHOLD, PREVALENCE)}
    with matrix:
        _show_matrix(chosen, counts, threshold)
        st.session_state[_KEPT][CELL] = st.session_state[CELL]
    with gallery:
        results_gallery.show(chosen, threshold, str(st.session_state.get(CELL) or "fn"))


def threshold_in_hand(chosen: Judged) -> float:
    """The slider's threshold, or the model's balanced one where there is no slider."""
    shown = st.session_state.get(THRESHOLD)
    return exact(chosen, float(shown)) if isinstance(shown, int | float) else chosen.evaluation.threshold


def exact(chosen: Judged, shown: float) -> float:
    """The threshold behind the slider's three digits: a named point is meant exactly, not as it is rounded."""
    named = [chosen.evaluation.threshold, *(point.threshold for point in chosen.evaluation.points)]
    nearest = min(named, key=lambda each: abs(each - shown))
    return nearest if abs(nearest - shown) <= 0.0005 else shown


def counts_at(chosen: Judged, threshold: float) -> Counts:
    """The confusion matrix at exactly this threshold."""
    from hemo.evaluate.metrics import confusion

    return confusion(chosen.predictions.labels, chosen.predictions.probabilities, threshold)


def _show_controls(chosen: Judged) -> None:
    st.slider(
        "Threshold on the score",
        0.0,
        1.0,
        step=0.001,
        format="%.3f",
        key=THRESHOLD,
        help="A slice whose score reaches it is called hemorrhage.",
    )
    points = chosen.evaluation.points
    if points:
        with st.container(horizontal=True):
            for point in points:
                st.button(
                    point.name,
                    key=f"results_point_{point.name}",
                    on_click=_set(THRESHOLD, round(point.threshold, 3)),
                    help=f"Threshold {point.threshold:.3f}: {DESCRIPTIONS.get(point.name, point.fitted_on)}",
                )
    st.slider(
        "Share of bleeds where it would be used",
        0.5,
        90.0,
        step=0.5,
        format="%.1f %%",
        key=PREVALENCE,
        help=f"PPV, NPV and alerts depend on it. In this set it is {_share(chosen):.1f} %.",
    )


def _set(key: str, value: float) -> Callable[[], None]:
    def change() -> None:
        st.session_state[key] = value

    return change


def _show_figures(chosen: Judged, table: ThresholdTable, index: int, prevalence: float) -> None:
    ppv, npv = table.predictive(index, prevalence)
    rows = (
        ("Sensitivity", table.sensitivity[index], "{:.3f}"),
        ("Specificity", table.specificity[index], "{:.3f}"),
        ("PPV", ppv, "{:.3f}"),
        ("NPV", npv, "{:.3f}"),
        ("Alerts per 100 slices", table.alerts(index, prevalence), "{:.1f}"),
    )
    for start in (0, 2):
        for column, (title, values, form) in zip(st.columns(2), rows[start : start + 2], strict=True):
            with column:
                _live(title, values, form)
    first, second = st.columns(2)
    with first:
        _live(*rows[4])
    with second:
        missed = table.positives - int(table.tp[index])
        with st.container(gap=None):
            st.metric("Bleeds missed here", f"{missed:,} of {table.positives:,}")
            low, high = table.positives * (1 - table.sensitivity[index, [2, 1]])
            st.caption(f"{low:.0f} to {high:.0f}" if np.isfinite(low) else "no interval")
    st.caption(_studies(chosen, float(table.threshold[index])))
    if table.why_none:
        st.caption(f"No intervals: {table.why_none}.")
    if is_out_of_fold(chosen):
        st.caption("One threshold for all folds here; the headline takes each fold's own, fitted on the others.")


def _live(title: str, values: np.ndarray, form: str) -> None:
    shown = form.format(values[0]) if np.isfinite(values[0]) else "–"
    known = bool(np.isfinite(values[1]))
    with st.container(gap=None):
        st.metric(title, shown)
        st.caption(f"{form.format(values[1])} to {form.format(values[2])}" if known else "no interval")


def _studies(chosen: Judged, threshold: float) -> str:
    """How many studies in a hundred have a slice that is called, where studies or patients are known."""
    predictions = chosen.predictions
    if predictions.about.group_kind == "file":
        return "Alerts per 100 studies: not defined, because patients are unknown."
    group = group_scores(predictions.labels, predictions.probabilities, predictions.groups, "max")
    called, n = int((group.score >= threshold).sum()), group.score.size
    interval = wilson(called, n) if n >= MIN_GROUPS else None
    span = f" ({100 * interval[0]:.0f} to {100 * interval[1]:.0f})" if interval else ""
    groups = plural(predictions.about.group_kind, 100)
    return f"Alerts per 100 {groups} here: {100 * called / max(n, 1):.0f}{span}, each with at least one slice called."


def _show_matrix(chosen: Judged, counts: Counts, threshold: float) -> None:
    results_chart.show(
        confusion_figure(counts, f"n = {counts.n:,} slices, threshold {threshold:.3f}", st.session_state.get(CELL)),
        key=_CLICKS,
        on_select=_take_click,
        alt="Confusion matrix: " + ", ".join(f"{getattr(counts, cell)} {CELL_NAMES[cell]}" for cell in CELLS),
    )
    st.radio(
        "Slices shown",
        CELLS,
        key=CELL,
        format_func=lambda cell: f"{CELL_NAMES[cell]} · {getattr(counts, cell):,}",
        help="Click a cell of the matrix, or choose here.",
    )


def _take_click() -> None:
    """A click on a cell of the matrix chooses its slices."""
    event = st.session_state.get(_CLICKS) or {}
    points = event.get("selection", {}).get("points", [])
    if points and points[0].get("customdata"):
        cell = points[0]["customdata"]
        cell = cell[0] if isinstance(cell, list) else cell
        if cell in CELLS:
            st.session_state[CELL] = cell
