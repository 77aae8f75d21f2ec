"""The recipe's networks in processes of their own: no orphan after a kill, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hemo.data.importers import import_dataset
from hemo.data.phantom import write_phantom
from hemo.data.split import folds
from hemo.errors import RunError
from hemo.model.fit_lite0 import Lite0Settings
from hemo.runs.lock import FileLock
from hemo.runs.recipe_network import ALL_PATIENTS, recipe_networks, train_network
from hemo.workspace import REPOSITORY

_RECIPE = """
import sys
from pathlib import Path
from hemo.data.bleed_batches import BatchSettings
from hemo.model import fit_lite0
from hemo.runs import recipe
if __name__ == "__main__":
    recipe.FOLDS, recipe.MEMBERS = 2, (1.0,)
    batch = BatchSettings(bleeds=2, clear=1, painted=1)
    coarse = fit_lite0.Lite0Settings(steps=int(sys.argv[3]), warmup=1, size=64, batch=batch)
    fine = fit_lite0.Lite0Settings(steps=2, warmup=1, size=96, batch=batch)
    recipe.run_recipe(Path(sys.argv[1]), Path(sys.argv[2]), coarse=coarse, fine=fine, workers=2)
"""


def test_every_network_has_seeds_and_folders_of_its_own(tmp_path: Path) -> None:
    coarse, fine = Lite0Settings(seed=10, steps=30), Lite0Settings(seed=20, steps=9)
    networks = recipe_networks(tmp_path, tmp_path, coarse, fine, 2, (1.0, 2 / 3))
    assert [(network.number, network.member) for network in networks] == [
        (0, 0), (1, 0), (ALL_PATIENTS, 0), (0, 1), (1, 1), (ALL_PATIENTS, 1)
    ]  # fmt: skip
    assert [network.coarse.seed for network in networks] == [10, 11, 12, 13, 14, 15]
    assert [network.fine.seed for network in networks] == [20, 21, 22, 23, 24, 25]
    assert [network.coarse.steps for network in networks] == [30, 30, 30, 20, 20, 20]
    assert [network.fine.steps for network in networks] == [9, 9, 9, 6, 6, 6]
    assert [network.result.name for network in networks[3:]] == ["fold0-2.npz", "fold1-2.npz", "final-2.npz"]


def test_a_network_that_another_process_trains_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemo.runs.recipe_network._LOCK_PATIENCE_SECONDS", 0.3)
    network = recipe_networks(tmp_path, tmp_path, Lite0Settings(), Lite0Settings(), 2, (1.0,))[0]
    with (
        FileLock(tmp_path / "fold0-1" / ".lock").try_hold({"pid": 1}) as held,
        pytest.raises(RunError, match="another process that trains it"),
    ):
        assert held
        train_network(network, np.zeros(1), print)


@pytest.mark.slow
def test_a_killed_recipe_leaves_no_orphan_and_goes_on(tmp_path: Path) -> None:
    data, out = tmp_path / "set", tmp_path / "run"
    write_phantom(data, studies=8, seed=2, n_slices=6, size=160)
    script = tmp_path / "recipe_script.py"
    script.write_text(_RECIPE)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HEMO_HOME": str(tmp_path / "home")}

    def begin(steps: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(script), str(data), str(out), str(steps)], env=environment)

    process = begin(100_000)
    lock = FileLock(out / "fold0-1" / ".lock")
    wait_for(lambda: (out / "fold0-1" / "coarse" / "last.npz").exists() and lock.holder() is not None)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: lock.holder() is None and FileLock(out / "fold1-1" / ".lock").holder() is None)
    kept = (out / "fold0-1" / "coarse" / "last.npz").stat().st_size
    assert kept > 0 and not (out / "fold0-1.npz").exists()

    # The same folder with another length is another recipe; with the same one it goes on.
    refused = begin(3)
    assert refused.wait() != 0
    (out / "recipe.json").unlink()
    assert begin(3).wait() == 0
    rows = [np.load(out / f"fold{number}.npz")["rows"] for number in (0, 1)]
    manifest = import_dataset(data)
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(manifest)))
    assert set(rows[0]) == set(np.flatnonzero(folds(manifest, 2, 20).to_numpy() == 0))
    assert (out / "final.keras").stat().st_size > 1_000_000


def wait_for(condition, seconds: float = 400.0) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.2)
