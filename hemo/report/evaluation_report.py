"""The evaluation report's content, filled by code: what a reviewer asks of a claim, in CLAIM's order where it applies.

CLAIM: Mongan, Moy & Kahn, Radiology: Artificial Intelligence 2020; 2(2):e200029. The item numbers are those of 2020.
`evaluation_html` and `evaluation_pdf` write the same content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hemo.charts.template import ACCENT, SECOND
from hemo.evaluate import calibration, curves
from hemo.evaluate.audit import Audit
from hemo.evaluate.evaluation import HOW_COUNTED, Evaluation, by_age, by_subtype
from hemo.evaluate.intervals import plural
from hemo.evaluate.levels import RULE_NAMES, THRESHOLD_NOTES
from hemo.evaluate.localisation import deletion_insertion
from hemo.evaluate.metrics import METRIC_NAMES, Metric
from hemo.evaluate.predictions import Predictions
from hemo.evaluate.repaint import PARTS
from hemo.report.plot import Band, Plot, line

_GREY = "#7F7F7F"


@dataclass(frozen=True)
class Table:
    """Rows of text under column names; a caption says what they are."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


Block = str | Table | Plot


@dataclass(frozen=True)
class Section:
    """A heading with the CLAIM items it answers and what stands under it; a text block is one paragraph."""

    title: str
    claim: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """The whole report: title, one line under it, sections."""

    title: str
    subtitle: str
    sections: Sequence[Section]


def build_report(
    predictions: Predictions, evaluation: Evaluation, card: Mapping[str, Any], audit: Audit | None = None
) -> Report:
    """Fill the report.

    Args:
        predictions: the table.
        evaluation: its figures.
        card: of the model.
        audit: the shortcut audit, where it was made.
    """
    about = predictions.about
    today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Report(
        f"{about.model} on {about.data}",
        f"Evaluation report, {today}. For teaching and research, not for diagnosis.",
        (
            _summary(predictions, evaluation, audit),
            _data(predictions, evaluation),
            _model(card, predictions),
            _statistics(evaluation),
            _performance(evaluation),
            _curves(predictions, evaluation),
            _levels(predictions, evaluation),
            _robustness(audit),
            _places(audit),
            _failures(predictions, evaluation),
            _limits(card, evaluation),
        ),
    )


def counted(predictions: Predictions, evaluation: Evaluation) -> str:
    """On what the figures rest, for captions."""
    kind = predictions.about.group_kind
    of = "" if evaluation.n_groups is None else f" of {evaluation.n_groups:,} {plural(kind, evaluation.n_groups)}"
    return f"n = {evaluation.n:,} slices{of}, {evaluation.n_positive:,} with a bleed"


def _summary(predictions: Predictions, evaluation: Evaluation, audit: Audit | None) -> Section:
    metrics = evaluation.metrics
    text = (
        f"By slice, {predictions.about.protocol}: AUC {metrics['auc'].text()}, sensitivity "
        f"{metrics['sensitivity'].text()}, specificity {metrics['specificity'].text()}, accuracy "
        f"{metrics['accuracy'].text()}; {counted(predictions, evaluation)}."
    )
    blocks: list[Block] = [text, *evaluation.warnings]
    blocks.append(
        audit.verdict if audit else "The shortcut audit was not made: what these figures rest on is not known."
    )
    return Section("Summary", "2", blocks)


def _data(predictions: Predictions, evaluation: Evaluation) -> Section:
    about, frame = predictions.about, predictions.frame
    accepted = frame[predictions.accepted]
    rows = [
        ("Data set", about.data),
        ("Fingerprint", about.data_fingerprint),
        ("Licence", about.licence),
        ("Citation", about.citation or "not known"),
        ("Label", "as the data set gives it, for each slice"),
        ("Protocol", about.protocol),
    ]
    flow = [
        ("Slices in the set", len(frame)),
        ("Refused (no head in view, unreadable)", evaluation.n_refused),
        ("of them with a bleed", evaluation.n_refused_positive),
        ("Scored", evaluation.n),
        ("of them with a bleed", evaluation.n_positive),
        ("of them uncertain", evaluation.n_uncertain),
    ]
    blocks: list[Block] = [
        Table(("", ""), rows),
        Table(("Flow of slices", "n"), [(name, f"{n:,}") for name, n in flow]),
        f"How slices count: {HOW_COUNTED}.",
    ]
    if evaluation.n_groups is None:
        blocks.append("Patients are unknown: the flow of patients, ages and sexes cannot be given.")
    elif evaluation.n:
        per = accepted.groupby("group").size()
        blocks.append(
            f"{evaluation.n_groups:,} {plural(about.group_kind, evaluation.n_groups)}, "
            f"{int(accepted.groupby('group')['label'].max().sum()):,} with a bleed; {int(per.min())} to "
            f"{int(per.max())} slices each. Ages and sexes are not part of the table."
        )
    return Section("Data and flow", "7, 8, 13, 14, 20, 33, 34", blocks)


