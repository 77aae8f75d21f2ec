"""A study's reading as DICOM: Secondary Captures of the key slices and a structured report, for a research archive.

Every object says that it is not for diagnostic use, in its series description, its content qualification and, for
pictures, in the pixels. Nothing identifies the patient unless an `Identity` is given. What is written is read back
before it is handed out.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hemo import __version__
from hemo.ct.identity import Identity
from hemo.ct.window import MODEL_WINDOW, Window
from hemo.errors import RefusedInput
from hemo.model.card import Card
from hemo.report.key_slices import KEY_SLICES, KeySlice, key_slices
from hemo.report.study_json import StudyResult

BANNER = "NOT FOR DIAGNOSTIC USE"
MANUFACTURER = "Hemo"
CAPTURE_SERIES, REPORT_SERIES = 9901, 9902
SCHEME = "99HEMO"
# Columns of a usual slice: the words below are sized for it.
SIDE = 512

_HEAT_NOTE = "Colors: where the network reacted, not where the bleed is."
_SCORE_MEANING = "Score of the network, 0 to 1"


def export_zip(result: StudyResult, card: Card, point: str | None = None, **options: Any) -> bytes:
    """The files of `export_dicom` in one zip; arguments and errors are the same."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in export_dicom(result, card, point, **options):
            archive.writestr(name, content)
    return stream.getvalue()


def export_dicom(
    result: StudyResult,
    card: Card,
    point: str | None = None,
    *,
    identity: Identity | None = None,
    limit: int = KEY_SLICES,
    window: Window = MODEL_WINDOW,
) -> list[tuple[str, bytes]]:
    """Write Secondary Captures of the key slices and a structured report.

    Args:
        result: the study, its readings and the reader's verdict.
        card: of the model that read it.
        point: name of the operating point; None for the default call.
        identity: of the patient and the examination, only where the user asked for it; without it both are new and
            anonymous.
        limit: how many key slices at most.
        window: what the key slices are shown through.

    Returns:
        File names and contents: `capture-001.dcm` ... and `report.dcm`.

    Raises:
        RefusedInput: if no slice of the study was read, so that there is nothing to show.
        RuntimeError: if what was written does not read back as it was meant.
    """
    keys = key_slices(result, limit, window)
    if not keys:
        raise RefusedInput("Expected a study with slices that were read. Received: a study whose slices were refused.")
    pixels = [capture_pixels(key, card, len(result.slices)) for key in keys]
    captures = _captures(keys, pixels, card, identity)
    report = _report(result, keys, captures, card, point)
    files = [(f"capture-{number:03}.dcm", _bytes(capture)) for number, capture in enumerate(captures, start=1)]
    files.append(("report.dcm", _bytes(report)))
    _check(files, pixels, result)
    return files


