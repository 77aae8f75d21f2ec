"""Train: a cross-validation from the form is a group of waiting runs, and its results stand in one table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from hemo.model.training_config import RECOMMENDED
from hemo.runs import supervisor
from hemo.runs.group import Group, create_group, load_group, plan
from hemo.runs.run import PREDICTIONS, SPLIT, create_run
from hemo.workspace import Workspace
from tests.pages.train_page import no_processes, open_page  # noqa: F401 - the fixture works by being here
from tests.small_bundle import write_small_bundle
from tests.training_material import write_tiny_phantom


@pytest.fixture
def workspace(hemo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path / "models"))
    write_tiny_phantom(hemo_home / "datasets" / "phantom")
    return Workspace(root=hemo_home, models=tmp_path / "models")


def texts(app: AppTest) -> str:
    shown = (element.value for kind in (app.markdown, app.caption, app.error) for element in kind)
    return "\n".join(shown).replace("\\", "")


def start(app: AppTest, kind: str, name: str) -> AppTest:
    app.segmented_control(key="train_kind").set_value(kind).run()
    app.text_input(key="train_name").set_value(name).run()
    app.button(key="train_start").click().run()
    assert not app.exception
    return app


def test_a_cross_validation_from_the_form_waits_as_a_group_in_the_order_of_its_folds(workspace: Workspace) -> None:
    app = start(open_page(), "folds", "cv")
    group = load_group(workspace.runs / "cv")
    assert (group.base.folds, group.base.preset) == (5, "recommended")
    assert [waiting.run.name for waiting in supervisor.queue(workspace)] == [f"cv-fold-{n}" for n in range(1, 6)]
    assert app.selectbox(key="train_group").value == "cv"
    start(app, "folds", "cv")
    assert "Expected a name that neither run nor group has" in texts(app)


def test_seeds_and_a_sweep_start_from_the_form_too(workspace: Workspace) -> None:
    app = start(open_page(), "seeds", "seeds")
    assert [member.changes for member in load_group(workspace.runs / "seeds").members] == [
        {"seed": 0},
        {"seed": 1},
        {"seed": 2},
    ]
    app.segmented_control(key="train_kind").set_value("sweep").run()
    app.text_input(key="train_sweep").set_value("batch=8,16 epochs=3,4").run()
    start(app, "sweep", "sweep")
    assert len(load_group(workspace.runs / "sweep").members) == 4
    app.text_input(key="train_sweep").set_value("speed=1").run()
    start(app, "sweep", "other")
    assert "Received: speed=1" in texts(app)


def test_folds_by_slice_are_refused_in_one_sentence(workspace: Workspace) -> None:
    app = open_page()
    app.segmented_control(key="train_preset").set_value("as published").run()
    assert "Expected the protocol grouped" in texts(start(app, "folds", "cv"))
    assert not (workspace.runs / "cv").exists()


def test_finished_folds_give_out_of_fold_figures_and_say_how_many_are_missing(workspace: Workspace) -> None:
    base, changes = plan(RECOMMENDED.replace(data="/data/set"), folds=3)
    group = create_group(workspace.runs / "cv", base, changes)
    for fold in (0, 1):
        write_finished_fold(group, fold)
    app = open_page()
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Out-of-fold AUC"] == "1.000"
    assert values["Mean AUC of the folds"] == "1.000"
    assert "2 of 3 folds are finished so far" in texts(app)
    tables = [element.value for element in app.dataframe if "Held-out AUC" in element.value.columns]
    assert list(tables[0]["State"]) == ["finished", "finished", "not begun"]
    assert list(tables[0]["Fold"]) == [1, 2, 3]


def write_finished_fold(group: Group, fold: int) -> None:
    """A fold's folder as a trainer leaves it: ten patients, of whom this fold held every third out."""
    member = group.members[fold]
    run = create_run(group.run(member).folder, group.config(member), state="finished")
    patients = [f"P{number}" for number in range(30)]
    split = pd.DataFrame({"path": [f"{name}.png" for name in patients], "group": patients, "split": "train"})
    held = np.arange(30) % 3 == fold
    split.loc[held, "split"] = "test"
    split.to_csv(run.folder / SPLIT, index=False)
    labels = np.arange(30) // 3 % 2
    table = pd.DataFrame({"source": split["path"], "slice": "1", "group": patients, "label": labels})
    table = table.assign(split=split["split"], logit=labels * 2.0 - 1.0, probability=0.5)
    table[held].to_csv(run.folder / PREDICTIONS, index=False)
    bundle = write_small_bundle(run.folder / "made")
    bundle.path.rename(run.bundle)
