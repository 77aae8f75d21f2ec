"""The model bundles as pages see them: cards without TensorFlow, and one loaded network for all sessions."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from hemo.errors import BundleError
from hemo.model.bundle import CARD_FILE, MODEL_FILE, BundleFault, ModelBundle, find_bundle, list_bundles
from hemo.workspace import Workspace

if TYPE_CHECKING:
    from hemo.model.predictor import Predictor

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Listing:
    """What lies in the models folder.

    Args:
        bundles: every bundle that passed its checks, newest first.
        faults: every folder that did not, and why.
        default: name of the bundle that is active until the user picks another; None without bundles.
    """

    bundles: tuple[ModelBundle, ...]
    faults: tuple[BundleFault, ...]
    default: str | None


def listing() -> Listing:
    """The bundles now; files are read and hashed again only when one changed."""
    folder = Workspace.from_environment().models
    return _listing(str(folder), _signature())


def names() -> list[str]:
    """Names of the bundles that can be used, newest first."""
    return [bundle.name for bundle in listing().bundles]


def default_name() -> str | None:
    """The bundle that is active until the user picks another: the one that the command line takes too."""
    return listing().default


def bundle(name: str) -> ModelBundle:
    """The bundle of this name.

    Raises:
        BundleError: there is none that can be used.
    """
    found = next((each for each in listing().bundles if each.name == name), None)
    if found is None:
        raise BundleError(f"Expected a model among: {', '.join(names()) or 'none'}. Received: {name!r}")
    return found


def predictor(chosen: ModelBundle) -> "Predictor":
    """The bundle's network, loaded once for all sessions. It is shared: never change it.

    Raises:
        BundleError: the network cannot be loaded.
    """
    return _predictor(chosen, identity(chosen))


def identity(chosen: ModelBundle) -> str:
    """What a cached score depends on: folder, weights and card."""
    card = json.dumps(chosen.card, sort_keys=True)
    return hashlib.sha256(f"{chosen.path}\n{card}".encode()).hexdigest()


def _signature() -> Signature:
    """Size and time of every file that a listing depends on."""
    files = sorted(
        path
        for name in (CARD_FILE, MODEL_FILE)
        for path in Workspace.from_environment().models.glob(f"*/{name}")
        if not path.parent.name.startswith(".")
    )
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


@st.cache_data(max_entries=4, show_spinner=False)
def _listing(folder: str, signature: Signature) -> Listing:
    del signature  # part of the cache's key only
    bundles, faults = list_bundles(Path(folder))
    default = find_bundle(Path(folder)).name if bundles else None
    return Listing(tuple(bundles), tuple(faults), default)


# Two: the active model and the one it is compared with. A network takes tens of megabytes and seconds to trace.
@st.cache_resource(max_entries=2, show_spinner="Loading the network")
def _predictor(_chosen: ModelBundle, identity: str) -> "Predictor":
    from hemo.model.predictor import Predictor

    del identity  # part of the cache's key only
    return Predictor(_chosen)
