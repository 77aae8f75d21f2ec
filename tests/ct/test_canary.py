"""No header value, file name or content leaves the reader: not in logs, on the console, in messages, or on disk."""

import io
import logging
import os
import tempfile
import warnings
from pathlib import Path

import pytest
from pydicom.uid import JPEGLSLossless

from hemo.ct.study import assemble_studies
from tests.ct.make_dicom import compressed, ct_bytes, ct_dataset
from tests.ct.test_archive import zipped

# The header of every file from `make_dicom` holds CANARY as name and number; dates and UIDs of its own.
SECRETS = ("CANARY", "19700101", "20240229", "1.2.3.4")


def drop() -> list[tuple[str, bytes]]:
    """Files that take every path through the reader: read, refused, damaged, zipped, compressed."""
    nonsense = {"SeriesDescription": "CANARY series", "ProtocolName": "CANARY", "BodyPartExamined": "CANARY"}
    return [
        ("a", ct_bytes(**nonsense)),
        ("mr", ct_bytes(Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")),
        ("cut", ct_bytes(StudyInstanceUID="1.2.3.4.5")[:-900]),
        ("header cut", ct_bytes()[:700]),
        ("compressed", compressed(ct_dataset(StudyInstanceUID="1.2.3.4.6"), JPEGLSLossless)),
        ("compressed and damaged", damaged(compressed(ct_dataset(StudyInstanceUID="1.2.3.4.7"), JPEGLSLossless))),
        ("syntax", ct_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.CANARY.99999999\0")),
        ("photometric", ct_bytes(PhotometricInterpretation="CANARY")),
        ("modality", ct_bytes(Modality="CANARYCANARY", SOPClassUID="1.2")),
        ("z.zip", zipped({"x": ct_bytes(StudyInstanceUID="1.2.3.4.8")})),
    ]


def damaged(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + b"\xff\xda\xff\xd9" * 10 + data[half + 40 :]


def test_no_header_value_reaches_logs_console_messages_or_files(tmp_path, monkeypatch, capfd, caplog):
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(place)
    files = drop()
    caplog.set_level(logging.DEBUG)
    capfd.readouterr()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        result = assemble_studies(files)
    assert len(result.studies) >= 3 and len(result.refused) >= 6
    said = io.StringIO()
    for study in result.studies:
        said.write(repr(study) + str(study.warnings) + study.series + repr(study.slices))
    said.write(str(result.refused) + caplog.text + "".join(capfd.readouterr()) + "".join(map(str, warned)))
    for secret in SECRETS:
        assert secret not in said.getvalue(), secret
    assert [path for path in place.rglob("*") if path.is_file()] == []


def test_canary_would_be_seen(caplog):
    """The detector itself: pydicom's own reader does log header values."""
    import pydicom

    with pytest.warns(UserWarning, match="CANARY"):
        dataset = pydicom.dcmread(io.BytesIO(ct_bytes().replace(b"1.2.3.4.1", b"CANARY.01")))
        _ = dataset.SeriesInstanceUID
    assert "CANARY" in caplog.text


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_decoder_process_gets_no_names_in_its_arguments():
    from hemo.ct import compressed as module

    assemble_studies([("CANARY", compressed(ct_dataset(), JPEGLSLossless))])
    process = module._DECODER._process
    assert process is not None
    arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"decoder_process.py" in arguments and b"CANARY" not in arguments
    assert os.path.basename(arguments.split(b"\0")[2]) == b"decoder_process.py"  # noqa: PTH119
