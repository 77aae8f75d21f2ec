import gzip
import io
import struct

import nibabel as nib
import numpy as np
import pytest

from hemo.ct.nifti import read_nifti
from hemo.errors import HemoError, RefusedInput, UnreadableImage

# A volume in patient space, right-anterior-superior: index 0 grows to the right, 1 to the front, 2 to the head.
RAS = np.full((40, 50, 6), -1000, np.int16)
RAS[30, 10, 2] = 100  # far right, far back, slice 2
AFFINE = np.diag([0.5, 0.6, 5.0, 1.0])
AFFINE[:3, 3] = -10, -20, 70


def nifti(volume: np.ndarray = RAS, affine: np.ndarray | None = AFFINE, axes: str | None = None, kind=nib.Nifti1Image):
    image = kind(volume, affine)
    if axes is not None:
        turn = nib.orientations.ornt_transform(nib.io_orientation(affine), nib.orientations.axcodes2ornt(axes))
        image = image.as_reoriented(turn)
    return image.to_bytes()


@pytest.mark.parametrize("axes", ["RAS", "LPS", "LAS", "PIR", "SRA"])
@pytest.mark.parametrize("zipped", [False, True])
def test_any_storage_order_gives_radiological_axial_slices(axes, zipped):
    data = nifti(axes=axes)
    volume = read_nifti(gzip.compress(data) if zipped else data, "head.nii")
    assert len(volume.slices) == 6
    assert volume.slices[0].shape == (50, 40)
    assert volume.spacing == pytest.approx((5.0, 0.6, 0.5))
    assert [piece.position_mm for piece in volume.slices] == pytest.approx([70, 75, 80, 85, 90, 95])
    # Far right is left on screen: column 39 - 30; far back is low: row 49 - 10.
    assert np.argwhere(volume.slices[2].pixels == 100).tolist() == [[39, 9]]
    assert volume.slices[2].name == "head.nii [3]"


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32, np.float64])
def test_types_are_read(kind):
    volume = read_nifti(nifti(RAS.astype(kind)), "a")
    assert volume.slices[0].unit == "HU"
    assert volume.slices[2].pixels.max() == 100


def test_nifti_2_is_read():
    assert read_nifti(nifti(kind=nib.Nifti2Image), "a").slices[2].pixels.max() == 100


def test_slope_and_intercept_are_applied():
    image = nib.Nifti1Image((RAS + 1000).astype(np.uint16), AFFINE)
    image.header.set_slope_inter(2, -1000)
    data = bytearray(image.to_bytes())
    struct.pack_into("<ff", data, 112, 2, -1000)
    assert read_nifti(bytes(data), "a").slices[2].pixels.max() == 1200


def test_holes_and_infinities_become_air_and_the_most_dense():
    volume = RAS.astype(np.float32)
    volume[0, 0, 0], volume[1, 0, 0], volume[2, 0, 0] = np.nan, np.inf, -np.inf
    pixels = read_nifti(nifti(volume), "a").slices[0].pixels
    assert np.isfinite(pixels).all()
    assert pixels.min() == -1024


def test_volume_without_orientation_is_read_in_file_order():
    image = nib.Nifti1Image(RAS, None)
    image.header.set_sform(None, 0)
    data = bytearray(image.to_bytes())
    struct.pack_into("<f", data, 80, 0)
    struct.pack_into("<hh", data, 252, 0, 1)
    struct.pack_into("<12f", data, 280, *[0.0] * 12)
    volume = read_nifti(bytes(data), "a")
    assert volume.spacing is None
    assert "no orientation" in volume.warnings[0]


def test_grey_volume_is_taken_as_a_picture():
    volume = read_nifti(nifti(np.full((40, 50, 2), 99, np.uint8)), "a")
    assert volume.slices[0].unit == "grey"
    assert "grey levels" in volume.warnings[0]


@pytest.mark.parametrize(
    ("volume", "received"),
    [
        (np.full((40, 50, 2), 900, np.int16), "values from 900 to 900"),
        (np.zeros((40, 50, 2, 3), np.int16), "40 × 50 × 2 × 3"),
        (np.zeros((40, 50, 2), np.complex64), "complex64"),
        (np.zeros((4000, 2, 2), np.int8), "4000 × 2 × 2"),
    ],
)
def test_what_is_no_ct_volume_is_refused(volume, received):
    with pytest.raises(RefusedInput, match=received):
        read_nifti(nifti(volume.astype(volume.dtype)), "a")


def test_truncated_volume_is_unreadable():
    data = nifti()
    for content in (data[:-100], gzip.compress(data[:-100]), gzip.compress(data)[:-40], data[:300]):
        with pytest.raises(UnreadableImage):
            read_nifti(content, "a")


def test_gzip_of_something_else_is_unreadable():
    with pytest.raises(UnreadableImage, match="Expected a NIfTI volume"):
        read_nifti(gzip.compress(b"text" * 500), "a")


def test_small_gzip_that_declares_a_huge_volume_is_refused_before_unpacking():
    header = bytearray(nifti()[:352])
    struct.pack_into("<8h", header, 40, 3, 512, 512, 400, 1, 1, 1, 1)
    with pytest.raises(RefusedInput, match="at most 20 times its size"):
        read_nifti(gzip.compress(bytes(header) + bytes(1000)), "a")


def test_only_the_declared_bytes_are_unpacked():
    """Megabytes of zeros behind the volume are never inflated."""
    bomb = gzip.compress(nifti() + bytes(50_000_000))
    assert read_nifti(bomb, "a").slices[2].pixels.max() == 100


def test_every_damaged_header_byte_gives_our_error_or_slices():
    data = bytearray(nifti())
    rng = np.random.default_rng(0)
    for offset in range(352):
        changed = bytearray(data)
        changed[offset] = rng.integers(256)
        try:
            assert read_nifti(bytes(changed), "a").slices
        except HemoError as error:
            assert str(error).startswith("Expected")


def test_header_text_is_in_no_log(caplog):
    image = nib.Nifti1Image(RAS, AFFINE)
    image.header["descrip"] = b"CANARY"
    with io.BytesIO(image.to_bytes()) as data:
        read_nifti(data.read(), "a")
    assert "CANARY" not in caplog.text
