"""`hemo predict`: every input read or refused in a row, errors on stderr, resumable, and nothing written elsewhere."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from hemo.cli import main
from hemo.data.phantom import write_phantom
from hemo.report import study_rows
from tests.small_bundle import write_small_bundle

HEADER = ["source", "slice", "group", "label", "probability", "call", "reason"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_small_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two DICOM series without suffix, a zip of them, a folder of pictures and what is no scan."""
    root = tmp_path_factory.mktemp("scans")
    write_phantom(root / "made", studies=2, dicom=True, n_slices=3, size=128)
    folder = root / "mixed"
    with zipfile.ZipFile(root / "study.zip", "w") as archive:
        for path in sorted((root / "made" / "dicom").rglob("*.dcm")):
            inside = f"{path.parent.name}/{path.stem}"
            archive.write(path, inside)
            (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
            (folder / inside).write_bytes(path.read_bytes())
    (root / "study.zip").rename(folder / "study.zip")
    (folder / "notes.txt").write_text("not a scan")
    (folder / "renamed.png").write_text("text under a picture's name")
    (folder / "empty.dcm").write_bytes(b"")
    return folder


@pytest.fixture(autouse=True)
def use_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(models))


def rows(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text))
    assert reader.fieldnames == HEADER
    return list(reader)


def predict(*arguments: object) -> int:
    return main(["predict", *map(str, arguments)])


