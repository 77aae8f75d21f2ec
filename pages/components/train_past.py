"""Past runs: a table; one ticked can be kept, resumed, renamed, noted, exported or deleted, several are compared."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from hemo.charts.training import compare_curves, described, training_curves
from hemo.errors import HemoError
from hemo.model.bundle import ModelBundle
from hemo.runs import supervisor
from hemo.runs.history import History, read_history
from hemo.runs.promote import promote
from hemo.runs.run import (
    ACTIVE,
    RESUMABLE,
    Run,
    delete_run,
    export_run,
    list_runs,
    rename_run,
)
from hemo.workspace import Workspace
from pages.components import notice, train_samples
from pages.components.text import one_line, plain

TABLE = "train_table"
_ANSWER = "train_answer"
_FIGURE_NAMES = {"auc": "AUC", "accuracy": "Accuracy", "sensitivity": "Sensitivity", "specificity": "Specificity"}


def show(workspace: Workspace) -> None:
    """The table and what the ticked runs offer."""
    runs = list_runs(workspace.runs)
    if not runs:
        return
    st.subheader("Runs")
    st.caption("Tick one to keep, resume or export it; tick two or more to compare.")
    event = st.dataframe(
        pd.DataFrame([_row(run) for run in runs]),
        key=TABLE,
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        width="stretch",
        column_config={
            "Began": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Validation AUC": st.column_config.NumberColumn(format="%.3f", help="Of the best epoch by validation AUC."),
            "Test AUC": st.column_config.TextColumn(help="Of the kept weights, with its 95 % interval."),
        },
    )
    rows = event["selection"]["rows"] if event else []
    ticked = [runs[row] for row in rows if row < len(runs)]
    if len(ticked) == 1:
        _one(workspace, ticked[0])
    elif ticked:
        _compare(ticked)


def _row(run: Run) -> dict[str, Any]:
    config, history = run.config, _history(run)
    best = history.best("val_auc")
    return {
        "Run": run.name,
        "State": run.status().state,
        "Network": config.architecture,
        "Validation": "by slice" if config.protocol == "published" else "grouped",
        "Data": one_line(run.data().get("name") or config.data.rsplit("/", 1)[-1], 60),
        "Epochs": f"{history.epochs[-1]['epoch'] if history.epochs else 0} of {config.epochs}",
        "Validation AUC": best["val_auc"] if best else None,
        "Test AUC": _figure_text(run.figures().get("test", {}).get("auc")),
        "Began": pd.Timestamp(run.created(), unit="s", tz="UTC").tz_convert(_zone()),
        "Note": one_line(run.note, 80),
    }


def _zone() -> Any:
    from datetime import datetime

    return datetime.now().astimezone().tzinfo


def _history(run: Run) -> History:
    events = run.folder / "events.jsonl"
    version = events.stat().st_mtime_ns if events.exists() else 0
    return _cached_history(str(run.folder), version, run)


@st.cache_data(max_entries=64, show_spinner=False)
def _cached_history(folder: str, version: int, _run: Run) -> History:
    del folder, version  # parts of the cache's key
    return read_history(_run.folder)


def _figure_text(metric: dict[str, Any] | None) -> str:
    if not metric or metric.get("value") is None:
        return "–"
    span = metric.get("interval")
    return f"{metric['value']:.3f}" + (f" ({span[0]:.3f} to {span[1]:.3f})" if span else "")


def _one(workspace: Workspace, run: Run) -> None:
    history, state = _history(run), run.status().state
    curves, actions = st.columns([2.4, 1], gap="medium")
    with curves:
        if history.batches:
            best = int(history.epochs[-1].get("best_epoch", 0)) if history.epochs else 0
            st.plotly_chart(
                training_curves(history.epochs, history.batches, best_epoch=best),
                key="train_past_curves",
                config={"displayModeBar": False},
                alt=described(history.epochs, history.batches),
            )
        else:
            st.caption("It ended before the first batch.")
        train_samples.show_any(run)
        _final_figures(run)
    with actions:
        offer_model(workspace, run, "train_promote")
        if state in RESUMABLE:
            _go_on(workspace, run)
        _edit(run)
        st.download_button(
            "Export",
            data=lambda: export_run(run),
            file_name=f"{run.name}.zip",
            mime="application/zip",
            key="train_export",
            icon=":material/download:",
            width="stretch",
            help="Configuration, events, split, predictions and bundle as a ZIP file, without checkpoints.",
        )
        if state not in (*ACTIVE, "queued"):
            with st.popover("Delete", icon=":material/delete:", width="stretch"):
                st.caption("The run and its checkpoints go for good; a model made of it stays.")
                if st.button(f"Delete {plain(run.name)}", key="train_delete", type="primary"):
                    _do(lambda: delete_run(run))


def _go_on(workspace: Workspace, run: Run) -> None:
    if st.button("Resume", key="train_past_resume", icon=":material/resume:", width="stretch"):
        _do(lambda: supervisor.resume(workspace, run))
    label, icon = "Make the bundle of what is there", ":material/bookmark_check:"
    if run.epochs_finished() and st.button(label, key="train_past_finish", icon=icon, width="stretch"):
        _do(lambda: supervisor.finish(workspace, run))


def offer_model(workspace: Workspace, run: Run, key: str) -> None:
    """The one click from a finished run to a model; nothing where there is no bundle yet."""
    if not run.bundle.is_dir():
        return
    if st.button(
        "Make it a model",
        key=key,
        type="primary",
        icon=":material/deployed_code:",
        width="stretch",
        help="Copy its bundle, weights and card, to the models that Read and Results offer.",
    ):
        answer(key, run, lambda: promote(run, workspace.models))
    show_answer(key, run)


def answer(key: str, run: Run, action: Callable[[], ModelBundle | None]) -> None:
    """Do what a click asked for and remember what it came to, for `show_answer`.

    The run at work is drawn anew every second: a sentence written in the run of the click alone would be gone with it.
    """
    came_to: ModelBundle | HemoError | None
    try:
        came_to = action()
    except HemoError as error:
        came_to = error
    st.session_state[_ANSWER] = (key, run.name, run.status().state, came_to)


def show_answer(key: str, run: Run) -> None:
    """The sentence of the last click, while the run is what it was then."""
    *of, came_to = st.session_state.get(_ANSWER, (None, None))
    if of != [key, run.name, run.status().state]:
        return
    if isinstance(came_to, HemoError):
        notice.error(came_to)
    elif came_to is not None and came_to.path.is_dir():
        st.success(f"{plain(came_to.name)} stands under Models now.", icon=":material/check_circle:")


def _edit(run: Run) -> None:
    with st.popover("Name and note", icon=":material/edit:", width="stretch"):
        name = st.text_input("Name", value=run.name, key=f"train_rename_{run.name}")
        note = st.text_area("Note", value=run.note, key=f"train_note_{run.name}", max_chars=2000)
        if st.button("Save", key="train_save_note", type="primary"):
            run.set_note(note)
            _do(lambda: rename_run(run, name) if name != run.name else None)


def _do(action: Any) -> None:
    try:
        action()
    except HemoError as error:
        notice.error(error)
        return
    st.rerun()


def _final_figures(run: Run) -> None:
    figures = run.figures()
    if not figures:
        return
    parts = run.data().get("parts", {})
    rows = {
        f"{part.capitalize()}, {parts.get(part, {}).get('slices', 0):,} slices": {
            label: _figure_text(metrics.get(name)) for name, label in _FIGURE_NAMES.items()
        }
        for part, metrics in figures.items()
    }
    st.table(pd.DataFrame(rows).T)
    reasons = {
        metric["why_none"] for metrics in figures.values() for metric in metrics.values() if metric.get("why_none")
    }
    if reasons:
        st.caption(plain("No interval: " + "; ".join(sorted(reasons)[:2]) + "."))


def _compare(runs: list[Run]) -> None:
    histories = {run.name: _history(run) for run in runs}
    st.plotly_chart(
        compare_curves({name: history.epochs for name, history in histories.items()}),
        key="train_compare",
        config={"displayModeBar": False},
        alt="; ".join(f"{name}: {described(history.epochs, [])}" for name, history in histories.items()),
    )
    st.caption("Thick: validation. Thin: training.")
    figures = {
        run.name: {
            f"{part} {label}": _figure_text(metrics.get(name))
            for part, metrics in run.figures().items()
            for name, label in _FIGURE_NAMES.items()
        }
        for run in runs
    }
    settings = {run.name: _flat(run.config.to_json()) for run in runs}
    names = list(dict.fromkeys(name for values in settings.values() for name in values))
    differing = [name for name in names if len({str(values.get(name)) for values in settings.values()}) > 1]
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**What differs**")
        shown = differing if not st.toggle("All settings", key="train_all_settings") else names
        table = pd.DataFrame(
            {run: {name: str(values.get(name, "–")) for name in shown} for run, values in settings.items()}
        )
        st.dataframe(table.style.apply(lambda row: _highlighted(row, differing), axis=1), width="stretch")
        if not differing:
            st.caption("Their settings are the same.")
    with right:
        st.markdown("**Final figures**")
        st.dataframe(pd.DataFrame(figures).fillna("–"), width="stretch")


def _highlighted(row: pd.Series, differing: list[str]) -> list[str]:
    style = "background-color: rgba(59, 130, 196, 0.16)" if row.name in differing else ""
    return [style] * len(row)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name} ")
        else:
            flat[f"{prefix}{name}".replace("_", " ")] = value
    return flat
