"""The figures of the Results page as data: what is drawn, and what stands there when nothing can be."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from hemo.bench.resampling import synthetic_table
from hemo.charts.calibration import reliability_figure
from hemo.charts.calls import CALL_STYLES
from hemo.charts.confusion import CELLS, confusion_figure
from hemo.charts.decision import decision_figure
from hemo.charts.deletion import deletion_figure
from hemo.charts.operating import operating_figure
from hemo.charts.precision_recall import precision_recall_figure
from hemo.charts.roc import roc_figure
from hemo.charts.scores import patient_strip, score_histogram
from hemo.charts.template import empty, faded, thinned, wrapped
from hemo.evaluate import calibration, curves
from hemo.evaluate.metrics import Counts
from hemo.evaluate.operating_point import OperatingPoint

N = "n = 2,501 slices of 82 patients"


def texts(figure: go.Figure) -> str:
    return " ".join(str(a.text) for a in figure.layout.annotations)


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(each for each in figure.data if each.name == name)


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return synthetic_table()


def test_roc_draws_curve_band_chance_and_points(table: tuple) -> None:
    curve = curves.roc_curve(*table)
    points = (OperatingPoint("balanced", 0.4, 0.9, 0.92, "x"), OperatingPoint("rule-in", 0.8, None, None, "x"))
    figure = roc_figure({"AUC 0.98": curve}, N, points, current=(0.1, 0.9))
    assert figure.layout.title.subtitle.text == N
    assert len(trace(figure, "95 % interval").x) == 2 * len(curve.band_x)
    assert trace(figure, "AUC 0.98").y[-1] == 1
    chance = next(each for each in figure.data if each.line.dash == "dot")
    assert tuple(chance.x) == (0, 1)
    assert "AUC 0.98" in texts(figure)
    assert "balanced" in texts(figure)
    assert "rule-in" not in texts(figure)


def test_long_curves_are_thinned_but_keep_their_ends() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 20_000)
    curve = curves.roc_curve(labels, rng.random(20_000))
    figure = roc_figure({"model": curve}, N)
    drawn = trace(figure, "model").x
    assert len(drawn) <= 1500
    assert (drawn[0], drawn[-1]) == (0, 1)
    assert list(thinned(3)) == [0, 1, 2]


@pytest.mark.parametrize(
    "figure",
    [
        roc_figure({"m": "not defined, because <b>all</b>"}, N),
        precision_recall_figure({"m": "not defined, because <b>all</b>"}, 0.1, N),
        operating_figure("not defined, because <b>all</b>", 0.5, N),
        decision_figure("not defined, because <b>all</b>", N),
        empty("x", "not defined, because <b>all</b>"),
    ],
)
def test_what_is_not_defined_says_so_and_is_no_markup(figure: go.Figure) -> None:
    assert not figure.data
    assert "not defined, because &lt;b&gt;all" in texts(figure)


def test_precision_recall_names_the_share_of_bleeds(table: tuple) -> None:
    share = float(table[0].mean())
    figure = precision_recall_figure({"AP": curves.precision_recall_curve(*table)}, share, N)
    assert f"share of bleeds in this set {share:.2f}" in texts(figure)
    assert figure.layout.shapes[0].y0 == share


def test_confusion_has_four_places_to_click() -> None:
    figure = confusion_figure(Counts(tp=40, fp=5, tn=90, fn=10), N, selected="fn")
    assert tuple(figure.data[-1].customdata) == CELLS
    assert "<b style='font-size:22px'>10</b><br>bleeds missed<br>20.0% of row" in texts(figure)
    outlined = [shape for shape in figure.layout.shapes if shape.line.width]
    assert len(outlined) == 1
    assert confusion_figure(Counts(0, 0, 0, 0), N).data


def test_reliability_carries_intervals_on_the_main_line_only(table: tuple) -> None:
    labels, probability, groups = table
    figure = reliability_figure(
        {
            "calibrated": calibration.reliability(labels, probability, groups),
            "as trained": calibration.reliability(labels, probability**0.5),
        },
        N,
    )
    assert trace(figure, "calibrated").error_y.array is not None
    assert trace(figure, "as trained").error_y.array is None
    assert sum(next(each for each in figure.data if each.type == "bar").y) == 2501
    assert "no finite" in texts(reliability_figure({"x": []}, N))


def test_operating_figure_marks_threshold_and_band(table: tuple) -> None:
    found = curves.threshold_table(*table)
    figure = operating_figure(found, 0.42, N, (OperatingPoint("rule-out", 0.2, 0.95, 0.8, ""),), (0.2, 0.6))
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    assert {0.42, 0.2} == {shape.x0 for shape in lines}
    assert "uncertain" in texts(figure)
    assert trace(figure, "sensitivity").y[0] == 1.0
    assert trace(figure, "sensitivity").line.color == CALL_STYLES["Hemorrhage"].color


def test_decision_curve_stands_beside_acting_on_all(table: tuple) -> None:
    figure = decision_figure(curves.decision_curve(*table), N)
    assert {"act on the model", "act on every slice"} <= {each.name for each in figure.data}


def test_histogram_counts_every_finite_score(table: tuple) -> None:
    labels, probability, _ = table
    figure = score_histogram(labels, np.append(probability[:-1], np.nan), 0.5, N)
    bleeds, normals = (trace(figure, name) for name in ("Hemorrhage", "Normal"))
    assert sum(bleeds.y) == pytest.approx(1)
    assert sum(normals.y) == pytest.approx(-1)  # downwards
    assert sum(bar[3] for each in figure.data for bar in each.customdata) == len(labels) - 1
    assert "labelled normal" in texts(figure)
    assert "there are no slices" in texts(score_histogram([], [], 0.5, N))


def test_strip_puts_bleeders_first_and_says_what_it_leaves_out(table: tuple) -> None:
    labels, probability, groups = table
    frame = pd.DataFrame({"group": groups.astype(str), "label": labels, "probability": probability, "source": "x"})
    figure = patient_strip(frame, 0.5, N, most=20)
    assert len(figure.layout.yaxis.ticktext) == 20
    assert figure.layout.title.subtitle.text.endswith("; 62 more not drawn")
    row = int(figure.data[0].customdata[0])
    assert frame.iloc[row]["label"] == 0
    assert not patient_strip(frame.iloc[:0], 0.5, N).data


def test_helpers() -> None:
    assert faded("#FF8000", 0.5) == "rgba(255,128,0,0.5)"
    assert wrapped("a < b") == "a &lt; b"


def test_deletion_curves_carry_their_area() -> None:
    figure = deletion_figure(
        {"heat map": [1.0, 0.5, 0.0], "same map, weights shuffled": [1.0, 0.9, 0.0]}, "Painted over"
    )
    assert "heat map, area 0.50" in texts(figure)
    assert trace(figure, "same map, weights shuffled").line.dash == "dot"
    assert "not measured" in texts(deletion_figure({}, "Painted over"))
