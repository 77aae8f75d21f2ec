"""The comparison chart shows each value with its own interval, and none where there is none."""

from hemo.charts.model_figures import model_figures

ONE = {"auc": {"value": 0.9, "n": 100, "n_groups": 10, "interval": [0.8, 0.95]}, "brier": {"value": 0.1, "n": 100}}
TWO = {"auc": {"value": 0.7, "n": 50, "n_groups": None, "interval": None}}


def test_values_and_intervals_are_the_cards() -> None:
    figure = model_figures([("one", ONE), ("two", TWO)], ["auc", "brier"], {"auc": "AUC"})
    first, second = figure.data
    assert list(first.x) == [0.9, 0.1]
    assert [round(value, 6) for value in first.error_x.arrayminus] == [0.1, 0.0]
    assert [round(value, 6) for value in first.error_x.array] == [0.05, 0.0]
    assert list(second.x) == [0.7]
    assert list(second.error_x.array) == [0.0]
    assert first.y[0] != second.y[0]
    assert first.marker.symbol != second.marker.symbol
    assert list(figure.layout.yaxis.ticktext) == ["AUC", "brier"]
    assert "no interval" in second.customdata[0]


def test_one_model_alone_needs_no_legend() -> None:
    assert model_figures([("one", ONE)], ["auc"], {}).layout.showlegend is False
