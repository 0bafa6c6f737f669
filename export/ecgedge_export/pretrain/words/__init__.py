"""Objectives over beats as words (:mod:`ecgedge.tokens`)."""
