"""What a page says when it has nothing to show, cannot do what was asked, or must be honest about its limits."""

from collections.abc import Sequence

import streamlit as st

from hemo.errors import HemoError
from pages.components.text import one_line, plain

NOT_FOR_DIAGNOSIS = "For teaching and research, not for diagnosis."
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


def refused_files(refused: Sequence[tuple[str, str]], *, shown: int = 6) -> None:
    """Which files of a drop were not read, a line each, with the reason; the rest go under a fold."""
    if not refused:
        return
    noun = "file was" if len(refused) == 1 else "files were"
    with st.expander(f"{len(refused)} {noun} not read", icon=":material/block:", expanded=len(refused) <= shown):
        for name, reason in refused[: 10 * shown]:
            st.text(f"{one_line(name, 120)}: {one_line(reason, 400)}")
        if len(refused) > 10 * shown:
            st.text(f"and {len(refused) - 10 * shown} more")
