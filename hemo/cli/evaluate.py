"""`python -m hemo evaluate`: what a model is worth on a data set.

The predictions table is computed once and kept in the workspace. All accepted slices count by their score at the
bundle's balanced threshold; refused slices are listed apart. See `hemo.evaluate.evaluation` for the rules.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemo.errors import DatasetError

if TYPE_CHECKING:
    from hemo.evaluate.evaluation import Evaluation
    from hemo.evaluate.predictions import Predictions

NOT_READ = ("missing", "bad_label")
"""Problems of a data set that are neither a slice read nor one cleanly refused."""
REFUSED = ("unreadable",)
"""Problems that are a file refused with its reason; they stand in the table as Refused."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command and its arguments."""
    parser = subparsers.add_parser(
        "evaluate",
        help="judge a model on a labelled data set",
        description="Judge a model on a labelled data set: figures, intervals by resampling patients, a table.",
    )
    parser.add_argument(
        "path", metavar="PATH", nargs="?", help="a folder or CSV in any layout that `inspect` understands"
    )
    parser.add_argument("--model", metavar="NAME", help="name of a bundle in models/ (default: the shipped one)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures as JSON")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the predictions table as CSV")
    parser.add_argument("--split", choices=("train", "validation", "test"), help="judge this part of the set only")
    parser.add_argument(
        "--out-of-fold", action="store_true", help="judge what the recipe said of slices it had not seen"
    )
    parser.add_argument(
        "--check-card",
        action="store_true",
        help="compute every number of the model's card again from the table in its bundle; needs no PATH",
    )
    parser.add_argument("--audit", action="store_true", help="also make the shortcut audit")
    parser.add_argument("--layout", metavar="NAME", help="layout of the data set (default: recognised)")
    parser.add_argument("--threshold", type=_fraction, help="threshold on the score (default: the balanced one)")
    parser.add_argument("--resamples", type=int, default=2000, help="resamples of the patients (default 2000)")
    parser.add_argument("--progress", metavar="FILE", type=Path, help="write progress to this file, a JSON line each")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print; 0 when every input was read or cleanly refused, else 1."""
    if args.check_card:
        return _check_card(args.model)
    if args.path is None:
        raise DatasetError("Expected PATH, a folder or CSV to judge the model on, or --check-card. Received: neither")

    from hemo.evaluate.evaluation import evaluate, to_json
    from hemo.report.evaluation_table import predictions_csv

    report = Reporter(args.progress)
    try:
        predictions = _predictions(args, report)
        report.stage("figures")
        evaluation = evaluate(predictions, args.threshold, resamples=args.resamples)
        if args.csv:
            _write(args.csv, lambda path: path.write_text(predictions_csv(predictions), encoding="utf-8"))
        if args.json:
            content = json.dumps(to_json(predictions, evaluation), indent=2, ensure_ascii=False, allow_nan=False)
            _write(args.json, lambda path: path.write_text(content + "\n", encoding="utf-8"))
    except Exception as error:
        report.write(event="failed", reason=str(error))
        raise
    print(summary(predictions, evaluation))
    unread = [problem for problem in predictions.about.problems if problem[1] in NOT_READ]
    for path, _, detail in unread:
        print(f"hemo evaluate: {path}: {detail}", file=sys.stderr)
    report.write(event="done", unread=len(unread))
    return 1 if unread else 0


class Reporter:
    """Progress as JSON lines for whoever watches the file, and as one rewritten line for a person at a terminal."""

    def __init__(self, path: Path | None):
        self.path = path
        self.name = ""
        self._shown = 0.0

    def stage(self, name: str) -> None:
        """Say what is being done now."""
        self.name = name
        self.write(event="stage", stage=name)

    def step(self, done: int, total: int) -> None:
        """Say how far the stage is; at most four times a second, and at its end."""
        now = time.monotonic()
        if done < total and now - self._shown < 0.25:
            return
        self._shown = now
        self.write(event="progress", stage=self.name, done=done, total=total)
        if sys.stderr.isatty():
            print(f"\r{self.name}: {done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    def write(self, **event: Any) -> None:
        """Append one line, whole."""
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(event, ensure_ascii=False) + "\n")


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1. Received: {text}")
    return value


def _predictions(args: argparse.Namespace, report: Reporter) -> "Predictions":
    """The table, from the cache or computed, and the audit kept beside it where asked for."""
    from hemo.data.importers import import_dataset
    from hemo.evaluate.audit import Audit, run_audit
    from hemo.evaluate.out_of_fold import load_out_of_fold
    from hemo.evaluate.predictions import cached_predictions, predict_manifest, table_folder, with_refused_files
    from hemo.model.bundle import find_bundle
    from hemo.workspace import Workspace

    workspace = Workspace.from_environment()
    report.stage("reading the data set")
    manifest = import_dataset(Path(args.path), layout=args.layout)
    if args.split:
        part = manifest.frame["split"] == args.split
        if not part.any():
            raise DatasetError(f"Expected slices in the split {args.split}. Received: none")
        manifest = manifest.subset(part)
    bundle = find_bundle(workspace.models, args.model)
    predictor = None
    if args.out_of_fold:
        known = load_out_of_fold(bundle, manifest)
        if not known.about.root:
            raise DatasetError(
                f"Expected the data that {bundle.name} was trained on. Received: other slices in {args.path}"
            )
        folder = table_folder(workspace.predictions, bundle, manifest, known.about.protocol)
        if not folder.is_dir():
            known.save(folder)
        # A recipe may have left folds out: the rules are judged on the slices that the network was judged on.
        manifest = manifest.subset(manifest.frame["path"].isin(set(known.frame["source"])))
    else:
        cached = cached_predictions(workspace.predictions, bundle, manifest)
        folder = table_folder(workspace.predictions, bundle, manifest)
        if cached is None or (args.audit and Audit.load(folder) is None):
            predictor = _load(bundle, report)
        if cached is None and predictor is not None:
            report.stage("reading slices")
            cached = predict_manifest(predictor, manifest, report.step, workspace.predictions)
        assert cached is not None
        known = cached
    if args.audit and Audit.load(folder) is None:
        run_audit(known, manifest, predictor, workspace.cache, report.stage, report.step).save(folder)
    return with_refused_files(known)


def _load(bundle: Any, report: Reporter) -> Any:
    from hemo.model.predictor import Predictor
    from hemo.model.quiet import import_tensorflow_quietly

    report.stage("loading the model")
    import_tensorflow_quietly()
    return Predictor(bundle, embed=True)


def summary(predictions: "Predictions", evaluation: "Evaluation") -> str:
    """The figures for a person at a terminal."""
    from hemo.evaluate.intervals import plural
    from hemo.evaluate.metrics import METRIC_NAMES

    about = predictions.about
    of = ""
    if evaluation.n_groups is not None:
        of = f" of {evaluation.n_groups} {plural(about.group_kind, evaluation.n_groups)}"
    lines = [
        f"{about.model} on {about.data}, by slice, {about.protocol}",
        f"{evaluation.n} slices{of}, {evaluation.n_positive} with a bleed; {evaluation.n_refused} refused, "
        f"{evaluation.n_uncertain} uncertain; threshold {evaluation.threshold:.3f}"
        + (" (figures: each fold's own, fitted on the others)" if about.protocol != "shipped weights" else ""),
    ]
    for name, metric in evaluation.metrics.items():
        note = metric.why if metric.value is None else ("" if metric.interval else f"no interval: {metric.why_none}")
        lines.append(f"  {METRIC_NAMES[name]:<24} {metric.text():<22} {note}".rstrip())
    lines += [f"  {warning}" for warning in evaluation.warnings]
    return "\n".join(lines)


def _check_card(name: str | None) -> int:
    """Print every number of the card beside the same from the bundle's table; 0 when none differs, else 1."""
    from hemo.model.bundle import find_bundle
    from hemo.runs.card_check import check_card
    from hemo.workspace import Workspace

    bundle = find_bundle(Workspace.from_environment().models, name)
    checked = check_card(bundle)
    for entry in checked:
        again = "" if entry.computed is None else f"{entry.computed:.6f}"
        print(f"{entry.name:<58} {entry.stated:>10.6f} {again:>10}  {entry.verdict}")
    verdicts = [entry.verdict for entry in checked]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    print(f"{bundle.name}, card and table: {counts}")
    return 1 if "differs" in verdicts else 0


def _write(path: Path, write: Any) -> None:
    """Write beside the target, then move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
