import numpy as np
import pydicom
import pytest

from hemo.ct.read import read_path
from hemo.data.phantom_dicom import TRANSFER_SYNTAXES, phantom_dataset, write_dicom_study
from hemo.data.phantom_study import phantom_study


@pytest.fixture(scope="module")
def study():
    return phantom_study(3, 4, "epidural", 96)


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES, ids=lambda uid: uid.name)
def test_every_transfer_syntax_reads_back_to_the_same_hounsfield_units(study, syntax, tmp_path):
    paths = write_dicom_study(study, tmp_path / "series", syntax)
    assert pydicom.dcmread(paths[0]).file_meta.TransferSyntaxUID == syntax
    for path, hu in zip(paths, study.hu, strict=True):
        slice_ = read_path(path)
        assert slice_.unit == "HU"
        np.testing.assert_array_equal(slice_.pixels, hu)
        assert slice_.spacing_mm == pytest.approx(study.spacing, abs=1e-5)


def test_says_synthetic_everywhere_a_reader_looks(study):
    dataset = phantom_dataset(study, 0)
    assert str(dataset.PatientName) == "PHANTOM^SYNTHETIC"
    for text in (dataset.PatientID, dataset.SeriesDescription, dataset.StudyDescription, dataset.Manufacturer):
        assert "SYNTHETIC" in text


def test_one_series_ordered_by_position(study):
    datasets = [phantom_dataset(study, index) for index in range(4)]
    assert len({d.SeriesInstanceUID for d in datasets}) == 1
    assert len({d.SOPInstanceUID for d in datasets}) == 4
    heights = [float(d.ImagePositionPatient[2]) for d in datasets]
    assert np.diff(heights) == pytest.approx(study.thickness, abs=0.01)


def test_uids_differ_between_studies(study):
    other = phantom_study(4, 4, "epidural", 96)
    assert phantom_dataset(study, 0).StudyInstanceUID != phantom_dataset(other, 0).StudyInstanceUID


def test_unknown_transfer_syntax(study):
    with pytest.raises(ValueError, match=r"expected one of these.*Received: '1\.2\.3'"):
        phantom_dataset(study, 0, "1.2.3")
