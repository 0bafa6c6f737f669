"""A library that comes with an extra of this package."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ecgedge_bridge.errors import ConfigError

__all__ = ["library"]


def library(name: str, extra: str) -> Any:
    """Import a module.

    Raises
    ------
    ConfigError
        It is not installed; the message names the pip line.

    Examples
    --------
    >>> library("no_such_library", "mqtt")
    Traceback (most recent call last):
    ecgedge_bridge.errors.ConfigError: this needs no_such_library: pip install 'ecgedge[mqtt]'
    """
    try:
        return import_module(name)
    except (ImportError, RuntimeError) as error:  # RuntimeError: pylsl without its C library
        raise ConfigError(f"this needs {name}: pip install 'ecgedge[{extra}]'") from error
