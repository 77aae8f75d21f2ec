"""The viewer's figure: true proportions, one zoom for all panes, pixels that survive the way to the browser."""

import base64

import cv2
import numpy as np
import pytest

from hemo.charts.slice_view import Pane, png_uri, slice_view

GREY = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8)
RGB = np.stack([GREY, GREY[::-1], GREY // 2], axis=-1)


def decoded(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def test_pictures_arrive_unchanged() -> None:
    np.testing.assert_array_equal(decoded(png_uri(GREY)), GREY)
    np.testing.assert_array_equal(decoded(png_uri(RGB))[..., ::-1], RGB)


def test_every_pane_is_one_picture_and_zooms_with_the_first() -> None:
    figure = slice_view([Pane("plain", GREY), Pane("heat", RGB, heat=True)])
    assert len(figure.layout.images) == 2
    assert figure.layout.xaxis2.matches == "x" and figure.layout.yaxis2.matches == "y"
    assert figure.layout.yaxis.scaleanchor == "x" and figure.layout.yaxis2.scaleanchor == "x2"
    assert {note.text for note in figure.layout.annotations} == {"plain", "heat"}


def test_spacing_gives_true_proportions_and_a_scale_bar() -> None:
    figure = slice_view([Pane("plain", GREY)], spacing_mm=(4.0, 2.0))
    picture = figure.layout.images[0]
    assert (picture.sizex, picture.sizey) == (128.0, 192.0)
    bar = figure.layout.shapes[0]
    assert bar.x1 - bar.x0 == pytest.approx(50.0)


def test_without_spacing_no_scale_is_claimed() -> None:
    figure = slice_view([Pane("plain", GREY)])
    assert not figure.layout.shapes
    assert (figure.layout.images[0].sizex, figure.layout.images[0].sizey) == (64, 48)


def test_only_a_heat_pane_has_a_color_bar() -> None:
    def bars(pane: Pane) -> int:
        return sum(bool(trace.marker.showscale) for trace in slice_view([pane]).data)

    assert (bars(Pane("plain", GREY)), bars(Pane("heat", RGB, heat=True))) == (0, 1)


def test_zoom_is_kept_while_the_study_stays() -> None:
    assert slice_view([Pane("plain", GREY)], revision="study 7").layout.uirevision == "study 7"
