"""Importers: one file a layout. `import_dataset` recognises the layout of a path and reads it."""

from pathlib import Path
from typing import Any

from hemo.data.importers import class_folders, csv_table, ct_ich, kaggle_head_ct, published, saved
from hemo.data.importers.base import Importer, folders_in
from hemo.data.manifest import Manifest
from hemo.errors import DatasetError

# In this order a path is tried: the most particular layout first.
IMPORTERS: tuple[Importer, ...] = (
    saved.IMPORTER,
    ct_ich.IMPORTER,
    kaggle_head_ct.IMPORTER,
    published.IMPORTER,
    class_folders.IMPORTER,
    csv_table.IMPORTER,
)
LAYOUTS = tuple(importer.layout for importer in IMPORTERS)

# Options that only one layout has: naming one says which layout is meant.
_OPTIONS = {
    "csv": {"path_column", "label_column", "group_column", "split_column", "image_root"},
    "class_folders": {"group_pattern"},
}


def import_dataset(path: str | Path, layout: str | None = None, **options: Any) -> Manifest:
    """Make a manifest of a folder or table.

    Args:
        path: a folder, or a CSV. A folder that only wraps another one is looked through.
        layout: one of `LAYOUTS`; recognized by its files, or by an option that only it has, if not given.
        **options: of that layout's importer, such as `label_column` of "csv" or `group_pattern` of "class_folders".

    Raises:
        DatasetError: the path is not there, is empty, has no known layout, or holds no usable slice.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise DatasetError(f"Expected a folder or a CSV. Received: {path}, which is not there.")
    layout = layout or next((owner for owner, names in _OPTIONS.items() if names & set(options)), None)
    if layout is not None:
        importer = _named(layout)
    else:
        found = recognise(path)
        if found is None:
            raise DatasetError(f"Expected {_known()}. Received: {_described(path)}.")
        importer, path = found
    try:
        return importer.read(path.resolve(), **options)
    except OSError as error:
        raise DatasetError(f"Expected a readable folder at {path}. Received: {error.strerror or error}.") from error
    except TypeError as error:
        if not options:
            raise
        raise DatasetError(f"Expected options of the layout {importer.layout}. Received: {error}.") from error


def recognise(path: Path) -> tuple[Importer, Path] | None:
    """The importer for a path and the path it wants, or None; never raises for a path that exists."""
    for candidate in _candidates(path):
        for importer in IMPORTERS:
            try:
                if importer.recognises(candidate):
                    return importer, candidate
            except OSError:
                continue
    return None


def _candidates(path: Path) -> list[Path]:
    """The path, the folder of a table (whose layout may be known), and what a wrapping folder wraps, two deep."""
    if path.is_file():
        particular = [path.parent] if path.name.lower() in ("labels.csv", "hemorrhage_diagnosis.csv") else []
        return [*particular, path]
    found = [path]
    while len(found) < 3:
        inner = folders_in(found[-1])
        if len(inner) != 1:
            break
        found.append(inner[0])
    return found


def _named(layout: str) -> Importer:
    for importer in IMPORTERS:
        if importer.layout == layout:
            return importer
    raise DatasetError(f"Expected a layout, one of {', '.join(LAYOUTS)}. Received: {layout}.")


def _known() -> str:
    return "class folders, a CSV of paths and labels, Kaggle Head CT, CT-ICH, the published folders or a phantom"


def _described(path: Path) -> str:
    if path.is_file():
        return f"the file {path.name}, which is none of them"
    names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    if not names:
        return f"the empty folder {path}"
    return f"{path} with {', '.join(names[:4])}{' and more' if len(names) > 4 else ''}"


__all__ = ["IMPORTERS", "LAYOUTS", "Importer", "import_dataset", "recognise"]
