"""What a browser session remembers, behind typed functions in place of bare keys.

Keys that pages share begin with `hemo_`; keys of one page begin with the page's name (`read_slice`). Nothing here
outlives the session, and nothing here is written to disk.
"""

import streamlit as st

from hemo.workspace import Workspace

ACTIVE_MODEL = "hemo_active_model"
ACTIVE_DATASET = "hemo_active_dataset"


def workspace() -> Workspace:
    """Where runs, caches and models are; read from the environment at each call, so that tests can move it."""
    return Workspace.from_environment()


def active_model() -> str | None:
    """Name of the bundle that reads and judges now, or None where no bundle exists.

    The session's own choice while that bundle is still there, else the default that the command line uses too.
    """
    from pages.components import models

    names = models.names()
    chosen = st.session_state.get(ACTIVE_MODEL)
    if isinstance(chosen, str) and chosen in names:
        return chosen
    return models.default_name()


def set_active_model(name: str) -> None:
    """Make one bundle the active one for this session."""
    st.session_state[ACTIVE_MODEL] = name


def active_dataset() -> str | None:
    """Name of the data set that Data, Train and Results show, or None where none was chosen."""
    chosen = st.session_state.get(ACTIVE_DATASET)
    return chosen if isinstance(chosen, str) else None


def set_active_dataset(name: str | None) -> None:
    """Remember the data set to work on; None forgets it."""
    st.session_state[ACTIVE_DATASET] = name
