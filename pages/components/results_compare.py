"""Two models on the same slices, paired; and one model across sets, each level of claim in a column of its own."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from hemo.charts.roc import roc_figure
from hemo.evaluate.compare import compare, mcnemar
from hemo.evaluate.judged import Judged
from hemo.evaluate.metrics import METRIC_NAMES
from hemo.evaluate.predictions import Predictions
from pages.components import results_chart
from pages.components.results_data import PROTOCOL_NAMES
from pages.components.text import plain

OTHER = "results_other_model"


def show(chosen: Judged, others: list[str], judged_of: Callable[[str], Judged | None]) -> str | None:
    """Compare with another model.

    Args:
        chosen: the table on the page.
        others: names of the other bundles.
        judged_of: the other model's table on the same set, or None where it was not computed yet.

    Returns:
        name of the model to evaluate, in the run that follows a click on the button that asks for it.
    """
    if not others:
        st.info("There is one model only: train another, or upload a bundle on Models.", icon=":material/info:")
        return None
    other = st.selectbox("Compare with", others, key=OTHER)
    second = judged_of(other)
    if second is None:
        st.markdown(f"**{plain(other)}** was not evaluated on this set yet.")
        return other if st.button("Evaluate it", type="primary", key="results_compare_run") else None
    paired = pair(chosen.predictions, second.predictions)
    if paired is None:
        st.info("The two tables share no slices that both models accepted.", icon=":material/info:")
        return None
    _show_pair(chosen, second, paired)
    return None


def pair(first: Predictions, second: Predictions) -> pd.DataFrame | None:
    """The slices that both models scored: source, label, group, first, second; None where there are none."""
    columns = ["source", "label", "group", "probability"]
    one, two = (each.frame.loc[each.accepted, columns] for each in (first, second))
    both = one.merge(two[["source", "probability"]], on="source", suffixes=("_first", "_second"))
    both = both.rename(columns={"probability_first": "first", "probability_second": "second"})
    return both if len(both) else None


def _show_pair(chosen: Judged, second: Judged, paired: pd.DataFrame) -> None:
    names = chosen.predictions.about.model, second.predictions.about.model
    cuts = chosen.evaluation.threshold, second.evaluation.threshold
    kind = chosen.predictions.about.group_kind
    groups = None if kind == "file" else paired["group"]
    rows = compare(paired["label"], paired["first"], paired["second"], groups, cuts, kind)
    table = pd.DataFrame(
        {
            "Figure": [METRIC_NAMES[row.name] for row in rows],
            names[0]: [_number(row.first) for row in rows],
            names[1] if names[1] != names[0] else f"{names[1]} (second)": [_number(row.second) for row in rows],
            "Difference": [row.difference.text() for row in rows],
            "p": ["–" if row.p_value is None else f"{row.p_value:.3g}" for row in rows],
            "Note": [row.difference.why_none or row.difference.why or row.test for row in rows],
        }
    )
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        st.dataframe(table, hide_index=True, height=38 + 35 * len(table))
        label = paired["label"].to_numpy()
        right_first = (paired["first"] >= cuts[0]).to_numpy() == (label == 1)
        right_second = (paired["second"] >= cuts[1]).to_numpy() == (label == 1)
        only_first, only_second, p = mcnemar(right_first, right_second)
        st.caption(
            f"{len(paired):,} slices that both accepted. Calls: {only_first:,} right by {plain(names[0])} alone, "
            f"{only_second:,} by {plain(names[1])} alone (McNemar's exact test, p = {p:.3g}; it takes slices as "
            "independent, which neighbours are not)."
        )
    with right:
        figure = roc_figure({names[0]: chosen.roc, f"{names[1]} ": second.roc}, f"n = {len(paired):,} slices")
        results_chart.show(figure, key="results_compare_roc", alt="Two ROC curves")


def _number(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"


def across_sets(tables: list[Judged]) -> pd.DataFrame:
    """One model on every set it was judged on, by slice and by patient in columns of their own."""
    rows = []
    for each in tables:
        about, evaluation = each.predictions.about, each.evaluation
        by_group = evaluation.group_metrics.get("auc")
        rows.append(
            {
                "Data set": about.data,
                "Protocol": _kind_of(each),
                "Slices": evaluation.n,
                "Groups": evaluation.n_groups,
                "AUC by slice": evaluation.metrics["auc"].text(),
                "Sensitivity by slice": evaluation.metrics["sensitivity"].text(),
                "Specificity by slice": evaluation.metrics["specificity"].text(),
                "AUC by patient or series": "–" if by_group is None else by_group.text(),
            }
        )
    return pd.DataFrame(rows)


def _kind_of(each: Judged) -> str:
    about = each.predictions.about
    if about.protocol != "shipped weights":
        return PROTOCOL_NAMES[about.protocol]
    return "Seen in training" if about.trained_on.get("fingerprint") == about.data_fingerprint else "Other data"
