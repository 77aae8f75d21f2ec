"""The report that a reviewer can be sent, and the table behind every figure."""

import streamlit as st

from hemo.evaluate.predictions import CSV_COLUMNS
from hemo.model.bundle import ModelBundle
from pages.components import results_details
from pages.components.results_data import Judged


def show(chosen: Judged, bundle: ModelBundle) -> None:
    """Every figure as a table, and the downloads."""
    del bundle
    st.dataframe(results_details.all_figures(chosen), hide_index=True)
    table = chosen.predictions.frame[list(CSV_COLUMNS)]
    st.download_button(
        "Predictions as CSV", table.to_csv(index=False), "predictions.csv", "text/csv", key="results_csv"
    )
