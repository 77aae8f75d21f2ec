"""The strip of scores: one place to click a slice, color and shape by call, the cut drawn."""

from hemo.charts.calls import CALL_STYLES
from hemo.charts.study_strip import study_strip

SCORES = [0.05, None, 0.5, 0.93]
CALLS = ["Normal", "Refused", "Uncertain", "Hemorrhage"]


def test_every_slice_has_a_place_to_click_over_the_full_height() -> None:
    places = study_strip(SCORES, CALLS, 0).data[0]
    assert list(places.customdata) == [0, 1, 2, 3]
    assert list(places.x) == [1, 2, 3, 4]
    assert min(places.y) + places.base >= 1
    assert places.hovertext[1] == "Slice 2: no score, Refused"
    assert places.hovertext[3] == "Slice 4: score 0.93, Hemorrhage"


def test_color_and_shape_say_the_call() -> None:
    heads = {trace.name: trace for trace in study_strip(SCORES, CALLS, 0).data if trace.name is not None}
    assert set(heads) == set(CALLS)
    for call, trace in heads.items():
        assert (trace.marker.color, trace.marker.symbol) == (CALL_STYLES[call].color, CALL_STYLES[call].marker)
    assert list(heads["Hemorrhage"].y) == [0.93]


def test_a_series_shows_each_score_among_its_neighbors() -> None:
    figure = study_strip(SCORES, CALLS, 0, smoothed=[0.1, None, 0.5, 0.8])
    assert figure.data[0].hovertext[3] == "Slice 4: score 0.93, Hemorrhage; with its neighbors 0.80"
    assert list(figure.data[1].y) == [0.1, None, 0.5, 0.8]
    assert len(figure.data) == len(study_strip(SCORES, CALLS, 0).data) + 1


def test_the_current_slice_is_framed() -> None:
    frame = study_strip(SCORES, CALLS, 2).layout.shapes[-1]
    assert (frame.x0, frame.x1) == (2.5, 3.5)


def test_band_or_threshold_is_drawn_where_it_decides() -> None:
    assert len(study_strip(SCORES, CALLS, 0).layout.shapes) == 1
    band = study_strip(SCORES, CALLS, 0, band=(0.4, 0.6)).layout.shapes[0]
    assert (band.y0, band.y1) == (0.4, 0.6)
    line = study_strip(SCORES, CALLS, 0, threshold=0.3).layout.shapes[0]
    assert (line.y0, line.y1) == (0.3, 0.3)
