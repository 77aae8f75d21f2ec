"""The overview: the active model's evidence with intervals, the ways on, and what Hemo is not."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.small_bundle import write_small_bundle


def open_overview() -> AppTest:
    app = AppTest.from_file("../../streamlit_app.py", default_timeout=60).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(str(each.value) for each in (*app.main.markdown, *app.main.caption))


def test_figures_stand_with_interval_and_n(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path))
    write_small_bundle(tmp_path)
    app = open_overview()
    assert [(metric.label, metric.value) for metric in app.metric] == [
        ("AUC", "0.812"),
        ("Sensitivity", "0.800"),
        ("Specificity", "0.750"),
    ]
    shown = texts(app)
    assert "0.701 to 0.903" in shown
    assert "n = 100, 10 patients" in shown
    assert "no interval" in shown
    assert "tiny" in "\n".join(str(each.value) for each in app.sidebar.markdown)


def test_without_a_model_the_overview_leads_to_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path / "none"))
    app = open_overview()
    assert "No model yet" in texts(app)
    next(button for button in app.button if button.key == "overview_train").click().run()
    assert not app.exception


def test_it_says_what_hemo_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(tmp_path / "none"))
    shown = texts(open_overview())
    assert "No medical device" in shown
    assert "not where the bleed is" in shown
