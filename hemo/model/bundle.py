"""A model bundle: the folder with a network, its card and a README for people.

Reading and checking a bundle never imports TensorFlow; only `ModelBundle.load_model` and `write_bundle` do. A bundle is
loaded only when its weights match the card's sha256, its card is complete and its archive names nothing but Hemo's own
layers. A faulty bundle among good ones is reported and passed over.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hemo.ct.preparation import Preparation
from hemo.errors import BundleError, HemoError
from hemo.model.archive import MAX_FILE_BYTES, check_archive
from hemo.model.card import NAME_PATTERN, Card, read_card, validate_card
from hemo.model.precision import pack
from hemo.model.readme import bundle_readme

MODEL_FILE = "model.keras"
CARD_FILE = "card.json"
README_FILE = "README.md"


@dataclass(frozen=True)
class ModelBundle:
    """One checked bundle on disk.

    Args:
        path: the folder.
        card: its validated card.
    """

    path: Path
    card: Card

    @property
    def name(self) -> str:
        """The card's name, under which pages and the command line know the bundle."""
        return self.card["name"]

    @property
    def model_file(self) -> Path:
        """Path of model.keras."""
        return self.path / MODEL_FILE

    @property
    def size_bytes(self) -> int:
        """Size of model.keras."""
        return self.model_file.stat().st_size

    @property
    def preparation(self) -> Preparation:
        """From a slice to this network's input."""
        return Preparation.from_json(self.card["preparation"])

    def load_model(self) -> Any:
        """Load the network with Keras, checked again just before.

        Returns:
            The uncompiled `keras.Model`.

        Raises:
            BundleError: the file changed, is not allowed, or Keras cannot load it.
        """
        _check_model_file(self.model_file, self.card["sha256"])
        import keras

        try:
            return keras.saving.load_model(self.model_file, compile=False, safe_mode=True)
        except Exception as error:
            summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise BundleError(f"Expected a network that Keras can load. Received: {summary}") from error


@dataclass(frozen=True)
class BundleFault:
    """A folder among the bundles that is not one, and why, in one sentence."""

    path: Path
    reason: str


def load_bundle(path: Path) -> ModelBundle:
    """Check a bundle's card, sha256 and archive, without TensorFlow.

    Args:
        path: the bundle's folder.

    Raises:
        BundleError: says which check failed, what was expected and what was received.
    """
    card = read_card(path / CARD_FILE)
    try:
        Preparation.from_json(card["preparation"])
    except HemoError as error:
        raise BundleError(str(error)) from None
    _check_model_file(path / MODEL_FILE, card["sha256"])
    return ModelBundle(path=path, card=card)


def list_bundles(models_dir: Path) -> tuple[list[ModelBundle], list[BundleFault]]:
    """Every bundle in a folder, newest first, and every folder that looks like one but is refused.

    Args:
        models_dir: the folder of bundles; need not exist.
    """
    bundles: list[ModelBundle] = []
    faults: list[BundleFault] = []
    folders = sorted(entry for entry in models_dir.iterdir() if entry.is_dir()) if models_dir.is_dir() else []
    for folder in folders:
        if folder.name.startswith(".") or not any((folder / name).exists() for name in (MODEL_FILE, CARD_FILE)):
            continue
        try:
            bundles.append(load_bundle(folder))
        except BundleError as error:
            faults.append(BundleFault(folder, str(error)))
        except (ValueError, TypeError, KeyError, OSError) as error:
            faults.append(BundleFault(folder, f"Expected a readable bundle. Received: {type(error).__name__}: {error}"))
    bundles.sort(key=lambda bundle: bundle.card["created"], reverse=True)
    return bundles, faults


def find_bundle(models_dir: Path, name: str | None = None) -> ModelBundle:
    """The bundle called `name` (its card's name or its folder's), or the default one.

    The default is the bundle whose card says `"default": true`, else the newest.

    Raises:
        BundleError: there is no such bundle, or it is refused.
    """
    bundles, faults = list_bundles(models_dir)
    if name is None:
        marked = [bundle for bundle in bundles if bundle.card.get("default") is True]
        if not bundles:
            reasons = "".join(f"; {fault.path.name}: {fault.reason}" for fault in faults)
            raise BundleError(
                f"Expected a model bundle in {models_dir.name}/. Received: none that can be loaded{reasons}"
            )
        return (marked or bundles)[0]
    for bundle in bundles:
        if name in (bundle.name, bundle.path.name):
            return bundle
    for fault in faults:
        if name == fault.path.name:
            raise BundleError(f"The model {name!r} is not loaded. {fault.reason}")
    known = ", ".join(bundle.name for bundle in bundles) or "none"
    raise BundleError(f"Expected a model among: {known}. Received: {name!r}")