def _model(card: Mapping[str, Any], predictions: Predictions) -> Section:
    data = card["data"]
    rows = [
        ("Model", str(card["name"])),
        ("Architecture", str(card["architecture"])),
        ("Weights (sha256)", str(card["sha256"])),
        ("Preparation", ", ".join(f"{key} {value}" for key, value in card["preparation"].items())),
        ("Trained on", f"{data['name']}, {data['n']:,} slices"),
        ("Patients trained on", "not known" if data["n_patients"] is None else f"{data['n_patients']:,}"),
        ("Split", str(data["split"])),
        ("Calibration", str(card["calibration"].get("how", "")) or "not calibrated"),
        ("Threshold", f"{predictions.about.threshold:.4f} on the score, the balanced point"),
        (
            "Uncertain band",
            "none" if not predictions.about.band else "{:.3f} to {:.3f}".format(*predictions.about.band),
        ),
        ("Created", str(card["created"])),
    ]
    versions = ", ".join(f"{name} {version}" for name, version in card["versions"].items())
    return Section("Model", "9, 22, 24, 25", [Table(("", ""), rows), f"Software: {versions}."])


def _statistics(evaluation: Evaluation) -> Section:
    methods = sorted({metric.method for metric in evaluation.metrics.values() if metric.method})
    why = sorted({metric.why_none for metric in evaluation.metrics.values() if metric.why_none})
    text = "Intervals are 95 %."
    if methods:
        text += (
            f" Method: {'; '.join(methods)}. Patients are resampled, not slices: neighbouring slices are near copies."
        )
    blocks: list[Block] = [text]
    if why:
        blocks.append(f"Where no interval is given: {'; '.join(why)}.")
    return Section("Statistics", "28, 29", blocks)


def _metric_row(name: str, metric: Metric) -> tuple[str, str, str, str]:
    interval = f"{metric.interval[0]:.3f} to {metric.interval[1]:.3f}" if metric.interval else "none"
    value = "not defined" if metric.value is None else f"{metric.value:.3f}"
    return METRIC_NAMES[name], value, interval, metric.why or metric.why_none


def _performance(evaluation: Evaluation) -> Section:
    counts = evaluation.counts
    blocks: list[Block] = [
        Table(
            ("Figure, by slice", "Value", "95 % interval", "Note"),
            [_metric_row(name, metric) for name, metric in evaluation.metrics.items()],
        ),
        Table(
            ("", "Called hemorrhage", "Called normal"),
            [
                ("Labelled hemorrhage", f"{counts.tp:,}", f"{counts.fn:,}"),
                ("Labelled normal", f"{counts.fp:,}", f"{counts.tn:,}"),
            ],
        ),
    ]
    if evaluation.points:
        rows = [
            (
                point.name,
                f"{point.threshold:.4f}",
                "–" if point.sensitivity is None else f"{point.sensitivity:.3f}",
                "–" if point.specificity is None else f"{point.specificity:.3f}",
                point.fitted_on,
            )
            for point in evaluation.points
        ]
        columns = ("Operating point", "Threshold", "Sensitivity", "Specificity", "Fitted on")
        blocks.append(Table(columns, rows))
    return Section("Performance by slice", "35, 36", blocks)


def _curves(predictions: Predictions, evaluation: Evaluation) -> Section:
    labels, scores = predictions.labels, predictions.probabilities
    groups = None if predictions.about.group_kind == "file" else predictions.groups
    n = counted(predictions, evaluation)
    found = (
        _roc(curves.roc_curve(labels, scores, groups), evaluation, n),
        _pr(curves.precision_recall_curve(labels, scores, groups), evaluation, n),
        _reliability(calibration.reliability(labels, scores, groups), evaluation, n),
        _decision(curves.decision_curve(labels, scores, groups), n),
    )
    return Section("Curves and calibration", "28, 35", list(found))


