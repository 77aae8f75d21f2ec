"""Weights with fewer digits, and a .keras file that says them in fewer bytes.

A float32 weight carries 23 bits behind the point; a trained network's call does not depend on most of them. Rounded to
a few, the rest of each number is zeros, which the zip that a .keras file is packs away. Everything is loaded and
computed as float32 as before: no other type, no other code.
"""

import zipfile
from pathlib import Path

import numpy as np

KEPT_BITS = 8
"""Bits behind the point that shipped weights keep: a relative error of at most 2⁻⁹ each."""
_FLOAT32_BITS = 23


def rounded(values: np.ndarray, bits: int = KEPT_BITS) -> np.ndarray:
    """Values rounded to the nearest number with so many bits behind the point.

    Args:
        values: any shape, finite, well below the largest float32.
        bits: 1 to 22.

    Returns:
        float32, the same shape.
    """
    if not 1 <= bits < _FLOAT32_BITS:
        raise ValueError(f"Expected from 1 to {_FLOAT32_BITS - 1} bits. Received: {bits}")
    dropped = np.uint32(_FLOAT32_BITS - bits)
    half = np.uint32(1) << (dropped - np.uint32(1))
    raw = np.array(values, np.float32, order="C").view(np.uint32)
    return np.asarray(((raw + half) >> dropped << dropped).view(np.float32))


def pack(path: Path) -> None:
    """Compress the members of a .keras file, which Keras stores as they are; it opens both."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members:
            archive.writestr(name, content)
