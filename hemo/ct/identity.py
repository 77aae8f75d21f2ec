"""The patient's identity, read only when the user asked for an export that carries it."""

from dataclasses import dataclass, field

from hemo.ct.dicom_elements import read_elements
from hemo.errors import HemoError

_NAME, _ID, _BIRTH, _SEX = 0x00100010, 0x00100020, 0x00100030, 0x00100040
_STUDY_UID, _STUDY_ID, _STUDY_DATE, _STUDY_TIME = 0x0020000D, 0x00200010, 0x00080020, 0x00080030
_ACCESSION, _REFERRING = 0x00080050, 0x00080090
_CHARACTER_SET = 0x00080005
_WANTED = frozenset({
    _NAME, _ID, _BIRTH, _SEX, _STUDY_UID, _STUDY_ID, _STUDY_DATE, _STUDY_TIME, _ACCESSION, _REFERRING, _CHARACTER_SET
})  # fmt: skip

# PS3.3 C.12.1.1.2, the single-byte sets and UTF-8; others fall back to Latin-1, which loses no byte.
_ENCODINGS = {"ISO_IR 192": "utf-8", "ISO_IR 100": "latin-1", "ISO_IR 101": "iso8859-2", "ISO_IR 144": "iso8859-5",
              "ISO_IR 126": "iso8859-7", "ISO_IR 138": "iso8859-8", "ISO_IR 127": "iso8859-6",
              "ISO_IR 148": "iso8859-9", "GB18030": "gb18030"}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """Who was scanned and in which examination; its repr shows nothing, so that no log can.

    Args:
        patient_name: as DICOM writes it, family name first, `^` between parts.
        patient_id: the hospital's number.
        birth_date: YYYYMMDD.
        sex: M, F or O.
        study_uid: of the examination.
        study_id: as shown on scanners.
        study_date: YYYYMMDD.
        study_time: HHMMSS.
        accession: number of the order.
        referring_physician: as DICOM writes names.
    """

    patient_name: str = field(repr=False)
    patient_id: str = field(repr=False)
    birth_date: str = field(repr=False)
    sex: str = field(repr=False)
    study_uid: str = field(repr=False)
    study_id: str = field(repr=False)
    study_date: str = field(repr=False)
    study_time: str = field(repr=False)
    accession: str = field(repr=False)
    referring_physician: str = field(repr=False)


def read_identity(data: bytes) -> Identity | None:
    """Identity in a DICOM file's header; None where the file cannot be read."""
    try:
        values = read_elements(data, _WANTED).values
    except HemoError:
        return None
    raw_set = values.get(_CHARACTER_SET, b"")
    terms = raw_set.decode("latin-1").strip("\0 ").split("\\") if isinstance(raw_set, bytes) else []
    encoding = next((_ENCODINGS[term] for term in terms if term in _ENCODINGS), "latin-1")

    def text(tag: int) -> str:
        value = values.get(tag, b"")
        return value.decode(encoding, "replace").strip("\0 ") if isinstance(value, bytes) else ""

    return Identity(
        patient_name=text(_NAME),
        patient_id=text(_ID),
        birth_date=text(_BIRTH),
        sex=text(_SEX),
        study_uid=text(_STUDY_UID),
        study_id=text(_STUDY_ID),
        study_date=text(_STUDY_DATE),
        study_time=text(_STUDY_TIME),
        accession=text(_ACCESSION),
        referring_physician=text(_REFERRING),
    )
