"""`hemo predict --workers`: the same table as without, in the same order, resumed the same way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hemo.cli import main
from hemo.cli import predict as command
from hemo.data.phantom import write_phantom
from tests.jobs.ray_material import ray_processes, wait_until_gone
from tests.small_bundle import write_small_bundle

pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-ray.txt")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*:FutureWarning:ray")]


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    before = ray_processes()
    yield
    assert wait_until_gone(before) == set()


def test_an_archive_read_by_two_workers_gives_the_table_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_small_bundle(tmp_path / "models")
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(command, "_CHUNK", 2)
    archive = tmp_path / "archive"
    write_phantom(archive, studies=7, dicom=True, n_slices=3, size=96)
    (archive / "dicom" / "notes.txt").write_text("not a scan")
    paths = [str(archive / "dicom"), str(tmp_path / "absent")]
    tables = [tmp_path / "here.csv", tmp_path / "ray.csv"]
    overlays = [tmp_path / "overlays-here", tmp_path / "overlays-ray"]
    assert main(["predict", *paths, "--csv", str(tables[0]), "--overlays", str(overlays[0])]) == 1
    assert main(["predict", *paths, "--csv", str(tables[1]), "--overlays", str(overlays[1]), "--workers", "2"]) == 1
    assert tables[0].read_text(encoding="utf-8").count("\n") >= 22
    assert tables[0].read_bytes() == tables[1].read_bytes()
    drawn = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in overlays]
    assert drawn[0] == drawn[1]
    assert capsys.readouterr().err.count("absent: Expected a file or folder") == 2
    # Cut the table off in its middle: two workers add what is missing.
    lines = tables[0].read_bytes().splitlines(keepends=True)
    tables[1].write_bytes(b"".join(lines[:11]))
    assert main(["predict", *paths, "--csv", str(tables[1]), "--resume", "--workers", "2"]) == 1
    assert sorted(tables[1].read_bytes().splitlines(keepends=True)) == sorted(lines)
