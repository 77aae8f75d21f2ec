"""Ages: what counts as one, and how they come from tables and DICOM headers into a manifest and back."""

import math
from pathlib import Path

import pydicom
import pytest

from hemo.data.age import dicom_age, years_of
from hemo.data.importers import import_dataset
from hemo.data.manifest import Manifest
from tests.data.pictures import write_picture


@pytest.mark.parametrize(
    ("text", "years"),
    [("63", 63.0), ("063Y", 63.0), ("018M", 1.5), (7, 7.0), ("", None), ("old", None), ("900", None), ("-3", None)],
)
def test_years(text: object, years: float | None) -> None:
    assert years_of(text) == years


def test_an_age_column_and_its_neighbours_come_along(tmp_path: Path) -> None:
    for number in range(3):
        write_picture(tmp_path / f"{number}.png", number)
    text = "path,label,patient,age,window,scanner\n0.png,0,a,063Y,brain,A\n1.png,1,b,4,brain,B\n2.png,1,c,?,bone,B\n"
    (tmp_path / "table.csv").write_text(text)
    manifest = import_dataset(tmp_path / "table.csv")
    assert manifest.frame["age"].tolist()[:2] == [63.0, 4.0]
    assert math.isnan(manifest.frame["age"].iloc[2])
    manifest.save(tmp_path / "kept")
    again = Manifest.load(tmp_path / "kept").frame
    assert again["age"].tolist()[:2] == [63.0, 4.0]
    assert again["site"].tolist() == ["A", "B", "B"]
    assert again["window"].tolist() == ["brain", "brain", "bone"]


def test_the_age_in_a_dicom_header(tmp_path: Path) -> None:
    source = pydicom.data.get_testdata_file("CT_small.dcm")
    data = pydicom.dcmread(source)
    data.PatientAge = "009Y"
    for name in ("Normal/a", "Hemorrhage/b"):
        (tmp_path / name).parent.mkdir()
        data.save_as(tmp_path / f"{name}.dcm")
    assert dicom_age(tmp_path / "Normal/a.dcm") == 9.0
    assert import_dataset(tmp_path).frame["age"].tolist() == [9.0, 9.0]
    write_picture(tmp_path / "c.png", 1)
    assert dicom_age(tmp_path / "c.png") is None
    assert dicom_age(tmp_path / "nowhere.dcm") is None
