"""The further views of Results: curves, calibration, levels of claim, where the network looks."""

from typing import Any

import pandas as pd
import streamlit as st

from hemo.charts.calibration import reliability_figure
from hemo.charts.decision import decision_figure
from hemo.charts.deletion import deletion_figure
from hemo.charts.precision_recall import precision_recall_figure
from hemo.charts.roc import roc_figure
from hemo.charts.scores import patient_strip, score_histogram
from hemo.evaluate.evaluation import evaluate
from hemo.evaluate.intervals import plural, summarise
from hemo.evaluate.levels import RULE_NAMES, RULES, THRESHOLD_NOTES, group_scores, group_thresholds
from hemo.evaluate.metrics import METRIC_NAMES, METRICS, Metric
from pages.components import notice, results_chart, results_gallery, results_headline
from pages.components.results_data import Judged
from pages.components.text import plain

STRIP = "results_strip"


def show_curves(chosen: Judged) -> None:
    """ROC, precision-recall, decision curve and the scores by label."""
    evaluation = chosen.evaluation
    metrics, counts = evaluation.metrics, evaluation.counts
    current_roc = current_pr = None
    if counts.positives and counts.negatives:
        current_roc = (counts.fp / counts.negatives, counts.tp / counts.positives)
        if counts.tp + counts.fp:
            current_pr = (counts.tp / counts.positives, counts.tp / (counts.tp + counts.fp))
    first, second = st.columns(2, gap="large")
    with first:
        named = f"AUC {metrics['auc'].text()}"
        figure = roc_figure({named: chosen.roc}, chosen.n, evaluation.points, current_roc)
        results_chart.show(figure, key="results_roc", alt=f"ROC curve, {named}")
    with second:
        named = f"Average precision {metrics['average_precision'].text()}"
        share = evaluation.n_positive / max(evaluation.n, 1)
        figure = precision_recall_figure({named: chosen.precision_recall}, share, chosen.n, current_pr)
        results_chart.show(figure, key="results_pr", alt=f"Precision-recall curve, {named}")
    first, second = st.columns(2, gap="large")
    with first:
        figure = decision_figure(chosen.decision, chosen.n)
        results_chart.show(figure, key="results_decision", alt="Decision curve: net benefit")
    with second:
        figure = score_histogram(
            chosen.predictions.labels,
            chosen.predictions.probabilities,
            evaluation.threshold,
            chosen.n,
            chosen.predictions.about.band,
            height=380,
        )
        results_chart.show(figure, key="results_scores", alt="Histogram of scores by label")
    _show_why(chosen)


def _show_why(chosen: Judged) -> None:
    band = getattr(chosen.roc, "why_none", "")
    if band:
        st.caption(f"No bands: {band}.")


def show_calibration(chosen: Judged) -> None:
    """Reliability diagram before and after, and the figures behind it."""
    metrics = chosen.evaluation.metrics
    series = {f"shown scores, ECE {metrics['ece'].text()}": chosen.reliability}
    if chosen.uncalibrated and chosen.uncalibrated_ece is not None:
        series[f"as trained, ECE {chosen.uncalibrated_ece.text()}"] = chosen.uncalibrated
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        figure = reliability_figure(series, chosen.n)
        results_chart.show(figure, key="results_calibration", alt="Reliability diagram of the scores")
    with right:
        st.markdown("Of the slices that score 0.8, are four in five bleeds? On the dotted line they are.")
        for name in ("ece", "brier", "log_loss"):
            results_headline.figure(METRIC_NAMES[name], metrics[name])
        parts = chosen.brier
        if parts is not None:
            sign = "−" if parts.within_bins < 0 else "+"
            st.caption(
                f"Brier score = reliability {parts.reliability:.4f} − resolution {parts.resolution:.4f} + uncertainty "
                f"{parts.uncertainty:.4f} {sign} {abs(parts.within_bins):.4f} within bins. Uncertainty belongs to the "
                "data; reliability is the part that calibration can mend."
            )


def show_levels(chosen: Judged) -> None:
    """The same model at other levels of claim; never one column for two levels."""
    st.markdown("##### By patient or series")
    _show_groups(chosen)
    if len(chosen.subtypes):
        st.markdown("##### By subtype, each against all bleed-free slices")
        _show_subtypes(chosen)
    frame = chosen.predictions.frame
    if "brain_level" in frame.columns and (frame["brain_level"] == "brain").any():
        st.markdown("##### Brain-level slices alone")
        part = chosen.predictions.subset((frame["brain_level"] == "brain").to_numpy())
        inner = evaluate(part, resamples=1000)
        st.caption(f"{inner.n:,} slices, {inner.n_positive:,} with a bleed: anatomy no longer tells bleed from none.")
        for column, name in zip(st.columns(5), results_headline.HEADLINE, strict=True):
            with column:
                results_headline.figure(METRIC_NAMES[name], inner.metrics[name])


