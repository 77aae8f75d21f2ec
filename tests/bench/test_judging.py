"""The judging bench does what the page does, on a table small enough for a test; no time is asserted."""

import json
from pathlib import Path

from hemo.bench import judging
from hemo.evaluate.judged import judge


def test_every_chart_is_drawn_and_a_threshold_redraws(tmp_path: Path) -> None:
    judging.keep_table(tmp_path / "t", 400, 30)
    known = judge(tmp_path / "t")
    charts = [json.loads(chart) for chart in judging.all_charts(known)]
    assert len(charts) == 8
    assert all(chart["data"] for chart in charts)
    judging.redraw(known, 0.4)
    assert list(known.subtypes["subtype"]) == ["epidural"]
