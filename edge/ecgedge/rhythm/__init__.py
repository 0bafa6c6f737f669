"""Naming the rhythm of a window: model, decision, stage."""
