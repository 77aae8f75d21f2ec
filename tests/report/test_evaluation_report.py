import dataclasses
import re

import numpy as np
import pytest

from hemo.bench.resampling import synthetic_table
from hemo.evaluate.audit import Audit
from hemo.evaluate.evaluation import evaluate
from hemo.evaluate.predictions import About, Predictions
from hemo.evaluate.shortcuts import Check
from hemo.report.evaluation_html import report_html
from hemo.report.evaluation_pdf import latin, report_pdf
from hemo.report.evaluation_report import Table, build_report
from hemo.report.evaluation_table import predictions_csv
from hemo.report.plot import Plot, svg, ticks
from tests.small_bundle import small_card

CARD = small_card() | {"sha256": "0" * 64, "created": "2026-01-01", "versions": {"keras": "3"}}
METRIC = {"value": 0.8, "why": None, "n": 40, "n_groups": 12, "interval": [0.7, 0.9], "why_none": None, "method": None}
AUDIT = Audit(
    (Check("Trivial baselines", "pass", "The best reaches 0.6.", ""),),
    "AUC 0.98: none of the checks explains it.",
    ({"rule": "mean grey", "part": "test", "what": "x", "n": 100.0, "auc": 0.6, "accuracy": None, "note": ""},),
    ({"name": "heat map", "peak_in_box": METRIC, "mass_in_box": METRIC, "iou": METRIC | {"value": None}},),
)


def table(n: int = 500, n_groups: int = 40, **changes: object) -> Predictions:
    import pandas as pd

    labels, scores, groups = synthetic_table(n, n_groups)
    frame = pd.DataFrame(
        {
            "source": [f"<b>{i}</b>.png" for i in range(n)],
            "slice": [str(i) for i in range(n)],
            "group": [f"p{g}" for g in groups],
            "label": labels,
            "logit": np.log(np.clip(scores, 1e-4, 0.999) / (1 - np.clip(scores, 1e-4, 0.999))),
            "probability": scores,
            "call": np.where(scores >= 0.5, "Hemorrhage", "Normal"),
            "reason": "",
            "epidural": labels == 1,
        }
    )
    about = About("tiny", "0" * 64, "a <script> set", "f" * 64, "patient", 0.5, licence="CC0", citation="Who & Whom")
    return Predictions(frame, dataclasses.replace(about, **changes))  # type: ignore[arg-type]


def test_every_figure_of_the_evaluation_is_in_the_report() -> None:
    predictions = table()
    evaluation = evaluate(predictions)
    report = build_report(predictions, evaluation, CARD, AUDIT)
    tables = [block for section in report.sections for block in section.blocks if isinstance(block, Table)]
    performance = next(each for each in tables if each.columns and each.columns[0] == "Figure, by slice")
    shown = {row[0]: row[1] for row in performance.rows}
    assert shown["AUC"] == f"{evaluation.metrics['auc'].value:.3f}"
    assert len(shown) == len(evaluation.metrics)
    assert sum(isinstance(block, Plot) for section in report.sections for block in section.blocks) == 4
    assert {section.title for section in report.sections} >= {"Data and flow", "Shortcut audit", "Failures", "Limits"}


def test_the_html_stands_alone_and_escapes_what_came_from_outside() -> None:
    predictions = table()
    html = report_html(build_report(predictions, evaluate(predictions), CARD, AUDIT))
    assert "<script" not in html
    assert "a &lt;script&gt; set" in html
    assert "&lt;b&gt;" in html
    assert "http" not in re.sub(r"http-equiv", "", html)
    assert html.count("<svg") == 4
    assert "Content-Security-Policy" in html


def test_the_pdf_is_a_pdf_and_takes_any_character() -> None:
    predictions = table(data="Σ set – 日本")
    data = report_pdf(build_report(predictions, evaluate(predictions), CARD, AUDIT))
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert latin("≥ 0.5 – 日") == ">= 0.5 - ?"


@pytest.mark.parametrize("case", ["one class", "empty", "unknown patients"])
def test_odd_tables_still_make_a_report(case: str) -> None:
    predictions = table(group_kind="file" if case == "unknown patients" else "patient")
    if case == "one class":
        predictions = dataclasses.replace(predictions, frame=predictions.frame.assign(label=0, epidural=False))
    if case == "empty":
        predictions = dataclasses.replace(
            predictions, frame=predictions.frame.assign(call="Refused", probability=np.nan, logit=np.nan)
        )
    report = build_report(predictions, evaluate(predictions), CARD)
    html = report_html(report)
    assert report_pdf(report).startswith(b"%PDF-")
    if case != "unknown patients":
        assert "not defined, because" in html
    assert "shortcut audit was not made" in html


def test_csv_has_the_agreed_columns_and_no_formulas() -> None:
    predictions = table(n=60, n_groups=12)
    frame = predictions.frame.copy()
    frame.loc[0, "source"] = "=cmd()"
    frame.loc[1, ["call", "probability"]] = ["Refused", np.nan]
    lines = predictions_csv(dataclasses.replace(predictions, frame=frame)).splitlines()
    assert lines[0] == "source,slice,group,label,probability,call,reason"
    assert not lines[1].startswith("=")
    assert ",Refused," in lines[2]
    assert lines[2].split(",")[4] == ""


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert all(-0.03 <= tick <= 0.12 for tick in ticks(-0.03, 0.12))


def test_svg_keeps_lines_within_the_axes() -> None:
    from hemo.report.plot import line

    drawing = svg(Plot("t", "s", "x", "y", [line([0, 2], [5, -5])]))
    points = re.search(r'points="([^"]+)"', drawing)
    assert points is not None
    ys = [float(pair.split(",")[1]) for pair in points.group(1).split()]
    assert min(ys) >= 40
    assert max(ys) <= 320 - 42
