"""Tables and what is computed from them, kept while model and data stay the same."""

import json
from pathlib import Path

import streamlit as st

from hemo.data.library import KnownDataset
from hemo.evaluate.audit import FILE
from hemo.evaluate.judged import Judged, judge, judge_table
from hemo.evaluate.neighbours import training_table_folder
from hemo.evaluate.out_of_fold import FOLDER, PROTOCOL, folds_of, has_out_of_fold, load_out_of_fold
from hemo.evaluate.predictions import About, table_folder
from hemo.model.bundle import ModelBundle
from pages.components import datasets, state

SHIPPED = "shipped weights"
PROTOCOL_NAMES = {PROTOCOL: "Out of fold", SHIPPED: "Shipped weights"}


def protocols(bundle: ModelBundle, entry: KnownDataset) -> list[str]:
    """How this model can be judged on this set, the honest way first."""
    fingerprint = datasets.opened(entry).fingerprint()
    if has_out_of_fold(bundle) and bundle.card["data"]["fingerprint"] == fingerprint:
        return [PROTOCOL, SHIPPED]
    return [SHIPPED]


def folder_of(bundle: ModelBundle, entry: KnownDataset, protocol: str) -> Path:
    """Where the table is kept, whether or not it is there."""
    return table_folder(state.workspace().predictions, bundle, datasets.opened(entry), protocol)


def judged(folder: Path) -> Judged | None:
    """Every figure of the table in a folder; None where there is no table yet."""
    about = folder / "about.json"
    if not about.is_file():
        return None
    training = training_table_folder(folder.parent, About.from_json(json.loads(about.read_text("utf-8"))))
    watched = [about, folder / FILE] + ([] if training is None else [training / "about.json"])
    stamps = tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in watched)
    return _judged(str(folder), None if training is None else str(training), stamps)


@st.cache_resource(max_entries=6, show_spinner="Computing the figures")
def _judged(folder: str, training: str | None, stamps: tuple[int, ...]) -> Judged:
    del stamps  # part of the cache's key only
    return judge(Path(folder), None if training is None else Path(training))


def brought(bundle: ModelBundle) -> Judged | None:
    """Every figure of the out-of-fold table that a bundle brings, without the data; None where it brings none."""
    if not has_out_of_fold(bundle):
        return None
    folder = bundle.path / FOLDER
    return _brought(str(folder), (folder / "about.json").stat().st_mtime_ns, bundle)


@st.cache_resource(max_entries=2, show_spinner="Computing the figures")
def _brought(folder: str, stamp: int, _bundle: ModelBundle) -> Judged:
    del stamp  # part of the cache's key only
    return judge_table(load_out_of_fold(_bundle), Path(folder))


def is_out_of_fold(chosen: Judged) -> bool:
    """Whether the table's slices were each scored by a network that had not seen their patient."""
    return chosen.predictions.about.protocol == PROTOCOL and folds_of(chosen.predictions) is not None
