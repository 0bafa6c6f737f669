"""Which core runs: the compiled one where it was built, else the numpy code that it is tested against.

``ECGEDGE_CORE`` chooses: ``c`` or ``numpy``. Both give the same events, bit for bit.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

from ecgedge_bridge.errors import ConfigError

VARIABLE = "ECGEDGE_CORE"


def _found(asked: str) -> ModuleType | None:
    """The compiled core, None where the numpy code shall run."""
    if asked not in {"", "c", "numpy"}:
        raise ConfigError(f"{VARIABLE} is {asked[:40]!r}: give c, numpy, or leave it away")
    if asked == "numpy":
        return None
    try:
        return import_module("ecgedge._core")
    except ImportError as error:
        if asked == "c":
            raise ConfigError(
                f"{VARIABLE} is c, and there is no compiled core here: install ecgedge from its wheel, or "
                "from source with a C compiler"
            ) from error
        return None


core = _found(os.environ.get(VARIABLE, ""))
"""The module :mod:`ecgedge._core`, or None."""


def core_name() -> str:
    """``c`` or ``numpy``: what runs."""
    return "c" if core else "numpy"
