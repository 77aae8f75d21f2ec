"""`hemo bench` prints every ratio with its baseline and the machine, and writes the same as JSON."""

import json
from pathlib import Path

import pytest

from hemo.bench import BENCHMARKS, Ratio
from hemo.cli import main
from hemo.errors import HemoError


@pytest.fixture
def two_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Ratio]:
        raise HemoError("Expected a model. Received: none")

    monkeypatch.setitem(BENCHMARKS, "reading", lambda: [Ratio.at_least("read", "the slow way", 0.9, 0.1, 8)])
    for name in list(BENCHMARKS):
        if name not in ("reading", "input-pipeline"):
            monkeypatch.delitem(BENCHMARKS, name)
    monkeypatch.setitem(BENCHMARKS, "input-pipeline", broken)


@pytest.mark.usefixtures("two_benchmarks")
def test_ratios_are_printed_and_written_and_a_broken_benchmark_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--json", str(tmp_path / "b.json")]) == 1
    output = capsys.readouterr()
    assert "cores of" in output.out.splitlines()[0]
    assert output.out.splitlines()[1] == "read: 9.00 (target ≥ 8, reached); 100.0 ms against 900.0 ms for the slow way"
    assert "hemo bench: input-pipeline: Expected a model. Received: none" in output.err.splitlines()
    written = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert written["machine"]["cores"] >= 1
    assert written["ratios"] == [
        {
            "benchmark": "reading",
            "name": "read",
            "baseline": "the slow way",
            "baseline_s": 0.9,
            "ours_s": 0.1,
            "ratio": 9.0,
            "target": "≥ 8",
            "reached": True,
        }
    ]


@pytest.mark.usefixtures("two_benchmarks")
def test_one_benchmark_can_be_run_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--only", "reading"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
