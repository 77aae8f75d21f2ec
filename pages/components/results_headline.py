"""The headline: five figures with their intervals, on how many slices of how many patients, and what must be said."""

import streamlit as st

from hemo.evaluate.calibrated_folds import has_foreign_pictures
from hemo.evaluate.intervals import plural
from hemo.evaluate.judged import Judged
from hemo.evaluate.metrics import METRIC_NAMES, Metric
from pages.components import notice
from pages.components.results_data import is_out_of_fold
from pages.components.text import plain

HEADLINE = ("auc", "average_precision", "sensitivity", "specificity", "accuracy")


def show(chosen: Judged) -> None:
    """Name the claim, then its figures."""
    evaluation, about = chosen.evaluation, chosen.predictions.about
    protocol = ", out of fold" if is_out_of_fold(chosen) else ""
    st.markdown(f"**By slice{protocol}.** {chosen.n}.")
    for warning in evaluation.warnings:
        notice.warning(warning)
    for column, name in zip(st.columns(len(HEADLINE)), HEADLINE, strict=True):
        with column:
            figure(METRIC_NAMES[name], evaluation.metrics[name])
    threshold = f"threshold {evaluation.threshold:.3f}, the model's balanced point"
    if is_out_of_fold(chosen):
        also = ", as they are and as foreign pictures" if has_foreign_pictures(chosen.predictions) else ""
        threshold = f"each fold's balanced threshold, fitted on the other folds{also}"
    method = evaluation.metrics["auc"].method or evaluation.metrics["accuracy"].method
    how = f" Intervals: 95 %, {method}." if method else ""
    uncertain = f" {evaluation.n_uncertain:,} uncertain slices count by their score." if evaluation.n_uncertain else ""
    st.caption(f"Sensitivity, specificity and accuracy at {threshold}.{uncertain}{how}")
    if evaluation.n_refused:
        _show_refused(chosen)
    if about.licence and about.licence != "unknown":
        st.caption(f"Data: {plain(about.data, 120)}, {plain(about.licence, 120)}.")


def figure(title: str, metric: Metric) -> None:
    """One figure with its interval, or why it has none."""
    with st.container(gap=None):
        if metric.value is None:
            st.metric(title, "–")
            st.caption(plain(metric.why))
            return
        st.metric(title, f"{metric.value:.3f}", help=plain(metric.why_none) if metric.why_none else None)
        st.caption(f"{metric.interval[0]:.3f} to {metric.interval[1]:.3f}" if metric.interval else "no interval")


def _show_refused(chosen: Judged) -> None:
    refused = chosen.predictions.refused
    bleeds = chosen.evaluation.n_refused_positive
    with st.expander(f"{len(refused):,} slices refused, {bleeds:,} of them with a bleed", icon=":material/block:"):
        table = refused[["source", "group", "label", "reason"]].rename(
            columns={"group": plural(chosen.predictions.about.group_kind, 1)}
        )
        st.dataframe(table, hide_index=True, height=min(300, 38 + 35 * len(table)))
