"""`python -m hemo train`: train in this terminal, the same run that the Train page starts in the background."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hemo.errors import RunError
from hemo.workspace import Workspace

RECIPES = ("lite0",)


def add_parser(subparsers: Any) -> None:
    """Add the command and its arguments."""
    from hemo.model.architectures import ARCHITECTURES
    from hemo.model.training_config import PRESETS, PROTOCOLS

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
    from hemo.model.quiet import import_tensorflow_quietly
    from hemo.runs.lock import trainer_lock
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
    note = {"run": str(target.folder), "since": time.time()}
    while True:
        with trainer_lock(workspace.runs).try_hold(note) as held:
            if held:
                state = Trainer(target, workspace.cache, inbox, _Printer()).work(task)
                break
        if not _wait(workspace, inbox):
            target.write_status(state="stopped")
            return 130
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
    names = ("protocol", "epochs", "batch", "image_size", "learning_rate", "seed")
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


class _Printer:
    """Prints a line an epoch, and the batches in between where the output is a terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""

    def __call__(self, event: dict[str, Any]) -> None:
        """Print one event."""
        if event["event"] == "epoch":
            print(self._clear() + _epoch_line(event), flush=True)
        elif event["event"] == "batch" and self._live:
            print(self._clear() + _batch_line(event), end="", file=sys.stderr, flush=True)
        elif event["event"] == "progress" and event["what"] != self._last:
            self._last = event["what"]
            print(f"{self._clear()}{event['what']}", file=sys.stderr, flush=True)

    def _clear(self) -> str:
        return "\r\x1b[K" if self._live else ""


def _epoch_line(event: dict[str, Any]) -> str:
    names = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc")
    figures = "  ".join(f"{name} {event[name]:.4f}" for name in names if event.get(name) is not None)
    return f"epoch {event['epoch']}/{event['epochs']}  {figures}  {event['seconds']:.1f} s"


def _batch_line(event: dict[str, Any]) -> str:
    rate, left = event.get("images_per_second"), event.get("time_left_s")
    speed = f"  {rate:.0f} images/s" if rate else ""
    time_left = f"  {left / 60:.0f} min left" if left else ""
    return f"epoch {event['epoch']}  {event['batch']}/{event['batches']}  loss {event['loss']:.4f}{speed}{time_left}"
