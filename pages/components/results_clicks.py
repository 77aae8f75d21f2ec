"""Charts that open the slices behind a mark: a click, and the gallery stands over the page."""

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from hemo.evaluate.choice import Choice
from hemo.evaluate.judged import Judged
from pages.components import results_chart, results_gallery
from pages.components.text import plain

OPENED = "results_opened"
WANTED = "results_threshold_wanted"
CLICKABLE = "Click a bar or a point to see its slices."


def chart(figure: go.Figure, *, key: str, alt: str, chosen: Judged, opens: Callable[[Any], Choice]) -> None:
    """Draw a figure whose marks open their slices.

    Args:
        figure: from `hemo.charts`; what can be clicked carries `customdata`.
        key: of the chart.
        alt: what it shows, for those who do not see it.
        chosen: the table that the slices stand in.
        opens: `customdata` of the mark → its slices.
    """
    turn = st.session_state.get(f"{key}_turn", 0)
    drawn = f"{key}_{turn}"

    def take() -> None:
        points = (st.session_state.get(drawn) or {}).get("selection", {}).get("points", [])
        data = points[0].get("customdata") if points else None
        if data is not None:
            st.session_state[OPENED] = str(chosen.folder), opens(data)
            st.session_state.pop(results_gallery.ALIKE, None)
            # Drawn anew without its selection: the same mark can be clicked again, and no other one looks faded.
            st.session_state[f"{key}_turn"] = turn + 1

    with st.container(key=key):
        results_chart.show(figure, key=drawn, alt=alt, on_select=take)


def number(data: Any) -> Any:
    """The only value of `customdata`, which arrives bare or in a list."""
    return data[0] if isinstance(data, list) else data


def show_opened(chosen: Judged, threshold: float) -> None:
    """The slices of the mark that was clicked just now, over the page."""
    folder, choice = st.session_state.pop(OPENED, ("", None))
    if choice is not None and folder == str(chosen.folder):
        n = len(choice.rows)
        st.dialog(f"{plain(choice.title)} · {n:,} {'slice' if n == 1 else 'slices'}", width="large")(_show)(
            chosen, choice, threshold
        )


def _show(chosen: Judged, choice: Choice, threshold: float) -> None:
    if choice.threshold is not None and st.button(
        f"Set the threshold to {choice.threshold:.3f}", key="results_opened_threshold", icon=":material/tune:"
    ):
        st.session_state[WANTED] = round(choice.threshold, 3)
        st.rerun()
    results_gallery.show_choice(chosen, choice, threshold)