def _roc(curve: curves.Curve | str, evaluation: Evaluation, n: str) -> Block:
    if isinstance(curve, str):
        return f"ROC curve: {curve}."
    chance = line([0, 1], [0, 1], color=_GREY, dashed=True)
    bands = [Band(curve.band_x, curve.low, curve.high)] if curve.band_x.size else []
    note = (0.98, 0.06, f"AUC {evaluation.metrics['auc'].text()}", ACCENT)
    return Plot("ROC curve", n, "False positive rate", "Sensitivity", [chance, line(curve.x, curve.y)], bands, [note])


def _pr(curve: curves.Curve | str, evaluation: Evaluation, n: str) -> Block:
    if isinstance(curve, str):
        return f"Precision-recall curve: {curve}."
    share = evaluation.n_positive / evaluation.n
    chance = line([0, 1], [share, share], color=_GREY, dashed=True)
    bands = [Band(curve.band_x, curve.low, curve.high)] if curve.band_x.size else []
    note = (0.02, 0.06, f"Average precision {evaluation.metrics['average_precision'].text()}", ACCENT)
    lines = [chance, line(curve.x, curve.y)]
    return Plot("Precision and recall", n, "Recall (sensitivity)", "Precision (PPV)", lines, bands, [note])


def _reliability(points: Sequence[calibration.ReliabilityBin], evaluation: Evaluation, n: str) -> Block:
    if not points:
        return "Calibration: not defined, because there are no finite probabilities."
    mean = np.array([point.mean_probability for point in points])
    share = np.array([point.share for point in points])
    lines = [line([0, 1], [0, 1], color=_GREY, dashed=True), line(mean, share), line(mean, share, mark=True)]
    for point in points:
        if point.interval:
            lines.append(line([point.mean_probability] * 2, list(point.interval)))
    note = (0.02, 0.93, f"ECE {evaluation.metrics['ece'].text()}", ACCENT)
    return Plot("Calibration", n, "Mean score", "Share of bleeds", lines, [], [note])


def _decision(curve: curves.DecisionCurve | str, n: str) -> Block:
    if isinstance(curve, str):
        return f"Decision curve: {curve}."
    top = max(float(curve.model.max()), 0.01) * 1.2
    lines = [
        line([0, 1], [0, 0], color=_GREY, dashed=True),
        line(curve.threshold, np.where(curve.everyone < -0.3 * top, np.nan, curve.everyone), color=SECOND, dashed=True),
        line(curve.threshold, curve.model),
    ]
    bands = [Band(curve.threshold, curve.low, curve.high)] if curve.low.size else []
    notes = [(0.98, 0.93 * top, "act on the model", ACCENT), (0.98, 0.8 * top, "act on every slice", SECOND)]
    return Plot(
        "Decision curve", n, "Score at which a reader would act", "Net benefit", lines, bands, notes, (0, 1),
        (-0.3 * top, top),
    )  # fmt: skip


def _levels(predictions: Predictions, evaluation: Evaluation) -> Section:
    blocks: list[Block] = []
    kind = predictions.about.group_kind
    if evaluation.group is not None:
        rows = [_metric_row(name, metric) for name, metric in evaluation.group_metrics.items()]
        n, bleeding = evaluation.group.label.size, int(evaluation.group.label.sum())
        caption = (
            f"{n:,} {plural(kind, n)}, {bleeding:,} with a bleed; score: {RULE_NAMES[evaluation.group.rule]}; "
            f"{THRESHOLD_NOTES[evaluation.group.rule == 'max']}. Never to be read in one column with the figures by "
            "slice."
        )
        blocks.append(Table((f"Figure, by {plural(kind, 1)}", "Value", "95 % interval", "Note"), rows, caption))
    else:
        blocks.append("By patient: not defined, because patients are unknown.")
    subtypes = by_subtype(predictions, evaluation.threshold)
    if len(subtypes):
        rows_of = [
            (
                str(row["subtype"]),
                f"{row['n_positive']:,}",
                "not known" if row["n_groups_positive"] is None else f"{row['n_groups_positive']:,}",
                row["auc"].text(),
                row["sensitivity"].text(),
                row["sensitivity"].why_none or row["sensitivity"].why,
            )
            for row in subtypes.to_dict("records")
        ]
        columns = ("Subtype", "Slices", plural(kind, 2).capitalize(), "AUC", "Sensitivity", "Note")
        blocks.append(Table(columns, rows_of, "Each subtype against all bleed-free slices."))
    ages = by_age(predictions, evaluation.threshold)
    if isinstance(ages, str):
        blocks.append(f"Children and adults: {ages}.")
    else:
        columns = ("Age", "Slices", "With a bleed", "AUC", "Sensitivity", "Specificity")
        names = ("auc", "sensitivity", "specificity")
        rows_by_age = [
            (age.name, f"{age.n:,}", f"{age.n_positive:,}", *(age.metrics[name].text() for name in names))
            for age in ages
        ]
        blocks.append(Table(columns, rows_by_age))
    return Section("Other levels of claim", "35, 36", blocks)


