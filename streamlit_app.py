"""The app's router: page settings, the six pages, and the sidebar that every page shares."""

import streamlit as st

from pages.components import sidebar, theme

st.set_page_config(
    page_title="Hemo",
    page_icon=theme.ICON,
    layout="wide",
    initial_sidebar_state=220,
    menu_items={"About": "Hemo, a head-CT hemorrhage workbench. For teaching and research, not for diagnosis."},
)

PAGES = [
    st.Page("pages/overview.py", title="Overview", icon=":material/home:", default=True),
    st.Page("pages/data.py", title="Data", icon=":material/database:", url_path="data"),
    st.Page("pages/train.py", title="Train", icon=":material/model_training:", url_path="train"),
    st.Page("pages/read.py", title="Read a scan", icon=":material/radiology:", url_path="read"),
    st.Page("pages/results.py", title="Results", icon=":material/monitoring:", url_path="results"),
    st.Page("pages/models.py", title="Models", icon=":material/deployed_code:", url_path="models"),
]

page = st.navigation(PAGES, position="sidebar", expanded=True)
theme.inject()
sidebar.show()
page.run()
