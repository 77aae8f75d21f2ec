"""Runs that belong together: the folds of a cross-validation, one configuration under several seeds, a sweep.

A group is a folder with a `group.json` and one folder a run. What sets a run apart from the group's configuration are
its changes, such as {"fold": 2} or {"learning_rate": 0.001, "batch": 16}.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemo.atomic import write_json_atomically
from hemo.data.augment import AugmentSettings
from hemo.errors import RunError
from hemo.model.training_config import EarlyStop, TrainingConfig
from hemo.runs.run import CONFIG, GROUP, Run, check_name

Changes = dict[str, Any]

MOST_RUNS = 1000
_LONGEST_NAME = 64
# What people write after other tools, and what it is called here.
_ALIASES = {"batch_size": "batch"}
_NOT_SWEPT = ("data", "layout", "preset", "folds", "fold", "seed", "early_stop", "augmentation", "deterministic")


@dataclass(frozen=True)
class Member:
    """One run of a group.

    Args:
        name: of its folder.
        changes: settings by which it differs from the group's configuration.
    """

    name: str
    changes: Changes


@dataclass(frozen=True)
class Group:
    """Runs that belong together.

    Args:
        folder: holds `group.json` and a folder a run.
        base: the configuration that they share.
        members: its runs, in order; a run's folder exists once it was begun.
    """

    folder: Path
    base: TrainingConfig
    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def run(self, member: Member) -> Run:
        """The member's run, begun or not."""
        return Run(self.folder / member.name)

    def config(self, member: Member) -> TrainingConfig:
        """The member's configuration."""
        return changed(self.base, member.changes)

    def is_begun(self, member: Member) -> bool:
        """Whether the member's run exists."""
        return (self.folder / member.name / CONFIG).is_file()


def plan(
    base: TrainingConfig, folds: int = 0, seeds: int = 1, sweep: Mapping[str, Sequence[Any]] | None = None
) -> tuple[TrainingConfig, list[Changes]]:
    """Every combination of swept settings, seeds and folds.

    Args:
        base: the configuration to vary.
        folds: of a cross-validation; 0 for none.
        seeds: how many, from the configuration's own seed up.
        sweep: name of a setting → its values, as `read_sweep` gives them.

    Returns:
        The configuration that all runs share, and the changes of each.

    Raises:
        HemoError: one of the configurations cannot run, or there are too many.
    """
    if seeds < 1:
        raise RunError(f"Expected at least one seed. Received: {seeds}")
    base = base.replace(folds=folds, fold=0)
    axes: list[list[Changes]] = [[{name: value} for value in values] for name, values in (sweep or {}).items()]
    if seeds > 1:
        axes.append([{"seed": base.seed + number} for number in range(seeds)])
    if folds:
        axes.append([{"fold": number} for number in range(folds)])
    changes = [{name: value for part in parts for name, value in part.items()} for parts in itertools.product(*axes)]
    if len(changes) > MOST_RUNS:
        raise RunError(f"Expected at most {MOST_RUNS} runs. Received: {len(changes)}")
    base.check()
    for each in changes:
        config = changed(base, each)
        config.check()
        AugmentSettings.from_json(config.augmentation)
    return base, changes


def read_sweep(text: str) -> tuple[str, list[Any]]:
    """A setting and its values, from text such as "learning_rate=1e-3,3e-4" or "early_stop.patience=5,10".

    Raises:
        RunError: there is no such setting, or a value is not of its type.
    """
    name, _, values = text.partition("=")
    name = _ALIASES.get(name.strip().replace("-", "_"), name.strip().replace("-", "_"))
    known = _settings()
    if name not in known or not values.strip():
        raise RunError(f"Expected SETTING=VALUE,VALUE with a setting among {', '.join(known)}. Received: {text}")
    read = [_value(name, value.strip(), known[name]) for value in values.split(",") if value.strip()]
    return name, list(dict.fromkeys(read))


