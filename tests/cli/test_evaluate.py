"""`python -m hemo evaluate`: what it writes, how it counts, and with which code it ends."""

import csv
import json
from pathlib import Path

import pytest

from hemo.cli import main
from hemo.cli.evaluate import Reporter
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest, Problem
from tests.small_bundle import write_small_bundle


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A models folder with one bundle, and a phantom of twelve studies."""
    from hemo.data.phantom import write_phantom

    folder = tmp_path_factory.mktemp("material")
    write_small_bundle(folder / "models")
    write_phantom(folder / "phantom", studies=12, seed=1)
    return folder / "models", folder / "phantom"


@pytest.fixture
def phantom(material: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEMO_MODELS", str(material[0]))
    return material[1]


@pytest.mark.slow
def test_json_and_csv_of_a_phantom(phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to_json, to_csv, progress = tmp_path / "out" / "a.json", tmp_path / "a.csv", tmp_path / "progress.jsonl"
    arguments = ["evaluate", str(phantom), "--json", str(to_json), "--csv", str(to_csv), "--progress", str(progress)]
    assert main([*arguments, "--resamples", "200"]) == 0
    content = json.loads(to_json.read_text())
    manifest = import_dataset(phantom)
    assert content["n"] + content["refused"] == len(manifest)
    assert content["n_groups"] == 12
    for name in ("auc", "average_precision", "accuracy", "sensitivity", "specificity", "brier", "ece", "threshold"):
        assert 0 <= content[name] <= 1
    assert content["intervals"]["accuracy"][0] <= content["accuracy"] <= content["intervals"]["accuracy"][1]
    with to_csv.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["source", "slice", "group", "label", "probability", "call", "reason"]
    assert [int(row["label"]) for row in rows] == list(manifest.labels)
    assert {row["call"] for row in rows} <= {"Hemorrhage", "Normal", "Uncertain", "Refused"}
    shown = capsys.readouterr()
    assert "tiny on" in shown.out
    assert "by slice, shipped weights" in shown.out
    events = [json.loads(line) for line in progress.read_text().splitlines()]
    assert events[-1] == {"event": "done", "unread": 0}
    assert any(event.get("done") == len(manifest) for event in events)


@pytest.mark.slow
def test_the_second_run_reads_no_slice_again(phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["evaluate", str(phantom), "--csv", str(tmp_path / "1.csv")]) == 0

    def never(self: Manifest, i: int) -> None:
        raise AssertionError("a cached table was computed again")

    monkeypatch.setattr(Manifest, "read", never)
    assert main(["evaluate", str(phantom), "--csv", str(tmp_path / "2.csv")]) == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


@pytest.mark.slow
def test_an_unreadable_file_is_refused_and_a_missing_one_fails(
    phantom: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = Problem("x/9.png", "unreadable", "Expected a slice. Received: text.")
    found = import_dataset(phantom).with_problems([lost])
    monkeypatch.setattr("hemo.data.importers.import_dataset", lambda path, layout=None: found)
    assert main(["evaluate", str(phantom), "--csv", str(tmp_path / "a.csv")]) == 0
    assert "x/9.png,9,,,,Refused,Expected a slice. Received: text." in (tmp_path / "a.csv").read_text()
    gone = found.with_problems([Problem("y/1.png", "missing", "Expected a file. Received: none.")])
    monkeypatch.setattr("hemo.data.importers.import_dataset", lambda path, layout=None: gone)
    assert main(["evaluate", str(phantom)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "hemo evaluate: y/1.png: Expected a file. Received: none."


def test_input_that_cannot_be_used_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path / "none"))
    progress = tmp_path / "progress.jsonl"
    assert main(["evaluate", str(tmp_path / "nowhere"), "--progress", str(progress)]) == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1
    assert "Expected a folder or a CSV" in error[0]
    assert json.loads(progress.read_text().splitlines()[-1])["event"] == "failed"
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(tmp_path), "--threshold", "2"])
    assert stopped.value.code == 2


def test_progress_is_told_at_most_four_times_a_second_and_at_the_end(tmp_path: Path) -> None:
    report = Reporter(tmp_path / "p.jsonl")
    report.stage("reading slices")
    for done in range(1, 101):
        report.step(done, 100)
    events = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert len(events) <= 4
    assert events[-1] == {"event": "progress", "stage": "reading slices", "done": 100, "total": 100}
