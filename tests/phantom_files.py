"""Phantom slices as the files a reader would drop."""

import io
from functools import cache

import cv2
import numpy as np

from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.phantom_dicom import phantom_dataset
from hemo.data.phantom_study import PhantomStudy, phantom_study


@cache
def small_study(seed: int = 1, bleed: str | None = "intraparenchymal", slices: int = 3) -> PhantomStudy:
    """A study of 192 by 192 pixels."""
    return phantom_study(seed, slices, bleed, size=192)


def dicom_files(study: PhantomStudy, folder: str = "scan") -> list[tuple[str, bytes]]:
    """Name and bytes of each slice as DICOM."""
    files = []
    for index in range(len(study.hu)):
        stream = io.BytesIO()
        phantom_dataset(study, index).save_as(stream, enforce_file_format=True)
        files.append((f"{folder}-{index + 1}.dcm", stream.getvalue()))
    return files


def png_file(study: PhantomStudy, index: int = 1) -> bytes:
    """One slice as a PNG in the model's window."""
    written, data = cv2.imencode(".png", apply_window(study.hu[index], MODEL_WINDOW))
    assert written
    return np.asarray(data).tobytes()
