"""The Train page: form and presets, what stands there while a run works, and past runs."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from hemo.model.training_config import AS_PUBLISHED, RECOMMENDED
from hemo.runs import facts
from hemo.runs.control import ControlReader
from hemo.runs.events import EVENTS, EventWriter
from hemo.runs.facts import NetworkFacts
from hemo.runs.process import ProcessId
from hemo.runs.run import FIGURES, SAMPLES, Run, create_run
from hemo.workspace import Workspace
from pages.components.train_form import clock, duration
from tests.pages.train_page import no_processes, open_page  # noqa: F401 - the fixture works by being here
from tests.small_bundle import write_small_bundle
from tests.training_material import write_tiny_phantom

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(hemo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path / "models"))
    return Workspace(root=hemo_home, models=tmp_path / "models")


@pytest.fixture
def phantom(workspace: Workspace) -> Path:
    return write_tiny_phantom(workspace.datasets / "phantom")


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.error, app.warning) for element in kind)


def make_run(workspace: Workspace, name: str, state: str, epochs: int = 2, **changes: object) -> Run:
    run = create_run(workspace.runs / name, RECOMMENDED.replace(data="/data/set", **changes))
    writer = EventWriter(run.folder / EVENTS)
    for epoch in range(1, epochs + 1):
        figures = {"loss": 0.6 / epoch, "accuracy": 0.7, "auc": 0.75, "learning_rate": 0.001, "images_per_second": 55.0}
        writer.write({"event": "batch", "epoch": epoch, "batch": 4, "batches": 4, "time_left_s": 95.0, **figures})
        validation = {"val_loss": 0.7, "val_accuracy": 0.65, "val_auc": 0.5 + epoch / 10}
        writer.write({"event": "epoch", "epoch": epoch, "best_epoch": epoch, "seconds": 3.0, **figures, **validation})
    writer.close()
    run.write_status(state=state, process=ProcessId.current().to_json())
    return run


def test_an_empty_workspace_offers_the_phantom_and_says_what_will_stand_here(workspace: Workspace) -> None:
    app = open_page()
    assert "No run yet" in texts(app)
    assert app.button(key="train_make_phantom").label == "Make a phantom"


def test_the_page_starts_with_the_recommended_preset_and_the_published_one_fills_every_field(phantom: Path) -> None:
    app = open_page()
    assert app.radio(key="train_architecture").value == RECOMMENDED.architecture
    app.segmented_control(key="train_preset").set_value("as published").run()
    assert app.radio(key="train_architecture").value == "seed_cnn"
    assert app.number_input(key="train_epochs").value == 50
    assert app.selectbox(key="train_stop_monitor").value == "loss"
    assert app.number_input(key="train_stop_patience").value == 5
    assert app.segmented_control(key="train_protocol").value == "published"
    assert app.slider(key="train_augment_zoom").value == 0.25
    assert "validation figures come out too high" in texts(app).replace("\\", "")


@pytest.mark.parametrize("preset", ["as published", "recommended"])
def test_start_queues_exactly_the_preset(workspace: Workspace, phantom: Path, preset: str) -> None:
    app = open_page()
    app.segmented_control(key="train_preset").set_value(preset).run()
    app.text_input(key="train_name").set_value("mine").run()
    app.button(key="train_start").click().run()
    assert not app.exception
    config = Run(workspace.runs / "mine").config
    assert config.preset == preset
    expected = AS_PUBLISHED if preset == "as published" else RECOMMENDED
    same = {"data": config.data, "augmentation": config.augmentation}
    assert config == expected.replace(**same)
    assert config.data == str(phantom.resolve())
    assert "waiting" in texts(app)


def test_an_edited_preset_no_longer_bears_its_name(workspace: Workspace, phantom: Path) -> None:
    app = open_page()
    app.number_input(key="train_epochs").set_value(3).run()
    app.text_input(key="train_name").set_value("edited").run()
    app.button(key="train_start").click().run()
    config = Run(workspace.runs / "edited").config
    assert (config.epochs, config.preset) == (3, "")


def test_a_hidden_setting_keeps_its_value(phantom: Path) -> None:
    app = open_page()
    app.number_input(key="train_weight_decay").set_value(0.02).run()
    app.selectbox(key="train_optimizer").set_value("adam").run()
    app.selectbox(key="train_optimizer").set_value("adamw").run()
    assert app.number_input(key="train_weight_decay").value == 0.02


def test_the_form_is_as_it_was_left_after_a_visit_elsewhere(phantom: Path) -> None:
    app = open_page()
    app.number_input(key="train_epochs").set_value(7).run()
    app.switch_page("pages/models.py").run()
    app.switch_page("pages/train.py").run()
    assert app.number_input(key="train_epochs").value == 7


def test_choosing_a_network_takes_its_own_image_size(phantom: Path) -> None:
    app = open_page()
    app.radio(key="train_architecture").set_value("lite0").run()
    assert app.selectbox(key="train_image_size").value == 224


def test_what_cannot_be_queued_is_said_in_one_sentence(workspace: Workspace, phantom: Path) -> None:
    app = open_page()
    app.text_input(key="train_name").set_value("../escape").run()
    app.button(key="train_start").click().run()
    assert "Expected a run name of up to 64" in texts(app)
    assert list(workspace.runs.glob("*/config.json")) == []


def test_the_cost_of_a_network_is_shown_once_measured(workspace: Workspace, phantom: Path) -> None:
    facts.remember(workspace, RECOMMENDED, NetworkFacts(512_345, 0.01))
    shown = texts(open_page())
    assert "512,345" in shown
    assert "an epoch on this machine" in shown


def test_a_network_that_cannot_be_built_says_so_before_it_is_started(workspace: Workspace, phantom: Path) -> None:
    facts.remember(workspace, RECOMMENDED, NetworkFacts(0, problem="Expected an image size that compact can take."))
    assert "Expected an image size that compact can take" in texts(open_page()).replace("\\", "")


def test_a_working_run_is_found_by_a_fresh_page_with_its_facts(workspace: Workspace) -> None:
    make_run(workspace, "at-work", "training")
    app = open_page()
    shown = texts(app).replace("\\", "")
    assert "at-work" in shown
    assert "training since" in shown
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Images a second"] == "55"
    assert metrics["Time left at most"] == "2 min"
    assert "Best so far by validation AUC: epoch 2, 0.700" in shown
    assert app.button(key="train_start").label == "Add to the queue"


def test_pause_and_stop_leave_their_command_for_the_worker(workspace: Workspace) -> None:
    run = make_run(workspace, "at-work", "training")
    app = open_page()
    reader = ControlReader(run.folder)
    app.button(key="train_pause_now").click().run()
    assert reader() == "pause"
    run.write_status(state="paused")
    app.run()
    app.button(key="train_resume_now").click().run()
    assert reader() == "resume"
    app.button(key="train_stop_now").click().run()
    assert reader() == "stop"


def test_the_queue_names_who_waits_behind_whom(workspace: Workspace) -> None:
    make_run(workspace, "at-work", "training")
    waiting = create_run(workspace.runs / "patient-one", RECOMMENDED.replace(data="/data"))
    app = open_page()
    shown = texts(app).replace("\\", "")
    assert f"**patient-one** waits since {clock(waiting.status().queued)}, behind at-work" in shown
    app.button(key="train_unqueue_0_patient-one").click().run()
    assert waiting.status().state == "stopped"


def test_an_interrupted_run_can_be_resumed(workspace: Workspace) -> None:
    run = make_run(workspace, "killed", "training")
    run.write_status(process=ProcessId(2**22 + 5, "long ago").to_json())
    app = open_page()
    assert "ended without a word" in texts(app)
    app.button(key="train_resume_run").click().run()
    assert run.status().state == "queued"


def test_a_failed_run_shows_its_reason(workspace: Workspace) -> None:
    make_run(workspace, "bad", "failed", epochs=0).write_status(message="Expected a batch of at most 40. Received: 500")
    assert "Expected a batch of at most 40" in texts(open_page())


def test_one_ticked_run_becomes_a_model_with_one_click(workspace: Workspace) -> None:
    run = make_run(workspace, "done", "finished")
    write_small_bundle(run.folder, "bundle")
    (run.folder / FIGURES).write_text(json.dumps({"test": {"auc": {"value": 0.8, "interval": [0.7, 0.9], "n": 10}}}))
    app = tick(open_page(), 0)
    assert "0.800 (0.700 to 0.900)" in app.table[0].value.to_string()
    app.button(key="train_promote").click().run()
    assert not app.exception
    assert (workspace.models / "done" / "model.keras").is_file()
    app.button(key="train_promote").click().run()
    assert "Expected a name that no model has" in texts(app)


def test_the_newest_finished_run_offers_the_one_click_above_the_form(workspace: Workspace) -> None:
    run = make_run(workspace, "done", "finished")
    write_small_bundle(run.folder, "bundle")
    app = open_page()
    assert {metric.label: metric.value for metric in app.metric}["Time trained"] == "6 s"
    app.button(key="train_promote_now").click().run()
    assert (workspace.models / "done" / "model.keras").is_file()
    # The run at work is drawn anew every second; what the click came to must outlive that.
    assert [each.value for each in app.run().success] == ["done stands under Models now."]
    app.button(key="train_promote_now").click().run()
    assert "Expected a name that no model has" in texts(app.run())


def test_samples_of_the_latest_epoch_stand_under_the_curves_and_any_epoch_of_a_past_run(workspace: Workspace) -> None:
    run = make_run(workspace, "done", "finished")
    folder = run.folder / SAMPLES
    folder.mkdir()
    names = np.frombuffer(b'["a.png", "b.png"]', np.uint8)
    np.savez(folder / "slices.npz", images=np.full((2, 32, 32), 90, np.uint8), labels=np.array([1, 0]), names=names)
    for epoch, score in ((1, 0.25), (2, 0.75)):
        probability = np.array([score, 0.1], np.float32)
        np.savez(folder / f"epoch-000{epoch}.npz", heat=np.full((2, 4, 4), 128, np.uint8), probability=probability)
    app = open_page()
    assert "score 0.75" in texts(app)
    assert "after epoch 2" in texts(app)
    app = tick(app, 0)
    app.select_slider(key="train_samples_done").set_value(1).run()
    assert not app.exception
    assert "score 0.25" in texts(app)


def test_two_ticked_runs_show_what_differs_and_only_that(workspace: Workspace) -> None:
    make_run(workspace, "one", "finished", seed=1)
    make_run(workspace, "two", "finished", seed=2, batch=16)
    app = tick(open_page(), 0, 1)
    assert not app.exception
    settings = next(frame.value for frame in app.dataframe if "seed" in frame.value.index)
    assert sorted(settings.index) == ["batch", "seed"]
    assert sorted(settings.loc["seed"]) == ["1", "2"]


def test_a_run_is_deleted_after_a_second_click(workspace: Workspace) -> None:
    run = make_run(workspace, "old", "stopped")
    app = tick(open_page(), 0)
    app.button(key="train_delete").click().run()
    assert not run.folder.exists()


def tick(app: AppTest, *rows: int) -> AppTest:
    app.session_state["train_table"] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_the_page_does_not_import_tensorflow(workspace: Workspace, phantom: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('streamlit_app.py', default_timeout=120).run().switch_page('pages/train.py').run()\n"
        "assert not app.exception; print('tensorflow' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (45, "45 s"), (95, "2 min"), (3600, "60 min"), (7500, "2 h 5 min")]
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_moment_of_another_day_bears_its_date() -> None:
    assert len(clock(time.time())) == 5
    assert len(clock(time.time() - 5 * 86400)) == 16
