"""What tests of the Train page share: the page opened, and nothing started behind it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hemo.runs import facts, supervisor

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page itself is under test: what it starts is not."""
    monkeypatch.setattr(supervisor, "ensure_supervisor", lambda workspace: None)
    monkeypatch.setattr(facts, "measure_in_background", lambda workspace, config: False)


def open_page() -> AppTest:
    """The Train page, drawn once without an error."""
    app = AppTest.from_file(str(REPOSITORY / "streamlit_app.py"), default_timeout=180)
    app = app.run().switch_page("pages/train.py").run()
    assert not app.exception
    return app
