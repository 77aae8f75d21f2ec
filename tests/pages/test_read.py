"""The Read page: a study in, a call out; nothing it does twice costs inference twice."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from hemo.data.phantom_dicom import PATIENT_NAME
from hemo.evaluate.study_reading import read_study
from hemo.model import reading
from hemo.model.bundle import ModelBundle, load_bundle
from pages.components.models import identity
from pages.components.read_export import everything_json, report_dicom, report_pdf, table_csv
from tests.phantom_files import dicom_files, png_file, small_study
from tests.small_bundle import write_small_bundle


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_small_bundle(folder)
    return folder


@pytest.fixture
def app(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("HEMO_MODELS", str(models))
    running = AppTest.from_file("../../streamlit_app.py", default_timeout=120).run()
    yield running.switch_page("pages/read.py").run()


def drop(app: AppTest, files: list[tuple[str, bytes]]) -> AppTest:
    uploader = next(each for each in app.file_uploader if str(each.key).startswith("read_files"))
    uploader.set_value([(name, data, "application/octet-stream") for name, data in files])
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(str(each.value) for each in (*app.main.markdown, *app.main.caption, *app.main.error))


def button(app: AppTest, key: str) -> Any:
    return next(each for each in app.button if each.key == key)


def test_without_a_model_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path / "none"))
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=60).run().switch_page("pages/read.py").run()
    assert not app.exception
    assert "No model to read with" in texts(app)
    assert not app.file_uploader


def test_the_empty_page_offers_a_phantom(app: AppTest) -> None:
    assert "No study yet" in texts(app)
    assert button(app, "read_example").label == "Read a phantom study"


def test_a_dicom_study_gets_a_call_for_the_study_and_for_the_slice(app: AppTest) -> None:
    drop(app, dicom_files(small_study()))
    shown = texts(app)
    assert "Highest slice score" in shown
    assert "This slice:" in shown
    assert "Slice " in shown and " of 3" in shown


def test_an_upload_is_not_kept_by_the_uploader(app: AppTest) -> None:
    """After a drop the page holds a compact copy; Streamlit's own copy of the bytes is let go."""
    drop(app, dicom_files(small_study()))
    assert all(not each.value for each in app.file_uploader)


def test_bad_files_are_named_and_the_good_one_is_read(app: AppTest) -> None:
    bad = [("notes.png", b"this is text"), ("cut.png", png_file(small_study())[:200])]
    drop(app, [*bad, ("slice.png", png_file(small_study()))])
    shown = texts(app)
    assert "notes\\.png" in shown and "cut\\.png" in shown
    assert "Received" in shown
    assert "This slice:" in shown


def test_a_file_name_is_never_markdown(app: AppTest) -> None:
    drop(app, [("![x](http://evil.example/a.png) **bold**.png", b"no picture")])
    shown = texts(app)
    assert "![x](" not in shown
    assert "\\!\\[x\\]" in shown


def test_slices_windows_points_and_opacity_cost_no_inference(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(app, dicom_files(small_study()))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network ran again")

    monkeypatch.setattr(reading, "_read_batch", refuse)
    button(app, "read_next").click().run()
    button(app, "read_window_bone").click().run()
    app.slider(key="read_opacity").set_value(20).run()
    button(app, "read_toggle_overlay").click().run()
    app.selectbox(key="read_point").select("rule-out").run()
    assert not app.exception
    assert "Rule\\-out" in texts(app)


def test_a_window_of_the_readers_own_is_used(app: AppTest) -> None:
    drop(app, dicom_files(small_study()))
    app.slider(key="read_free_level").set_value(100).run()
    app.slider(key="read_free_width").set_value(300).run()
    assert not app.exception
    assert app.session_state["read_window"] == "free"
    button(app, "read_window_brain").click().run()
    assert app.session_state["read_window"] == "brain"


def test_the_operating_point_changes_the_calls(app: AppTest) -> None:
    drop(app, dicom_files(small_study()))
    answers = {}
    for point in ("rule-out", "balanced"):
        app.selectbox(key="read_point").select(point).run()
        answers[point] = texts(app)
    assert "reaches the rule\\-out threshold" in answers["rule-out"] or "below the rule\\-out" in answers["rule-out"]
    assert "balanced threshold" in answers["balanced"]


def test_several_studies_stand_worst_first(app: AppTest) -> None:
    drop(app, [*dicom_files(small_study(1)), *dicom_files(small_study(2, None), "other")])
    triage = app.radio(key="read_study")
    assert len(triage.options) == 2
    assert triage.label == "2 studies, worst first"


def test_the_same_study_dropped_twice_is_one_study(app: AppTest) -> None:
    drop(app, dicom_files(small_study()))
    drop(app, dicom_files(small_study()))
    assert not [each for each in app.radio if each.key == "read_study"]


def test_the_verdict_stays_with_the_study_and_leaves_with_the_json(app: AppTest, models: Path) -> None:
    drop(app, dicom_files(small_study()))
    verdict = next(each for each in app.segmented_control if str(each.key).startswith("read_verdict"))
    verdict.set_value("Disagree").run()
    note = next(each for each in app.text_input if str(each.key).startswith("read_note"))
    note.set_value("calcified plexus").run()
    answers, room, bundle = answered(app, models)
    exported = json.loads(everything_json(answers, room, bundle, named=False))
    study = exported["studies"][0]
    assert study["reader"] == {"verdict": "Disagree", "note": "calcified plexus"}
    assert study["n_slices"] == 3
    assert exported["notice"] == "For teaching and research, not for diagnosis."


def test_exports_carry_no_file_name_and_no_patient_unless_asked(app: AppTest, models: Path) -> None:
    drop(app, [*dicom_files(small_study(), folder="CANARY"), ("CANARY.txt", b"text")])
    answers, room, bundle = answered(app, models)
    named = identity(bundle)
    for exported in (everything_json(answers, room, bundle, False), table_csv(answers, room, named, False)):
        assert "CANARY" not in exported
        assert PATIENT_NAME not in exported
    assert "CANARY" in table_csv(answers, room, named, True)
    offered = {each.key for each in app.get("download_button")}
    assert {f"read_export_{suffix}" for suffix in ("csv", "json", "pdf", "dicom", "png", "zip")} <= offered


def test_reports_of_a_study_name_the_patient_only_when_asked(app: AppTest, models: Path) -> None:
    drop(app, dicom_files(small_study()))
    answers, _, bundle = answered(app, models)
    entry, answer = answers[0]
    for named in (False, True):
        assert report_pdf(entry, answer, "study 1", bundle, named).startswith(b"%PDF")
        with zipfile.ZipFile(io.BytesIO(report_dicom(entry, answer, "study 1", bundle, named))) as archive:
            files = [archive.read(name) for name in archive.namelist()]
        assert len(files) >= 2
        assert any(PATIENT_NAME.encode() in file for file in files) is named


def test_clear_forgets_everything(app: AppTest) -> None:
    drop(app, dicom_files(small_study()))
    button(app, "read_clear").click().run()
    assert "No study yet" in texts(app)


def answered(app: AppTest, models: Path) -> tuple[Any, Any, ModelBundle]:
    """What the page hands to its exports."""
    bundle, room = load_bundle(models / "tiny"), app.session_state["read_room"]
    answers = [(entry, read_study(entry.readings[identity(bundle)], bundle.card)) for entry in room.studies]
    return answers, room, bundle
