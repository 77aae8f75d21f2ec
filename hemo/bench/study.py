"""Reading a study: everything from a dropped zip to scores and placed heat maps, against pydicom and one bare pass."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from hemo.bench.ratio import Ratio, interleaved

SLICES = 40
SIZE = 512
TARGET = 3
BASELINE = "pydicom alone decoding the same files, and one bare batched forward pass"


def run() -> list[Ratio]:
    """Time a 40-slice 512×512 study in a zip, uncompressed and in JPEG-LS, with the model that reads by default.

    Raises:
        BundleError: there is no model.
    """
    from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

    from hemo.bench.reading import bare_forward
    from hemo.model.bundle import find_bundle
    from hemo.model.predictor import Predictor
    from hemo.workspace import Workspace

    bundle = find_bundle(Workspace.from_environment().models)
    predictor = Predictor(bundle)
    forward = bare_forward(bundle.load_model(), batch=None)
    prepared = np.zeros((SLICES, predictor.preparation.size, predictor.preparation.size), np.uint8)
    ratios = []
    for name, syntax in (("uncompressed", ExplicitVRLittleEndian), ("JPEG-LS", JPEGLSLossless)):
        files = study_files(str(syntax))
        dropped = zipped(files)
        seconds = interleaved(
            {
                "theirs": lambda files=files: (decode_with_pydicom(files), forward(prepared)),  # type: ignore[misc]
                "ours": lambda dropped=dropped: read_dropped(dropped, predictor),  # type: ignore[misc]
            },
            repeats=5,
            warm_up=1,
        )
        ratios.append(
            Ratio.at_most(
                f"a zip of {SLICES} slices of {SIZE}×{SIZE}, {name}: every score and heat map",
                BASELINE,
                seconds["theirs"],
                seconds["ours"],
                TARGET,
            )
        )
    return ratios


def study_files(transfer_syntax: str, slices: int = SLICES, size: int = SIZE) -> list[bytes]:
    """A phantom study's DICOM files."""
    from hemo.data.phantom_dicom import write_dicom_study
    from hemo.data.phantom_study import phantom_study

    with tempfile.TemporaryDirectory() as folder:
        paths = write_dicom_study(phantom_study(1, slices, "subdural", size), Path(folder), transfer_syntax)
        return [path.read_bytes() for path in paths]


def zipped(files: list[bytes]) -> bytes:
    """The files in one deflated zip, without suffixes, as a PACS export has them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(files):
            archive.writestr(f"IMG{number:04d}", data)
    return stream.getvalue()


def decode_with_pydicom(files: list[bytes]) -> list[np.ndarray]:
    """What a script does at the least: parse, decode, rescale to HU."""
    import pydicom

    slices = []
    for data in files:
        dataset = pydicom.dcmread(io.BytesIO(data))
        slices.append(dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept))
    return slices


def read_dropped(data: bytes, predictor: object) -> list[object]:
    """What the Read page does with a drop: studies, guard, scores, and heat maps at the slices' own resolution."""
    from hemo.ct.study import assemble_studies
    from hemo.model.reading import read_slices

    result = assemble_studies([("study.zip", data)])
    return [read_slices(predictor, study.slices) for study in result.studies]  # type: ignore[arg-type]
