"""Polar Measurement Data (PMD): frames, control point, session."""
