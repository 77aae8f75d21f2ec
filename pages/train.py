"""Train: the run at work with its live curves, a new run or group in three steps, groups, and past runs to compare."""

import streamlit as st

from pages.components import state, train_current, train_form, train_groups, train_past

st.title("Train")
workspace = state.workspace()
train_current.show(workspace)
train_form.show(workspace)
train_groups.show(workspace)
train_past.show(workspace)
