"""`python -m hemo train`: train in this terminal, the same run that the Train page starts in the background."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemo.cli.workers import add_worker_arguments
from hemo.errors import RunError
from hemo.workspace import Workspace

if TYPE_CHECKING:
    from hemo.runs.group import Group

RECIPES = ("lite0",)


def add_parser(subparsers: Any) -> None:
    """Add the command and its arguments."""
    from hemo.model.architectures import ARCHITECTURES
    from hemo.model.training_config import DEVICES, PRESETS, PROTOCOLS

    parser = subparsers.add_parser(
        "train",
        help="train a network; Ctrl-C stops and keeps every finished epoch",
        description="Train a network. Ctrl-C stops and keeps every finished epoch; --resume goes on from there.",
    )
    parser.add_argument("--data", type=Path, help="folder or CSV of the data set; may be left out with --resume")
    parser.add_argument("--layout", default="", help="importer to use (default: recognized)")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="start from these settings")
    parser.add_argument("--architecture", choices=sorted(ARCHITECTURES), help="network")
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, help="grouped: validate on other patients; published: by slice"
    )
    parser.add_argument("--epochs", type=int, help="most epochs")
    parser.add_argument("--batch", type=int, help="slices a step")
    parser.add_argument("--image-size", type=int, help="pixels a side")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int, help="of split, weights, order, augmentation and dropout")
    parser.add_argument("--devices", choices=DEVICES, help="auto: share each batch among the visible GPUs, if several")
    group = parser.add_argument_group(
        "several runs", "RUN becomes a folder of runs; the same command goes on after Ctrl-C or a crash."
    )
    group.add_argument("--folds", type=int, metavar="N", help="cross-validate by patient or series")
    group.add_argument("--seeds", type=int, metavar="N", help="this many seeds, from --seed up")
    group.add_argument(
        "--sweep", action="append", metavar="SETTING=A,B", help="every value of a setting, such as learning_rate=1e-3"
    )
    add_worker_arguments(group)
    group.add_argument("--gpus-per-job", type=float, metavar="N", help="with Ray (default: 1 where there are GPUs)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN, if one is there")
    parser.add_argument(
        "--recipe", choices=RECIPES, help="train the shipped model's way; other settings are the recipe's"
    )
    parser.add_argument("--ship", metavar="NAME", help="with --recipe: write the finished network to models/NAME")


def run(args: argparse.Namespace) -> int:
    """Train in this process.

    Returns:
        0 when the run finished, 130 when it was stopped.
    """
    if args.recipe:
        return _run_recipe(args)
    if args.folds or args.seeds or args.sweep:
        return _run_group(args)
    if args.workers or args.ray_address:
        raise RunError("Expected --folds, --seeds or --sweep beside --workers and --ray-address. Received: one run")
    from hemo.model.quiet import import_tensorflow_quietly
    from hemo.runs.trainer import Trainer
    from hemo.runs.worker import Inbox

    workspace = Workspace.from_environment()
    try:
        target, task = _prepare_run(args)
    except OSError as error:
        raise RunError(
            f"Expected a run's folder that can be written. Received: {args.out}: {error.strerror}"
        ) from error
    import_tensorflow_quietly()
    inbox = Inbox(target.folder)
    inbox.listen()
    with _turn(workspace, target.folder, inbox) as allowed:
        if not allowed:
            target.write_status(state="stopped")
            return 130
        state = Trainer(target, workspace.cache, inbox, _Printer()).work(task)
    if state == "finished":
        print(f"{target.bundle}")
        return 0
    print(f"Stopped after {target.epochs_finished()} finished epochs; --resume goes on.", file=sys.stderr)
    return 130


def _prepare_run(args: argparse.Namespace) -> tuple[Any, str]:
    from hemo.runs.process import ProcessId
    from hemo.runs.run import ACTIVE, CONFIG, Run, create_run

    folder = args.out.expanduser().resolve()
    existing = Run(folder)
    if args.resume and (folder / CONFIG).is_file():
        if existing.status().state in ACTIVE:
            raise RunError(f"Expected a run that is not at work. Received: {folder}, which is being trained")
        target, task = existing, "resume"
        if args.data:
            existing.config.replace(data=str(args.data.expanduser().resolve())).save(folder / CONFIG)
    else:
        target, task = create_run(folder, _config(args)), "train"
    from hemo.runs import control

    control.clear(folder)
    # Taken at once, so that no supervisor starts it too while this process waits for its turn.
    target.write_status(state="starting", task=task, process=ProcessId.current().to_json())
    return target, task


def _config(args: argparse.Namespace) -> Any:
    from hemo.model.architectures import ARCHITECTURES
    from hemo.model.training_config import PRESETS, TrainingConfig

    if args.data is None:
        raise RunError("Expected --data, the folder or CSV of the data set. Received: none")
    config: TrainingConfig = PRESETS[args.preset or "recommended"]
    if args.architecture and args.architecture != config.architecture:
        size = ARCHITECTURES[args.architecture].preparation.size
        config = config.replace(architecture=args.architecture, image_size=size)
    names = ("protocol", "epochs", "batch", "image_size", "learning_rate", "seed", "devices")
    changes = {name: value for name in names if (value := getattr(args, name)) is not None}
    if "epochs" in changes:
        changes["warmup_epochs"] = min(config.warmup_epochs, changes["epochs"])
    config = config.replace(data=str(args.data.expanduser().resolve()), layout=args.layout, **changes)
    config.check()
    return config


def _wait(workspace: Workspace, inbox: Callable[[], Any]) -> bool:
    """Wait until nobody trains; False where the user stopped it."""
    from hemo.runs.lock import trainer_lock

    told = ""
    while (holder := trainer_lock(workspace.runs).holder()) is not None:
        name = Path(str(holder.get("run", "another run"))).name
        if name != told:
            since = time.strftime("%H:%M", time.localtime(float(holder.get("since", time.time()))))
            print(f"Waiting for {name}, which has been training since {since}.", file=sys.stderr)
            told = name
        if inbox() == "stop":
            return False
        time.sleep(0.5)
    return True


def _run_recipe(args: argparse.Namespace) -> int:
    from hemo.runs.recipe import run_recipe
    from hemo.runs.recipe_card import ship

    if args.data is None:
        raise RunError("Expected --data, the folder of the data set. Received: none")
    data, out = args.data.expanduser().resolve(), args.out.expanduser().resolve()
    run_recipe(data, out, args.resume, say=lambda line: print(line, file=sys.stderr, flush=True))
    if args.ship:
        print(ship(out, data, Workspace.from_environment().models, args.ship).path)
    return 0


def _run_group(args: argparse.Namespace) -> int:
    """Train the runs of a group; 0 when all are finished, 1 when one failed, 130 when it was stopped."""
    from hemo.jobs.pool import choose_pool
    from hemo.jobs.stop import StopSignal
    from hemo.jobs.training import train_group
    from hemo.runs.group import create_group, plan, read_sweep

    pool = choose_pool(args.workers, args.ray_address, args.gpus_per_job)
    sweep = dict(read_sweep(text) for text in args.sweep or [])
    base, changes = plan(_config(args), args.folds or 0, args.seeds or 1, sweep)
    group = create_group(args.out.expanduser().resolve(), base, changes)
    workspace, stop = Workspace.from_environment(), StopSignal()
    if args.workers is None and args.ray_address is None:
        from hemo.model.quiet import import_tensorflow_quietly

        import_tensorflow_quietly()
    with _turn(workspace, group.folder, lambda: "stop" if stop() else None, here=pool.is_here) as allowed:
        if not allowed:
            return 130
        with pool:
            stop.listen()
            ended = train_group(group, workspace.cache, pool, stop, _say)
    _print_results(group)
    if ended.stopped:
        print(f"Stopped with {len(ended.finished)} of {len(group.members)} runs finished; the same command goes on.",
              file=sys.stderr)  # fmt: skip
        return 130
    return 1 if ended.failed else 0


@contextmanager
def _turn(workspace: Workspace, folder: Path, inbox: Callable[[], Any], here: bool = True) -> Iterator[bool]:
    """Wait for this machine's cores where they are what works; False where the user stopped it."""
    from hemo.runs.lock import trainer_lock

    if not here:
        yield True
        return
    note = {"run": str(folder), "since": time.time()}
    while True:
        with trainer_lock(workspace.runs).try_hold(note) as held:
            if held:
                yield True
                return
        if not _wait(workspace, inbox):
            yield False
            return


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_results(group: "Group") -> None:
    from hemo.runs.group import label
    from hemo.runs.group_results import cross_validations, summary

    print(summary(group).to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}"))
    for result in cross_validations(group):
        of = f" ({label(result.changes)})" if result.changes else ""
        counted = f"{len(result.table):,} slices of {result.table['group'].nunique():,} groups"
        folds = f"{len(result.finished)} of {result.folds} folds"
        mean = f", mean of the folds {result.mean[0]:.3f} ± {result.mean[1]:.3f}" if result.mean else ""
        print(f"out of fold{of}: AUC {result.figures['auc'].text()}, {counted}, {folds}{mean}")


class _Printer:
    """Prints a line an epoch, and the batches in between where the output is a terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""

    def __call__(self, event: dict[str, Any]) -> None:
        """Print one event."""
        from hemo.jobs.progress import epoch_line

        if event["event"] == "epoch":
            print(self._clear() + epoch_line(event), flush=True)
        elif event["event"] == "batch" and self._live:
            print(self._clear() + _batch_line(event), end="", file=sys.stderr, flush=True)
        elif event["event"] == "progress" and event["what"] != self._last:
            self._last = event["what"]
            print(f"{self._clear()}{event['what']}", file=sys.stderr, flush=True)

    def _clear(self) -> str:
        return "\r\x1b[K" if self._live else ""


def _batch_line(event: dict[str, Any]) -> str:
    rate, left = event.get("images_per_second"), event.get("time_left_s")
    speed = f"  {rate:.0f} images/s" if rate else ""
    time_left = f"  {left / 60:.0f} min left" if left else ""
    return f"epoch {event['epoch']}  {event['batch']}/{event['batches']}  loss {event['loss']:.4f}{speed}{time_left}"
