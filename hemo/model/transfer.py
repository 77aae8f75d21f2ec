"""A bundle as one zip file: out of the app and back in, checked as any stranger's file."""

import io
import re
import tempfile
import zipfile
from pathlib import Path

from hemo.errors import BundleError
from hemo.model.archive import MAX_FILE_BYTES
from hemo.model.bundle import (
    CARD_FILE,
    MODEL_FILE,
    README_FILE,
    ModelBundle,
    bundle_folder_name,
    card_text,
    load_bundle,
    replace_folder,
)
from hemo.model.card import MAX_CARD_BYTES, parse_card
from hemo.model.readme import bundle_readme

MAX_ZIP_BYTES = MAX_FILE_BYTES + 2**25
MAX_MEMBERS = 24
# Tables that a bundle may bring along, such as its out-of-fold predictions; all else is left behind, heat maps too:
# an array file can claim any size.
_COMPANION = re.compile(r"(out_of_fold/)?[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.(csv|json)")
MAX_COMPANION_BYTES = 2**22


def bundle_zip(bundle: ModelBundle) -> bytes:
    """Every file of a bundle's folder as a zip, below a folder of the bundle's name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(bundle.path.rglob("*")):
            inside = path.relative_to(bundle.path)
            if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in inside.parts):
                # Weights do not deflate.
                kind = zipfile.ZIP_STORED if path.name == MODEL_FILE else zipfile.ZIP_DEFLATED
                archive.write(path, f"{bundle.name}/{inside.as_posix()}", compress_type=kind)
    return stream.getvalue()


def import_bundle(data: bytes, models_dir: Path) -> ModelBundle:
    """Check an uploaded zip and add its bundle to the models folder.

    The README is written anew from the card; of other files only tables are kept.

    Args:
        data: the zip: `model.keras` and `card.json`, at the top or in one folder.
        models_dir: the folder of bundles.

    Returns:
        The bundle in its place.

    Raises:
        BundleError: says what was expected and received; nothing was written then.
    """
    members = _members(data)
    card = parse_card(members[CARD_FILE])
    if card.pop("default", None) is not None:
        # Which model reads where nobody chose is this installation's own matter.
        members[CARD_FILE] = card_text(card).encode("utf-8")
    target = models_dir / bundle_folder_name(card["name"])
    if target.exists():
        raise BundleError(
            f"Expected a model whose name is not taken. Received: {card['name']!r}, which is there already"
        )
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=models_dir) as temporary:
            staged = Path(temporary) / "bundle"
            staged.mkdir()
            for name, content in members.items():
                (staged / name).parent.mkdir(exist_ok=True)
                (staged / name).write_bytes(content)
            checked = load_bundle(staged)
            readme = bundle_readme(checked.card, checked.size_bytes)
            (staged / README_FILE).write_text(readme, encoding="utf-8")
            replace_folder(staged, target)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BundleError(f"Expected a models folder that can be written. Received: {why}") from None
    return load_bundle(target)


def _members(data: bytes) -> dict[str, bytes]:
    """The files worth keeping, by name without folder."""
    if len(data) > MAX_ZIP_BYTES:
        raise BundleError(f"Expected a zip of at most {MAX_ZIP_BYTES // 2**20} MB. Received: {len(data) // 2**20} MB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            chosen = _chosen(archive.infolist())
            return {name: _read(archive, info, name) for name, info in chosen.items()}
    except BundleError:
        raise
    except Exception:  # zipfile raises many kinds on damaged archives
        raise BundleError("Expected a model as a zip file. Received: a file that is not a readable zip") from None


def _chosen(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    files = [info for info in infos if not info.is_dir()]
    if len(files) > MAX_MEMBERS:
        raise BundleError(f"Expected a zip of at most {MAX_MEMBERS} files. Received: {len(files)}")
    cards = [info.filename for info in files if info.filename.rpartition("/")[2] == CARD_FILE]
    if len(cards) != 1:
        raise BundleError(f"Expected one {CARD_FILE} in the zip. Received: {len(cards)}")
    folder = cards[0].removesuffix(CARD_FILE)
    chosen: dict[str, zipfile.ZipInfo] = {}
    for info in files:
        inside, name = info.filename.startswith(folder), info.filename[len(folder) :]
        if inside and (name in (MODEL_FILE, CARD_FILE) or _COMPANION.fullmatch(name)):
            if name in chosen:
                raise BundleError(f"Expected each file once. Received: {name} twice")
            chosen[name] = info
    if MODEL_FILE not in chosen:
        raise BundleError(f"Expected {MODEL_FILE} beside {CARD_FILE} in the zip. Received: a zip without it")
    return chosen


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    cap = {MODEL_FILE: MAX_FILE_BYTES, CARD_FILE: MAX_CARD_BYTES}.get(name, MAX_COMPANION_BYTES)
    with archive.open(info) as stream:
        # What counts is what comes out: declared sizes can lie.
        content = stream.read(cap + 1)
    if len(content) > cap:
        raise BundleError(f"Expected {name} of at most {cap} bytes. Received: more")
    return content
