"""Phantom studies as DICOM CT series, marked SYNTHETIC in every place a reader may look."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from hemo.data.phantom_study import PhantomStudy

PATIENT_NAME = "PHANTOM^SYNTHETIC"
SERIES_DESCRIPTION = "SYNTHETIC head phantom, not a patient"
UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
COMPRESSED = (RLELossless, JPEG2000Lossless, JPEGLSLossless)
TRANSFER_SYNTAXES = (*UNCOMPRESSED, *COMPRESSED)
"""What can be written: the three uncompressed forms and three lossless ones."""

_DAY, _TIME = "20000101", "120000"
_OFFSET = 1024


def write_dicom_study(study: PhantomStudy, folder: Path, transfer_syntax: str = ExplicitVRLittleEndian) -> list[Path]:
    """Write a study as one series, a file a slice, numbered from the skull base up.

    Args:
        study: what to write.
        folder: created if need be.
        transfer_syntax: one of TRANSFER_SYNTAXES.

    Returns:
        The files, in slice order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(len(study.hu)):
        path = folder / f"{index + 1:04d}.dcm"
        phantom_dataset(study, index, transfer_syntax).save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def phantom_dataset(study: PhantomStudy, index: int, transfer_syntax: str = ExplicitVRLittleEndian) -> FileDataset:
    """One slice as a CT Image (PS3.3 A.3): 12 bits stored in 16, unsigned, HU = stored - 1024.

    UIDs derive from the study's name, size and slice, so that two runs write the same bytes.

    Raises:
        ValueError: if the transfer syntax is not one of TRANSFER_SYNTAXES.
    """
    if transfer_syntax not in TRANSFER_SYNTAXES:
        known = ", ".join(syntax.name for syntax in TRANSFER_SYNTAXES)
        raise ValueError(f"expected one of these transfer syntaxes: {known}. Received: {transfer_syntax!r}")
    syntax = pydicom.uid.UID(transfer_syntax)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(study, "instance", index)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax in COMPRESSED else syntax
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    _describe_patient(dataset, study)
    _describe_series(dataset, study, index)
    _describe_plane(dataset, study, index)
    _fill_pixels(dataset, study.hu[index])
    if syntax in COMPRESSED:
        dataset.compress(syntax, generate_instance_uid=False)
    return dataset


def _uid(study: PhantomStudy, *of: str | int) -> str:
    return generate_uid(entropy_srcs=["hemo phantom", study.name, str(study.kind), str(study.hu.shape), *map(str, of)])


def _describe_patient(dataset: FileDataset, study: PhantomStudy) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.PatientName = PATIENT_NAME
    dataset.PatientID = study.name
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "O"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "SYNTHETIC: there is no patient"
    dataset.StudyInstanceUID = _uid(study, "study")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = _DAY
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = _TIME
    dataset.StudyID = str(study.seed)
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = f"SYNTHETIC head CT, {study.kind or 'no'} bleed"


def _describe_series(dataset: FileDataset, study: PhantomStudy, index: int) -> None:
    dataset.Modality = "CT"
    dataset.Manufacturer = "Hemo phantom (SYNTHETIC)"
    dataset.SeriesInstanceUID = _uid(study, "series")
    dataset.SeriesNumber = 1
    dataset.SeriesDescription = SERIES_DESCRIPTION
    dataset.BodyPartExamined = "HEAD"
    dataset.ProtocolName = "SYNTHETIC"
    dataset.KVP = "120"
    dataset.PatientPosition = "HFS"
    dataset.FrameOfReferenceUID = _uid(study, "frame")
    dataset.PositionReferenceIndicator = "OM"
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = _uid(study, "instance", index)
    dataset.InstanceNumber = index + 1
    dataset.AcquisitionNumber = 1
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    dataset.ImageComments = "SYNTHETIC"
    dataset.BurnedInAnnotation = "NO"


def _describe_plane(dataset: FileDataset, study: PhantomStudy, index: int) -> None:
    row, column = study.spacing
    height, width = study.hu.shape[1:]
    dataset.PixelSpacing = [f"{row:.6f}", f"{column:.6f}"]
    dataset.SliceThickness = f"{study.thickness:.3f}"
    dataset.SpacingBetweenSlices = f"{study.thickness:.3f}"
    # The patient's left is +x and the back is +y (PS3.3 C.7.6.2.1.1), which is how the phantom's own axes run.
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    left, top = -(width - 1) / 2 * column, -(height - 1) / 2 * row
    dataset.ImagePositionPatient = [f"{left:.4f}", f"{top:.4f}", f"{study.positions[index]:.4f}"]
    dataset.SliceLocation = f"{study.positions[index]:.4f}"


def _fill_pixels(dataset: FileDataset, hu: np.ndarray) -> None:
    stored = np.clip(hu + _OFFSET, 0, 4095).astype("<u2")
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept = str(-_OFFSET)
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "HU"
    dataset.WindowCenter = "40"
    dataset.WindowWidth = "80"
    dataset.PixelData = stored.tobytes()
