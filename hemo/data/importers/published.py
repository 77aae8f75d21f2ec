"""The published project's own folders: `Training Data/With Hemorrhage/6_0_80.jpg`.

The split is the top folder, the class the folder below it, and the CT series the prefix of the file name: `6_0_80` is
series 6, `N21_0_107` series N21, `IMG-0001-00015` series IMG-0001. Labels hold for a series, not for a slice.
"""

import re
from pathlib import Path
from typing import Any

from hemo.data.importers.base import (
    Importer,
    folders_in,
    images_below,
    label_of,
    require_rows,
    set_problems,
    split_of,
    squeeze,
    without_faults,
)
from hemo.data.manifest import Manifest, Problem, build_frame

SOURCE = "the published project's own 620 pictures"
_FOLDERS = {"trainingdata", "validationdata", "testingdata"}
_NAME = re.compile(r"^(?P<series>.+?)(?:_\d+)?[_-](?P<slice>\d+)$")


def series_and_slice(stem: str) -> tuple[str, str]:
    """CT series and slice number of a file name without suffix; the name itself twice where it holds no number.

    >>> series_and_slice("6_0_80"), series_and_slice("IMG-0001-00015")
    (('6', '80'), ('IMG-0001', '15'))
    """
    match = _NAME.match(stem)
    if match is None:
        return stem, stem
    return match["series"], str(int(match["slice"]))


def recognises(path: Path) -> bool:
    """At least two of "Training Data", "Validation Data", "Testing Data" with both class folders in one of them."""
    if not path.is_dir():
        return False
    parts = [folder for folder in folders_in(path) if squeeze(folder.name) in _FOLDERS]
    classes = {squeeze(folder.name) for part in parts for folder in folders_in(part)}
    return len(parts) >= 2 and {"withhemorrhage", "withouthemorrhage"} <= classes


def read(path: Path) -> Manifest:
    """Import the published folders.

    Raises:
        DatasetError: no slice is there.
    """
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for part in folders_in(path):
        split = split_of(part.name)
        for folder in folders_in(part) if split else ():
            label = label_of(folder.name)
            if label is None:
                detail = "Expected With Hemorrhage or Without Hemorrhage. Received: another folder; left out."
                problems.append(Problem(folder.relative_to(path).as_posix(), "bad_label", detail))
                continue
            for file in images_below(folder):
                series, number = series_and_slice(file.stem)
                rows.append(
                    {
                        "path": file.relative_to(path).as_posix(),
                        "label": label,
                        "group": series,
                        "group_kind": "series",
                        "slice": number,
                        "split": split,
                    }
                )
    rows, faults = without_faults(rows, path)
    problems += faults
    require_rows(rows, problems, path, "pictures in With Hemorrhage and Without Hemorrhage")
    problems += set_problems(rows)
    licence = "unknown: for reproducing the published run only"
    return Manifest(build_frame(rows), path, "Published project", SOURCE, licence, "", tuple(problems))


IMPORTER = Importer("published", "The published project's folders", recognises, read)
