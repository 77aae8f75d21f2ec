from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.sequence import Sequence

from hemo.ct.dicom import read_dicom
from hemo.ct.dicom_header import MAX_SIDE, read_header
from hemo.ct.read import read_slice
from hemo.errors import HemoError, RefusedInput, UnreadableImage
from tests.ct.make_dicom import SIDE, ct_bytes, ct_dataset, head, to_bytes

BUNDLED = Path(pydicom.data.__file__).parent / "test_files"
# The CT images among pydicom's files; everything else there is another modality, a plan, a report or color.
BUNDLED_CT = {"CT_small.dcm", "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm"}

NATIVE = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize(("signed", "bits_stored"), [(True, 16), (False, 16), (False, 12)])
def test_native_syntaxes_give_the_same_hu(syntax, signed, bits_stored):
    (read,) = read_dicom(to_bytes(ct_dataset(signed=signed, bits_stored=bits_stored), syntax), "a")
    assert read.unit == "HU"
    assert np.array_equal(read.pixels, head().astype(np.float32))
    assert read.spacing_mm == (0.5, 0.5)
    assert read.position_mm == 0.0
    assert read.warnings == ()


def test_12_bit_signed_values_extend_their_sign_and_drop_overlay_bits():
    stored = (head() & 0x0FFF).astype(np.uint16) | 0x5000
    data = ct_bytes(bits_stored=12, PixelData=stored.tobytes())
    assert np.array_equal(read_dicom(data, "a")[0].pixels, head().astype(np.float32))


def test_high_bit_above_the_stored_bits_shifts_down():
    stored = ((head().astype(np.int32) + 1024) << 4).astype(np.uint16)
    data = ct_bytes(signed=False, bits_stored=12, HighBit=15, PixelData=stored.tobytes())
    assert np.array_equal(read_dicom(data, "a")[0].pixels, head().astype(np.float32))


def test_monochrome1_changes_display_only():
    data = ct_bytes(PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(read_dicom(data, "a")[0].pixels, head().astype(np.float32))


@pytest.mark.parametrize("window", [None, "30", ["40", "80"]])
def test_window_tags_do_not_touch_hu(window):
    tags = {} if window is None else {"WindowCenter": window, "WindowWidth": window}
    assert np.array_equal(read_dicom(ct_bytes(**tags), "a")[0].pixels, head().astype(np.float32))


def test_padding_becomes_air():
    hu = head()
    hu[0], hu[1] = -2000, -2010
    pixels = read_dicom(ct_bytes(hu, PixelPaddingValue=-2000), "a")[0].pixels
    assert (pixels[:2] == -1024).all()
    assert np.array_equal(pixels[2:], hu[2:])


def test_padding_range_above_tissue_becomes_air():
    hu = head()
    hu[0], hu[1] = 3500, 3600
    pixels = read_dicom(ct_bytes(hu, PixelPaddingValue=3500, PixelPaddingRangeLimit=3600), "a")[0].pixels
    assert (pixels[:2] == -1024).all()


def test_padding_value_that_would_blank_the_brain_is_ignored():
    pixels = read_dicom(ct_bytes(PixelPaddingValue=35), "a")[0].pixels
    assert np.array_equal(pixels, head().astype(np.float32))


def test_modality_lut_sequence_replaces_the_rescale():
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType = [4, 100, 16], "HU"
    item["LUTDescriptor"].VR = "US"
    item.add_new(0x00283006, "US", [0, 10, 20, 30])
    stored = np.full((SIDE, SIDE), 102, np.uint16)
    stored[0, :2] = 0, 500
    data = ct_bytes(
        signed=False,
        RescaleSlope=None,
        RescaleIntercept=None,
        ModalityLUTSequence=Sequence([item]),
        PixelData=stored.tobytes(),
    )
    (read,) = read_dicom(data, "a")
    assert (read.pixels[1:] == 20).all()
    assert read.pixels[0, :2].tolist() == [0, 30]


def test_missing_rescale_is_said():
    (read,) = read_dicom(ct_bytes(RescaleSlope=None, RescaleIntercept=None), "a")
    assert "no rescale to HU" in read.warnings[0]


def test_multi_frame_gives_its_slices_in_order():
    hu = np.stack([head(seed) for seed in range(3)])
    read = read_dicom(ct_bytes(hu), "scan")
    assert [piece.name for piece in read] == ["scan [1]", "scan [2]", "scan [3]"]
    assert all(np.array_equal(piece.pixels, frame) for piece, frame in zip(read, hu, strict=True))
    assert [piece.position_mm for piece in read] == [None] * 3


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_enhanced_multi_frame_takes_place_and_rescale_from_functional_groups(order):
    """Undefined and defined lengths alike: pydicom writes the latter, so the former are asked for."""
    dataset = enhanced(order)
    for item in dataset.PerFrameFunctionalGroupsSequence:
        item.is_undefined_length_sequence_item = True
    dataset["PerFrameFunctionalGroupsSequence"].is_undefined_length = True
    read = read_dicom(to_bytes(dataset), "scan")
    assert [piece.position_mm for piece in read] == [5.0 * place for place in order]
    assert read[0].spacing_mm == (0.4, 0.4)
    assert np.array_equal(read[1].pixels, np.maximum(head(1) * 2.0 - 7, -1024))


def enhanced(order: list[int]) -> Dataset:
    """An enhanced CT whose frames lie at 5 mm times `order`, stored at half their HU."""
    dataset = ct_dataset(
        np.stack([head(seed) for seed in range(len(order))]),
        RescaleSlope=None,
        RescaleIntercept=None,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        SOPClassUID=pydicom.uid.EnhancedCTImageStorage,
    )
    shared = Dataset()
    measures, orientation, values = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.4, 0.4], 5
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 2, -7, "HU"
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([values])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for place in order:
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = [-100, -100, 5 * place]
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dataset


