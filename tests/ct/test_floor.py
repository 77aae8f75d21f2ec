"""The ground floor stands alone and starts fast."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# Loaded only when a file needs them, or never on this floor.
LATE = ("nibabel", "pydicom", "gdcm", "openjpeg", "jpeg_ls", "tensorflow", "keras", "streamlit", "pandas", "highdicom")


def test_reading_loads_no_decoder_and_nothing_from_above():
    program = "import sys, hemo.ct.study, hemo.ct.folder; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "hemo.ct.study" in loaded
    assert loaded.isdisjoint(LATE)
    above = [name for name in loaded if name.startswith("hemo.") and not name.startswith("hemo.ct")]
    assert sorted(above) == ["hemo.errors"]
