"""The table of a recipe's run, read from its folder."""

from pathlib import Path

import pandas as pd

from hemo.data.manifest import Manifest
from hemo.errors import RunError
from hemo.evaluate.calibrated_folds import OutOfFold
from hemo.runs.recipe import gather


def read_out_of_fold(run: Path, manifest: Manifest) -> tuple[OutOfFold, Manifest]:
    """The recipe's table of the finished folds, checked against the data.

    Args:
        run: the recipe's folder.
        manifest: the data that it was run on.

    Returns:
        The table; and the part of the data that it covers, in the same order.

    Raises:
        RunError: fewer than two folds are finished, or the table is of other data.
    """
    gather(manifest, run)
    frame = pd.read_csv(run / "out_of_fold.csv", dtype={"path": str, "slice": str, "group": str})
    covered = manifest.subset(manifest.frame["path"].isin(set(frame["path"])).to_numpy())
    if list(frame["path"]) != list(covered.frame["path"]) or list(frame["label"]) != list(covered.labels):
        raise RunError(f"Expected the data that the recipe was run on. Received: {manifest.name}, with other slices")
    return OutOfFold.of(frame), covered