def _show_groups(chosen: Judged) -> None:
    about = chosen.predictions.about
    if about.group_kind == "file":
        st.info("Patients are unknown in this set: there is no figure by patient.", icon=":material/info:")
        return
    rule = st.selectbox(
        f"Score of a {plural(about.group_kind, 1)}",
        RULES,
        index=RULES.index(about.study_rule),
        key=f"results_rule_{about.study_rule}",
        format_func=lambda each: RULE_NAMES[each].capitalize(),
        help="Choosing the rule by the figures it gives on this set makes them too good.",
    )
    predictions, threshold = chosen.predictions, chosen.evaluation.threshold
    group = group_scores(predictions.labels, predictions.probabilities, predictions.groups, rule)
    cuts = group_thresholds(group, threshold)
    metrics = summarise(group.label, group.score, group.group, cuts, about.group_kind)
    st.caption(
        f"{len(group.label):,} {plural(about.group_kind, len(group.label))}, {int(group.label.sum()):,} with a bleed; "
        f"{THRESHOLD_NOTES[rule == 'max']}."
    )
    for column, name in zip(st.columns(5), results_headline.HEADLINE, strict=True):
        with column:
            results_headline.figure(METRIC_NAMES[name], metrics[name])
    table, strip = st.columns([1, 1.3], gap="large")
    with table:
        st.dataframe(
            pd.DataFrame(
                {
                    about.group_kind.capitalize(): group.group.astype(str),
                    "Score": group.score,
                    "Label": ["hemorrhage" if label else "normal" for label in group.label],
                    "Slices": group.n,
                    "With a bleed": group.n_positive,
                }
            ).sort_values("Score", ascending=False),
            hide_index=True,
            height=560,
            column_config={"Score": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)},
        )
    with strip:
        frame = predictions.frame[predictions.accepted][["group", "label", "probability", "source"]]
        figure = patient_strip(frame, threshold, chosen.n, about.group_kind, most=28)
        results_chart.show(
            figure,
            key=STRIP,
            alt=f"Scores of every {about.group_kind}",
            on_select=lambda: _show_clicked(frame.reset_index(drop=True), threshold),
        )
        st.caption("Click a dot to see such slices of its patient in the gallery above.")


def _show_clicked(frame: pd.DataFrame, threshold: float) -> None:
    """A click on a dot of the strip fills the gallery with the slices of its patient that ended like it."""
    points = (st.session_state.get(STRIP) or {}).get("selection", {}).get("points", [])
    if not points or points[0].get("customdata") is None:
        return
    place = points[0]["customdata"]
    row = frame.iloc[int(place[0] if isinstance(place, list) else place)]
    called, bleed = bool(row["probability"] >= threshold), bool(row["label"] == 1)
    st.session_state[results_gallery.GROUP] = str(row["group"])
    st.session_state[results_gallery.CELL] = ("tp" if called else "fn") if bleed else ("fp" if called else "tn")


def _show_subtypes(chosen: Judged) -> None:
    rows = chosen.subtypes
    kind = plural(chosen.predictions.about.group_kind, 2)
    st.dataframe(
        pd.DataFrame(
            {
                "Subtype": rows["subtype"].str.capitalize(),
                "Slices": rows["n_positive"],
                kind.capitalize(): rows["n_groups_positive"],
                "AUC": [metric.text() for metric in rows["auc"]],
                "Sensitivity": [metric.text() for metric in rows["sensitivity"]],
                "No interval because": [metric.why_none or metric.why for metric in rows["sensitivity"]],
            }
        ),
        hide_index=True,
    )


def show_places(chosen: Judged) -> None:
    """How often the heat map's peak lies in a lesion, against its controls."""
    st.caption(notice.HEAT_MAP_LIMIT)
    audit = chosen.audit
    if audit is None or not audit.localisation:
        reason = "the set marks no lesions" if audit else "the shortcut audit was not made yet"
        if audit and chosen.predictions.about.protocol != "shipped weights":
            reason = "the networks of the folds are not at hand; the model's card holds the out-of-fold figures"
        st.info(f"Not measured here: {reason}.", icon=":material/info:")
        return
    rows = [
        {
            "Map": row["name"].capitalize(),
            "Bleeds": row["peak_in_box"]["n"],
            "Peak in a lesion": _text(row["peak_in_box"]),
            "Share of its mass inside": _text(row["mass_in_box"]),
            "IoU with the mask": _text(row["iou"]),
        }
        for row in audit.localisation
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    if audit.curves:
        _show_deletion(audit.curves)
    st.caption(
        "Lesions are masks where the set has them, else boxes. A map means something only where it beats the same map "
        "with shuffled weights and a guess at the centre of the head."
    )


def _show_deletion(rows: tuple[dict[str, Any], ...]) -> None:
    """Deletion and insertion: a map that found what the score rests on makes it fall early and return early."""
    for column, key, title in zip(
        st.columns(2, gap="large"),
        ("erased", "revealed"),
        ("Hottest part painted over", "Hottest part put back"),
        strict=True,
    ):
        with column:
            figure = deletion_figure({row["name"]: row[key] for row in rows}, title)
            results_chart.show(figure, key=f"results_{key}", alt=f"Mean score, {title.lower()}")


def _text(values: dict[str, object]) -> str:
    if values["value"] is None:
        return "–"
    interval = values["interval"]
    metric = Metric(
        float(values["value"]),  # type: ignore[arg-type]
        interval=(float(interval[0]), float(interval[1])) if interval else None,  # type: ignore[index]
    )
    return metric.text(2)


def all_figures(chosen: Judged) -> pd.DataFrame:
    """Every metric by slice, for a table."""
    metrics = chosen.evaluation.metrics
    return pd.DataFrame(
        {
            "Figure": [METRIC_NAMES[name] for name in METRICS],
            "By slice": [metrics[name].text() for name in METRICS],
            "Note": [plain(metrics[name].why or metrics[name].why_none or metrics[name].method) for name in METRICS],
        }
    )
