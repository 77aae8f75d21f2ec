import random

import numpy as np
import pytest
from PIL import Image

from hemo.ct.read import read_slice
from hemo.ct.study import assemble_studies
from hemo.errors import HemoError
from tests.ct.make_dicom import ct_bytes, ct_dataset, encapsulated, head
from tests.ct.test_archive import zipped
from tests.ct.test_nifti import nifti
from tests.ct.test_picture import GREY, encode

STEP = 5.0
TILT = [1.0, 0.0, 0.0, 0.0, 0.9135454576, -0.4067366431]
CORONAL = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]


def series(
    count: int = 24, *, orientation: list[float] | None = None, uid: str = "1.2.3.4.1", step: float = STEP, **tags
):
    """Files of one series by position number; their order in the dictionary is their order in space."""
    orientation = orientation or [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    normal = np.cross(orientation[:3], orientation[3:])
    return {
        f"{uid}/{index:03}": ct_bytes(
            head(index),
            ImageOrientationPatient=orientation,
            ImagePositionPatient=[float(value) for value in np.array([-10, -20, 30]) + index * step * normal],
            InstanceNumber=index + 1,
            SeriesInstanceUID=uid,
            SliceThickness=abs(step),
            **tags,
        )
        for index in range(count)
    }


def shuffled(files: dict[str, bytes]) -> list[tuple[str, bytes]]:
    items = list(files.items())
    random.Random(3).shuffle(items)
    return items


def single(files) -> object:
    result = assemble_studies(files)
    assert result.refused == ()
    (study,) = result.studies
    return study


@pytest.mark.parametrize("orientation", [None, TILT], ids=["straight", "tilted"])
def test_slices_come_in_order_along_the_normal(orientation):
    study = single(shuffled(series(orientation=orientation)))
    assert len(study.slices) == 24
    assert all(np.array_equal(piece.pixels, head(index)) for index, piece in enumerate(study.slices))
    assert np.diff([piece.position_mm for piece in study.slices]) == pytest.approx(np.full(23, STEP))
    assert study.spacing == pytest.approx((STEP, 0.5, 0.5))
    assert study.kind == "dicom" and study.series == "series 1 · axial · 24 slices · 5 mm"
    assert study.warnings == ()


def test_order_is_from_neck_to_vertex_even_when_the_normal_points_down():
    flipped = [1.0, 0.0, 0.0, 0.0, -1.0, 0.0]
    study = single(shuffled(series(orientation=flipped)))
    positions = [piece.position_mm for piece in study.slices]
    assert positions == sorted(positions)
    assert np.array_equal(study.slices[0].pixels, head(23))


def test_gap_is_noticed():
    files = series()
    del files["1.2.3.4.1/010"], files["1.2.3.4.1/011"]
    study = single(shuffled(files))
    assert study.warnings == ("2 slices are missing between 75.0 and 90.0 mm.",)


def test_thin_slices_below_and_thick_above_are_no_gap():
    low = series(12, step=2.5)
    high = {
        f"high/{index}": ct_bytes(
            head(index),
            ImagePositionPatient=[-10.0, -20.0, 30 + 12 * 2.5 + index * 5.0],
            InstanceNumber=20 + index,
            SliceThickness=5.0,
        )
        for index in range(18)
    }
    assert single(shuffled({**low, **high})).warnings == ()


def test_duplicate_is_left_out_and_said():
    files = series()
    files["1.2.3.4.1/copy"] = files["1.2.3.4.1/007"]
    study = single(shuffled(files))
    assert len(study.slices) == 24
    assert study.warnings == ("1 slice repeats the position of another and was left out.",)


def test_two_acquisitions_in_one_series_are_two_series():
    before, after = series(AcquisitionNumber=1), series(AcquisitionNumber=2, ContrastBolusAgent="Iohexol")
    study = single(shuffled({**before, **{f"{name}b": data for name, data in after.items()}}))
    assert len(study.slices) == 24
    assert not any("Contrast" in note for note in study.warnings)
    assert [(other.label, other.reason) for other in study.others] == [
        ("series 1 · axial · 24 slices · 5 mm · contrast", "with contrast")
    ]


def test_unknown_positions_fall_back_to_instance_numbers():
    study = single(shuffled(without_position()))
    assert all(np.array_equal(piece.pixels, head(index)) for index, piece in enumerate(study.slices))
    assert "order of their numbers" in study.warnings[0]


def without_position(**tags) -> dict[str, bytes]:
    return {
        f"s/{9 - index}": ct_bytes(head(index), ImagePositionPatient=None, InstanceNumber=index + 1, **tags)
        for index in range(5)
    }


def test_unknown_positions_and_numbers_fall_back_to_names():
    files = {
        f"s/im{index}": ct_bytes(head(index), ImagePositionPatient=None, InstanceNumber=None) for index in range(12)
    }
    study = single(shuffled(files))
    assert [piece.name for piece in study.slices] == [f"im{index}" for index in range(12)]
    assert "order of their names" in study.warnings[0]


def test_axial_plain_head_series_is_chosen_and_the_others_can_be_read():
    drop = {
        **series(30, uid="1.1", SeriesNumber=2, ContrastBolusAgent="Iohexol"),
        **series(30, uid="1.2", SeriesNumber=3, orientation=CORONAL),
        **series(30, uid="1.3", SeriesNumber=4, ConvolutionKernel="H70s"),
        **series(60, uid="1.4", SeriesNumber=5, step=1.0),
        **series(26, uid="1.5", SeriesNumber=6, SeriesDescription="Head 5.0 w/o"),
        **series(26, uid="1.6", SeriesNumber=7, SeriesDescription="CHEST"),
        **series(3, uid="1.7", SeriesNumber=8),
        **series(1, uid="1.8", SeriesNumber=1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    }
    result = assemble_studies(shuffled(drop))
    (study,) = result.studies
    assert study.series.startswith("series 6 · axial · 26 slices")
    assert {other.label.split(" ·")[0]: other.reason for other in study.others} == {
        "series 2": "with contrast",
        "series 3": "not axial",
        "series 4": "bone kernel",
        "series 5": "body part unknown",
        "series 7": "not of the head",
        "series 8": "too few slices",
    }
    assert result.refused == (("1.8/000", "Expected a CT slice. Received: a localizer (scout) view."),)
    other = next(other for other in study.others if other.label.startswith("series 2"))
    assert other.readable and len(other.read().slices) == 30
    assert any("Contrast agent" in note for note in other.read().warnings)
    assert [other.readable for other in study.others if other.reason == "not axial"] == [False]


def test_only_other_planes_are_refused_with_what_was_there():
    result = assemble_studies(shuffled(series(5, orientation=CORONAL)))
    assert result.studies == ()
    assert result.refused == (
        ("1.2.3.4.1", "Expected an axial series. Received: series 1 · coronal · 5 slices · 5 mm."),
    )


def test_mixed_orientations_in_one_series_are_taken_apart():
    study = single(shuffled(series(10) | {f"b{name}": data for name, data in series(4, orientation=CORONAL).items()}))
    assert len(study.slices) == 10
    assert study.others[0].label == "series 1 · coronal · 4 slices · 5 mm"


def test_studies_are_kept_apart():
    result = assemble_studies(
        shuffled({**series(4), **{f"other/{n}": d for n, d in series(3, StudyInstanceUID="9.9").items()}})
    )
    assert sorted(len(study.slices) for study in result.studies) == [3, 4]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (series(1), "One slice only"),
        (series(12), "Only part of the head: the slices span 60 mm."),
        (series(15, step=10.0), "Slices are 10 mm thick"),
        (series(PatientAge="007Y"), "children are few"),
        (series(BodyPartExamined="CHEST"), "another body part"),
        (series(ContrastBolusAgent="Iohexol"), "Contrast agent"),
        (series(BurnedInAnnotation="YES"), "burned into"),
        (without_position(ImageOrientationPatient=None), "orientation is unknown"),
    ],
)
def test_warnings_fit_the_study(files, sentence):
    warnings = single(shuffled(files)).warnings
    assert sum(sentence in note for note in warnings) == 1


