"""Values that a notebook shows as more than their ``repr``.

Jupyter asks a value for ``_repr_html_``. What it looks like is made in :mod:`ecgedge.report.notebook`, an
upper room that the values do not know: it is imported, by its name, when the first of them is shown.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["Shown"]


class Shown:
    """Base of values that a notebook shows: a table, or a strip of ECG."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        html: str = import_module("ecgedge.report.notebook").html(self)
        return html
