"""Memory does not follow the number of slices: ten times as many cost their lines in the list and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hemo.bench.flat_memory import Memory, write_many
from hemo.workspace import REPOSITORY

SIZE = 64
FEW, MANY = 1_000, 10_000
# 9,000 further slices weigh 37 MB as images; as paths, labels and fingerprints about 5.
MOST_GROWTH_MB = 15.0
# The trainer's input without its network, whose memory differs by more than this from one start to the next.
CODE = """
import json, sys
from pathlib import Path
import numpy as np
from hemo.bench.flat_memory import Memory, MemoryWatch, config_for, prepare
from hemo.data.augment import AugmentSettings
from hemo.model.input_pipeline import BatchSource

folder, work, held = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "held"
watch = MemoryWatch()
watch.enter("all")
data = prepare(folder, config_for(folder, 64), work / "cache", find_heads=False)
images = np.asarray(data.images) if held else data.images
for part, augment in (("train", AugmentSettings()), ("validation", None), ("test", None)):
    rows = data.rows(part)
    source = BatchSource(images, data.labels, rows, batch=32, target="binary", augment=augment)
    for index in range(min(len(source), 20 if augment else len(source))):
        source[index]
watch.enter("")
print(json.dumps(watch.peaks["all"].anonymous))
"""


def peak_mb(folder: Path, work: Path, how: str) -> float:
    """Peak of anonymous memory of a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    command = [sys.executable, "-c", CODE, str(folder), str(work), how]
    return float(json.loads(subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=-1, check=True).stdout))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to read a process's memory")
def test_ten_times_the_slices_take_hardly_more_memory(tmp_path: Path) -> None:
    peaks = {}
    for n in (FEW, MANY):
        write_many(tmp_path / str(n), n, SIZE)
        peak_mb(tmp_path / str(n), tmp_path / f"work-{n}", "streamed")  # makes the cache
        peaks[n] = peak_mb(tmp_path / str(n), tmp_path / f"work-{n}", "streamed")
    assert peaks[MANY] - peaks[FEW] < MOST_GROWTH_MB
    # The same measure sees it where the images are held.
    assert peak_mb(tmp_path / str(MANY), tmp_path / f"work-{MANY}", "held") - peaks[FEW] > MOST_GROWTH_MB


def test_a_phase_keeps_its_highest_figures() -> None:
    memory = Memory(1.0, 5.0, 6.0)
    memory.rise_to(Memory(2.0, 3.0, 5.0))
    assert memory == Memory(2.0, 5.0, 6.0)
    assert Memory.now().total >= Memory.now().anonymous > 1
