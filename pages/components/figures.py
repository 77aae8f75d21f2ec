"""Figures of a model card on screen: value, interval, and on how many slices of how many patients."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from hemo.evaluate.metrics import METRIC_NAMES
from pages.components.text import one_line, plain

LEVEL = "per slice unless said otherwise"
HEADLINE = ("auc", "sensitivity", "specificity", "average_precision", "patient_auc", "accuracy", "brier", "ece")


def headline_names(metrics: Mapping[str, Any], count: int = 5) -> list[str]:
    """Which figures to show first: the agreed ones in their order, then whatever else the card holds."""
    first = [name for name in HEADLINE if name in metrics]
    rest = [name for name in metrics if name not in HEADLINE]
    return (first + rest)[:count]


def title(name: str) -> str:
    """A metric's name for people: "auc" → "AUC", "patient_auc" → "Patient AUC"."""
    if name in METRIC_NAMES:
        return METRIC_NAMES[name]
    words = one_line(name, 60).replace("_", " ").split()
    named = [METRIC_NAMES[word] if word in ("auc", "ppv", "npv") else word for word in words]
    text = " ".join(named)
    return text[:1].upper() + text[1:]


def counted(metric: Mapping[str, Any]) -> str:
    """On what a figure rests: "2,501 slices, 82 patients"."""
    groups = metric.get("n_groups")
    slices = f"n = {metric['n']:,}"
    return slices if groups is None else f"{slices}, {groups:,} patients"


def interval(metric: Mapping[str, Any]) -> str:
    """The 95 % interval, or that there is none."""
    span = metric.get("interval")
    return f"{span[0]:.3f} to {span[1]:.3f}" if span else "no interval"


def row(metrics: Mapping[str, Any], names: Sequence[str]) -> None:
    """Show figures side by side, each with its interval and its n."""
    for column, name in zip(st.columns(len(names)), names, strict=True):
        metric = metrics[name]
        why = metric.get("why_none")
        with column:
            st.metric(title(name), f"{metric['value']:.3f}", help=plain(why) if why else None)
            confidence = "95 %: " if metric.get("interval") else ""
            st.caption(f"{confidence}{interval(metric)}  \n{counted(metric)}")
