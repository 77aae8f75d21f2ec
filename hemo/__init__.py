"""Hemo: a head-CT hemorrhage workbench for teaching, research and triage demos, never for diagnosis."""

__version__ = "0.1.0"
