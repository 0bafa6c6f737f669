"""Naming beats (AAMI N S V F Q): features, model, stage."""
