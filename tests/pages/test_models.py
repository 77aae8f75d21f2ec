"""The Models page: cards, activation, upload with its checks, comparison; never TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hemo.model.bundle import ModelBundle
from hemo.model.transfer import bundle_zip
from pages.components.state import ACTIVE_MODEL
from tests.small_bundle import write_small_bundle


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("HEMO_MODELS", str(folder))
    return folder


def open_models() -> AppTest:
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=60).run()
    app = app.switch_page("pages/models.py").run()
    assert not app.exception
    return app


def created(folder: Path, date: str, **changes: object) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"created": date} | changes))


def button(app: AppTest, key: str):  # type: ignore[no-untyped-def]
    return next(each for each in app.button if each.key == key)


def texts(app: AppTest) -> str:
    return "\n".join(str(each.value) for each in (*app.markdown, *app.caption, *app.warning, *app.error, *app.success))


def test_without_models_the_page_says_what_would_be_here_and_still_takes_one(models: Path) -> None:
    app = open_models()
    assert "No model yet" in texts(app)
    assert button(app, "models_train").label == "Train on a phantom"
    assert len(app.file_uploader) == 1


def test_a_card_shows_figures_with_interval_and_n_data_size_date_and_sha256(models: Path) -> None:
    bundle = write_small_bundle(models)
    created(bundle.path, "2026-03-04T00:00:00+00:00")
    app = open_models()
    table = app.table[0].value
    assert list(table.loc["AUC"]) == ["**0.812**", "0.70 to 0.90", "100 (10)"]
    assert list(table.loc["Specificity"]) == ["**0.750**", "none", "100"]
    reasons = next(each.value for each in app.table if "Why there is no interval" in each.value.columns)
    assert reasons.loc["Specificity", "Why there is no interval"] == "too few groups"
    shown = texts(app)
    assert "4 March 2026" in shown
    assert "head at 64 pixels" in shown
    assert "100 slices, 10 patients" in shown
    assert bundle.card["sha256"][:12] in shown
    assert app.code[0].value == bundle.card["sha256"]
    assert "Never trained" in shown
    assert "Uncertain from 0.400 to 0.600" in shown


def test_a_faulty_bundle_is_named_with_its_reason_and_the_others_are_shown(models: Path) -> None:
    write_small_bundle(models, "good")
    faulty = write_small_bundle(models, "faulty")
    card = json.loads((faulty.path / "card.json").read_text())
    del card["calibration"]
    (faulty.path / "card.json").write_text(json.dumps(card))
    app = open_models()
    (warning,) = app.warning
    assert "faulty is not loaded" in warning.value
    assert "calibration" in warning.value
    assert button(app, "models_activate_good").disabled


def test_activating_changes_the_sessions_model_and_the_buttons(models: Path) -> None:
    for name, date in (("older", "2026-01-01"), ("newer", "2026-02-01")):
        created(write_small_bundle(models, name).path, date)
    app = open_models()
    assert button(app, "models_activate_newer").disabled
    app = button(app, "models_activate_older").click().run()
    assert button(app, "models_activate_older").disabled
    assert not button(app, "models_activate_newer").disabled
    assert app.session_state[ACTIVE_MODEL] == "older"


def test_two_models_are_compared_figure_by_figure_with_a_warning_where_data_differ(models: Path) -> None:
    first = write_small_bundle(models, "first")
    second = write_small_bundle(models, "second")
    metrics = {"auc": {"value": 0.7, "n": 40, "n_groups": 5, "interval": None, "why_none": "few"}}
    created(first.path, "2026-02-01")
    created(second.path, "2026-01-01", metrics=metrics, data=dict(second.card["data"], fingerprint="1" * 64))
    app = open_models()
    table = app.table[-1].value
    assert list(table.columns) == ["first", "second", "Difference"]
    assert table.loc["AUC", "Difference"] == "-0.112"
    assert "Sensitivity" not in table.index
    assert "n = 40" in table.loc["AUC", "second"]
    assert any("different data" in warning.value for warning in app.warning)


def test_one_model_alone_is_not_compared(models: Path) -> None:
    write_small_bundle(models)
    assert not open_models().selectbox


def upload(app: AppTest, data: bytes) -> AppTest:
    app = app.file_uploader[0].set_value(("model.zip", data, "application/zip")).run()
    assert not app.exception
    return app


@pytest.fixture
def stranger(tmp_path: Path) -> ModelBundle:
    return write_small_bundle(tmp_path / "elsewhere", "stranger")


def test_an_uploaded_bundle_is_checked_kept_and_shown(models: Path, stranger: ModelBundle) -> None:
    write_small_bundle(models)
    app = upload(open_models(), bundle_zip(stranger))
    assert "stranger was added" in texts(app)
    assert (models / "stranger" / "model.keras").read_bytes() == stranger.model_file.read_bytes()
    assert button(app, "models_activate_stranger").label == "Activate"  # newer, and yet not active by itself
    assert button(app, "models_activate_tiny").label == "Active"
    assert "already" not in texts(app.run())


def test_a_refused_upload_says_why_and_changes_nothing(models: Path, stranger: ModelBundle) -> None:
    write_small_bundle(models)
    created(stranger.path, "2026-01-01", sha256="0" * 64)
    app = upload(open_models(), bundle_zip(stranger))
    assert not app.success
    assert "The model was not added" in app.error[0].value
    assert [path.name for path in models.iterdir()] == ["tiny"]
    app = upload(app, b"not a zip")
    assert "not a readable zip" in app.error[0].value


def test_a_strangers_words_are_shown_as_they_are(models: Path) -> None:
    bundle = write_small_bundle(models)
    created(bundle.path, "2026-01-01", limits=["[click](http://evil.example) <b>now</b>"], architecture="**bold** $x$")
    shown = texts(open_models())
    assert "[click](" not in shown
    assert "<b>" not in shown
    assert "**bold**" not in shown


def test_the_page_never_imports_tensorflow(models: Path) -> None:
    write_small_bundle(models, "one")
    write_small_bundle(models, "two")
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; "
        "app = AppTest.from_file('streamlit_app.py', default_timeout=60).run(); "
        "app = app.switch_page('pages/models.py').run(); "
        "assert not app.exception and len(app.table) >= 2; "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
