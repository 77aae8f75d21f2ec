"""One run from data set to bundle in one process, and what it refuses."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from hemo.data.importers import import_dataset
from hemo.errors import BundleError, DatasetError, HemoError, RunError
from hemo.model.bundle import list_bundles, load_bundle
from hemo.model.predictor import Predictor
from hemo.model.training_config import EarlyStop, TrainingConfig
from hemo.runs import trainer as trainer_module
from hemo.runs.history import read_history
from hemo.runs.promote import promote
from hemo.runs.run import PREDICTIONS, SPLIT, Run, create_run
from hemo.runs.trainer import Trainer
from hemo.workspace import Workspace
from tests.training_material import tiny_config, write_tiny_phantom


@pytest.fixture
def make(workspace: Workspace) -> Callable[[TrainingConfig], tuple[Run, Trainer]]:
    def make(config: TrainingConfig) -> tuple[Run, Trainer]:
        run = create_run(workspace.runs / "run", config)
        return run, Trainer(run, workspace.cache, lambda: None)

    return make


@pytest.mark.slow
def test_a_run_ends_in_a_bundle_that_scores_as_the_run_did(make: Callable, workspace: Workspace, phantom: Path) -> None:
    run, trainer = make(tiny_config(phantom))
    assert trainer.work("train") == "finished"
    table = pd.read_csv(run.folder / PREDICTIONS)
    assert set(table["split"]) == {"validation", "test"}
    split = pd.read_csv(run.folder / SPLIT)
    assert split.groupby("group")["split"].nunique().max() == 1
    manifest = import_dataset(phantom)
    bundle = load_bundle(run.bundle)
    assert bundle.card["data"]["fingerprint"] == manifest.fingerprint()
    assert bundle.card["data"]["n_patients"] == 10
    predictor = Predictor(bundle)
    row = int(manifest.frame.index[manifest.frame["path"] == table["source"][0]][0])
    image = predictor.preparation.apply(manifest.read(row)).image
    assert predictor.predict(image[None]).logit[0] == pytest.approx(table["logit"][0], abs=1e-3)
    assert list((run.folder / "tensorboard").glob("events.out.tfevents.*"))
    made = promote(run, workspace.models, "my-model")
    assert [each.name for each in list_bundles(workspace.models)[0]] == ["my-model"]
    assert made.card["metrics"] == bundle.card["metrics"]
    with pytest.raises(BundleError, match="no model has"):
        promote(run, workspace.models, "my-model")


@pytest.mark.slow
def test_the_published_protocol_judges_on_slices_and_says_so(make: Callable, phantom: Path) -> None:
    stop = EarlyStop("loss", 5, "min")
    run, trainer = make(tiny_config(phantom, protocol="published", epochs=2, early_stop=stop, keep="last", test=0.0))
    assert trainer.work("train") == "finished"
    card = load_bundle(run.bundle).card
    assert "by slice" in card["data"]["split"]
    assert any("inflated" in limit for limit in card["limits"])
    assert run.config.keep == "last"
    assert card["settings"]["kept_epoch"] == 2


def test_tensorboard_files_hold_the_epochs_figures(tmp_path: Path) -> None:
    from tensorflow.core.util.event_pb2 import Event

    from hemo.runs.tensorboard import TensorBoardWriter

    writer = TensorBoardWriter(tmp_path)
    writer.write({"event": "state", "state": "training"})
    assert list(tmp_path.iterdir()) == []
    writer.write({"event": "epoch", "epoch": 3, "loss": 0.25, "val_auc": None})
    records = [Event.FromString(record) for record in tf_records(next(tmp_path.iterdir()))]
    assert records[0].file_version == "brain.Event:2"
    assert (records[1].step, records[1].summary.value[0].tag) == (3, "epoch/loss")
    assert records[1].summary.value[0].simple_value == 0.25


def tf_records(path: Path) -> list[bytes]:
    import tensorflow as tf

    return [record.numpy() for record in tf.data.TFRecordDataset(str(path))]


def test_a_failure_is_told_in_the_status_and_the_events(make: Callable, phantom: Path) -> None:
    run, trainer = make(tiny_config(phantom, batch=4000))
    with pytest.raises(RunError, match="Expected a batch of at most"):
        trainer.work("train")
    assert run.status().state == "failed"
    assert "Expected a batch of at most" in run.status().message
    assert read_history(run.folder).last["state"] == "failed"


def test_changed_data_cannot_be_resumed(make: Callable, tmp_path: Path) -> None:
    data = write_tiny_phantom(tmp_path / "own")
    run, trainer = make(tiny_config(data, batch=4000))
    with pytest.raises(RunError, match="batch"):
        trainer.work("train")
    run.config.replace(batch=8).save(run.folder / "config.json")
    (run.folder / "data.json").write_text('{"fingerprint": "%s"}' % ("0" * 64))
    with pytest.raises(RunError, match="start a new run for changed data"):
        trainer.work("resume")


def test_a_stop_while_slices_are_prepared_leaves_a_stopped_run(workspace: Workspace, phantom: Path) -> None:
    run = create_run(workspace.runs / "run", tiny_config(phantom))
    asked = iter([None, None, "stop"])
    assert Trainer(run, workspace.cache, lambda: next(asked, None)).work("train") == "stopped"
    assert run.status().state == "stopped"


def test_a_stop_need_not_wait_until_the_data_set_is_read(
    workspace: Workspace, phantom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(trainer_module, "import_dataset", lambda *arguments: never.wait(60))
    run = create_run(workspace.runs / "run", tiny_config(phantom))
    asked = iter([None, None, None, "stop"])
    assert Trainer(run, workspace.cache, lambda: next(asked, None)).work("train") == "stopped"
    assert not never.is_set()
    never.set()


@pytest.mark.parametrize("error", [DatasetError("Expected a set. Received: none"), TimeoutError(110, "timed out")])
def test_what_goes_wrong_while_the_data_set_is_read_is_told(
    make: Callable, phantom: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(trainer_module, "import_dataset", refuse)
    run, trainer = make(tiny_config(phantom))
    with pytest.raises(HemoError, match=r"Received: (none|timed out)"):
        trainer.work("train")
    assert run.status().state == "failed"


def test_a_disk_that_is_full_before_training_is_told_in_one_sentence(
    make: Callable, phantom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    run, trainer = make(tiny_config(phantom))
    monkeypatch.setattr(trainer_module, "write_text_atomically", refuse)
    with pytest.raises(RunError, match=r"Expected to be able to write the run .* nothing is lost\. Received: No space"):
        trainer.work("train")
    assert run.status().state == "failed"
