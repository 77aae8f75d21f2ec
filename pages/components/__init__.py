"""Streamlit pieces that several pages share."""

from pages.components import first_visit

first_visit.leave_automatic_pages()
