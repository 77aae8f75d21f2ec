"""The Results page on tables made by a rule: what it says, what can be changed on it; it never loads TensorFlow."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from hemo.data.library import keep_dataset
from hemo.data.manifest import Manifest, build_frame
from hemo.evaluate.predictions import predict_manifest
from hemo.model.bundle import ModelBundle, load_bundle
from hemo.model.predictor import Scores
from hemo.workspace import Workspace
from pages.components.results_job import Job
from tests.small_bundle import write_small_bundle

PATIENTS, SLICES = 24, 4


def button(app: AppTest, key: str):  # type: ignore[no-untyped-def]
    return next(each for each in app.button if each.key == key)


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.warning, app.error, app.success, app.info)
    return "\n".join(str(each.value) for kind in kinds for each in kind)


def metrics(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


@pytest.fixture(scope="session")
def bundle_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writing a bundle loads Keras, once for all tests."""
    return write_small_bundle(tmp_path_factory.mktemp("bundle")).path


def add_bundle(models: Path, source: Path, name: str = "tiny", **changes: object) -> ModelBundle:
    shutil.copytree(source, models / name)
    card = models / name / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"name": name} | changes))
    return load_bundle(models / name)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("HEMO_MODELS", str(folder))
    return folder


@pytest.fixture
def data_set(tmp_path: Path, hemo_home: Path) -> Manifest:
    """96 pictures of 24 patients; a bleed brightens a corner, more or less."""
    root = tmp_path / "set"
    root.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for i in range(PATIENTS * SLICES):
        label = int(i // SLICES % 2 == 0 and i % SLICES < 2)
        picture = rng.integers(60, 100, (64, 64)).astype(np.uint8)
        picture[:32, :32] = np.clip(picture[:32, :32] + label * rng.integers(0, 120), 0, 255)
        cv2.imwrite(str(root / f"{i:03d}.png"), picture)
        rows.append(
            {
                "path": f"{i:03d}.png",
                "label": label,
                "group": f"patient-{i // SLICES}",
                "group_kind": "patient",
                "slice": str(i % SLICES),
                "split": "train" if i < 60 else "test",
                "epidural": bool(label),
            }
        )
    manifest = Manifest(build_frame(rows), root, "Test *set*", "tests", "CC0", "nobody")
    keep_dataset(manifest, Workspace.from_environment().datasets)
    return manifest


class Rule:
    """Scores a picture by how bright its corner is."""

    def __init__(self, bundle):  # type: ignore[no-untyped-def]
        self.bundle, self.preparation = bundle, bundle.preparation

    def predict(self, images: np.ndarray) -> Scores:
        corner = images[:, :32, :32].mean(axis=(1, 2)) / 255
        probability = (1 / (1 + np.exp(-20 * (corner - 0.4)))).astype(np.float32)
        heat = np.zeros((len(images), 2, 2), np.float32)
        heat[:, 0, 0] = probability
        return Scores(np.log(probability / (1 - probability)), probability, heat)


def evaluate(bundle: ModelBundle, data_set: Manifest) -> None:
    """A table in the workspace, as `hemo evaluate` would leave it."""
    with pytest.MonkeyPatch.context() as patch:
        verdict = SimpleNamespace(is_head=True, reason="", head=None)
        patch.setattr("hemo.evaluate.predictions.assess", lambda ct_slice: verdict)
        predict_manifest(Rule(bundle), data_set, folder=Workspace.from_environment().predictions)  # type: ignore[arg-type]


@pytest.fixture
def evaluated(models: Path, bundle_once: Path, data_set: Manifest) -> Path:
    """One bundle, judged on the set; the models folder."""
    evaluate(add_bundle(models, bundle_once), data_set)
    return models


def open_results() -> AppTest:
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=120).run()
    app = app.switch_page("pages/results.py").run()
    assert not app.exception
    return app


def test_without_models_or_data_the_page_says_what_would_be_here(models: Path, bundle_once: Path) -> None:
    app = open_results()
    assert "No model to judge" in texts(app)
    assert button(app, "results_no_model").label == "Go to Train"
    add_bundle(models, bundle_once)
    app = open_results()
    assert "No data set yet" in texts(app)
    assert button(app, "results_no_data").label == "Make a phantom"


