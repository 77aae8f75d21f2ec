"""`python -m hemo inspect PATH`: what an importer makes of a folder or table."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hemo.data.manifest import Manifest, Problem

_SHOWN = 20


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command's arguments."""
    parser = subparsers.add_parser(
        "inspect",
        help="say what an importer makes of a folder: counts, patients, problems",
        description="Say what an importer makes of a folder or table: counts, patients, splits and problems.",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder, a CSV, or a data set saved by Hemo")
    parser.add_argument("--layout", metavar="NAME", help="layout to read it as (default: recognized)")
    parser.add_argument("--path-column", metavar="NAME", help="column of image paths of a CSV")
    parser.add_argument("--label-column", metavar="NAME", help="column of labels of a CSV")
    parser.add_argument("--group-column", metavar="NAME", help="column of patients or series of a CSV")
    parser.add_argument("--split-column", metavar="NAME", help="column of splits of a CSV")
    parser.add_argument("--group-pattern", metavar="REGEX", help="finds the patient in file names of class folders")
    parser.add_argument("--files", action="store_true", help="also decode every slice and look for duplicates")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the summary; 0 unless the path cannot be used at all."""
    from hemo.data.importers import import_dataset

    manifest = import_dataset(args.path, args.layout, **_options(args))
    if args.files:
        manifest = _with_file_check(manifest)
    summary = summarize(manifest)
    print(_as_text(manifest, summary))
    for problem in manifest.problems[:_SHOWN]:
        print(_line(problem), file=sys.stderr)
    if len(manifest.problems) > _SHOWN:
        print(f"and {len(manifest.problems) - _SHOWN} more problems; --json lists all", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def summarize(manifest: "Manifest") -> dict[str, Any]:
    """Counts, identity and problems of a data set as plain values."""
    from dataclasses import asdict

    from hemo.data.manifest import SUBTYPES

    frame = manifest.frame
    groups = frame.groupby("group")["label"].max()
    known = [name for name in SUBTYPES if name in frame.columns]
    return {
        "name": manifest.name,
        "root": str(manifest.root),
        "source": manifest.source,
        "licence": manifest.licence,
        "citation": manifest.citation,
        "fingerprint": manifest.fingerprint(),
        "n": len(manifest),
        "n_positive": int(manifest.labels.sum()),
        "group_kind": manifest.group_kind,
        "n_groups": len(groups),
        "n_groups_positive": int(groups.sum()),
        "splits": manifest.counts().to_dict("records"),
        "subtypes": {
            name: {"slices": int(frame[name].sum()), "groups": int(frame.loc[frame[name], "group"].nunique())}
            for name in known
        },
        "n_masks": int((frame["mask_path"] != "").sum()) if "mask_path" in frame.columns else 0,
        "n_boxes": int(frame["boxes"].map(len).sum()) if "boxes" in frame.columns else 0,
        "problems": [asdict(problem) for problem in manifest.problems],
    }


def _options(args: argparse.Namespace) -> dict[str, Any]:
    names = ("path_column", "label_column", "group_column", "split_column", "group_pattern")
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _with_file_check(manifest: "Manifest") -> "Manifest":
    from hemo.data.problems import check_files
    from hemo.workspace import Workspace

    progress = _show if sys.stderr.isatty() else None
    check = check_files(manifest, Workspace.from_environment().cache, progress)
    noted = [problem for problem in check.problems() if problem not in check.manifest.problems]
    return check.manifest.with_problems(noted)


def _show(done: int, total: int) -> None:
    print(f"\rslice {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _as_text(manifest: "Manifest", summary: dict[str, Any]) -> str:
    from hemo.data.importers.base import plural
    from hemo.data.manifest import LABEL_NAMES

    kind = plural(manifest.group_kind)
    lines = [
        f"{summary['name']}: {summary['n']:,} slices of {summary['n_groups']:,} {kind}; Hemorrhage on "
        f"{summary['n_positive']:,} slices of {summary['n_groups_positive']:,} {kind}",
        f"source      {summary['source']}",
        f"licence     {summary['licence']}",
        f"fingerprint {summary['fingerprint']}",
        "",
        f"{'split':<12}{'class':<12}{'slices':>8}{kind:>10}",
    ]
    for row in summary["splits"]:
        name = LABEL_NAMES[row["label"]]
        lines.append(f"{row['split'] or 'not split':<12}{name:<12}{row['slices']:>8,}{row['groups']:>10,}")
    if any(counts["slices"] for counts in summary["subtypes"].values()):
        lines += ["", f"{'subtype':<24}{'slices':>8}{kind:>10}"]
        lines += [f"{name:<24}{c['slices']:>8,}{c['groups']:>10,}" for name, c in summary["subtypes"].items()]
    known = [f"{summary[key]:,} {what}" for key, what in (("n_masks", "masks"), ("n_boxes", "boxes")) if summary[key]]
    lines += ["", *([f"lesions     {', '.join(known)}"] if known else []), f"problems    {len(manifest.problems):,}"]
    return "\n".join(lines)


def _line(problem: "Problem") -> str:
    where = f"{problem.path}: " if problem.path else ""
    return f"{problem.kind}: {where}{problem.detail}"
