"""Results: what a model is worth on a data set, with intervals, and every means to doubt it."""

import streamlit as st

from hemo.data.library import KnownDataset
from hemo.errors import HemoError
from hemo.evaluate.judged import Judged
from hemo.model.bundle import ModelBundle
from pages.components import (
    datasets,
    models,
    notice,
    results_audit,
    results_clicks,
    results_compare,
    results_data,
    results_details,
    results_headline,
    results_operating,
    results_published,
    results_report,
    state,
)
from pages.components.results_data import PROTOCOL_NAMES
from pages.components.results_job import Job
from pages.components.text import plain

MODEL, PROTOCOL, VIEW = "results_model", "results_protocol", "results_view"
VIEWS = {
    "curves": "Curves",
    "calibration": "Calibration",
    "levels": "Patients and subtypes",
    "places": "Where it looks",
    "audit": "Shortcut audit",
    "compare": "Compare",
    "report": "Report",
}
BROUGHT_VIEWS = ("curves", "calibration", "levels", "report")
"""Views that a bundle's own table fills without its data."""


def show_bar() -> tuple[ModelBundle, KnownDataset, str] | None:
    """[model] on [data set], and which protocol where there are two; None where either is missing."""
    names = models.names()
    if not names:
        for fault in models.listing().faults:
            notice.warning(f"{fault.path.name} is not used. {fault.reason}")
        if notice.empty_state(
            "No model to judge",
            "Figures of a model on a data set stand here. A training run on the phantom, kept as a bundle, fills it in "
            "minutes.",
            "Go to Train",
            key="results_no_model",
            icon=":material/deployed_code:",
        ):
            st.switch_page("pages/train.py")
        return None
    if datasets.active() is None:
        show_brought(names)
        return None
    first, second, third = st.columns([1, 1.3, 1.15], vertical_alignment="bottom")
    with first:
        active = state.active_model()
        index = names.index(active) if active in names else 0
        name = st.selectbox("Model", names, index=index, key=f"{MODEL}_{active}")
    with second:
        entry = datasets.choose("on data set", key="results_data")
    if entry is None:
        return None
    bundle = models.bundle(name)
    ways = results_data.protocols(bundle, entry)
    with third:
        protocol = ways[0]
        if len(ways) > 1:
            protocol = st.segmented_control(
                "Protocol",
                ways,
                default=ways[0],
                required=True,
                key=PROTOCOL,
                format_func=lambda way: PROTOCOL_NAMES[way],
                help="Out of fold: each patient's slices were scored by a network that had not seen them. The shipped "
                "weights have seen all of them.",
            )
    return bundle, entry, protocol


def show_brought(names: list[str]) -> None:
    """Without a data set: the out-of-fold figures that the active model brings, and the way to others."""
    active = state.active_model()
    name = st.selectbox("Model", names, index=names.index(active) if active in names else 0, key="results_brought")
    bundle = models.bundle(name)
    chosen = results_data.brought(bundle)
    if chosen is None:
        datasets.empty_state("Figures of a model on a data set stand here.", key="results_no_data")
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="results_brought_note"):
        st.markdown(
            f"No data set is imported. These are the figures that **{plain(name)}** brings: what networks of its "
            f"recipe said of {plain(chosen.predictions.about.data)} slices that they had not seen. "
            "The slices are not here.",
            width="stretch",
        )
        if st.button("Import a data set", key="results_brought_import", icon=":material/folder_open:"):
            st.switch_page("pages/data.py")
        if (
            st.button("Make a phantom", key="results_no_data", icon=":material/database:")
            and datasets.make_phantom() is not None
        ):
            st.rerun()
    show_figures(chosen, BROUGHT_VIEWS)
    if st.session_state.get(VIEW) == "report":
        results_report.show(chosen, bundle)
    results_clicks.show_opened(chosen, results_operating.threshold_in_hand(chosen))


def start(bundle: ModelBundle, entry: KnownDataset, protocol: str, audit: bool = False) -> None:
    """Start an evaluation in the background and show it."""
    table = results_data.folder_of(bundle, entry, protocol)
    Job.of(state.workspace(), table).start(
        state.workspace(), entry.path, bundle.name, protocol == results_data.PROTOCOL, audit
    )
    st.rerun()


