"""Pages other than Read and Train never import TensorFlow: their readers would wait seconds for nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_bundle import write_small_bundle

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("streamlit_app.py", default_timeout=100).run()
if sys.argv[1] != "overview":
    app = app.switch_page(f"pages/{sys.argv[1]}.py").run()
assert not app.exception, app.exception
assert len(app.title) == 1, app.title
heavy = {"tensorflow", "keras", "torch"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_small_bundle(folder)
    return folder


@pytest.mark.parametrize("name", ["overview", "data", "results", "models"])
def test_page_opens_without_tensorflow(name: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMO_MODELS", str(models))
    command = [sys.executable, "-c", SCRIPT, name]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