def test_metal_is_noticed():
    files = series()
    hu = head(3)
    hu[20:30, 20:30] = 3900
    files["1.2.3.4.1/003"] = ct_bytes(hu, ImagePositionPatient=[-10.0, -20.0, 45.0], InstanceNumber=4)
    assert "Metal or very dense material in 1 slice: streaks can mislead." in single(shuffled(files)).warnings


@pytest.mark.parametrize("suffix", ["", ".dcm", ".jpg", ".zip"])
def test_content_decides_not_the_suffix(suffix):
    assert len(single([(f"a{suffix}", ct_bytes())]).slices) == 1


def test_multi_frame_file_is_a_study():
    study = single([("scan", ct_bytes(np.stack([head(seed) for seed in range(5)])))])
    assert [piece.name for piece in study.slices] == [f"scan [{number}]" for number in range(1, 6)]
    assert "file's order" in study.warnings[0]


def test_everything_together_in_a_zip():
    members = {
        **{f"dicom/{name}": data for name, data in series(6).items()},
        "volume.nii": nifti(),
        **{f"jpg/{index}.jpg": encode(Image.fromarray(GREY), "JPEG") for index in (1, 2, 10)},
        "readme.txt": b"text",
        "inner.zip": zipped({"a": ct_bytes()}),
    }
    result = assemble_studies([("drop.zip", zipped(members))])
    assert {study.name: (study.kind, len(study.slices)) for study in result.studies} == {
        "drop.zip/dicom/1.2.3.4.1": ("dicom", 6),
        "drop.zip/jpg": ("pictures", 3),
        "drop.zip/volume.nii": ("nifti", 6),
    }
    assert [name for name, _ in result.refused] == ["drop.zip/readme.txt", "drop.zip/inner.zip"]


