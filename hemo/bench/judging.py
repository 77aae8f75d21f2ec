"""The Results page: from a kept table to every figure and chart, and what moving the threshold costs.

Its promise is in seconds (2 s for 2,501 slices on the machine that the issue was written for); here it is held as
ratios of the same run: against what the plain scikit-learn loop needs for the intervals alone, and against itself at
another size or without what is computed once.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hemo.bench.ratio import Ratio, interleaved
from hemo.bench.resampling import plain_loop, synthetic_table
from hemo.evaluate.intervals import draw_counts
from hemo.evaluate.judged import Judged, judge
from hemo.evaluate.predictions import About, Predictions

SLICES, PATIENTS = 2501, 82
MANY, MANY_PATIENTS = 100_000, 3_000


def made_up_frame(n: int = SLICES, n_groups: int = PATIENTS) -> pd.DataFrame:
    """Rows of a predictions table with made-up scores, shaped like CT-ICH's."""
    labels, scores, groups = synthetic_table(n, n_groups)
    clipped = np.clip(scores, 1e-3, 0.999)
    return pd.DataFrame(
        {
            "source": [f"{i}.png" for i in range(n)],
            "slice": np.arange(n).astype(str),
            "group": groups.astype(str),
            "label": labels,
            "logit": 1.3 * np.log(clipped / (1 - clipped)),
            "probability": scores,
            "call": np.where(scores >= 0.5, "Hemorrhage", "Normal"),
            "reason": "",
        }
    )


def keep_table(folder: Path, n: int = SLICES, n_groups: int = PATIENTS) -> None:
    """A predictions table of made-up scores with one subtype, without heat maps."""
    frame = made_up_frame(n, n_groups)
    frame["epidural"] = (frame["label"] == 1) & (np.arange(n) % 2 == 0)
    Predictions(frame, About("made up", "0", "made up", "0", "patient", 0.5)).save(folder)


def all_charts(judged: Judged) -> list[Any]:
    """Every figure of the page, as JSON, the way it goes to the browser."""
    from hemo.charts.calibration import reliability_figure
    from hemo.charts.confusion import confusion_figure
    from hemo.charts.decision import decision_figure
    from hemo.charts.operating import operating_figure
    from hemo.charts.precision_recall import precision_recall_figure
    from hemo.charts.roc import roc_figure
    from hemo.charts.scores import patient_strip, score_histogram

    predictions, evaluation, n = judged.predictions, judged.evaluation, judged.n
    assert not isinstance(judged.table, str)
    figures = [
        operating_figure(judged.table, evaluation.threshold, n, evaluation.points, predictions.about.band),
        confusion_figure(evaluation.counts, n),
        roc_figure({"model": judged.roc}, n, evaluation.points),
        precision_recall_figure({"model": judged.precision_recall}, evaluation.n_positive / evaluation.n, n),
        decision_figure(judged.decision, n),
        reliability_figure({"model": judged.reliability}, n),
        score_histogram(predictions.labels, predictions.probabilities, evaluation.threshold, n),
        patient_strip(predictions.frame[["group", "label", "probability", "source"]], evaluation.threshold, n, most=28),
    ]
    return [figure.to_json() for figure in figures]


def redraw(judged: Judged, threshold: float, prevalence: float = 0.1) -> None:
    """What the page does when the threshold is dragged: look up, draw the curve and the matrix."""
    from hemo.charts.confusion import confusion_figure
    from hemo.charts.operating import operating_figure
    from hemo.evaluate.metrics import confusion

    assert not isinstance(judged.table, str)
    index = judged.table.index(threshold)
    judged.table.predictive(index, prevalence)
    judged.table.alerts(index, prevalence)
    operating_figure(judged.table, threshold, judged.n).to_json()
    counts = confusion(judged.predictions.labels, judged.predictions.probabilities, threshold)
    confusion_figure(counts, judged.n).to_json()


def run(loop_resamples: int = 40) -> list[Ratio]:
    """Time the page's work on made-up tables.

    Args:
        loop_resamples: of the plain loop, whose time is scaled up to the page's 2,000; each costs the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        small, many = Path(folder) / "small", Path(folder) / "many"
        keep_table(small)
        keep_table(many, MANY, MANY_PATIENTS)
        known = judge(small)
        ways = interleaved(
            {
                "page": lambda: all_charts(judge(small)),
                "drag": lambda: redraw(known, 0.37),
            },
            3,
            warm_up=1,
        )
        start = time.perf_counter()
        all_charts(judge(many))
        large = time.perf_counter() - start
    labels, scores, groups = synthetic_table(SLICES, PATIENTS)
    counts = draw_counts(PATIENTS, loop_resamples)
    start = time.perf_counter()
    plain_loop(labels, scores, groups, 0.5, counts)
    loop = (time.perf_counter() - start) * 2000 / loop_resamples
    name = f"kept table of {SLICES:,} slices to every figure and {len(all_charts(known))} charts"
    return [
        Ratio.at_least(name, "the scikit-learn loop for the slices' intervals alone", loop, ways["page"], 50),
        Ratio.at_least("threshold dragged: redrawn", "the table judged anew", ways["page"], ways["drag"], 5),
        Ratio.at_most(
            f"{MANY:,} slices of {MANY_PATIENTS:,} patients, {MANY / SLICES:.0f} times as many",
            f"{SLICES:,} slices",
            ways["page"],
            large,
            MANY / SLICES,
        ),
    ]
