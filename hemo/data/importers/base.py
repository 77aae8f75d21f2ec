"""What the importers share: words for classes and splits, listing of image files, first checks of a file."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemo.ct.read import sniff
from hemo.data.manifest import SUBTYPES, Manifest, Problem
from hemo.errors import DatasetError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".ima")
_HEAD_BYTES, _TAIL_BYTES = 1024, 4096
_IGNORED_NAMES = {"thumbs.db", "desktop.ini", "dicomdir"}

_NORMAL_WORDS = {
    *("normal", "normals", "nohemorrhage", "withouthemorrhage", "nonhemorrhage", "nonhemorrhagic", "nohemorrhagic"),
    *("healthy", "control", "controls", "negative", "neg", "none", "no", "false", "0", "nobleed", "nobleeding"),
    *("withoutbleed", "noich", "nonich", "normalct"),
}
_HEMORRHAGE_WORDS = {
    *("hemorrhage", "hemorrhages", "hemorrhagic", "withhemorrhage", "hemorrhagicct", "hemorrhagedata"),
    *("bleed", "bleeds", "bleeding", "withbleed", "ich", "positive", "pos", "yes", "true", "1", "abnormal"),
    *("intracranialhemorrhage", "brainhemorrhage"),
}
_SUBTYPE_WORDS = {
    **{name: name for name in SUBTYPES},
    **{f"{name}hemorrhage": name for name in SUBTYPES},
    **{"edh": "epidural", "iph": "intraparenchymal", "ivh": "intraventricular", "sah": "subarachnoid"},
    **{"sdh": "subdural", "epiduralhematoma": "epidural", "subduralhematoma": "subdural"},
}
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "traindata", "trainingdata", "trainset", "trainingset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "valdata", "validdata", "validationdata", "dev"), "validation"),
    **dict.fromkeys(("validationset", "valset"), "validation"),
    **dict.fromkeys(("test", "testing", "testdata", "testingdata", "testset", "testingset", "holdout"), "test"),
}


@dataclass(frozen=True)
class Importer:
    """One layout of files that Hemo understands.

    Args:
        layout: its name on the command line.
        title: its name for people.
        recognises: whether a path looks like this layout; must be quick and never raise.
        read: path and options → manifest; raises DatasetError where the layout holds nothing usable.
    """

    layout: str
    title: str
    recognises: Callable[[Path], bool]
    read: Callable[..., Manifest]


def squeeze(word: object) -> str:
    """A spelling reduced to what matters: lower case, no blanks or punctuation, American."""
    return re.sub(r"[^a-z0-9]+", "", str(word).lower()).replace("haem", "hem").replace("hemorrage", "hemorrhage")


def label_of(word: object) -> int | None:
    """0 or 1 for a class name or value in any common spelling, None for anything else.

    >>> label_of("With Haemorrhage"), label_of("no_hemorrhage"), label_of(1.0), label_of("tumour")
    (1, 0, 1, None)
    """
    if isinstance(word, bool | int | float) and word in (0, 1):
        return int(word)
    key = squeeze(str(word).strip().removesuffix(".0"))
    if key in _NORMAL_WORDS:
        return 0
    return 1 if key in _HEMORRHAGE_WORDS or key in _SUBTYPE_WORDS else None


def subtype_of(word: object) -> str | None:
    """The bleed's subtype a folder or class is named for ("SDH" → "subdural"), or None."""
    return _SUBTYPE_WORDS.get(squeeze(word))


def split_of(word: object) -> str | None:
    """The split a folder or value is named for ("Training Data" → "train"), or None."""
    return _SPLIT_WORDS.get(squeeze(word))


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key under which "slice 2" comes before "slice 10"."""
    return tuple((0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"(\d+)", text) if part)


def folders_in(folder: Path) -> list[Path]:
    """Visible subfolders, in natural order."""
    found = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    return sorted(found, key=lambda path: natural_key(path.name))


def images_below(folder: Path) -> Iterator[Path]:
    """Files below a folder that claim to be images: a known suffix, or none at all as DICOM often has.

    The order is natural and the same on every machine.
    """
    found = (path for path in folder.rglob("*") if _claims_image(path) and path.is_file())
    yield from sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def _claims_image(path: Path) -> bool:
    if path.name.startswith(".") or path.name.lower() in _IGNORED_NAMES:
        return False
    return path.suffix.lower() in IMAGE_SUFFIXES or path.suffix == "" or path.suffix[1:].isdigit()


def is_mask(path: Path) -> bool:
    """Whether a file is a lesion mask by its name, such as `14_HGE_Seg.jpg` of CT-ICH or `14_mask.png`."""
    return path.stem.lower().endswith(("_hge_seg", "_mask", "_seg"))


def fault_of(path: Path) -> str | None:
    """One sentence about a file that cannot be a slice, from its first and last bytes; None where it may be one.

    Catches what is missing, empty, of another kind or cut short, without decoding. What this lets through and decoding
    then refuses is found by `hemo.data.problems.check_files`.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            tail = stream.read()
    except OSError as error:
        return f"Expected a slice. Received: {error.strerror or error}."
    kind = sniff(head)
    if kind in ("png", "jpeg"):
        end = b"IEND" if kind == "png" else b"\xff\xd9"
        return None if end in tail else f"Expected a whole {kind.upper()}. Received: one that is cut short."
    if kind == "dicom":
        return None
    received = "an empty file" if not head else "a file of another kind" if kind == "unknown" else f"a {kind} file"
    return f"Expected a PNG, JPEG or DICOM slice. Received: {received}."


def without_faults(rows: Iterable[dict[str, Any]], root: Path) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows whose file passes `fault_of`, and a problem for each other one."""
    kept, problems = [], []
    for row in rows:
        fault = fault_of(root / row["path"])
        if fault is None:
            kept.append(row)
        else:
            problems.append(Problem(path=row["path"], kind="unreadable", detail=fault))
    return kept, problems


def set_problems(rows: list[dict[str, Any]]) -> list[Problem]:
    """What is wrong with a set as a whole: a class without slices, a single patient, patients unknown."""
    problems = []
    n = {label: sum(row["label"] == label for row in rows) for label in (0, 1)}
    if not all(n.values()):
        detail = f"Expected slices of both classes. Received: {n[1]} Hemorrhage and {n[0]} Normal."
        problems.append(Problem("", "empty_class", detail))
    kind = "file" if any(row["group_kind"] == "file" for row in rows) else rows[0]["group_kind"]
    if len({row["group"] for row in rows}) == 1:
        detail = f"Expected at least two {plural(kind)} to split by. Received: one, {rows[0]['group']}."
        problems.append(Problem("", "one_group", detail))
    elif kind == "file":
        detail = "Patients are unknown: each file counts as its own, so slices of one patient may stand on both sides."
        problems.append(Problem("", "no_groups", detail))
    return problems


def plural(group_kind: str) -> str:
    """The plural of a group kind: patients, series, files."""
    return "series" if group_kind == "series" else f"{group_kind}s"


def require_rows(rows: list[dict[str, Any]], problems: list[Problem], path: Path, expected: str) -> None:
    """Raise one clear sentence where an importer is left without any slice.

    Raises:
        DatasetError: no rows.
    """
    if rows:
        return
    bad = next((problem for problem in problems if problem.path), None)
    received = f"{len(problems)} problems, the first: {bad.path}: {bad.detail}" if bad else "no such file."
    raise DatasetError(f"Expected {expected} in {path}. Received: {received}")
