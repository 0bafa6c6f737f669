"""Objectives that read statements or reports, text as vectors, and losses that match it with signals."""