@st.fragment(run_every="1s")
def show_progress(job: Job, reads: str) -> None:
    """What the evaluation does and how far it is; the page is drawn again when it ends."""
    progress = job.progress()
    if progress is None or not progress.running:
        st.rerun()
        return
    share = progress.done / progress.total if progress.total else 0.0
    counted = f", {progress.done:,} of {progress.total:,}" if progress.total else ""
    bar, stop = st.columns([6, 1], vertical_alignment="center")
    with bar:
        st.progress(min(share, 1.0), f"Evaluating {plain(reads)}: {plain(progress.stage)}{counted}")
    with stop:
        if st.button("Stop", key="results_stop", icon=":material/stop_circle:"):
            job.stop()


def show_job(bundle: ModelBundle, entry: KnownDataset, protocol: str) -> bool:
    """The evaluation under way or failed; True while one is under way."""
    job = Job.of(state.workspace(), results_data.folder_of(bundle, entry, protocol))
    progress = job.progress()
    if progress is None:
        return False
    if progress.running:
        show_progress(job, f"{bundle.name} on {entry.title}")
        return True
    if progress.failed:
        notice.error(progress.failed)
    job.forget()
    return False


def show_missing(bundle: ModelBundle, entry: KnownDataset, protocol: str) -> None:
    """Nothing computed yet: say what would be here and offer it."""
    if notice.empty_state(
        f"{plain(bundle.name)} was not evaluated on {plain(entry.title)} yet",
        f"Every one of {entry.slices:,} slices is read once; the table is kept until the model or the data change.",
        "Evaluate",
        key="results_evaluate",
        icon=":material/monitoring:",
    ):
        start(bundle, entry, protocol)


def show_figures(chosen: Judged, views: tuple[str, ...]) -> str:
    """What needs the table alone: headline, operating curve, matrix and one of the views; returns the view chosen."""
    results_headline.show(chosen)
    results_published.show(chosen)
    st.subheader("Operating point")
    results_operating.show(chosen)
    view = st.segmented_control(
        "Further views",
        views,
        default="curves",
        required=True,
        key=VIEW,
        format_func=lambda name: VIEWS[name],
        label_visibility="collapsed",
    )
    if view == "curves":
        results_details.show_curves(chosen)
    elif view == "calibration":
        results_details.show_calibration(chosen)
    elif view == "levels":
        results_details.show_levels(chosen)
    elif view == "places":
        results_details.show_places(chosen)
    return view


def show_results(chosen: Judged, bundle: ModelBundle, entry: KnownDataset, protocol: str, busy: bool) -> None:
    """Headline, operating curve and matrix, then one further view."""
    view = show_figures(chosen, tuple(VIEWS))
    if view == "audit":
        if results_audit.show(chosen) and not busy:
            start(bundle, entry, protocol, audit=True)
    elif view == "compare":
        show_comparison(chosen, bundle, entry, protocol)
    elif view == "report":
        results_report.show(chosen, bundle)
    results_clicks.show_opened(chosen, results_operating.threshold_in_hand(chosen))


def show_comparison(chosen: Judged, bundle: ModelBundle, entry: KnownDataset, protocol: str) -> None:
    """Another model on the same set, and this model on the other sets."""
    others = [name for name in models.names() if name != bundle.name]

    def judged_of(name: str) -> Judged | None:
        other = models.bundle(name)
        ways = results_data.protocols(other, entry)
        return results_data.judged(results_data.folder_of(other, entry, protocol if protocol in ways else ways[0]))

    wanted = results_compare.show(chosen, others, judged_of)
    if wanted is not None:
        other = models.bundle(wanted)
        ways = results_data.protocols(other, entry)
        start(other, entry, protocol if protocol in ways else ways[0])
    st.markdown("##### This model across data sets")
    tables = []
    for each in datasets.listing():
        for way in results_data.protocols(bundle, each):
            found = results_data.judged(results_data.folder_of(bundle, each, way))
            if found is not None:
                tables.append(found)
    st.dataframe(results_compare.across_sets(tables), hide_index=True)


def main() -> None:
    """Draw the page."""
    st.title("Results")
    picked = show_bar()
    if picked is None:
        return
    bundle, entry, protocol = picked
    busy = show_job(bundle, entry, protocol)
    chosen = results_data.judged(results_data.folder_of(bundle, entry, protocol))
    if chosen is not None:
        show_results(chosen, bundle, entry, protocol, busy)
    elif not busy:
        show_missing(bundle, entry, protocol)
        results_published.show_record(datasets.opened(entry).fingerprint())


try:
    main()
except HemoError as error:
    notice.error(error)
