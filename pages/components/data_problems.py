"""What is wrong with a data set: files that cannot be read, copies, missing files, a class or patients missing."""

from functools import partial

import pandas as pd
import streamlit as st

from hemo.data.library import KnownDataset
from hemo.data.manifest import Manifest, Problem
from hemo.data.problems import is_checked
from hemo.errors import HemoError
from pages.components import data_import, datasets, notice, state
from pages.components.text import plain

KINDS = {
    "unreadable": "Unreadable file",
    "missing": "File missing",
    "unlabelled": "No label",
    "bad_label": "Label not understood",
    "duplicate": "Same file twice",
    "near_duplicate": "Same picture twice",
    "conflict": "Contradiction",
    "empty_class": "Class without slices",
    "one_group": "One patient only",
    "no_groups": "Patients unknown",
}
SHOWN, WRAPPED = 2000, 40


def show(manifest: Manifest, entry: KnownDataset) -> None:
    """A line a problem, the kinds counted above, and the look at every file where that was not done yet."""
    checked = is_checked(manifest, state.workspace().cache)
    if not checked:
        _show_check(manifest, entry)
    if not manifest.problems:
        if checked:
            st.success(
                f"Every one of {len(manifest):,} slices was decoded, and none occurs twice.", icon=":material/check:"
            )
        return
    counts = pd.Series([KINDS.get(problem.kind, problem.kind) for problem in manifest.problems]).value_counts()
    st.markdown(" · ".join(f"{kind}: **{count:,}**" for kind, count in counts.items()))
    _show_table(manifest.problems)
    if len(manifest.problems) > SHOWN:
        st.caption(
            f"The first {SHOWN:,} of {len(manifest.problems):,}; `python -m hemo inspect --json` lists them all."
        )
    st.caption("Unreadable and missing files are left out; everything else is used as it is.")


def _show_table(problems: tuple[Problem, ...]) -> None:
    """A line a problem: few wrap in a table, many scroll in a grid."""
    kinds = [KINDS.get(problem.kind, problem.kind) for problem in problems[:SHOWN]]
    files = [problem.path or "the whole set" for problem in problems[:SHOWN]]
    details = [problem.detail for problem in problems[:SHOWN]]
    table = pd.DataFrame({"Problem": kinds, "File": files, "Detail": details})
    if len(problems) <= WRAPPED:
        st.table(table.map(plain), border="horizontal", hide_index=True, alt="Problems of this data set")
        return
    st.dataframe(
        table,
        hide_index=True,
        key="data_problem_table",
        height=520,
        column_config={"Detail": st.column_config.TextColumn(width="large")},
    )


def _show_check(manifest: Manifest, entry: KnownDataset) -> None:
    if not notice.empty_state(
        "Not every file was looked at",
        "Decoding every slice finds files that cannot be read and pictures that occur under two patients.",
        "Check all files",
        key="data_check",
        icon=":material/fact_check:",
    ):
        return
    bar = st.progress(0.0, "Decoding")
    try:
        checked = data_import.with_files_checked(manifest, partial(datasets.show_progress, bar, "Slice"))
        checked.save(entry.path)
    except HemoError as error:
        notice.error(error)
        return
    finally:
        bar.empty()
    st.rerun()