def test_every_input_has_its_row_and_refusals_are_clean(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(scans, "--csv", tmp_path / "t.csv") == 0
    table = rows((tmp_path / "t.csv").read_text(encoding="utf-8"))
    by_source = {row["source"]: row for row in table}
    for name in ("notes.txt", "renamed.png", "empty.dcm"):
        row = by_source[f"{scans}/{name}"]
        assert (row["call"], row["probability"], row["slice"]) == ("Refused", "", "")
        assert row["reason"].startswith("Expected")
    slices = [row for row in table if row["slice"]]
    assert len(slices) == 12
    assert {row["label"] for row in table} == {""}
    assert {Path(row["group"]).name for row in slices} == {"SYNTHETIC-00000", "SYNTHETIC-00001"}
    for row in slices:
        assert (row["probability"] == "") == (row["call"] == "Refused")
        assert row["call"] in ("Hemorrhage", "Normal", "Uncertain", "Refused")
        if "study.zip" not in row["source"]:
            assert Path(row["source"]).is_file()
    assert any(row["probability"] for row in slices)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("15 rows of")


def test_a_zip_gives_what_the_folder_gives(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(scans / "study.zip") == 0
    zipped = rows(capsys.readouterr().out)
    assert predict(scans / "SYNTHETIC-00000", scans / "SYNTHETIC-00001") == 0
    plain = rows(capsys.readouterr().out)
    assert sorted((r["slice"], r["probability"], r["call"]) for r in zipped) == sorted(
        (r["slice"], r["probability"], r["call"]) for r in plain
    )


def test_one_missing_path_is_an_error_in_one_line_and_the_others_are_read(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(tmp_path / "absent", scans / "SYNTHETIC-00000", "--csv", tmp_path / "t.csv") == 1
    assert len(rows((tmp_path / "t.csv").read_text(encoding="utf-8"))) == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "absent" in line] == [
        f"hemo predict: {tmp_path / 'absent'}: Expected a file or folder. Received: nothing of that name"
    ]


def test_resume_reads_only_what_is_missing(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    assert predict(scans, "--csv", path) == 0
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: len(whole) * 2 // 3], encoding="utf-8")
    capsys.readouterr()
    assert predict(scans, "--csv", path, "--resume") == 0
    assert sorted(path.read_text(encoding="utf-8").splitlines()) == sorted(whole.splitlines())
    assert "already in the table" in capsys.readouterr().err
    assert predict(scans, "--csv", path, "--resume") == 0
    assert sorted(path.read_text(encoding="utf-8").splitlines()) == sorted(whole.splitlines())


def test_resume_without_a_table_is_a_usage_error(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict(scans, "--resume") == 2
    assert "--resume expects --csv FILE" in capsys.readouterr().err


def test_resume_refuses_a_file_that_is_no_table(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("precious,data\n1,2\n")
    assert predict(scans, "--csv", tmp_path / "t.csv", "--resume") == 1
    assert (tmp_path / "t.csv").read_text() == "precious,data\n1,2\n"
    assert "Expected a table" in capsys.readouterr().err


def test_overlays_have_the_slices_resolution_and_stay_in_their_folder(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "overlays"
    assert predict(scans / "study.zip", "--csv", tmp_path / "t.csv", "--overlays", out) == 0
    scored = [row for row in rows((tmp_path / "t.csv").read_text(encoding="utf-8")) if row["probability"]]
    pictures = list(out.iterdir())
    assert len(pictures) == len(scored) > 0
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (128, 128)
            assert picture.mode == "RGB"


def test_a_named_point_changes_the_calls_only(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict(scans / "study.zip")
    default = rows(capsys.readouterr().out)
    predict(scans / "study.zip", "--point", "rule-out")
    cut = rows(capsys.readouterr().out)
    assert [row["probability"] for row in default] == [row["probability"] for row in cut]
    for row in cut:
        if row["probability"]:
            assert row["call"] == ("Hemorrhage" if float(row["probability"]) >= 0.3 else "Normal")


@pytest.mark.parametrize("arguments", [["--model", "absent"], ["--point", "absent"]])
def test_an_unknown_model_or_point_is_one_line(
    scans: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(scans, *arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "Received: 'absent'" in lines[0]


def test_a_name_that_is_a_formula_or_leads_out_of_the_folder_is_tamed(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (scans / "SYNTHETIC-00001" / "0002").read_bytes()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../../escape.dcm", data)
        archive.writestr("=HYPERLINK(1).dcm", b"not a scan")
    out = tmp_path / "in" / "overlays"
    assert predict(tmp_path / "evil.zip", "--overlays", out) == 0
    text = capsys.readouterr().out
    assert all(not cell.startswith(("=", "+", "-", "@")) for line in csv.reader(io.StringIO(text)) for cell in line)
    assert all(path.parent == out for path in tmp_path.rglob("*.png"))


def test_a_study_that_breaks_the_reader_costs_only_itself(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = study_rows.study_rows

    def broken(predictor, study, *rest):  # type: ignore[no-untyped-def]
        if study.name.endswith("SYNTHETIC-00000"):
            raise ZeroDivisionError("made\nup")
        return whole(predictor, study, *rest)

    monkeypatch.setattr(study_rows, "study_rows", broken)
    assert predict(scans / "SYNTHETIC-00000", scans / "SYNTHETIC-00001", "--csv", tmp_path / "t.csv") == 1
    assert len(rows((tmp_path / "t.csv").read_text(encoding="utf-8"))) == 3
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hemo predict: /")]
    assert line.endswith("SYNTHETIC-00000: Expected a study that can be read. Received: ZeroDivisionError: made")


def test_a_full_disk_is_one_line(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hemo.report.table.os.fsync", full)
    assert predict(scans / "SYNTHETIC-00000", "--csv", tmp_path / "t.csv") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "hemo predict: Expected a table that can be written. Received: t.csv: No space left on device"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_studies(scans: Path, models: Path, tmp_path: Path) -> None:
    """Peak memory of 10 and of 200 studies in processes of their own: within 60 MB of each other."""
    import os
    import subprocess
    import sys

    peaks = []
    for count in (10, 200):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}.zip").hardlink_to(scans / "study.zip")
        code = (
            "import resource, sys; from hemo.cli import main; "
            f"status = main(['predict', {str(folder)!r}, '--csv', {str(folder / 't.csv')!r}]); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(status)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"HEMO_MODELS": str(models)},
        )
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] < 60, peaks
