"""The report that a reviewer can be sent, and the table behind every figure."""

import streamlit as st

from hemo.evaluate.judged import Judged
from hemo.model.bundle import ModelBundle
from hemo.report.evaluation_html import report_html
from hemo.report.evaluation_pdf import report_pdf
from hemo.report.evaluation_report import Report, build_report
from hemo.report.evaluation_table import predictions_csv
from pages.components import results_details


def show(chosen: Judged, bundle: ModelBundle) -> None:
    """Every figure as a table, and the downloads, each made when it is asked for."""
    about = chosen.predictions.about
    stem = f"{about.model}-{about.protocol.replace(' ', '-')}"
    st.markdown(
        "The report follows CLAIM's items where code can fill them: data and flow, model, figures with intervals, "
        "curves, other levels of claim, the shortcut audit, failures and limits."
    )
    if chosen.audit is None:
        st.caption("Run the shortcut audit first if the report is to say what the figures rest on.")

    def report() -> Report:
        return build_report(chosen.predictions, chosen.evaluation, bundle.card, chosen.audit)

    with st.container(horizontal=True):
        st.download_button(
            "Report as HTML",
            lambda: report_html(report()),
            f"{stem}.html",
            "text/html",
            key="results_html",
            icon=":material/download:",
            type="primary",
        )
        st.download_button(
            "Report as PDF",
            lambda: report_pdf(report()),
            f"{stem}.pdf",
            "application/pdf",
            key="results_pdf",
            icon=":material/download:",
        )
        st.download_button(
            "Predictions as CSV",
            lambda: predictions_csv(chosen.predictions),
            f"{stem}.csv",
            "text/csv",
            key="results_csv",
            icon=":material/download:",
        )
    st.dataframe(results_details.all_figures(chosen), hide_index=True, height=400)
