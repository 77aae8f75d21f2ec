"""The study benchmark times two ways to the same slices."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from hemo.bench.study import decode_with_pydicom, read_dropped, study_files, zipped
from hemo.ct.study import assemble_studies
from hemo.model.predictor import Predictor
from tests.small_bundle import write_small_bundle


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGLSLossless])
def test_both_ways_see_the_same_hounsfield_units(syntax: str) -> None:
    files = study_files(str(syntax), slices=3, size=64)
    (study,) = assemble_studies([("study.zip", zipped(files))]).studies
    for ours, theirs in zip(study.slices, decode_with_pydicom(files), strict=True):
        np.testing.assert_array_equal(ours.pixels, theirs)


def test_a_dropped_study_is_read_slice_by_slice(tmp_path: Path) -> None:
    files = study_files(str(ExplicitVRLittleEndian), slices=4, size=128)
    (readings,) = read_dropped(zipped(files), Predictor(write_small_bundle(tmp_path)))
    assert len(readings) == 4  # type: ignore[arg-type]