def test_numbered_pictures_are_a_stack_with_gaps_noticed():
    files = [(f"p/{index}.png", encode(Image.fromarray(GREY))) for index in (10, 1, 2, 3, 5, 4, 7, 8, 9)]
    study = single(files)
    assert [piece.name for piece in study.slices] == [f"{index}.png" for index in (1, 2, 3, 4, 5, 7, 8, 9, 10)]
    assert study.name == "p"
    assert any("1 slice is missing" in note for note in study.warnings)


def test_pictures_of_other_names_or_sizes_stand_for_themselves():
    files = [("a.png", encode(Image.fromarray(GREY))), ("b.png", encode(Image.fromarray(GREY)))]
    files += [("1.png", encode(Image.fromarray(GREY))), ("2.png", encode(Image.fromarray(GREY.T)))]
    result = assemble_studies(files)
    assert [study.name for study in result.studies] == ["a.png", "b.png", "1.png", "2.png"]


def test_equal_names_get_a_number():
    files = [("a.png", encode(Image.fromarray(GREY)))] * 2 + [("a.png", ct_bytes())]
    assert [study.name for study in assemble_studies(files).studies] == ["a.png", "a.png (2)", "a.png (3)"]


def test_bad_files_keep_no_good_file_from_being_read():
    files = series(4)
    good = list(files.items())
    bad = [
        ("empty", b""),
        ("text.png", b"not a picture"),
        ("cut.dcm", ct_bytes()[:-500]),
        ("mr.dcm", ct_bytes(Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")),
        ("huge.dcm", ct_bytes(Rows=30000, Columns=30000)),
        ("cut.zip", zipped({"a": b"x"})[:40]),
        ("cut.png", encode(Image.fromarray(GREY))[:60]),
        ("cut.nii.gz", b"\x1f\x8b\x08\x00"),
        ("preamble.dcm", bytes(128) + b"DICM"),
        ("frame.dcm", encapsulated(ct_dataset(StudyInstanceUID="8"), "1.2.840.10008.1.2.4.80", [b"junk" * 9])),
    ]
    result = assemble_studies(bad[:5] + good + bad[5:])
    assert [len(study.slices) for study in result.studies] == [4]
    assert {name for name, _ in result.refused} == {name for name, _ in bad}
    for _, reason in result.refused:
        assert reason.startswith("Expected ") and "Received: " in reason and reason.endswith(".")


def test_slice_that_does_not_decode_is_missed_from_its_study():
    files = series(6)
    files["1.2.3.4.1/002"] = ct_bytes(ImagePositionPatient=[-10.0, -20.0, 40.0], InstanceNumber=3, PixelData=bytes(10))
    result = assemble_studies(files.items())
    assert len(result.studies[0].slices) == 5
    assert result.studies[0].warnings[0] == "1 slice could not be decoded and is missing."
    assert result.refused[0][0] == "1.2.3.4.1/002"


def test_damaged_copy_does_not_hide_a_good_slice():
    files = {"1.2.3.4.1/0": ct_bytes(head(2), InstanceNumber=0, ImagePositionPatient=[0, 0, 40.0])[:-99], **series(6)}
    result = assemble_studies(files.items())
    assert len(result.studies[0].slices) == 6
    assert [name for name, _ in result.refused] == ["1.2.3.4.1/0"]


def test_progress_counts_to_the_end():
    seen = []
    assemble_studies(series(5).items(), lambda done, total: seen.append((done, total)))
    assert seen == [(index, 5) for index in range(1, 6)]


def test_single_slice_reading_points_at_studies():
    for data in (nifti(), zipped({"a": b"x"}), ct_bytes(np.stack([head()] * 2))):
        with pytest.raises(HemoError, match="read it as a study"):
            read_slice(data, "a")


def test_real_slices_are_studies_of_one(hemo_data):
    files = [(path.name, path.read_bytes()) for path in sorted((hemo_data / "dicom").glob("*.dcm"))]
    result = assemble_studies(files)
    assert [(study.name, len(study.slices)) for study in result.studies] == [(name, 1) for name, _ in files]


def test_real_stack_of_pictures_is_a_study(hemo_data):
    folder = hemo_data / "ct-ich" / "Patients_CT" / "050" / "brain"
    study = single([(path.name, path.read_bytes()) for path in folder.glob("*.jpg")])
    assert [piece.name for piece in study.slices[:3]] == ["1.jpg", "2.jpg", "3.jpg"]
