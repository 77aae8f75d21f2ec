"""Who trains and who judges: splits by patient or series, the published one by slice, folds, the overlap check."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemo.data.importers.base import plural
from hemo.data.manifest import SPLITS, Manifest
from hemo.errors import DatasetError, SplitOverlapError

DEFAULT_FRACTIONS = {"train": 0.7, "validation": 0.15, "test": 0.15}


def split_grouped(
    manifest: Manifest,
    fractions: Mapping[str, float] | Sequence[float] | None = None,
    seed: int = 0,
    keep_given: bool = True,
) -> Manifest:
    """Split so that no patient or series stands on two sides.

    Groups go, the largest first among equals drawn at random, to the side that is furthest from its share of bleed
    slices, bleed-free slices and groups.

    Args:
        manifest: the set.
        fractions: share of each split, by name or in the order train, validation, test (default 0.70, 0.15, 0.15);
            shares are normalised, zero leaves a split out.
        seed: of the draw.
        keep_given: keep the split that the set came with where it names train and validation for every slice.

    Raises:
        SplitOverlapError: the split that the set came with puts a group on two sides.
        DatasetError: fewer groups than splits, or fractions that are none.
    """
    given = set(manifest.frame["split"])
    if keep_given and "" not in given and {"train", "validation"} <= given:
        check_no_overlap(manifest.frame)
        return manifest
    shares = _shares(fractions)
    sides = _assign(manifest, list(shares.values()), seed, "splits")
    names = np.array(list(shares))
    return manifest.with_split(names[sides])


def split_random(manifest: Manifest, validation: float = 0.15, seed: int = 0) -> Manifest:
    """Split by slice, as the published project did; neighbours of one patient end up on both sides.

    Only slices marked "train" or not marked at all are drawn from. Slices that the set came with as validation or test
    become "test", so that they stay out of training; `source_split` keeps what they were called.

    Args:
        manifest: the set.
        validation: share of the slices drawn for validation, rounded up as Keras' `validation_split` does by flooring
            the training part.
        seed: of the draw.

    Raises:
        DatasetError: a share outside (0, 1) or too few slices to draw from.
    """
    if not 0 < validation < 1:
        raise DatasetError(f"Expected a validation share between 0 and 1. Received: {validation}.")
    source = manifest.frame["split"].to_numpy(dtype=str)
    pool = np.flatnonzero(np.isin(source, ("train", "")))
    if len(pool) < 2:
        raise DatasetError(f"Expected at least two slices to draw from. Received: {len(pool)}.")
    drawn = np.random.default_rng(seed).permutation(pool)
    n_train = min(max(int(len(pool) * (1 - validation)), 1), len(pool) - 1)
    split = np.full(len(manifest), "test", dtype="<U10")
    split[drawn[:n_train]] = "train"
    split[drawn[n_train:]] = "validation"
    result = manifest.with_split(split)
    result.frame["source_split"] = source
    return result


def folds(manifest: Manifest, k: int = 5, seed: int = 0) -> pd.Series:
    """Fold number (0 … k-1) of each row, groups whole, bleeds spread evenly; indexed like the frame.

    Raises:
        DatasetError: k below 2, or fewer groups than folds.
    """
    if k < 2:
        raise DatasetError(f"Expected at least 2 folds. Received: {k}.")
    return pd.Series(_assign(manifest, [1 / k] * k, seed, "folds"), index=manifest.frame.index, name="fold")


def check_no_overlap(frame: pd.DataFrame) -> None:
    """Refuse a split under which a patient or series stands on two sides.

    Args:
        frame: a manifest's frame; rows without a split are not looked at.

    Raises:
        SplitOverlapError: names the offenders.
    """
    named = frame[frame["split"] != ""]
    sides: dict[str, set[str]] = {}
    for group, split in zip(named["group"], named["split"], strict=True):
        sides.setdefault(str(group), set()).add(split)
    offenders = {group: [s for s in SPLITS if s in found] for group, found in sides.items() if len(found) > 1}
    if not offenders:
        return
    kind = str(named["group_kind"].iloc[0])
    shown = "; ".join(f"{group} in {' and '.join(where)}" for group, where in list(offenders.items())[:8])
    more = f"; and {len(offenders) - 8} more" if len(offenders) > 8 else ""
    raise SplitOverlapError(f"Expected each {kind} in one split only. Received: {kind} {shown}{more}.")


def _shares(fractions: Mapping[str, float] | Sequence[float] | None) -> dict[str, float]:
    if fractions is None:
        return dict(DEFAULT_FRACTIONS)
    shares = dict(fractions) if isinstance(fractions, Mapping) else dict(zip(SPLITS, fractions, strict=False))
    strange = [name for name in shares if name not in SPLITS]
    total = sum(shares.values())
    if strange or total <= 0 or min(shares.values()) < 0:
        raise DatasetError(f"Expected shares of train, validation and test, none negative. Received: {fractions}.")
    return {name: share / total for name, share in shares.items() if share > 0}


def _assign(manifest: Manifest, shares: Sequence[float], seed: int, what: str) -> npt.NDArray[np.int64]:
    """Side (0 … len(shares)-1) of each row, groups whole.

    A group goes to the side that is relatively emptiest in what the group brings: a side's fill is the sum over
    bleed slices, bleed-free slices, bleeding groups and bleed-free groups of (held + brought)² / share. Groups with
    bleeds are placed first, since they are the scarce ones; each side gets one group before any gets a second.
    """
    codes, names = pd.factorize(manifest.frame["group"])
    if len(names) < len(shares):
        wanted = f"at least {len(shares)} {plural(manifest.group_kind)} for {len(shares)} {what}"
        raise DatasetError(f"Expected {wanted}. Received: {len(names)} ({', '.join(map(str, names[:5]))}).")
    positive = np.bincount(codes, weights=manifest.labels, minlength=len(names))
    slices = np.bincount(codes, minlength=len(names))
    brought = np.stack([positive, slices - positive, positive > 0, positive == 0], axis=1).astype(np.float64)
    brought /= np.maximum(brought.sum(axis=0), 1)
    tie = np.random.default_rng(seed).permutation(len(names))
    order = np.lexsort((tie, -slices.astype(np.int64) // 8, -(positive > 0).astype(int)))
    share = np.asarray(shares, dtype=np.float64)[:, None]
    held = np.zeros((len(shares), brought.shape[1]))
    side_of_group = np.empty(len(names), dtype=np.int64)
    members = np.zeros(len(shares), dtype=np.int64)
    for place, group in enumerate(order):
        cost = (((held + brought[group]) ** 2 - held**2) / share).sum(axis=1)
        if len(order) - place <= int((members == 0).sum()):
            cost[members > 0] = np.inf
        side = int(np.argmin(cost))
        side_of_group[group] = side
        held[side] += brought[group]
        members[side] += 1
    return side_of_group[codes]
