"""A tiny phantom shared by the session."""

from pathlib import Path

import pytest

from tests.training_material import write_tiny_phantom


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set that trains in seconds."""
    return write_tiny_phantom(tmp_path_factory.mktemp("data") / "phantom")
