"""What a page says when it has nothing to show, cannot do what was asked, or must be honest about its limits."""

from collections.abc import Sequence

import streamlit as st

from hemo.errors import HemoError
from pages.components.text import one_line, plain

NOT_FOR_DIAGNOSIS = "For teaching and research, not for diagnosis."
LISTED = 100
HEAT_MAP_LIMIT = "Where the network reacted, not where the bleed is."


def not_for_diagnosis() -> None:
    """The one line that every page carries."""
    st.caption(NOT_FOR_DIAGNOSIS)


def empty_state(
    title: str,
    explanation: str,
    action: str | None = None,
    *,
    key: str,
    icon: str = ":material/inbox:",
    disabled: bool = False,
) -> bool:
    """Say what would be here and offer the one click that fills it.

    Args:
        title: a few words, trusted text.
        explanation: what would be here, and what the click does; trusted text.
        action: label of the button; None shows no button.
        key: the button's key.
        icon: a Material symbol.
        disabled: show the button but refuse clicks.

    Returns:
        True in the run that follows a click.
    """
    with st.container(border=True, key=f"{key}_empty"):
        st.markdown(f"**{icon} {title}**")
        st.markdown(explanation)
        if action is None:
            return False
        return st.button(action, key=key, type="primary", disabled=disabled)


def error(problem: HemoError | str) -> None:
    """One sentence for what went wrong; whatever the sentence quotes is shown as it is, never as markdown."""
    st.error(plain(problem), icon=":material/error:")


def warning(sentence: str) -> None:
    """One sentence that the reader should weigh; quoted text is shown as it is."""
    st.warning(plain(sentence), icon=":material/warning:")


def refused_files(refused: Sequence[tuple[str, str]], *, shown: int = 2) -> None:
    """Which files of a drop were not read, a line each, with the reason; the rest stand behind one click."""
    for name, reason in refused[:shown]:
        st.caption(f":gray[:material/block:] {plain(name, 120)}: {plain(reason, 400)}")
    if len(refused) <= shown:
        return
    with st.popover(f"{len(refused)} files were not read", icon=":material/block:"):
        for name, reason in refused[:LISTED]:
            st.text(f"{one_line(name, 120)}: {one_line(reason, 400)}")
        if len(refused) > LISTED:
            st.text(f"and {len(refused) - LISTED} more")
