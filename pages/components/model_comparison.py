"""Two models beside each other: figures with intervals, and whether they may be compared at all."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from hemo.charts.model_figures import model_figures
from hemo.model.bundle import ModelBundle
from hemo.model.card import Card
from pages.components import figures, notice
from pages.components.text import plain

FIRST, SECOND = "models_compare_first", "models_compare_second"


def show(bundles: Sequence[ModelBundle], active: str | None) -> None:
    """Let the reader pick two models and show their figures.

    Args:
        bundles: at least two.
        active: name of the active model, the first choice.
    """
    st.subheader("Compare two")
    by_name = {bundle.name: bundle for bundle in bundles}
    names = list(by_name)
    start = names.index(active) if active in names else 0
    left, right = st.columns(2)
    with left:
        first = st.selectbox("First model", names, index=start, key=FIRST)
    others = [name for name in names if name != first]
    with right:
        second = st.selectbox("Second model", others, key=SECOND)
    if first is None or second is None:
        return
    one, two = by_name[first], by_name[second]
    _show_comparability(one.card, two.card)
    shared = [name for name in _ordered(one.card) if name in two.card["metrics"]]
    if not shared:
        st.markdown("The two cards share no figure; judge both on one data set on the Results page.")
        return
    fractions = [
        name for name in shared if all(0 <= card["metrics"][name]["value"] <= 1 for card in (one.card, two.card))
    ]
    chart, table = st.columns([2, 3], gap="large")
    with chart:
        titles = {name: figures.title(name) for name in shared}
        st.plotly_chart(
            model_figures([(first, one.card["metrics"]), (second, two.card["metrics"])], fractions, titles),
            key="models_compare_chart",
            config={"displayModeBar": False},
            alt=f"Figures of {first} and {second} with their intervals; the table beside holds the numbers.",
        )
    with table:
        st.table(_table(one, two, shared), border="horizontal")


def _show_comparability(one: Card, two: Card) -> None:
    """Say where figures rest on different slices: they cannot be ranked then."""
    if one["data"]["fingerprint"] != two["data"]["fingerprint"]:
        notice.warning("The two learned from and were measured on different data: a difference may be the data's.")
    elif one["data"]["split"] != two["data"]["split"]:
        notice.warning("The two were measured under different splits: a difference may be the split's.")


def _ordered(card: Card) -> list[str]:
    return figures.headline_names(card["metrics"], len(card["metrics"]))


def _table(one: ModelBundle, two: ModelBundle, names: Sequence[str]) -> pd.DataFrame:
    rows = {}
    for name in names:
        first, second = one.card["metrics"][name], two.card["metrics"][name]
        change = second["value"] - first["value"]
        rows[plain(figures.title(name))] = [_cell(first), _cell(second), f"{change:+.3f}"]
    rows["Slices in its data"] = [f"{one.card['data']['n']:,}", f"{two.card['data']['n']:,}", ""]
    rows["Size"] = [f"{one.size_bytes / 1e6:.1f} MB", f"{two.size_bytes / 1e6:.1f} MB", ""]
    rows["Architecture"] = [plain(one.card["architecture"]), plain(two.card["architecture"]), ""]
    return pd.DataFrame.from_dict(rows, orient="index", columns=[plain(one.name), plain(two.name), "Difference"])


def _cell(metric: Any) -> str:
    return f"**{metric['value']:.3f}** ({plain(figures.interval(metric))}), n = {metric['n']:,}"
