"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def hemo_data() -> Path:
    """The real CT at hand: `HEMO_DATA`, else `../shared/data` beside the project; skips where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("HEMO_DATA", default))
    if not path.is_dir():
        pytest.skip(f"needs real CT: set HEMO_DATA to a folder laid out as the data README says. Received: {path}")
    return path


@pytest.fixture(autouse=True)
def hemo_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test writes runs and caches to a folder of its own."""
    home = tmp_path / "hemo-home"
    monkeypatch.setenv("HEMO_HOME", str(home))
    return home
