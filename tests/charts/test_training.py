"""Curves of training runs as data in, figure out."""

import pytest

from hemo.charts.training import compare_curves, described, training_curves


def epoch(number: int, **figures: object) -> dict:
    values = {"loss": 1 / number, "val_loss": 2 / number, "accuracy": 0.5, "val_accuracy": 0.6, "auc": 0.7}
    return {"event": "epoch", "epoch": number, "roc": [[0, 0], [0.2, 0.8], [1, 1]], **values, **figures}


def batch(number: int, at: int, loss: float = 1.0) -> dict:
    return {"epoch": number, "batch": at, "batches": 4, "loss": loss, "accuracy": 0.5, "auc": None}


def test_a_run_before_its_first_batch_draws_empty_panels() -> None:
    figure = training_curves([], [])
    assert [annotation.text for annotation in figure.layout.annotations][:4] == [
        "Loss",
        "Accuracy",
        "AUC",
        "Validation ROC by epoch",
    ]


def test_batches_lie_between_the_epochs_they_belong_to() -> None:
    figure = training_curves([epoch(1)], [batch(1, 1), batch(1, 4), batch(2, 2)])
    assert list(figure.data[0].x) == [0.25, 1.0, 1.5]


def test_a_figure_that_was_not_defined_leaves_a_gap_not_a_zero() -> None:
    figure = training_curves([epoch(1, val_accuracy=None), epoch(2), epoch(3)], [])
    validation = next(
        trace for trace in figure.data if "validation" in (trace.hovertemplate or "") and trace.y[0] == 0.6
    )
    assert list(validation.x) == [2, 3]


def test_an_exploding_first_batch_does_not_flatten_the_rest() -> None:
    figure = training_curves(
        [epoch(n) for n in range(1, 20)], [batch(1, 1, 500.0), *(batch(2, n) for n in range(1, 5))]
    )
    assert figure.layout.yaxis.range[1] < 10


def test_the_newest_roc_is_the_strongest() -> None:
    figure = training_curves([epoch(n) for n in range(1, 30)], [])
    opacities = [trace.opacity for trace in figure.data if "sensitivity" in (trace.hovertemplate or "")]
    assert len(opacities) <= 8
    assert opacities[-1] == 1.0 == max(opacities)
    assert opacities == sorted(opacities)


def test_each_run_has_one_color_and_stands_once_in_the_legend() -> None:
    figure = compare_curves({"first": [epoch(1), epoch(2)], "second": [epoch(1)]})
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert shown == ["first", "second"]
    for name in shown:
        assert len({trace.line.color for trace in figure.data if trace.name == name}) == 1


@pytest.mark.parametrize(("epochs", "words"), [([], "3 batches"), ([epoch(1), epoch(2)], "after epoch 2")])
def test_the_alternative_text_says_where_it_stands(epochs: list, words: str) -> None:
    assert words in described(epochs, [batch(1, n) for n in range(1, 4)]).lower()
