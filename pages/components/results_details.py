"""The further views of Results: curves, calibration, levels of claim, where the network looks."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from hemo.charts.calibration import reliability_figure
from hemo.charts.decision import decision_figure
from hemo.charts.deletion import deletion_figure
from hemo.charts.precision_recall import precision_recall_figure
from hemo.charts.roc import roc_figure
from hemo.charts.scores import patient_strip, score_histogram
from hemo.charts.subtypes import subtype_figure
from hemo.evaluate import choice
from hemo.evaluate.audit import Audit
from hemo.evaluate.evaluation import evaluate
from hemo.evaluate.intervals import plural, summarise
from hemo.evaluate.judged import Judged
from hemo.evaluate.levels import RULE_NAMES, RULES, THRESHOLD_NOTES, group_scores, group_thresholds
from hemo.evaluate.localisation import deletion_insertion
from hemo.evaluate.map_kinds import OWN_KINDS, of_control, shuffled
from hemo.evaluate.metrics import METRIC_NAMES, METRICS, Metric
from pages.components import notice, results_chart, results_clicks, results_headline
from pages.components.text import plain


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
        results_clicks.chart(
            figure, key="results_roc", alt=f"ROC curve, {named}", chosen=chosen, opens=_at_threshold(chosen)
        )
    with second:
        named = f"Average precision {metrics['average_precision'].text()}"
        share = evaluation.n_positive / max(evaluation.n, 1)
        figure = precision_recall_figure({named: chosen.precision_recall}, share, chosen.n, current_pr)
        results_clicks.chart(
            figure, key="results_pr", alt=f"Precision-recall curve, {named}", chosen=chosen, opens=_at_threshold(chosen)
        )
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
        results_clicks.chart(
            figure,
            key="results_scores",
            alt="Histogram of scores by label",
            chosen=chosen,
            opens=lambda bar: choice.scores_between(chosen.predictions, bar[1], bar[2], int(bar[0])),
        )
    st.caption(
        f"{results_clicks.CLICKABLE} A point of a curve is a threshold: it opens the slices scored closest to it."
    )
    _show_why(chosen)


def _at_threshold(chosen: Judged) -> Callable[[Any], choice.Choice]:
    return lambda data: choice.near_threshold(chosen.predictions, float(results_clicks.number(data)))


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
    st.markdown("##### Children and adults")
    _show_ages(chosen)
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
        positions = predictions.accepted.nonzero()[0]
        results_clicks.chart(
            figure,
            key="results_strip",
            alt=f"Scores of every {about.group_kind}",
            chosen=chosen,
            opens=lambda dot: choice.like_this_one(
                predictions, int(positions[int(results_clicks.number(dot))]), threshold
            ),
        )
        st.caption("Click a dot to see its slice, and those of its patient that ended like it.")


def _show_subtypes(chosen: Judged) -> None:
    rows, predictions, threshold = chosen.subtypes, chosen.predictions, chosen.evaluation.threshold
    kind = plural(predictions.about.group_kind, 2)
    known = predictions.about.group_kind != "file"
    st.dataframe(
        pd.DataFrame(
            {
                "Subtype": rows["subtype"].str.capitalize(),
                "Slices": rows["n_positive"],
                kind.capitalize() if known else "Patients": rows["n_groups_positive"] if known else "not known",
                "AUC": [metric.text() for metric in rows["auc"]],
                "Sensitivity": [metric.text() for metric in rows["sensitivity"]],
                "No interval because": [metric.why_none or metric.why for metric in rows["sensitivity"]],
            }
        ),
        hide_index=True,
    )
    counts = []
    for row in rows.to_dict("records"):
        found = len(choice.of_subtype(predictions, row["subtype"], True, threshold).rows)
        counts.append((row["subtype"], found, row["n_positive"] - found, row["sensitivity"].text()))
    results_clicks.chart(
        subtype_figure(counts, f"at threshold {threshold:.3f}; a slice can show several"),
        key="results_subtypes",
        alt="Slices called and missed by subtype",
        chosen=chosen,
        opens=lambda bar: choice.of_subtype(predictions, str(bar[0]), bool(bar[1]), threshold),
    )
    st.caption(results_clicks.CLICKABLE)


def _show_ages(chosen: Judged) -> None:
    """Children and adults, each on their own; a sentence where no ages are known."""
    if isinstance(chosen.ages, str):
        st.caption(f"Children and adults: {chosen.ages}.")
        return
    names = ("auc", "sensitivity", "specificity")
    st.dataframe(
        pd.DataFrame(
            [
                {"Age": age.name, "Slices": age.n, "With a bleed": age.n_positive, "Patients": age.n_groups}
                | {METRIC_NAMES[name]: age.metrics[name].text() for name in names}
                | {"Note": age.metrics["auc"].why or age.metrics["auc"].why_none}
                for age in chosen.ages
            ]
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
    if audit.heat_kind:
        st.markdown(f"The heat map of this network is {OWN_KINDS[audit.heat_kind]}.")
    st.dataframe(places_table(audit), hide_index=True)
    st.caption(
        "Each figure is followed by its control: the same method on the same network with its weights shuffled. A map "
        "means something only where it beats its control and a guess at the centre of the head. Lesions are masks "
        "where the set has them, else boxes. Grad-CAM (Selvaraju 2017) and Grad-CAM++ (Chattopadhay 2018) are on the "
        "last features before pooling, occlusion after Zeiler & Fergus 2014, integrated gradients after Sundararajan "
        "2017; deletion and insertion after Petsiuk 2018."
    )
    if audit.curves:
        _show_deletion(audit.curves)


def places_table(audit: Audit) -> pd.DataFrame:
    """One row a kind of map, its control's figures beside its own; areas under deletion and insertion where drawn."""
    by_name = {row["name"].split(" (")[0]: row for row in audit.localisation}
    areas = {row["name"]: row for row in audit.curves}
    rows = []
    for name, row in by_name.items():
        if of_control(name) is not None:
            continue
        control = by_name.get(shuffled(name))
        drawn = areas.get(name)
        rows.append(
            {
                "Map": name[0].upper() + name[1:],
                "Bleeds": row["peak_in_box"]["n"],
                "Peak in a lesion": _text(row["peak_in_box"]),
                "shuffled": "–" if control is None else _text(control["peak_in_box"]),
                "Mass inside": _text(row["mass_in_box"]),
                "shuffled ": "–" if control is None else _text(control["mass_in_box"]),
                "IoU with the mask": "no masks" if row["iou"]["value"] is None else _text(row["iou"]),
                "Deletion, lower is better": "–" if drawn is None else f"{deletion_insertion(drawn['erased']):.2f}",
                "Insertion, higher is better": "–" if drawn is None else f"{deletion_insertion(drawn['revealed']):.2f}",
            }
        )
    return pd.DataFrame(rows)


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
