import gzip

import pytest
from PIL import Image

from hemo.ct.read import read_path, read_slice, sniff
from hemo.errors import RefusedInput, UnreadableImage
from tests.ct.make_dicom import ct_bytes
from tests.ct.test_archive import zipped
from tests.ct.test_nifti import nifti
from tests.ct.test_picture import GREY, encode


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (encode(Image.fromarray(GREY)), "png"),
        (encode(Image.fromarray(GREY), "JPEG"), "jpeg"),
        (ct_bytes(), "dicom"),
        (ct_bytes()[132:], "dicom"),
        (nifti(), "nifti"),
        (gzip.compress(nifti()), "nifti"),
        (zipped({"a": b"x"}), "zip"),
        (zipped({}), "zip"),
        (encode(Image.fromarray(GREY), "GIF"), "unknown"),
        (b"", "unknown"),
        (b"\x08\x00", "unknown"),
    ],
)
def test_content_tells_the_kind(data, kind):
    assert sniff(data) == kind


@pytest.mark.parametrize(
    ("data", "received"),
    [(b"", "an empty file"), (b"hello\n", "text"), (bytes(range(200)), "200 bytes of no known kind")],
)
def test_unknown_content_is_named(data, received):
    with pytest.raises(UnreadableImage, match=f"Received: {received}"):
        read_slice(data, "a.png")


def test_path_is_read_whatever_its_suffix(tmp_path):
    path = tmp_path / "scan.png"
    path.write_bytes(ct_bytes())
    assert read_path(path).name == "scan.png"
    assert read_path(str(path)).unit == "HU"


def test_missing_file_is_unreadable(tmp_path):
    with pytest.raises(UnreadableImage, match="No such file"):
        read_path(tmp_path / "gone.png")


def test_huge_file_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("hemo.ct.read.MAX_FILE_BYTES", 10)
    path = tmp_path / "huge"
    path.write_bytes(bytes(11))
    with pytest.raises(RefusedInput, match="Expected a file of at most"):
        read_path(path)
