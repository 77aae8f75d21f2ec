"""The run at work and the queue behind it, read from disk once a second; a refreshed page finds them again."""

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from hemo.charts.training import described, training_curves
from hemo.model.callbacks import Command
from hemo.runs import supervisor
from hemo.runs.history import History, HistoryReader
from hemo.runs.run import ACTIVE, RESUMABLE, Run, Status, list_runs
from hemo.workspace import Workspace
from pages.components import notice, train_samples
from pages.components.text import plain
from pages.components.train_form import LABELS, clock, duration
from pages.components.train_past import answer, offer_model, show_answer

SHOWN = "train_shown"
_SEEN = "train_seen"
_READERS = "train_readers"
_DRAWN = "train_drawn"
_RESUME = "train_resume_run"
_REDRAW_SECONDS = 3.0
"""Between two drawings: to draw them takes most of the processor time that the page costs a trainer."""
_FIRST_BATCHES = 30
"""The first batches are drawn as they come: someone who has just pressed Start is looking."""
_STATE_TEXT = {
    "queued": ":material/hourglass_empty: waiting",
    "starting": ":material/hourglass_top: getting ready",
    "training": ":material/play_circle: training",
    "paused": ":material/pause_circle: paused",
    "finishing": ":material/task_alt: scoring and writing the bundle",
    "finished": ":material/check_circle: finished",
    "stopped": ":material/stop_circle: stopped",
    "failed": ":material/error: failed",
    "interrupted": ":material/power_off: interrupted",
}


@st.fragment(run_every="1s")
def show(workspace: Workspace) -> None:
    """The run at work, else the one last started from this page, else the newest."""
    supervisor.ensure_supervisor(workspace)
    _rerun_page_when_runs_changed(workspace)
    run = supervisor.current(workspace) or _last_shown(workspace)
    if run is None:
        st.caption("No run yet. Choose below and start one; its curves will stand here.")
        return
    status = run.status()
    _head(run, status)
    history = _reader(run).update()
    if status.message:
        (notice.error if status.state == "failed" else notice.warning)(status.message)
    curves, figures = st.columns([2.4, 1], gap="medium")
    with curves:
        _curves(run, status, history)
        train_samples.show_latest(run)
    with figures:
        _facts(run, status, history)
        _commands(workspace, run, status)
    _queue(workspace)


def _rerun_page_when_runs_changed(workspace: Workspace) -> None:
    """The form and the table of past runs stand outside this fragment."""
    signature = tuple((run.name, run.status().state) for run in list_runs(workspace.runs))
    if st.session_state.get(_SEEN, signature) != signature:
        st.session_state[_SEEN] = signature
        st.rerun(scope="app")
    st.session_state[_SEEN] = signature


def _last_shown(workspace: Workspace) -> Run | None:
    runs = list_runs(workspace.runs)
    shown = st.session_state.get(SHOWN)
    return next((run for run in runs if run.name == shown), runs[0] if runs else None)


def _reader(run: Run) -> HistoryReader:
    readers: dict[str, HistoryReader] = st.session_state.setdefault(_READERS, {})
    key = f"{run.folder}:{run.created()}"
    if key not in readers:
        readers.clear()  # one run is shown at a time; a long one's events take megabytes
        readers[key] = HistoryReader(run.folder)
    return readers[key]


def _head(run: Run, status: Status) -> None:
    config = run.config
    protocol = "validation by slice" if config.protocol == "published" else "validation by patient or series"
    data = plain(run.data().get("name") or config.data.rsplit("/", 1)[-1], 80)
    when = "since" if status.state in (*ACTIVE, "queued") else "at"
    st.markdown(f"**{plain(run.name)}** · {_STATE_TEXT[status.state]} {when} {clock(status.since)}")
    fold = f", fold {config.fold + 1} of {config.folds} held out" if config.folds else ""
    network = f"{plain(config.architecture)} at {config.image_size} pixels"
    st.caption(f"{network} on {data}, {protocol}{fold}, seed {config.seed}")


@dataclass(frozen=True)
class _Drawn:
    """Curves on screen: of which run, of which last event, drawn when."""

    of: str
    last: Any
    at: float
    figure: Any


def _figure(run: Run, status: Status, history: History) -> Any:
    """The curves, drawn anew as the first batches come, every few seconds from then on, and when the run ends."""
    of, last = str(run.folder), (history.last.get("time"), len(history.batches), len(history.epochs))
    drawn: _Drawn | None = st.session_state.get(_DRAWN)
    if drawn is not None and drawn.of == of:
        resting = status.state == "training" and len(history.batches) > _FIRST_BATCHES
        if drawn.last == last or (resting and time.monotonic() - drawn.at < _REDRAW_SECONDS):
            return drawn.figure
    latest = history.epochs[-1] if history.epochs else {}
    figure = training_curves(history.epochs, history.batches, best_epoch=int(latest.get("best_epoch", 0)))
    st.session_state[_DRAWN] = _Drawn(of, last, time.monotonic(), figure)
    return figure


def _curves(run: Run, status: Status, history: History) -> None:
    if status.state in ("starting", "finishing") or not history.batches:
        _progress(status, history)
    if not history.batches and status.state not in ACTIVE:
        return
    # Empty axes from the start: the browser has its chart library loaded when the first point comes.
    st.plotly_chart(
        _figure(run, status, history),
        key="train_curves",
        config={"displayModeBar": False},
        alt=described(history.epochs, history.batches),
    )