def _robustness(audit: Audit | None) -> Section:
    if audit is None:
        return Section("Shortcut audit", "30", ["Not made."])
    checks = Table(("Check", "Result", "Finding"), [(check.name, check.level, check.finding) for check in audit.checks])
    rules = Table(
        ("Rule", "Judged on", "AUC", "Accuracy", "Note"),
        [
            (
                str(row["rule"]),
                str(row["part"]),
                _number(row.get("auc")),
                _number(row.get("accuracy")),
                str(row.get("note") or ""),
            )
            for row in audit.baselines
        ],
        "The network beside rules without any notion of blood.",
    )
    probes = "Probes: " + "; ".join(f"{name}: {what}" for name, what in PARTS.items()) + "."
    return Section("Shortcut audit", "30", [audit.verdict, checks, rules, probes])


def _places(audit: Audit | None) -> Section:
    first = "A heat map says where the network reacted, not where the bleed is."
    if audit is None or not audit.localisation:
        return Section("Where it looks", "31", [first, "Not measured on this table."])
    rows = [
        (
            str(row["name"]),
            f"{row['peak_in_box']['n']:,}",
            _number(row["peak_in_box"]["value"]),
            _number(row["mass_in_box"]["value"]),
            _number(row["iou"]["value"]),
        )
        for row in audit.localisation
    ]
    columns = ("Map", "Bleeds", "Peak in a lesion", "Mass inside", "IoU with masks")
    blocks: list[Block] = [first, Table(columns, rows)]
    if audit.curves:
        areas = [
            (
                str(row["name"]),
                f"{deletion_insertion(np.array(row['erased'])):.3f}",
                f"{deletion_insertion(np.array(row['revealed'])):.3f}",
            )
            for row in audit.curves
        ]
        caption = "Area under the mean score as the hottest part of the head is painted over, and as it is put back."
        blocks.append(Table(("Map", "Deletion (low is good)", "Insertion (high is good)"), areas, caption))
    return Section("Where it looks", "31", blocks)


def _failures(predictions: Predictions, evaluation: Evaluation, most: int = 15) -> Section:
    """The missed bleeds with the lowest scores and the called normals with the highest."""
    frame = predictions.frame[predictions.accepted]
    called = frame["probability"] >= evaluation.threshold
    missed = frame[(frame["label"] == 1) & ~called].sort_values("probability").head(most)
    false = frame[(frame["label"] == 0) & called].sort_values("probability", ascending=False).head(most)
    blocks: list[Block] = []
    for part, name in ((missed, "Bleeds missed, lowest scores first"), (false, "Normals called, highest scores first")):
        rows = [
            (str(r.source), str(r.group), f"{p:.3f}")
            for r, p in zip(part.itertuples(), part["probability"], strict=True)
        ]
        if rows:
            blocks.append(Table(("Slice", "Group", "Score"), rows, f"{name} (at most {most})"))
        else:
            blocks.append(f"{name}: none.")
    return Section("Failures", "37", blocks)


def _limits(card: Mapping[str, Any], evaluation: Evaluation) -> Section:
    del evaluation
    limits = [str(limit) for limit in card["limits"]] or ["None were written down; assume all."]
    rest = "Not covered by this report, because code cannot know it: CLAIM items 1, 3 to 6, 15 to 19, 39 to 42."
    return Section("Limits", "38", [*limits, rest])


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) and value == value else "–"
