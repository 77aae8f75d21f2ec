"""Groups of runs: what is planned, how a sweep is read, and that a group is found again but never mixed up."""

from pathlib import Path

import pytest

from hemo.errors import HemoError, RunError
from hemo.model.training_config import RECOMMENDED
from hemo.runs.group import changed, create_group, label, list_groups, load_group, plan, read_sweep
from hemo.runs.run import create_run, list_runs, rename_run


def test_a_plan_is_every_combination_with_folds_innermost() -> None:
    base, changes = plan(RECOMMENDED, folds=2, seeds=2, sweep={"batch": [8, 16]})
    assert base.folds == 2
    assert len(changes) == 8
    assert changes[0] == {"batch": 8, "seed": 0, "fold": 0}
    assert changes[1] == {"batch": 8, "seed": 0, "fold": 1}
    assert changes[-1] == {"batch": 16, "seed": 1, "fold": 1}


def test_a_sweep_is_read_with_the_setting_s_type() -> None:
    assert read_sweep("learning_rate=1e-3,3e-4") == ("learning_rate", [1e-3, 3e-4])
    assert read_sweep("batch_size=16, 32") == ("batch", [16, 32])
    assert read_sweep("image-size=64") == ("image_size", [64])
    assert read_sweep("early_stop.patience=5,10,5") == ("early_stop.patience", [5, 10])
    assert read_sweep("augmentation.horizontal_flip=true,false") == ("augmentation.horizontal_flip", [True, False])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed=1", "a setting among architecture, protocol"),
        ("batch", "SETTING=VALUE"),
        ("batch=many", "a whole number for batch. Received: many"),
        ("data=/elsewhere", "a setting among"),
        ("augmentation.horizontal_flip=maybe", "true or false"),
    ],
)
def test_a_sweep_that_says_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        read_sweep(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "folds between 2 and 1000"),
        ({"seeds": 0}, "at least one seed"),
        ({"sweep": {"optimizer": ["adam", "magic"]}}, "optimizer to be one of"),
        ({"sweep": {"augmentation.zoom": [5.0]}}, "Expected zoom from"),
        ({"seeds": 1001}, "at most 1000 runs"),
    ],
)
def test_a_plan_that_cannot_run_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(HemoError, match=message):
        plan(RECOMMENDED, **options)  # type: ignore[arg-type]


def test_folds_by_slice_are_refused() -> None:
    with pytest.raises(RunError, match="protocol grouped for a cross-validation"):
        plan(RECOMMENDED.replace(protocol="published"), folds=5)


def test_changes_reach_into_settings_and_the_preset_s_name_goes_with_them() -> None:
    config = changed(RECOMMENDED, {"early_stop.patience": 3, "augmentation.zoom": 0.5, "batch": 4})
    assert (config.early_stop.patience, config.augmentation["zoom"], config.batch) == (3, 0.5, 4)
    assert config.augmentation["rotation"] == RECOMMENDED.augmentation["rotation"]
    assert (config.preset, changed(RECOMMENDED, {"seed": 3}).preset) == ("", "recommended")


def test_a_group_is_found_again_and_never_mixed_up(tmp_path: Path) -> None:
    base, changes = plan(RECOMMENDED.replace(data="/data/set"), folds=3)
    group = create_group(tmp_path / "cv", base, changes)
    assert [member.name for member in group.members] == ["cv-fold-1", "cv-fold-2", "cv-fold-3"]
    assert load_group(tmp_path / "cv") == group == create_group(tmp_path / "cv", base, changes)
    assert list_groups(tmp_path) == [group]
    other, other_changes = plan(RECOMMENDED.replace(data="/data/set"), folds=4)
    with pytest.raises(RunError, match="begun with others"):
        create_group(tmp_path / "cv", other, other_changes)
    create_run(tmp_path / "single", RECOMMENDED)
    with pytest.raises(RunError, match="holds one run"):
        create_group(tmp_path / "single", base, changes)


def test_long_settings_give_numbered_names(tmp_path: Path) -> None:
    base, changes = plan(RECOMMENDED, sweep={"early_stop.patience": [3, 5], "augmentation.brightness": [0.1, 0.2]})
    group = create_group(tmp_path / "a-rather-long-name-of-a-sweep", base, changes)
    assert group.members[3].name == "a-rather-long-name-of-a-sweep-004"
    assert label(group.members[3].changes) == "early_stop.patience 5, augmentation.brightness 0.2"


def test_runs_of_a_group_are_listed_with_the_others_and_keep_their_names(tmp_path: Path) -> None:
    base, changes = plan(RECOMMENDED, folds=2)
    group = create_group(tmp_path / "cv", base, changes)
    run = create_run(group.run(group.members[0]).folder, group.config(group.members[0]), state="finished")
    create_run(tmp_path / "single", RECOMMENDED)
    (tmp_path / "no-group" / "inner").mkdir(parents=True)
    create_run(tmp_path / "no-group" / "inner" / "run", RECOMMENDED)
    assert {each.name for each in list_runs(tmp_path)} == {"single", "cv-fold-1"}
    with pytest.raises(RunError, match="a group finds its runs by name"):
        rename_run(run, "other")


def test_a_damaged_group_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "cv").mkdir()
    (tmp_path / "cv" / "group.json").write_text('{"base": {}, "members": [{"name": "../x", "changes": {}}]}')
    assert list_groups(tmp_path) == []
    with pytest.raises(RunError, match="Expected a group of runs"):
        load_group(tmp_path / "cv")
