"""The out-of-fold table: calibrated without each slice's own fold, foreign pictures like their slices."""

import numpy as np
import pandas as pd
import pytest

from hemo.evaluate.calibrated_folds import OutOfFold
from hemo.evaluate.calibration import fit_calibration


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    label = np.tile([0, 0, 0, 1], 60)
    logit = rng.normal(0, 1, 240) + 2.0 * label
    foreign = np.where(np.arange(240) % 10 == 3, np.nan, logit + 0.5)
    group = np.repeat([f"p{index}" for index in range(24)], 10)
    return pd.DataFrame(
        {"group": group, "label": label, "fold": np.repeat([0, 1, 2], 80), "logit": logit, "foreign_logit": foreign}
    )


def test_a_fold_is_calibrated_by_the_others(frame: pd.DataFrame) -> None:
    table = OutOfFold.of(frame)
    others = frame[frame["fold"] != 1]
    expected = fit_calibration(others["logit"].to_numpy(), others["label"].to_numpy(), bias=True)
    here = (frame["fold"] == 1).to_numpy()
    assert table.probability[here] == pytest.approx(expected.apply(frame["logit"].to_numpy()[here]))
    assert table.n_patients == 24 and "24 patients" in table.calibration.how


def test_foreign_pictures_take_the_calibration_of_their_slice_and_refused_ones_are_left_out(
    frame: pd.DataFrame,
) -> None:
    table = OutOfFold.of(frame)
    pictures, shipped = table.foreign(), table.foreign(shipped=True)
    assert len(pictures.labels) == 216 == table.pictured.sum()
    at = frame.loc[table.pictured, "foreign_logit"].to_numpy()
    for fold, calibration in zip((0, 1, 2), table.used, strict=True):
        here = pictures.folds == fold
        assert pictures.scores[here] == pytest.approx(calibration.apply(at[here]))
    assert shipped.scores == pytest.approx(table.calibration.apply(at))
    # The pictures' logits lie half a unit higher than their slices'.
    assert (shipped.scores > table.shipped_scores()[table.pictured]).all()
