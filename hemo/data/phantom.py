"""A phantom data set on disk: slices, exact masks and a manifest, the same bytes for the same seed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from hemo.ct.window import MODEL_WINDOW, apply_window
from hemo.data.manifest import MANIFEST_JSON, SUBTYPES, Manifest, build_frame
from hemo.data.phantom_dicom import write_dicom_study
from hemo.data.phantom_study import KINDS, PhantomStudy, phantom_study
from hemo.errors import DatasetError

NAME = "SYNTHETIC head phantom"
SOURCE = "Made by Hemo from formulas and a seed; no patient's image is in it."
LICENCE = "CC0 1.0 (SYNTHETIC images)"
CITATION = "Hemo head phantom (synthetic)."
README = """SYNTHETIC head CT, made by formulas from a seed: no patient's image is in this folder.

Good for a demo, for tests and as a supplement when training. A figure measured on it says nothing about patients.
slices: {form}
masks:  8-bit PNG, 255 where blood was painted; a slice without a mask has no blood
labels: manifest.csv (one row a slice; group = one synthetic person)
seed:   {seed}
"""

PNG_SIZE = 256
DICOM_SIZE = 512
SLICES = 16

# Of eight studies of a class, five train: enough to fit, and every part still holds both classes from six studies on.
_SPLIT_CYCLE = ("train", "validation", "test", "train", "train", "train", "validation", "test", "train", "train")

Progress = Callable[[int, int], None]


def write_phantom(
    out: Path,
    studies: int = 24,
    seed: int = 0,
    dicom: bool = False,
    progress: Progress | None = None,
    n_slices: int = SLICES,
    size: int | None = None,
) -> Manifest:
    """Write a phantom set: every second study has a bleed, the kinds in turn, splits by study.

    Args:
        out: a new or empty folder, or one that holds an earlier phantom set (which is replaced).
        studies: number of studies, at least 2.
        seed: the same seed writes the same bytes.
        dicom: DICOM series in place of PNG slices in the model's window.
        progress: called with (studies written, studies in all).
        n_slices: slices a study.
        size: rows and columns; 256 for PNG and 512 for DICOM if not given.

    Returns:
        The manifest, as `Manifest.load(out)` reads it.

    Raises:
        DatasetError: if the folder holds something else, or a number is out of range.
    """
    if studies < 2 or seed < 0 or n_slices < 1:
        raise DatasetError(
            f"expected at least 2 studies, 1 slice a study and a seed of 0 or more. "
            f"Received: studies={studies}, n_slices={n_slices}, seed={seed}"
        )
    out = Path(out)
    _make_room(out)
    size = size or (DICOM_SIZE if dicom else PNG_SIZE)
    form = "DICOM series, one folder a study" if dicom else "8-bit PNG, window level 40 HU, width 120 HU"
    rows: list[dict[str, Any]] = []
    for index in range(studies):
        kind = KINDS[(index // 2) % len(KINDS)] if index % 2 else None
        study = _study_with_blood(seed * 100_000 + index, n_slices, kind, size)
        rows += _write_study(out, study, _split_of(index // 2), seed, dicom)
        if progress is not None:
            progress(index + 1, studies)
    (out / "README.txt").write_text(README.format(form=form, seed=seed), encoding="utf-8")
    frame = build_frame(rows)
    name = f"{NAME} (seed {seed}{', DICOM' if dicom else ''})"
    manifest = Manifest(frame, out, name, SOURCE, LICENCE, CITATION)
    manifest.save()
    return manifest


def _split_of(rank: int) -> str:
    """Split of the rank-th study of its class."""
    return _SPLIT_CYCLE[rank % len(_SPLIT_CYCLE)]


def _study_with_blood(seed: int, n_slices: int, kind: str | None, size: int) -> PhantomStudy:
    """A study; one whose bleed falls between its few slices is drawn again from a further seed."""
    for attempt in range(20):
        study = phantom_study(seed + attempt * 10**12, n_slices, kind, size)
        if kind is None or study.labels.any():
            return study
    raise DatasetError(
        f"expected a {kind} bleed on at least one slice. Received: none in 20 draws of {n_slices} slices a study"
    )


def _make_room(out: Path) -> None:
    """An empty folder at `out`; an earlier phantom set is removed, anything else is left alone."""
    if out.exists() and not out.is_dir():
        raise DatasetError(f"expected a folder to write the phantom set to. Received: the file {out}")
    if out.is_dir() and any(out.iterdir()):
        if not _is_phantom(out):
            raise DatasetError(f"expected a new or empty folder, or an earlier phantom set. Received: {out}, not empty")
        for old in ("images", "masks", "dicom"):
            shutil.rmtree(out / old, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)


def _is_phantom(folder: Path) -> bool:
    try:
        return Manifest.load(folder).name.startswith(NAME) and (folder / MANIFEST_JSON).is_file()
    except DatasetError:
        return False


def _write_study(out: Path, study: PhantomStudy, split: str, seed: int, dicom: bool) -> list[dict[str, Any]]:
    if dicom:
        files = write_dicom_study(study, out / "dicom" / study.name)
        paths = [file.relative_to(out).as_posix() for file in files]
    else:
        paths = [f"images/{study.name}/{index + 1:03d}.png" for index in range(len(study.hu))]
        for path, hu in zip(paths, study.hu, strict=True):
            _write_png(out / path, apply_window(hu, MODEL_WINDOW))
    rows = []
    for index, path in enumerate(paths):
        mask_path = ""
        if study.labels[index]:
            mask_path = f"masks/{study.name}/{index + 1:03d}.png"
            _write_png(out / mask_path, study.masks[index].astype(np.uint8) * 255)
        rows.append(
            {
                "path": path,
                "label": int(study.labels[index]),
                "group": study.name,
                "group_kind": "patient",
                "slice": f"{index + 1}",
                "split": split,
                "mask_path": mask_path,
                "boxes": _boxes(study.masks[index]),
                "brain_level": study.levels[index],
                **{kind: bool(study.labels[index]) and kind == study.kind for kind in SUBTYPES},
            }
        )
    return rows


def _boxes(mask: np.ndarray) -> list[tuple[float, float, float, float]]:
    """The box around all blood of a slice, (xc, yc, w, h) as fractions of the picture."""
    if not mask.any():
        return []
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    box = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height)
    return [tuple(round(value, 6) for value in box)]  # type: ignore[list-item]


def _write_png(path: Path, grey: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    about = PngImagePlugin.PngInfo()
    about.add_text("Description", "SYNTHETIC head phantom made by Hemo; not a patient")
    Image.fromarray(grey).save(path, format="PNG", pnginfo=about, compress_level=4)


__all__ = ["DICOM_SIZE", "KINDS", "PNG_SIZE", "PhantomStudy", "phantom_study", "write_phantom"]