def test_a_set_not_evaluated_yet_offers_it_and_starts_a_process(
    models: Path, bundle_once: Path, data_set: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple] = []
    monkeypatch.setattr(Job, "start", lambda self, *arguments: started.append(arguments))
    add_bundle(models, bundle_once)
    app = open_results()
    assert r"was not evaluated on Test \*set\* yet" in texts(app)
    button(app, "results_evaluate").click().run()
    ((_, path, name, out_of_fold, audit),) = started
    assert (name, out_of_fold, audit) == ("tiny", False, False)
    assert (path / "manifest.csv").is_file()


def test_figures_with_intervals_and_a_threshold_that_moves_them(evaluated: Path) -> None:
    app = open_results()
    shown = texts(app)
    assert "**By slice.** n = 96 slices of 24 patients, 24 with a bleed." in shown
    assert "2,000 resamples of 24 patients" in shown
    before = metrics(app)
    assert {"AUC", "Average precision", "Sensitivity", "Specificity", "Accuracy", "PPV", "NPV"} <= set(before)
    assert before["Bleeds missed here"].endswith("of 24")
    app.slider(key="results_threshold").set_value(0.05).run()
    after = metrics(app)
    assert int(after["Bleeds missed here"].split()[0]) < int(before["Bleeds missed here"].split()[0])
    assert after["AUC"] == before["AUC"]
    ppv = after["PPV"]
    app.slider(key="results_prevalence").set_value(2.0).run()
    assert float(metrics(app)["PPV"]) < float(ppv)
    button(app, "results_point_balanced").click().run()
    assert app.slider(key="results_threshold").value == 0.5


def test_a_cell_shows_its_slices_and_doubtful_labels_can_be_taken_along(evaluated: Path) -> None:
    app = open_results()
    app.radio(key="results_cell").set_value("tn").run()
    assert any("normals cleared, furthest" in each.value for each in app.caption)
    assert sum("labelled normal" in each.value for each in app.caption) == 8
    app.radio(key="results_cell").set_value("fn").run()
    shown = [each.value for each in app.caption if "labelled epidural" in each.value]
    assert shown
    app.checkbox[0].check().run()
    assert any("1 doubtful" in each.label for each in app.get("download_button"))
    app.text_input(key="results_filter_group").set_value("nobody").run()
    assert any("matches the filter" in each.value for each in app.caption)


@pytest.mark.parametrize("view", ["curves", "calibration", "levels", "places", "audit", "compare", "report"])
def test_every_view_opens(evaluated: Path, view: str) -> None:
    app = open_results()
    app.segmented_control(key="results_view").set_value(view).run()
    assert not app.exception
    expected = {
        "calibration": "Brier score = reliability",
        "levels": "24 patients, 12 with a bleed; called when a slice is",
        "places": "Not measured here",
        "audit": "What does this accuracy rest on?",
        "compare": "There is one model only",
        "report": "CLAIM",
    }
    assert expected.get(view, "") in texts(app)


def test_two_models_are_compared_in_pairs(evaluated: Path, bundle_once: Path, data_set: Manifest) -> None:
    old = {"created": "2020-01-01T00:00:00+00:00", "uncertain_band": None}  # the newest is the page's first choice
    other = add_bundle(evaluated, bundle_once, "other", **old)
    app = open_results()
    app.segmented_control(key="results_view").set_value("compare").run()
    assert "was not evaluated on this set yet" in texts(app)
    evaluate(other, data_set)
    app.run()
    assert "McNemar" in texts(app)


def test_a_set_of_one_class_says_why_in_the_figures_place(models: Path, bundle_once: Path, data_set: Manifest) -> None:
    one = replace(data_set, frame=data_set.frame.assign(label=0, epidural=False), name="One class")
    keep_dataset(one, Workspace.from_environment().datasets)
    evaluate(add_bundle(models, bundle_once), one)
    app = open_results()
    assert "not defined, because all 96 slices are labelled normal" in texts(app).replace("\\", "")


def test_the_page_never_loads_tensorflow(evaluated: Path) -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('streamlit_app.py', default_timeout=120).run().switch_page('pages/results.py').run()\n"
        "assert not app.exception and len(app.metric) > 5, app.exception\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=True,
        timeout=180,
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
