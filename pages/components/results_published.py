"""The published project's own data: its random-split figure beside the patient-disjoint ones and the trivial rules."""

import streamlit as st

from hemo.evaluate.judged import Judged
from hemo.evaluate.reproduction import load_reproduction, sentence, table
from pages.components.text import plain


def show(chosen: Judged) -> None:
    """What the published figure was worth; nothing on other data sets."""
    show_record(chosen.predictions.about.data_fingerprint)


def show_record(fingerprint: str) -> None:
    """The recorded run on the data of this fingerprint, if there is one."""
    record = load_reproduction()
    if record is None or record.fingerprint != fingerprint:
        return
    with st.container(border=True, key="results_published"):
        st.markdown("**What the published 96 % was worth**")
        st.markdown(plain(sentence(record)))
        frame = table(record)
        number = st.column_config.NumberColumn(format="%.3f")
        columns = {name: number for name in frame.columns if name.startswith(("Accuracy", "AUC"))}
        st.dataframe(frame, hide_index=True, column_config=columns)
        why = f" No intervals: {plain(record.why_no_intervals)}." if record.why_no_intervals else ""
        st.caption(
            f"The published network and recipe, trained here for {record.epochs} epochs on its own training slices; "
            f"the rules were fitted on the same slices. Recorded by scripts/reproduce_published.py.{why}"
        )
