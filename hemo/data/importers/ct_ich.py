"""PhysioNet CT-ICH v1.0.0 (Hssayeni et al. 2020), as published and in its public Kaggle copies.

`Patients_CT/049/brain/14.jpg` is slice 14 of patient 049 in brain window; `14_HGE_Seg.jpg` beside it is its lesion
mask. `hemorrhage_diagnosis.csv` (with byte-order mark) holds the calls. `boxes.csv`, where present, holds third-party
lesion boxes as fractions of the picture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from hemo.data.importers.base import Importer, folders_in, natural_key, require_rows, set_problems, without_faults
from hemo.data.levels import ct_ich_level
from hemo.data.manifest import SUBTYPES, Manifest, Problem, build_frame
from hemo.errors import DatasetError

TABLE = "hemorrhage_diagnosis.csv"
BOXES = "boxes.csv"
SOURCE = (
    "PhysioNet: Computed Tomography Images for Intracranial Hemorrhage Detection and Segmentation v1.0.0, "
    "doi:10.13026/w8q8-ky94"
)
LICENCE = "CC BY 4.0"
CITATION = (
    "Hssayeni M, Croock M, Salman A, Al-khafaji H, Yahya Z, Ghoraani B. Intracranial Hemorrhage Segmentation Using a "
    "Deep Convolutional Model. Data 2020, 5(1):14."
)
_COLUMNS = ("PatientNumber", "SliceNumber", *(name.capitalize() for name in SUBTYPES), "No_Hemorrhage")


def recognises(path: Path) -> bool:
    """A folder with `hemorrhage_diagnosis.csv` (any case) and a folder of patients."""
    return path.is_dir() and _table(path) is not None


def read(path: Path) -> Manifest:
    """Import CT-ICH.

    Args:
        path: the folder that holds `hemorrhage_diagnosis.csv`.

    Raises:
        DatasetError: the table lacks a column, or no slice it names is there.
    """
    table_path = _table(path)
    if table_path is None:
        raise DatasetError(f"Expected {TABLE} in {path}. Received: no such file.")
    table = _read_table(table_path, _COLUMNS)
    images, masks = _slices_on_disk(path)
    boxes = _boxes(path)
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for record in table.to_dict("records"):
        key = (int(record["PatientNumber"]), int(record["SliceNumber"]))
        if key not in images:
            name = f"Patients_CT/{key[0]:03d}/brain/{key[1]}.jpg"
            detail = f"Expected the slice that {TABLE} names. Received: no such file."
            problems.append(Problem(name, "missing", detail))
            continue
        rows.append(_row(record, images.pop(key), masks.get(key), boxes.get(key), path))
        if bool(record["No_Hemorrhage"]) == bool(rows[-1]["label"]):
            detail = f"Expected subtypes or No_Hemorrhage, not both. Received: No_Hemorrhage={record['No_Hemorrhage']}."
            problems.append(Problem(rows[-1]["path"], "conflict", detail + " The subtypes were believed."))
        if rows[-1]["boxes"] and not rows[-1]["label"]:
            detail = f"Expected lesion boxes on bleed slices only. Received: one on a slice that {TABLE} calls Normal."
            problems.append(Problem(rows[-1]["path"], "conflict", detail))
    for left in images.values():
        relative = left.relative_to(path).as_posix()
        problems.append(Problem(relative, "unlabelled", f"Expected a row in {TABLE}. Received: none; left out."))
    rows, faults = without_faults(rows, path)
    problems += faults
    require_rows(rows, problems, path, f"slices that {TABLE} names")
    rows.sort(key=lambda row: natural_key(row["path"]))
    problems += set_problems(rows)
    return Manifest(build_frame(rows), path, "CT-ICH", SOURCE, LICENCE, CITATION, tuple(problems))


def _row(
    record: dict[Any, Any], image: Path, mask: Path | None, boxes: list[tuple[float, ...]] | None, root: Path
) -> dict[str, Any]:
    subtypes = {name: bool(record[name.capitalize()]) for name in SUBTYPES}
    return {
        "path": image.relative_to(root).as_posix(),
        "label": int(any(subtypes.values())),
        "group": image.parents[1].name,
        "group_kind": "patient",
        "slice": str(int(record["SliceNumber"])),
        "split": "",
        **subtypes,
        "fracture": bool(record.get("Fracture_Yes_No", 0)),
        "boxes": boxes or [],
        "mask_path": mask.relative_to(root).as_posix() if mask else "",
        "window": "level 40, width 120",
        "brain_level": ct_ich_level(record["PatientNumber"], record["SliceNumber"]),
    }


def _table(path: Path) -> Path | None:
    return next((file for file in sorted(path.iterdir()) if file.name.lower() == TABLE), None)


def _read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise DatasetError(f"Expected a table in {path}. Received: {error}.") from error
    table.columns = [str(column).strip() for column in table.columns]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DatasetError(f"Expected the column {missing[0]} in {path}. Received: {', '.join(table.columns)}.")
    numeric = table[list(columns)].apply(pd.to_numeric, errors="coerce")
    bad = numeric.isna().any(axis=1)
    return table.assign(**{column: numeric[column] for column in columns})[~bad]


def _slices_on_disk(path: Path) -> tuple[dict[tuple[int, int], Path], dict[tuple[int, int], Path]]:
    """Images and masks by (patient, slice)."""
    images: dict[tuple[int, int], Path] = {}
    masks: dict[tuple[int, int], Path] = {}
    for file in _brain_files(path):
        stem = file.stem.lower()
        number = stem.removesuffix("_hge_seg")
        if number.isdigit():
            target = images if number == stem else masks
            target[int(file.parents[1].name), int(number)] = file
    return images, masks


def _brain_files(path: Path) -> Iterator[Path]:
    patients = next((folder for folder in folders_in(path) if folder.name.lower() == "patients_ct"), path)
    for patient in folders_in(patients):
        brain = patient / "brain"
        if patient.name.isdigit() and brain.is_dir():
            yield from (file for file in brain.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))


def _boxes(path: Path) -> dict[tuple[int, int], list[tuple[float, ...]]]:
    """Boxes by (patient, slice) as (xc, yc, w, h) fractions of the picture; empty where the file is not there."""
    if not (path / BOXES).is_file():
        return {}
    table = _read_table(path / BOXES, ("PatientNumber", "SliceNumber", "xc", "yc", "w", "h"))
    found: dict[tuple[int, int], list[tuple[float, ...]]] = {}
    for patient, number, *box in table[["PatientNumber", "SliceNumber", "xc", "yc", "w", "h"]].to_numpy(dtype=float):
        found.setdefault((int(patient), int(number)), []).append(tuple(float(value) for value in box))
    return found


IMPORTER = Importer("ct_ich", "PhysioNet CT-ICH", recognises, read)
