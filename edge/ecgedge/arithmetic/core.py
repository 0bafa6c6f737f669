"""Which core runs: the compiled one where it was built, else the numpy code that it is tested against.

``ECGEDGE_CORE`` chooses: ``c`` or ``numpy``. Both give the same events, bit for bit.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from ecgedge_bridge.errors import ConfigError

VARIABLE = "ECGEDGE_CORE"


class _Found(NamedTuple):
    """The compiled core, or why it does not run."""

    module: ModuleType | None
    absent: str | None


def _found(asked: str) -> _Found:
    if asked not in {"", "c", "numpy"}:
        raise ConfigError(f"{VARIABLE} is {asked[:40]!r}: give c, numpy, or leave it away")
    if asked == "numpy":
        return _Found(None, f"{VARIABLE} is numpy")
    try:
        return _Found(import_module("ecgedge._core"), None)
    except ImportError as error:
        if asked == "c":
            raise ConfigError(
                f"{VARIABLE} is c, and there is no compiled core here: install ecgedge from its wheel, or "
                "from source with a C compiler"
            ) from error
        return _Found(None, "none was compiled: install a C compiler, then ecgedge again")


core, absent = _found(os.environ.get(VARIABLE, ""))
"""The module :mod:`ecgedge._core`, or None; and why there is none."""


def core_name() -> str:
    """``c`` or ``numpy``: what runs."""
    return "c" if core else "numpy"
