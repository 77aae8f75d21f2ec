"""A run's folder: made once, read at any time, honest about a worker that died."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from hemo.errors import RunError
from hemo.model.training_config import RECOMMENDED
from hemo.runs.process import ProcessId
from hemo.runs.run import CONFIG, Run, create_run, delete_run, export_run, list_runs, new_name, rename_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "runs" / "first", RECOMMENDED.replace(data="/data"))


def test_a_new_run_waits_and_holds_its_configuration(run: Run) -> None:
    assert run.status().state == "queued"
    assert run.config == RECOMMENDED.replace(data="/data")
    assert run.status().queued > 1.7e9


def test_a_folder_that_holds_a_run_is_not_taken_again(run: Run) -> None:
    with pytest.raises(RunError, match="which holds one"):
        create_run(run.folder, RECOMMENDED)


@pytest.mark.parametrize("name", ["", "../up", "a b", "-dash", ".hidden", "x" * 65, "tür"])
def test_names_that_could_be_paths_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="Expected a run name of up to 64"):
        rename_run(create_run(tmp_path / "first", RECOMMENDED), name)


def test_a_folder_that_cannot_be_made_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="Expected a folder that can be written"):
        create_run(tmp_path / "file" / "run", RECOMMENDED)


def test_a_worker_that_died_without_a_word_leaves_an_interrupted_run(run: Run) -> None:
    alive = ProcessId.current()
    run.write_status(state="training", process=alive.to_json())
    assert run.status().state == "training"
    run.write_status(process=ProcessId(alive.pid, "another start").to_json())
    assert run.status().state == "interrupted"
    assert "ended without a word" in run.status().message


def test_the_time_of_a_state_changes_with_the_state_only(run: Run) -> None:
    before = run.status().since
    assert run.write_status(message="still waiting").since == before
    assert run.write_status(state="stopped").since > before


def test_a_run_at_work_is_neither_deleted_nor_renamed(run: Run) -> None:
    run.write_status(state="training", process=ProcessId.current().to_json())
    with pytest.raises(RunError, match="to delete it; stop it"):
        delete_run(run)
    with pytest.raises(RunError, match="to rename it; stop it"):
        rename_run(run, "second")
    assert (run.folder / CONFIG).exists()


def test_rename_note_and_delete(run: Run) -> None:
    run.write_status(state="finished")
    run.set_note("best so far")
    renamed = rename_run(run, "second")
    assert renamed.note == "best so far"
    assert [each.name for each in list_runs(run.folder.parent)] == ["second"]
    delete_run(renamed)
    assert list_runs(run.folder.parent) == []


def test_an_export_leaves_checkpoints_and_hidden_files_out(run: Run) -> None:
    (run.folder / "checkpoints").mkdir()
    (run.folder / "checkpoints" / "last.npz").write_bytes(b"large")
    (run.folder / ".reserve").write_bytes(b"nothing")
    with zipfile.ZipFile(io.BytesIO(export_run(run))) as archive:
        assert sorted(archive.namelist()) == ["first/config.json", "first/status.json"]


def test_new_names_are_free(tmp_path: Path) -> None:
    first = new_name(RECOMMENDED, tmp_path)
    (tmp_path / first).mkdir()
    assert not (tmp_path / new_name(RECOMMENDED, tmp_path)).exists()


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    for age, name in ((300, "old"), (100, "new"), (200, "middle")):
        run = create_run(tmp_path / name, RECOMMENDED)
        moment = run.created() - age
        os.utime(run.folder / CONFIG, (moment, moment))
    assert [run.name for run in list_runs(tmp_path)] == ["new", "middle", "old"]


def test_a_run_on_another_machine_is_at_work_until_it_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(tmp_path / "run", RECOMMENDED)
    run.write_status(state="training", process={"pid": 1, "started": "then", "host": "another"})
    assert run.status().state == "training"
    monkeypatch.setattr("hemo.runs.run.SILENCE_SECONDS", -1.0)
    assert run.status().state == "interrupted"
