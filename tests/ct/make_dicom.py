"""DICOM bytes for tests: a small CT slice in any transfer syntax, with any tag changed."""

import io
import struct

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    generate_uid,
)

SIDE = 64


def head(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """HU int16 (side, side): air, a skull, brain with a little noise."""
    rows, columns = np.mgrid[:side, :side]
    radius = np.hypot(rows - side / 2, columns - side / 2) / (side / 2)
    hu = np.full((side, side), -1000, np.int16)
    hu[radius < 0.85] = 1000
    inside = radius < 0.75
    hu[inside] = np.random.default_rng(seed).integers(25, 45, int(inside.sum()))
    return hu


def ct_dataset(hu: np.ndarray | None = None, *, signed: bool = True, bits_stored: int = 16, **tags) -> FileDataset:
    """A CT slice; `hu` of three dimensions gives a multi-frame file. `tags` set or, with None, delete elements."""
    hu = head() if hu is None else hu
    intercept = 0 if signed else -1024
    stored = (hu.astype(np.int32) - intercept).astype(np.int16 if signed else np.uint16)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality = "CT"
    dataset.PatientName = "CANARY^PATIENT"
    dataset.PatientID = "CANARY-4711"
    dataset.PatientBirthDate = "19700101"
    dataset.StudyDate = "20240229"
    dataset.StudyInstanceUID = "1.2.3.4"
    dataset.SeriesInstanceUID = "1.2.3.4.1"
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [-100.0, -100.0, 0.0]
    dataset.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    dataset.PixelSpacing = [0.5, 0.5]
    dataset.SliceThickness = 5.0
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = hu.shape[-2:]
    if hu.ndim == 3:
        dataset.NumberOfFrames = len(hu)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits_stored, bits_stored - 1
    dataset.PixelRepresentation = int(signed)
    dataset.RescaleIntercept, dataset.RescaleSlope = intercept, 1
    dataset.PixelData = stored.tobytes()
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def to_bytes(dataset: Dataset, syntax: str | None = None) -> bytes:
    """The file, uncompressed, in the given native syntax."""
    out = io.BytesIO()
    if syntax is not None:
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
        if not UID(syntax).is_little_endian:
            size = dataset.BitsAllocated // 8
            dataset.PixelData = np.frombuffer(dataset.PixelData, f"<u{size}").astype(f">u{size}").tobytes()
    uid = dataset.file_meta.TransferSyntaxUID
    pydicom.dcmwrite(
        out,
        dataset,
        implicit_vr=uid.is_implicit_VR if not uid.is_compressed else False,
        little_endian=uid.is_little_endian,
        enforce_file_format=True,
    )
    return out.getvalue()


def ct_bytes(hu: np.ndarray | None = None, **options) -> bytes:
    """A CT file in Explicit VR Little Endian."""
    return to_bytes(ct_dataset(hu, **options))


def compressed(dataset: Dataset, syntax: str) -> bytes:
    """The file, compressed by whichever library writes the syntax."""
    syntax = UID(syntax)
    if syntax == JPEGBaseline8Bit:
        return _baseline(dataset)
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        return _lossless(dataset, syntax)
    options = {"encoding_plugin": "pylibjpeg"} if syntax == JPEG2000Lossless else {}
    if syntax.name == "JPEG 2000 Image Compression":
        options = {"encoding_plugin": "pylibjpeg", "j2k_cr": [2]}
    if syntax.name.startswith("JPEG-LS Lossy"):
        options = {"jls_error": 2}
    dataset.compress(syntax, generate_instance_uid=False, **options)
    return to_bytes(dataset)


def encapsulated(dataset: Dataset, syntax: str, frames: list[bytes], **options) -> bytes:
    """The file with the given bytes as its compressed frames, whatever they are."""
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.PixelData = encapsulate(frames, **options)
    dataset["PixelData"].is_undefined_length = True
    return to_bytes(dataset)


def _baseline(dataset: Dataset) -> bytes:
    words = np.frombuffer(dataset.PixelData, np.uint8).reshape(dataset.Rows, dataset.Columns)
    out = io.BytesIO()
    Image.fromarray(words).save(out, "JPEG", quality=95)
    return encapsulated(dataset, JPEGBaseline8Bit, [out.getvalue()])


def lossless_jpeg(words: np.ndarray, precision: int, predictor: int) -> bytes:
    """JPEG Process 14 (ITU-T T.81 annex H), written here because no library at hand writes it safely.

    Every difference category gets a 5-bit code, so the Huffman table is one line; predictor 1 is the left neighbor,
    7 the mean of left and upper.
    """
    rows, columns = words.shape
    values = words.astype(np.int64)
    left = np.roll(values, 1, axis=1)
    above = np.roll(values, 1, axis=0)
    predicted = left if predictor == 1 else (left + above) >> 1
    predicted[0] = left[0]
    predicted[:, 0] = above[:, 0]
    predicted[0, 0] = 1 << (precision - 1)
    differences = ((values - predicted + 32768) % 65536 - 32768).ravel().tolist()
    bits = []
    for difference in differences:
        category = abs(difference).bit_length() if difference != -32768 else 16
        bits.append(f"{category:05b}")
        if 0 < category < 16:
            low = difference if difference > 0 else difference + (1 << category) - 1
            bits.append(f"{low:0{category}b}")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    body = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    frame = struct.pack(">HBHHB3B", 11, precision, rows, columns, 1, 1, 0x11, 0)
    counts = [0] * 16
    counts[4] = 17
    table = struct.pack(">HB16B17B", 2 + 17 + 17, 0, *counts, *range(17))
    scan = struct.pack(">HB2B3B", 8, 1, 1, 0, predictor, 0, 0)
    return b"\xff\xd8\xff\xc3" + frame + b"\xff\xc4" + table + b"\xff\xda" + scan + body + b"\xff\xd9"


def _lossless(dataset: Dataset, syntax: UID) -> bytes:
    words = np.frombuffer(dataset.PixelData, "<u2").reshape(-1, dataset.Rows, dataset.Columns)
    predictor = 1 if syntax == JPEGLosslessSV1 else 7
    return encapsulated(dataset, syntax, [lossless_jpeg(frame, 16, predictor) for frame in words])


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    """One explicit little-endian element."""
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return struct.pack("<HH2sHI", group, number, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value
