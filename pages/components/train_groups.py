"""Runs that belong together: a table of folds, seeds or swept settings, and the out-of-fold figures of their folds."""

from typing import Any

import pandas as pd
import streamlit as st

from hemo.runs.group import Group, label, list_groups
from hemo.runs.group_results import CrossValidation, cross_validations, summary
from hemo.workspace import Workspace
from pages.components.text import plain

CHOSEN = "train_group"
_SHOWN = ("auc", "sensitivity", "specificity")
_NAMES = {"auc": "AUC", "sensitivity": "Sensitivity", "specificity": "Specificity"}


def show(workspace: Workspace) -> None:
    """The chosen group, the newest first; nothing where there is none."""
    groups = {group.name: group for group in list_groups(workspace.runs)}
    if not groups:
        return
    st.subheader("Groups of runs")
    if st.session_state.get(CHOSEN) not in groups:
        st.session_state[CHOSEN] = next(iter(groups))
    name = st.selectbox("Group", list(groups), key=CHOSEN, format_func=lambda each: _title(groups[each]))
    group = groups[name]
    table, results = _results(str(group.folder), _version(group), group)
    for result in results:
        _figures(group, result)
    st.dataframe(_for_people(group, table), hide_index=True, width="stretch", column_config=_COLUMNS)
    _exports(group, table, results)


def _title(group: Group) -> str:
    parts = [f"{group.base.folds} folds"] if group.base.folds else []
    names = {name for member in group.members for name in member.changes} - {"fold"}
    parts += [name.replace("_", " ") for name in sorted(names)]
    return f"{group.name} · {', '.join(parts)} · {len(group.members)} runs"


def _version(group: Group) -> tuple[Any, ...]:
    """Changes with whatever the table shows."""
    runs = [group.run(member) for member in group.members]
    return tuple((run.status().state, _changed(run.folder / "events.jsonl")) for run in runs)


def _changed(path: Any) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_data(max_entries=8, show_spinner="Putting the folds together")
def _results(folder: str, version: tuple[Any, ...], _group: Group) -> tuple[pd.DataFrame, list[CrossValidation]]:
    del folder, version  # parts of the cache's key
    return summary(_group), cross_validations(_group)


def _figures(group: Group, result: CrossValidation) -> None:
    """Pooled figures over the held-out slices, and how far the folds lie apart."""
    if result.changes:
        st.markdown(f"**{plain(label(result.changes))}**")
    columns = st.columns(len(_SHOWN) + 1)
    for column, name in zip(columns, _SHOWN, strict=False):
        metric = result.figures[name]
        value = "–" if metric.value is None else f"{metric.value:.3f}"
        column.metric(f"Out-of-fold {_NAMES[name]}" if name == "auc" else _NAMES[name], value)
        interval = metric.interval
        column.caption(f"95 % {interval[0]:.3f} to {interval[1]:.3f}" if interval else plain(metric.why_none, 120))
    mean = result.mean
    columns[-1].metric("Mean AUC of the folds", f"{mean[0]:.3f}" if mean else "–")
    columns[-1].caption(f"standard deviation {mean[1]:.3f}" if mean else "from the second fold on")
    groups = result.table["group"].nunique()
    counted = (
        f"{len(result.table):,} slices of {groups:,} patients or series, each scored by a network that saw none of"
    )
    done = "" if result.is_whole else f" {len(result.finished)} of {result.folds} folds are finished so far."
    st.caption(f"{counted} it; a fold chooses neither its epoch nor its threshold.{done}")


_COLUMNS = {
    "Validation AUC": st.column_config.TextColumn(help="Of the best epoch by validation AUC."),
    "Held-out AUC": st.column_config.TextColumn(help="Of the kept weights, with its 95 % interval where there is one."),
}


def _for_people(group: Group, table: pd.DataFrame) -> pd.DataFrame:
    varied = dict.fromkeys(name for member in group.members for name in member.changes)
    epochs = [group.config(member).epochs for member in group.members]
    columns: dict[str, Any] = {"Run": table["run"]}
    columns |= {name.replace("_", " ").capitalize(): table[name] for name in varied}
    columns |= {
        "State": table["state"],
        "Epochs": [f"{done} of {most}" for done, most in zip(table["epochs"], epochs, strict=True)],
        "Validation AUC": table["best_val_auc"].map(lambda value: "–" if pd.isna(value) else f"{value:.3f}"),
        "Held-out AUC": [_interval_text(row) for row in table.to_dict("records")],
        "Slices": table["n"].map(lambda n: "–" if pd.isna(n) else f"{n:,.0f}"),
    }
    return pd.DataFrame(columns)


def _interval_text(row: dict[Any, Any]) -> str:
    if pd.isna(row["auc"]):
        return "–"
    span = "" if pd.isna(row["auc_low"]) else f" ({row['auc_low']:.3f} to {row['auc_high']:.3f})"
    return f"{row['auc']:.3f}{span}"


def _exports(group: Group, table: pd.DataFrame, results: list[CrossValidation]) -> None:
    left, right, _ = st.columns([1, 1, 2])
    left.download_button(
        "Table of runs",
        data=lambda: table.to_csv(index=False),
        file_name=f"{group.name}-summary.csv",
        mime="text/csv",
        key="train_group_summary",
        icon=":material/download:",
        width="stretch",
    )
    if results:
        right.download_button(
            "Out-of-fold predictions",
            data=lambda: pd.concat([each.table.assign(**each.changes) for each in results]).to_csv(index=False),
            file_name=f"{group.name}-out-of-fold.csv",
            mime="text/csv",
            key="train_group_out_of_fold",
            icon=":material/download:",
            width="stretch",
        )