def _progress(status: Status, history: History) -> None:
    if status.state == "queued":
        st.caption("Curves begin with the first batch.")
        return
    if status.state not in ACTIVE:
        if not history.batches:
            st.caption("It ended before the first batch.")
        return
    progress = history.progress if status.state in ("starting", "finishing") else {}
    what, done, total = progress.get("what", "Loading TensorFlow"), progress.get("done", 0), progress.get("total", 0)
    if status.state == "training":
        what = "Building the network"
    counted = f", {done:,} of {total:,}" if total else ""
    st.progress(done / total if total else 0.0, f"{what}{counted}")


def _facts(run: Run, status: Status, history: History) -> None:
    config, latest = run.config, history.latest
    epochs_done = int(history.epochs[-1]["epoch"] or 0) if history.epochs else 0
    at = int(latest.get("epoch") or epochs_done)
    within = latest["batch"] / latest["batches"] if latest and at > epochs_done else 0.0
    st.progress(min(1.0, (epochs_done + within) / config.epochs), f"Epoch {max(at, epochs_done)} of {config.epochs}")
    left, right = st.columns(2)
    with left:
        if status.state in (*ACTIVE, "queued"):
            remaining = latest.get("time_left_s") if status.state in ("training", "paused") else None
            st.metric("Time left at most", duration(remaining) if remaining else "–")
        else:
            trained = sum(epoch["seconds"] for epoch in history.epochs)
            st.metric("Time trained", duration(trained) if trained else "–")
        st.metric("Learning rate", f"{latest['learning_rate']:.2e}" if latest else "–")
    with right:
        rate = latest.get("images_per_second")
        st.metric("Images a second", f"{rate:.0f}" if rate else "–")
        memory = latest.get("memory_mb")
        st.metric("Memory", f"{memory / 1000:.1f} GB" if memory else "–")
    _last_figures(config.keep_by, history)


def _last_figures(keep_by: str, history: History) -> None:
    if not history.epochs:
        return
    last, best = history.epochs[-1], history.best(keep_by)
    lines = [
        f"{label} {last[key]:.3f}"
        for key, label in (("val_loss", "loss"), ("val_accuracy", "accuracy"), ("val_auc", "AUC"))
        if last.get(key) is not None
    ]
    text = f"Validation after epoch {last['epoch']}: {', '.join(lines)}."
    if best is not None:
        by = LABELS[keep_by][0].lower() + LABELS[keep_by][1:]
        text += f"  \nBest so far by {by}: epoch {best['epoch']}, {best[keep_by]:.3f}."
    st.caption(text)


def _commands(workspace: Workspace, run: Run, status: Status) -> None:
    if status.state in ACTIVE:
        pause: Command = "resume" if status.state == "paused" else "pause"
        icon = ":material/play_arrow:" if status.state == "paused" else ":material/pause:"
        ready = status.state in ("training", "paused")
        left, right = st.columns(2)
        with left:
            _button(
                run, pause.capitalize(), pause, icon, disabled=not ready, help="Hold the run where it is, or go on."
            )
        with right:
            _button(run, "Stop", "stop", ":material/stop:", help="End now; finished epochs stay and can be resumed.")
        _button(
            run,
            "Stop and keep best",
            "keep_best",
            ":material/bookmark_check:",
            disabled=not run.epochs_finished(),
            help="End now and make the bundle of the best finished epoch.",
        )
    elif status.state == "queued":
        _button(run, "Take from the queue", "stop", ":material/remove_circle:")
    elif status.state in RESUMABLE:
        _resume(workspace, run)
    elif status.state == "finished":
        offer_model(workspace, run, "train_promote_now")


def _button(run: Run, label: str, what: Command, icon: str, **options: Any) -> None:
    if st.button(label, key=f"train_{what}_now", icon=icon, width="stretch", **options):
        supervisor.command(run, what)
        st.toast(f"{label}: {plain(run.name)}")


def _resume(workspace: Workspace, run: Run) -> None:
    finished = run.epochs_finished()
    label = f"Resume after epoch {finished}" if finished else "Start again"
    if st.button(label, key=_RESUME, icon=":material/resume:", width="stretch"):
        answer(_RESUME, run, lambda: supervisor.resume(workspace, run))
    if finished and st.button(
        "Make the bundle of what is there",
        key="train_finish_run",
        icon=":material/bookmark_check:",
        width="stretch",
        help="Score the kept epoch on validation and test and write the bundle.",
    ):
        answer(_RESUME, run, lambda: supervisor.finish(workspace, run))
    show_answer(_RESUME, run)


def _queue(workspace: Workspace) -> None:
    for number, waiting in enumerate(supervisor.queue(workspace)):
        text, button = st.columns([5, 1], vertical_alignment="center")
        behind = f", behind {plain(', '.join(waiting.behind), 120)}" if waiting.behind else ""
        text.markdown(
            f":material/hourglass_empty: **{plain(waiting.run.name)}** waits since {clock(waiting.since)}{behind}"
        )
        if button.button("Take out", key=f"train_unqueue_{number}_{waiting.run.name}", width="stretch"):
            supervisor.command(waiting.run, "stop")
