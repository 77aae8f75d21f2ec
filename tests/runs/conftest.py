"""Runs for tests: a tiny phantom shared by the session, and a workspace of the test's own."""

from pathlib import Path

import pytest

from hemo.workspace import Workspace
from tests.training_material import write_tiny_phantom


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set that trains in seconds."""
    return write_tiny_phantom(tmp_path_factory.mktemp("data") / "phantom")


@pytest.fixture
def workspace(hemo_home: Path, tmp_path: Path) -> Workspace:
    """The workspace that `HEMO_HOME` names, with a models folder of its own."""
    return Workspace(root=hemo_home, models=tmp_path / "models")