def capture_pixels(key: KeySlice, card: Card, count: int) -> NDArray[np.uint8]:
    """One picture: the untouched slice, beside it the one with heat map, below both what they are.

    Args:
        key: the slice.
        card: of the model.
        count: slices in the study.

    Returns:
        RGB, uint8 (H m + band, 2 W m, 3), where m is `magnification`.
    """
    plain = np.repeat(key.grey[..., np.newaxis], 3, axis=2)
    pair = np.concatenate([plain, key.marked], axis=1)
    times = magnification(key)
    pair = pair.repeat(times, axis=0).repeat(times, axis=1)
    scale = pair.shape[1] / (2 * SIDE)
    step = round(24 * scale)
    lines = (
        BANNER,
        f"{key.call}, score {key.score:.3f}, slice {key.number} of {count}, {card['name']} {card['sha256'][:12]}",
        _HEAT_NOTE,
    )
    band = np.zeros((step * len(lines) + step // 2, pair.shape[1], 3), np.uint8)
    for number, line in enumerate(lines, start=1):
        # cv2 draws ASCII only.
        text = line.encode("ascii", "replace").decode()
        place = (step // 3, step * number)
        cv2.putText(band, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6 * scale, (235, 235, 235), 1, cv2.LINE_AA)
    return np.concatenate([pair, band])


def magnification(key: KeySlice) -> int:
    """How many times each pixel is repeated, so that the words below a small slice can be read."""
    return max(1, -(-SIDE // key.grey.shape[1]))


def _captures(
    keys: Sequence[KeySlice], pixels: Sequence[NDArray[np.uint8]], card: Card, identity: Identity | None
) -> list[Any]:
    import highdicom as hd

    study = {"study_instance_uid": _study_uid(identity), **_identifying(identity)}
    series = hd.UID()
    captures = []
    for number, (key, picture) in enumerate(zip(keys, pixels, strict=True), start=1):
        capture = hd.sc.SCImage(
            pixel_array=picture,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "P"),
            series_instance_uid=series,
            series_number=CAPTURE_SERIES,
            sop_instance_uid=hd.UID(),
            instance_number=number,
            manufacturer=MANUFACTURER,
            pixel_spacing=_spacing(key),
            **study,
        )
        _mark(capture, "key slices")
        capture.ImageComments = key.caption
        capture.DerivationDescription = f"Slice and heat map of {card['name']}. {_HEAT_NOTE} {BANNER}."
        # PS3.3 C.7.6.1.1.5: no text in the pixels names the patient.
        capture.BurnedInAnnotation = "NO"
        captures.append(capture)
    return captures


def _spacing(key: KeySlice) -> tuple[float, float] | None:
    if key.spacing_mm is None:
        return None
    rows, columns = key.spacing_mm
    return rows / magnification(key), columns / magnification(key)


def _identifying(identity: Identity | None) -> dict[str, Any]:
    """What names the patient and the examination; a value that its VR does not allow is left out or cut.

    Without this, pydicom would write the offending value into a warning and a log.
    """
    if identity is None:
        return {}
    fields = {
        "patient_name": _cut("=".join(identity.patient_name.split("=")[:3]), 64),
        "patient_id": _cut(identity.patient_id, 64),
        "patient_birth_date": _matching(r"\d{8}", identity.birth_date),
        "patient_sex": _matching("[MFO]", identity.sex),
        "study_id": _cut(identity.study_id, 16),
        "study_date": _matching(r"\d{8}", identity.study_date),
        "study_time": _matching(r"\d{6}(\.\d{1,6})?", identity.study_time),
        "accession_number": _cut(identity.accession, 16),
        "referring_physician_name": _cut("=".join(identity.referring_physician.split("=")[:3]), 64),
    }
    return {name: value for name, value in fields.items() if value}


def _cut(text: str, length: int) -> str:
    visible = "".join(character for character in text if character.isprintable() and character != "\\")
    return visible[:length].strip()


def _matching(pattern: str, text: str) -> str:
    return text if re.fullmatch(pattern, text) else ""


def _study_uid(identity: Identity | None) -> str:
    import highdicom as hd

    known = _matching(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+", identity.study_uid) if identity else ""
    return known if 0 < len(known) <= 64 else hd.UID()


def _mark(dataset: Any, what: str) -> None:
    """What every object says about itself."""
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SeriesDescription = f"Hemo {what}, {BANNER}"
    dataset.ContentQualification = "RESEARCH"
    dataset.SoftwareVersions = __version__
    dataset.ManufacturerModelName = "Hemo"


def _report(
    result: StudyResult, keys: Sequence[KeySlice], captures: Sequence[Any], card: Card, point: str | None
) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    device = hd.sr.DeviceObserverIdentifyingAttributes(
        # The same model is the same observer in every report.
        uid=generate_uid(entropy_srcs=[card["sha256"]]),
        name=card["name"][:64],
        manufacturer_name=MANUFACTURER,
        model_name=card["architecture"][:64],
        serial_number=card["sha256"],
    )
    context = hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )
    content = hd.sr.MeasurementReport(
        observation_context=context,
        procedure_reported=hd.sr.CodedConcept("303653007", "SCT", "CT of head"),
        imaging_measurements=[_group(key, capture, card) for key, capture in zip(keys, captures, strict=True)],
    )
    for text in _sentences(result, card, point):
        content[0].ContentSequence.append(
            hd.sr.TextContentItem(codes.DCM.Comment, text, relationship_type=hd.sr.RelationshipTypeValues.CONTAINS)
        )
    report = hd.sr.EnhancedSR(
        evidence=list(captures),
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=REPORT_SERIES,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    _mark(report, "report")
    return report


def _group(key: KeySlice, capture: Any, card: Card) -> Any:
    """Score and call of one key slice, with the capture that shows it (TID 1501)."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=hd.UID(), identifier=f"slice {key.number}"),
        source_images=[hd.sr.SourceImageForMeasurementGroup(capture.SOPClassUID, capture.SOPInstanceUID)],
        algorithm_id=hd.sr.AlgorithmIdentification(
            name=card["name"], version=card["created"], parameters=[f"sha256 {card['sha256']}"]
        ),
        measurements=[
            hd.sr.Measurement(
                name=hd.sr.CodedConcept("score", SCHEME, _SCORE_MEANING),
                value=round(key.score, 6),
                unit=codes.UCUM.NoUnits,
            )
        ],
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(
                name=hd.sr.CodedConcept("call", SCHEME, "Call of the model"),
                value=hd.sr.CodedConcept(key.call.lower(), SCHEME, key.call),
            )
        ],
    )


def _sentences(result: StudyResult, card: Card, point: str | None) -> list[str]:
    answer = result.answer
    score = "none" if answer.score is None else f"{answer.score:.6f}"
    verdict = [f"Reader's verdict: {result.verdict}."] if result.verdict else []
    note = [f"Reader's note: {result.note}"] if result.note else []
    return [
        f"{BANNER}. For teaching and research.",
        f"Study call: {answer.call}. Score: {score}. Operating point: {point or 'default'}.",
        f"{answer.n_read} of {len(result.slices)} slices read, {answer.n_called} called Hemorrhage.",
        f"Model {card['name']} of {card['created']}, sha256 {card['sha256']}, read with Hemo {__version__}.",
        _HEAT_NOTE,
        *(f"Warning: {warning}" for warning in result.warnings),
        *(f"Limit: {limit}" for limit in card["limits"]),
        *verdict,
        *note,
    ]


def _bytes(dataset: Any) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _check(files: Sequence[tuple[str, bytes]], pixels: Sequence[NDArray[np.uint8]], result: StudyResult) -> None:
    """Read back what was written: pixels, marks, and the report's tree with its calls."""
    import highdicom as hd
    import pydicom

    *captures, (_, report) = files
    for (name, content), expected in zip(captures, pixels, strict=True):
        read = pydicom.dcmread(io.BytesIO(content))
        if BANNER not in read.SeriesDescription or not np.array_equal(read.pixel_array, expected):
            raise RuntimeError(f"Expected {name} to read back as it was written. Received: other content.")
    tree = hd.sr.srread(io.BytesIO(report))
    said = " ".join(item.TextValue for item in tree.content[0].ContentSequence if item.ValueType == "TEXT")
    groups = tree.content.get_image_measurement_groups()
    if BANNER not in said or f"Study call: {result.answer.call}." not in said or len(groups) != len(captures):
        raise RuntimeError("Expected the structured report to read back as it was written. Received: other content.")
