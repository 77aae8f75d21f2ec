"""Plotly figures as plain functions of data."""
