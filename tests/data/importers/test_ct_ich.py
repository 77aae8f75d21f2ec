"""PhysioNet CT-ICH: byte-order mark, masks beside the slices, boxes, and the real set's own counts."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hemo.data.importers import import_dataset
from hemo.data.manifest import SUBTYPES
from hemo.errors import DatasetError
from tests.data.pictures import write_picture

HEADER = (
    "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,Subdural,No_Hemorrhage,"
    "Fracture_Yes_No"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("049/brain/1", "049/brain/2", "049/brain/10", "050/brain/1", "050/bone/1")):
        write_picture(tmp_path / f"Patients_CT/{name}.jpg", number)
    mask = np.zeros((96, 96), np.uint8)
    mask[40:50, 30:60] = 255
    cv2.imwrite(str(tmp_path / "Patients_CT/049/brain/2_HGE_Seg.jpg"), mask)
    rows = ["49,1,0,0,0,0,0,1,0", "49,2,0,0,0,1,0,0,1", "49,10,0,0,0,0,0,1,0", "50,1,0,0,0,0,0,1,0"]
    (tmp_path / "hemorrhage_diagnosis.csv").write_text("\r\n".join([HEADER, *rows]) + "\r\n", encoding="utf-8-sig")
    (tmp_path / "boxes.csv").write_text(
        "PatientNumber,SliceNumber,subtype,xc,yc,w,h\n49,2,EDH,0.5,0.25,0.1,0.2\n49,2,EDH,0.1,0.2,0.3,0.4\n"
    )
    return tmp_path


def test_slices_labels_and_patients(folder: Path) -> None:
    manifest = import_dataset(folder)
    assert manifest.name == "CT-ICH"
    assert manifest.frame["path"].tolist() == [
        f"Patients_CT/{name}.jpg" for name in ("049/brain/1", "049/brain/2", "049/brain/10", "050/brain/1")
    ]
    assert manifest.labels.tolist() == [0, 1, 0, 0]
    assert manifest.groups.tolist() == ["049", "049", "049", "050"]
    assert manifest.frame["slice"].tolist() == ["1", "2", "10", "1"]
    assert manifest.frame["epidural"].tolist() == [False, True, False, False]
    assert manifest.frame["fracture"].tolist() == [False, True, False, False]
    assert manifest.problems == ()


def test_masks_stay_out_of_the_images_but_are_read(folder: Path) -> None:
    manifest = import_dataset(folder)
    mask = manifest.read_mask(1)
    assert mask is not None
    assert mask[45, 45]
    assert 250 < mask.sum() < 350
    assert manifest.read_mask(0) is None


def test_boxes(folder: Path) -> None:
    boxes = import_dataset(folder).frame["boxes"]
    assert boxes[1] == [(0.5, 0.25, 0.1, 0.2), (0.1, 0.2, 0.3, 0.4)]
    assert boxes[0] == []


def test_a_folder_that_wraps_it_is_looked_through(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outer = tmp_path_factory.mktemp("outer")
    folder.rename(outer / "physionet")
    assert len(import_dataset(outer)) == 4


def test_missing_and_unlabelled_slices_are_named_and_the_rest_is_used(folder: Path) -> None:
    (folder / "Patients_CT/049/brain/1.jpg").unlink()
    write_picture(folder / "Patients_CT/050/brain/7.jpg", 7)
    manifest = import_dataset(folder)
    assert len(manifest) == 3
    assert {problem.kind: problem.path for problem in manifest.problems} == {
        "missing": "Patients_CT/049/brain/1.jpg",
        "unlabelled": "Patients_CT/050/brain/7.jpg",
    }


def test_a_row_that_contradicts_itself_is_named(folder: Path) -> None:
    table = folder / "hemorrhage_diagnosis.csv"
    table.write_text(table.read_text(encoding="utf-8-sig").replace("49,2,0,0,0,1,0,0", "49,2,0,0,0,1,0,1"))
    manifest = import_dataset(folder)
    assert manifest.labels.tolist() == [0, 1, 0, 0]
    assert [problem.kind for problem in manifest.problems] == ["conflict"]


def test_a_table_without_its_columns_is_refused(folder: Path) -> None:
    (folder / "hemorrhage_diagnosis.csv").write_text("PatientNumber,SliceNumber\n49,1\n")
    with pytest.raises(DatasetError, match=r"Expected the column Epidural .* Received: PatientNumber, SliceNumber"):
        import_dataset(folder)


def test_a_table_without_any_slice_is_refused(folder: Path) -> None:
    for file in folder.rglob("*.jpg"):
        file.unlink()
    with pytest.raises(DatasetError, match=r"Expected slices that hemorrhage_diagnosis.csv names"):
        import_dataset(folder)


def test_the_real_set_has_the_counts_its_authors_gave(hemo_data: Path) -> None:
    manifest = import_dataset(hemo_data / "ct-ich")
    frame = manifest.frame
    assert (len(frame), frame["group"].nunique()) == (2501, 82)
    assert (frame["label"].sum(), frame.query("label == 1")["group"].nunique()) == (318, 36)
    assert {name: int(frame[name].sum()) for name in SUBTYPES} == {
        "epidural": 173,
        "intraparenchymal": 73,
        "intraventricular": 24,
        "subarachnoid": 18,
        "subdural": 56,
    }
    assert frame["boxes"].map(len).sum() == 302
    assert (frame["boxes"].map(len) > 0).sum() == 257
    assert [(problem.kind, problem.path) for problem in manifest.problems] == [
        ("conflict", "Patients_CT/086/brain/17.jpg")
    ]
    assert manifest.licence == "CC BY 4.0"