def write_bundle(
    path: Path, model: Any, card: Mapping[str, Any], heat_images: np.ndarray | None = None, packed: bool = False
) -> ModelBundle:
    """Write a bundle: the network without optimizer state, its card with sha256, a README. All of it or nothing.

    Args:
        path: the bundle's folder; an existing bundle there is replaced only once the new one is complete.
        model: a built `keras.Model`, compiled or not.
        card: every card field but `sha256`, `created` and `versions`, which are filled in where missing.
        heat_images: prepared images, uint8 (N, S, S), a few hundred are plenty; with them the card's heat scale is
            fitted (see `hemo.model.heatmap.fit_heat_scale`). Without them a scale in the card is kept.
        packed: compress model.keras, which pays where the weights were rounded (see `hemo.model.precision`).

    Raises:
        BundleError: the card lacks a field, or the network holds something a bundle may not.
    """
    complete = dict(card)
    complete.setdefault("created", datetime.now(UTC).isoformat(timespec="seconds"))
    complete.setdefault("versions", library_versions())
    validate_card(complete | {"sha256": "0" * 64})
    if heat_images is not None:
        complete["heat"] = _fitted_heat(model, heat_images)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as temporary:
        staged = Path(temporary) / "bundle"
        staged.mkdir()
        _save_without_optimizer(model, staged / MODEL_FILE)
        if packed:
            pack(staged / MODEL_FILE)
        complete["sha256"] = file_sha256(staged / MODEL_FILE)
        _write_text(staged / CARD_FILE, card_text(complete))
        bundle = load_bundle(staged)
        _write_text(staged / README_FILE, bundle_readme(bundle.card, bundle.size_bytes))
        replace_folder(staged, path)
    return load_bundle(path)


def library_versions() -> dict[str, str]:
    """Versions of what a bundle's figures depend on."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from hemo import __version__

    versions = {"hemo": __version__, "python": platform.python_version()}
    for package in ("tensorflow", "keras", "numpy", "pydicom", "opencv-python-headless"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def card_text(card: Mapping[str, Any]) -> str:
    """The content of a card.json."""
    return json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def bundle_folder_name(name: str) -> str:
    """A bundle's name as a folder name.

    Raises:
        BundleError: the name could point elsewhere.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise BundleError(f"Expected a name of letters, digits, dot, dash and underscore. Received: {name[:80]!r}")
    return name


def replace_folder(new: Path, target: Path) -> None:
    """Move a complete folder to its place; one that is there already goes only when the new one stands.

    Both must be on one file system.
    """
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.rename(old / "bundle")
    try:
        new.rename(target)
    except OSError:
        (old / "bundle").rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _check_model_file(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise BundleError(f"Expected the file {MODEL_FILE} in the bundle. Received: a bundle without it")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BundleError(f"Expected a model file of at most {MAX_FILE_BYTES} bytes. Received: {path.stat().st_size}")
    actual = file_sha256(path)
    if actual != sha256:
        raise BundleError(f"Expected weights with sha256 {sha256[:12]}…, as the card says. Received: {actual[:12]}…")
    check_archive(path)


def _save_without_optimizer(model: Any, path: Path) -> None:
    """Save a copy that was never compiled: Adam's state would triple the file."""
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(path)
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _fitted_heat(model: Any, images: np.ndarray) -> dict[str, Any]:
    from hemo.model.heatmap import fit_heat_scale
    from hemo.model.predictor import TracedNetwork

    network = TracedNetwork(model)
    if network.heat_kind == "evidence":
        return {"kind": "evidence", "scale": 1.0, "how": "the sigmoid of the network's evidence output"}
    logit, evidence = network.run(images)
    return {
        "kind": network.heat_kind,
        "scale": fit_heat_scale(logit, evidence),
        "how": f"99th percentile of the peaks of the called images among {len(images)}",
    }


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
