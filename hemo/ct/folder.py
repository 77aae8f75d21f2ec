"""Studies from files and folders on disk, one at a time: a thousand of them take no more memory than one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hemo.ct.dicom_elements import read_elements
from hemo.ct.names import clean_name, folder_of, is_clutter, natural_key, numbered
from hemo.ct.read import read_bytes, sniff
from hemo.ct.study import MAX_PICTURE_STACK, ReadResult, assemble_studies
from hemo.errors import HemoError, UnreadableImage

_STUDY_UID = 0x0020000D


@dataclass(frozen=True)
class Part:
    """Files that are read together, mostly one study.

    Args:
        members: (name, path) of each; names are relative to the folder that was asked for.
        refused: (name, reason) of files that could not even be opened.
    """

    members: tuple[tuple[str, Path], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of its files."""
        return [name for name, _ in self.members]


def read_studies(
    paths: Iterable[Path | str], skip: Callable[[Sequence[str]], bool] | None = None
) -> Iterator[ReadResult]:
    """Read what lies at the paths, study by study: each part of `list_parts` in turn.

    Args:
        paths: files and folders; folders are searched to the bottom.
        skip: given the names of a group's files before any is decoded, says whether to pass the group over.

    Yields:
        One result for each group of files, mostly a single study. Names are relative to the path's own folder.

    Example:
        for result in read_studies(["archive/2024"]):
            for study in result.studies:
                print(study.name, len(study.slices))
    """
    for part in list_parts(paths):
        if not part.members or skip is None or not skip(part.names):
            yield read_part(part)


def list_parts(paths: Iterable[Path | str]) -> Iterator[Part]:
    """What lies at the paths, in parts that are read together; nothing is decoded yet.

    A first pass notes which study each file belongs to, by its header, wherever in the folders it lies. A zip, a NIfTI
    volume and a stack of pictures are each a part of their own.

    Args:
        paths: files and folders; folders are searched to the bottom.
    """
    groups: dict[str, list[tuple[str, Path]]] = {}
    for name, path in _files(paths):
        try:
            groups.setdefault(_group(name, path), []).append((name, path))
        except HemoError as error:
            yield Part(refused=((name, str(error)),))
    for key in list(groups):
        members = groups.pop(key)
        apart = key.startswith("pictures") and len(members) > MAX_PICTURE_STACK
        for part in [[member] for member in members] if apart else [members]:
            yield Part(tuple(part))


def read_part(part: Part) -> ReadResult:
    """Read one part's files."""
    files, unread = [], list(part.refused)
    for name, path in part.members:
        try:
            files.append((name, read_bytes(path)))
        except UnreadableImage as error:  # deleted since the first pass
            unread.append((name, str(error)))
    if not files:
        return ReadResult((), tuple(unread))
    result = assemble_studies(files)
    return ReadResult(result.studies, (*result.refused, *unread))


def _files(paths: Iterable[Path | str]) -> Iterator[tuple[str, Path]]:
    for given in paths:
        top = Path(given)
        if not top.is_dir():
            yield clean_name(top.name), top
            continue
        # Symbolic links may lead out of the folder or around in circles.
        found = [path for path in top.rglob("*") if not path.is_symlink() and path.is_file()]
        for path in sorted(found, key=lambda path: natural_key(path.as_posix())):
            name = f"{top.name}/{path.relative_to(top).as_posix()}"
            if not is_clutter(name):
                yield clean_name(name), path


def _group(name: str, path: Path) -> str:
    """What decides which files are read together."""
    data = read_bytes(path)
    kind = sniff(data)
    if kind in ("png", "jpeg"):
        number = numbered(name)
        return f"pictures {number[0] if number else name}"
    if kind == "dicom":
        uid = read_elements(data, frozenset({_STUDY_UID})).values.get(_STUDY_UID, b"")
        return f"dicom {uid!r}" if uid else f"folder {folder_of(name)}"
    return f"file {path}"