@pytest.mark.parametrize(
    ("tags", "received"),
    [
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "Received: MR"),
        ({"Modality": "CANARY_NAME", "SOPClassUID": "1.2"}, "Received: no known modality"),
        ({"PixelData": None}, "without pixels"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "3 channels, photometric interpretation RGB"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "Expected a CT image of one channel"),
        ({"PhotometricInterpretation": "CANARY"}, "photometric interpretation unknown"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "a localizer"),
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "RescaleSlope": None, "RescaleIntercept": None},
            "a secondary capture",
        ),
        ({"Rows": 30000, "Columns": 30000}, f"Expected 16 to {MAX_SIDE:,} rows and columns"),
        ({"Rows": 2}, "Received: 2×64"),
        ({"NumberOfFrames": 100_000}, "100,000 frames"),
        ({"Rows": 2048, "Columns": 2048, "NumberOfFrames": 1999}, "1,999 frames of 2,048×2,048"),
        ({"NumberOfFrames": -1}, "-1 frames"),
        ({"BitsAllocated": 12}, "12 allocated"),
        ({"BitsStored": 0}, "0 stored"),
        ({"BitsStored": 12, "HighBit": 3}, "high bit 3"),
    ],
)
def test_what_is_no_ct_slice_is_refused_with_a_reason(tags, received):
    with pytest.raises(RefusedInput, match=received) as caught:
        read_dicom(ct_bytes(**tags), "a")
    assert str(caught.value).startswith("Expected ") and "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("tags", "received"),
    [
        ({"Rows": None}, "(0028,0010)"),
        ({"Rows": 512, "Columns": 512}, "Expected 524,288 bytes"),
        ({"NumberOfFrames": 4}, "for 4 frames"),
        ({"RescaleSlope": 0}, "slope other than 0"),
        ({"PixelData": b""}, "Received: 0 bytes"),
    ],
)
def test_what_contradicts_itself_is_unreadable(tags, received):
    with pytest.raises(UnreadableImage) as caught:
        read_dicom(ct_bytes(**tags), "a")
    assert received in str(caught.value)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": b"1e999"},
        {"RescaleIntercept": b"not a number"},
        {"ImagePositionPatient": b"1\\2"},
        {"PixelSpacing": b"0\\-1"},
        {"ImageOrientationPatient": b"0\\0\\0\\0\\0\\0"},
        {"PatientAge": b"ABCD"},
    ],
)
def test_nonsense_in_optional_elements_counts_as_absent(tags):
    dataset = ct_dataset()
    (name, value) = next(iter(tags.items()))
    tag = pydicom.datadict.tag_for_keyword(name)
    dataset[tag] = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(tag), pydicom.datadict.dictionary_VR(tag), len(value), value, 0, False, True
    )
    data = to_bytes(dataset)
    assert read_dicom(data, "a")[0].shape == (SIDE, SIDE)


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"ContrastBolusAgent": "Omnipaque"}, "Contrast agent"),
        ({"BurnedInAnnotation": "YES"}, "burned into"),
        ({"LossyImageCompression": "01"}, "compressed with loss"),
        ({"RescaleType": "US"}, "not declared to be HU"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "coronal"),
    ],
)
def test_slice_carries_its_warnings(tags, sentence):
    assert any(sentence in note for note in read_dicom(ct_bytes(**tags), "a")[0].warnings)


