"""Every attack in `hostile.py`, measured in a process of its own against a benign file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ct.hostile import ATTACKS, JPEG_LS
from tests.ct.make_dicom import compressed, ct_bytes, ct_dataset

REPOSITORY = Path(__file__).resolve().parents[2]
MOST_BYTES = 300 * 2**20
# Processor time, because a test machine is shared; decoding is the only thing that could wait, and it computes.
MOST_SECONDS = 5.0
# Attacks whose file is a valid picture of nothing: they are read, within the same costs.
VALID = {
    "deflated slices of air",
    "JPEG 2000, many frames",
    "RLE of black frames",
    "PNG of zeros, largest allowed",
    "zip of black slices",
    "NIfTI of air",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to measure memory"),
]


def cost_of(data: bytes) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ct.hostile"], input=data, capture_output=True, cwd=REPOSITORY, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def benign() -> dict:
    """A benign compressed file, so that the decoder process counts as benign too."""
    return cost_of(compressed(ct_dataset(), JPEG_LS))


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_cheap_refused_in_a_sentence_and_harms_no_good_file(name, benign):
    data = ATTACKS[name]()
    cost = cost_of(data)
    extra = cost["peak"] + cost["decoder_peak"] - benign["peak"] - benign["decoder_peak"] - len(data)
    assert extra <= MOST_BYTES, f"{extra / 2**20:.0f} MB"
    assert cost["cpu_seconds"] - benign["cpu_seconds"] <= MOST_SECONDS
    assert cost["good"] == 1
    assert bool(cost["refused"]) or name in VALID
    for reason in cost["refused"]:
        assert reason.startswith("Expected ") and "Received: " in reason and reason.endswith(".")


def test_measuring_sees_memory_and_time():
    """The yardstick itself: a benign drop of 60 MB of slices must show."""
    import numpy as np

    small, large = cost_of(ct_bytes()), cost_of(ct_bytes(np.zeros((60, 512, 512), np.int16)))
    assert large["peak"] - small["peak"] > 60 * 2**20
