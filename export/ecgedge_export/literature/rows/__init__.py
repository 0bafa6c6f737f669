"""Rows: one module for each published idea, with `measure`; older ones lie beside this folder."""
