from pathlib import Path

import pydicom.data
import pytest
from PIL import Image

from hemo.ct import folder
from hemo.ct.folder import read_studies
from tests.ct.make_dicom import ct_bytes, head
from tests.ct.test_archive import zipped
from tests.ct.test_picture import GREY, encode


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two studies whose series lie in folders of their own, a zip, pictures, clutter and a file of no use."""
    top = tmp_path / "archive"
    for study, series, count in [("A", "1", 3), ("A", "2", 2), ("B", "1", 4)]:
        place = top / study / series
        place.mkdir(parents=True)
        for index in range(count):
            data = ct_bytes(
                head(index),
                StudyInstanceUID=f"9.{ord(study)}",
                SeriesInstanceUID=f"9.{ord(study)}.{series}",
                ImagePositionPatient=[0.0, 0.0, 5.0 * index],
            )
            (place / f"{index}").write_bytes(data)
    (top / "c.zip").write_bytes(zipped({"x": ct_bytes(StudyInstanceUID="8")}))
    (top / "pictures").mkdir()
    for index in range(3):
        (top / "pictures" / f"{index}.png").write_bytes(encode(Image.fromarray(GREY)))
    (top / ".DS_Store").write_bytes(b"x")
    (top / "notes.txt").write_bytes(b"notes")
    return top


def test_studies_come_one_by_one_whatever_their_folders(archive):
    results = list(read_studies([archive]))
    studies = {study.name: study for result in results for study in result.studies}
    assert {name: len(study.slices) for name, study in studies.items()} == {
        "archive/A": 3,
        "archive/B/1": 4,
        "archive/c.zip/x": 1,
        "archive/pictures": 3,
    }
    assert len(studies["archive/A"].others) == 1
    assert [refused for result in results for refused in result.refused] == [
        ("archive/notes.txt", "Expected a PNG, JPEG, DICOM, NIfTI or zip file. Received: text.")
    ]
    assert all(len(result.studies) <= 1 for result in results)


def test_only_one_study_is_held_at_a_time(archive, monkeypatch):
    """Bytes are read again when a study's turn comes, and not kept before."""
    held = []
    monkeypatch.setattr(folder, "read_part", lambda part: held.append([path for _, path in part.members]))
    list(read_studies([archive]))
    assert sorted(len(paths) for paths in held) == [1, 1, 3, 4, 5]


def test_collection_of_pictures_is_no_stack(archive, monkeypatch):
    monkeypatch.setattr(folder, "MAX_PICTURE_STACK", 2)
    monkeypatch.setattr("hemo.ct.study.MAX_PICTURE_STACK", 2)
    studies = [study for result in read_studies([archive / "pictures"]) for study in result.studies]
    assert [len(study.slices) for study in studies] == [1, 1, 1]


def test_files_are_given_as_well(archive):
    (result,) = read_studies([archive / "c.zip"])
    assert result.studies[0].name == "c.zip/x"


def test_links_are_not_followed(archive, tmp_path):
    (tmp_path / "secret").write_bytes(ct_bytes(StudyInstanceUID="7"))
    (archive / "link").symlink_to(tmp_path / "secret")
    (archive / "loop").symlink_to(archive)
    assert sum(len(result.studies) for result in read_studies([archive])) == 4


def test_pydicoms_disc_of_studies_is_read():
    """A disc as hospitals burn it: an index, two CT studies, localizers, CR, MR, and images without pixels."""
    disc = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
    results = list(read_studies([disc]))
    assert {study.name: len(study.slices) for result in results for study in result.studies} == {
        "dicomdirtests/77654033/CT2": 4,
        "dicomdirtests/98892001/CT5N": 5,
    }
    reasons = dict(refused for result in results for refused in result.refused)
    assert "DICOMDIR, the index of a disc" in reasons["dicomdirtests/DICOMDIR"]
    assert "localizer" in reasons["dicomdirtests/98892001/CT2N/6293"]
    assert "Received: CR." in reasons["dicomdirtests/77654033/CR1/6154"]


def test_missing_path_is_refused(tmp_path):
    (result,) = read_studies([tmp_path / "gone"])
    assert "No such file" in result.refused[0][1]
