"""One model's card on the Models page: figures with n and interval, data, size, date, sha256, limits."""

from datetime import datetime

import pandas as pd
import streamlit as st

from hemo.model.bundle import ModelBundle
from hemo.model.card import Card, Metric
from pages.components import figures
from pages.components.text import one_line, plain

HEADLINE_FIGURES = 5
_REACHED = ("sensitivity", "specificity")


def show(bundle: ModelBundle, *, active: bool, default: bool) -> None:
    """Show one card.

    Args:
        bundle: a checked bundle.
        active: it is the session's active model.
        default: it is what reads where nobody chose.
    """
    card = bundle.card
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{plain(bundle.name)}**", width="content")
        if active:
            st.badge("active", icon=":material/check_circle:", color="blue")
        if default:
            st.badge("default", color="gray")
    st.caption(f"{plain(card['architecture'])}, {_input(card)}, {bundle.size_bytes / 1e6:.1f} MB, {_day(card)}")
    _show_figures(card)
    st.caption(_facts(card))


def show_details(card: Card) -> None:
    """A button that opens what does not fit on the card."""
    with st.popover("Details", icon=":material/info:"):
        _show_operating_points(card)
        _show_all_figures(card)
        st.markdown("**Limits**\n\n" + ("\n".join(f"- {plain(limit)}" for limit in card["limits"]) or "None given."))
        st.markdown(_origin(card))
        st.caption("sha256 of the weights")
        st.code(card["sha256"], language=None, wrap_lines=True)


def _show_figures(card: Card) -> None:
    """The headline figures as a table."""
    metrics = card["metrics"]
    names = figures.headline_names(metrics, HEADLINE_FIGURES)
    if not names:
        st.markdown("Nothing was measured for this model.")
        return
    rows = {plain(figures.title(name)): _cells(metrics[name]) for name in names}
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=["", "95 % CI", "n (groups)"]), border="horizontal")


def _show_all_figures(card: Card) -> None:
    """Every figure of the card; where there is no interval, why."""
    metrics = card["metrics"]
    if not metrics:
        return
    st.markdown("**All figures**")
    rows = {
        plain(figures.title(name)): [*_cells(metrics[name]), plain(metrics[name].get("why_none") or "", 160)]
        for name in figures.headline_names(metrics, len(metrics))
    }
    columns = ["", "95 % CI", "n (groups)", "Why there is no interval"]
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=columns), border="horizontal")


def _cells(metric: Metric) -> list[str]:
    span, groups = metric.get("interval"), metric.get("n_groups")
    return [
        f"**{metric['value']:.3f}**",
        f"{span[0]:.2f} to {span[1]:.2f}" if span else "none",
        f"{metric['n']:,}" + (f" ({groups:,})" if groups is not None else ""),
    ]


def _facts(card: Card) -> str:
    data = card["data"]
    patients = "unknown number of patients" if data["n_patients"] is None else f"{data['n_patients']:,} patients"
    return (
        f"Learned from {plain(data['name'], 80)}: {data['n']:,} slices, {patients}; {plain(data['split'], 160)}.  \n"
        f"Licence {plain(data['licence'], 80)}. sha256 `{card['sha256'][:12]}…`"
    )


def _show_operating_points(card: Card) -> None:
    st.markdown("**Operating points**")
    points = card["operating_points"]
    if points:
        rows = {
            plain(point["name"], 40): [f"{point['threshold']:.3f}", *map(_known, map(point.get, _REACHED))]
            for point in points
        }
        columns = ["Threshold", "Sensitivity", "Specificity"]
        st.table(pd.DataFrame.from_dict(rows, orient="index", columns=columns), border="horizontal")
    band = card["uncertain_band"]
    uncertain = f"Uncertain from {band[0]:.3f} to {band[1]:.3f}." if band else "No score is called Uncertain."
    fitted = [f"Fitted on {plain(how, 200)}." for how in sorted({point["fitted_on"] for point in points})]
    st.caption(" ".join([uncertain, *(fitted or ["No operating point was fitted."])]))


def _known(value: object) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _origin(card: Card) -> str:
    calibration = card["calibration"]
    versions = ", ".join(f"{one_line(name, 40)} {one_line(version, 40)}" for name, version in card["versions"].items())
    return (
        f"Calibration: {plain(calibration.get('how') or 'none', 300)}.  \n"
        f"Cite: {plain(card['data']['citation'], 400)}  \n"
        f"Made with {plain(versions, 300)}."
    )


def _input(card: Card) -> str:
    preparation = card["preparation"]
    return f"{plain(preparation['kind'])} at {preparation['size']} pixels"


def _day(card: Card) -> str:
    created = datetime.fromisoformat(card["created"])
    return f"{created:%d %B %Y}".lstrip("0")