def changed(base: TrainingConfig, changes: Changes) -> TrainingConfig:
    """A configuration with changes; "early_stop.patience" changes a part of a setting."""
    config = base
    for name, value in changes.items():
        outer, _, inner = name.partition(".")
        if inner and outer == "early_stop":
            config = config.replace(early_stop=EarlyStop(**{**vars(config.early_stop), inner: value}))
        elif inner:
            config = config.replace(augmentation={**config.augmentation, inner: value})
        else:
            config = config.replace(**{name: value})
    swept = set(changes) - {"seed", "fold"}
    return config.replace(preset="") if swept else config


def create_group(folder: Path, base: TrainingConfig, changes: Sequence[Changes]) -> Group:
    """Make a group's folder, or find the same group there, begun before.

    Raises:
        RunError: the folder holds a run or another group, cannot be made, or its name is not allowed.
    """
    check_name(folder.name)
    group = Group(folder, base, tuple(Member(name, each) for name, each in _names(folder.name, changes)))
    if (folder / CONFIG).exists():
        raise RunError(f"Expected a new folder or that of the same group. Received: {folder}, which holds one run")
    if (folder / GROUP).exists():
        if load_group(folder) != group:
            raise RunError(
                f"Expected the same settings, folds, seeds and sweep as before. Received: {folder}, begun with others"
            )
        return group
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json_atomically(folder / GROUP, _to_json(group))
    except OSError as error:
        raise RunError(f"Expected a folder that can be written. Received: {folder}: {error.strerror}") from error
    return group


def load_group(folder: Path) -> Group:
    """Read a group that `create_group` made.

    Raises:
        RunError: the file is absent or damaged.
    """
    try:
        values = json.loads((folder / GROUP).read_text(encoding="utf-8"))
        members = tuple(Member(str(each["name"]), dict(each["changes"])) for each in values["members"])
        for member in members:
            check_name(member.name)  # it becomes part of a path
        return Group(folder, TrainingConfig.from_json(values["base"]), members)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"Expected a group of runs in {folder}. Received: {error}") from error


def list_groups(runs: Path) -> list[Group]:
    """Every group in a folder, newest first; damaged ones are passed over."""
    found = []
    for path in runs.glob(f"*/{GROUP}"):
        try:
            found.append((path.stat().st_mtime, load_group(path.parent)))
        except (OSError, RunError):
            continue
    return [group for _, group in sorted(found, key=lambda item: (item[0], item[1].name), reverse=True)]


def label(changes: Changes) -> str:
    """Changes for people: "fold 2, learning_rate 0.001"; folds are counted from 1."""
    return ", ".join(f"{name} {value + 1 if name == 'fold' else _text(value)}" for name, value in changes.items())


def _names(group: str, changes: Sequence[Changes]) -> Iterator[tuple[str, Changes]]:
    """A name for each run, unique beyond the group; numbers where the settings would make it too long."""
    spoken = [f"{group}-{re.sub(r'[^A-Za-z0-9._]+', '-', label(each)).strip('-')}" for each in changes]
    fit = len(set(spoken)) == len(spoken) and all(len(name) <= _LONGEST_NAME for name in spoken)
    names = spoken if fit else [f"{group}-{number:03d}" for number in range(1, len(changes) + 1)]
    for name in names:
        check_name(name)
    return zip(names, changes, strict=True)


def _to_json(group: Group) -> dict[str, Any]:
    members = [{"name": member.name, "changes": member.changes} for member in group.members]
    return {"base": group.base.to_json(), "members": members}


def _settings() -> dict[str, type]:
    """Settings that can be swept and the type of each."""
    config = TrainingConfig()
    known = {name: type(value) for name, value in vars(config).items() if name not in _NOT_SWEPT}
    known |= {f"early_stop.{name}": type(value) for name, value in vars(config.early_stop).items()}
    augment = vars(AugmentSettings())
    return known | {f"augmentation.{name}": type(value) for name, value in augment.items()}


def _value(name: str, text: str, kind: type) -> Any:
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "a text")
        raise RunError(f"Expected {wanted} for {name}. Received: {text}") from None


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