@pytest.mark.parametrize(
    ("agent", "description", "contrast"),
    [
        (None, None, None),
        ("Iohexol", None, True),
        ("NONE", None, None),
        (None, "HEAD W/O CONTRAST 5MM", False),
        (None, "Kopf nativ", False),
        (None, "CTA COW", True),
        (None, "Head post contrast", True),
    ],
)
def test_contrast_is_told_from_agent_and_description(agent, description, contrast):
    tags = {"ContrastBolusAgent": agent, "SeriesDescription": description}
    header, _ = read_header(ct_bytes(**{tag: value for tag, value in tags.items() if value is not None}))
    assert header.contrast is contrast


@pytest.mark.parametrize(
    ("kernel", "description", "sharp"),
    [("H30s", "", False), ("H60s", "", True), ("BONEPLUS", "", True), ("STANDARD", "", False), ("", "Head bone", True)],
)
def test_bone_kernels_are_known(kernel, description, sharp):
    header, _ = read_header(ct_bytes(ConvolutionKernel=kernel, SeriesDescription=description))
    assert header.sharp is sharp


@pytest.mark.parametrize(("age", "child"), [("012Y", True), ("018M", True), ("018Y", False), ("", None)])
def test_children_are_told_by_age(age, child):
    assert read_header(ct_bytes(PatientAge=age))[0].child is child


@pytest.mark.parametrize("path", sorted(BUNDLED.iterdir()), ids=lambda path: path.name)
def test_bundled_files_are_read_or_refused(path):
    if path.is_dir():
        assert path.name == "dicomdirtests"
        return
    data = path.read_bytes()
    if path.name not in BUNDLED_CT:
        with pytest.raises(HemoError, match=r"^Expected .* Received: .*\.$"):
            read_slice(data, path.name)
        return
    read = read_slice(data, path.name)
    dataset = pydicom.dcmread(path)
    expected = apply_modality_lut(dataset.pixel_array, dataset)
    assert np.abs(read.pixels - np.clip(expected, -1024, None)).max() <= 1


def test_real_ct_agrees_with_pydicom(hemo_data):
    for path in sorted((hemo_data / "dicom").glob("*.dcm")):
        read = read_slice(path.read_bytes(), path.name)
        dataset = pydicom.dcmread(path)
        expected = np.clip(apply_modality_lut(dataset.pixel_array, dataset), -1024, None)
        padding = dataset.get("PixelPaddingValue")
        assert np.array_equal(read.pixels, expected) or padding is not None
        assert read.spacing_mm == tuple(map(float, dataset.PixelSpacing))
