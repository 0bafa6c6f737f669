"""Objectives by name; a new one is a file and a line here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import hint
from ecgedge_export.pretrain.objective import Objective

OBJECTIVES: Mapping[str, str] = {
    "infonce": "clef:InfoNce",
    "clef": "clef:Clef",
    "clef_summed": "clef:ClefSummed",
    "masked_time": "masked_spectral:MaskedTime",
    "masked_spectral": "masked_spectral:MaskedSpectral",
    "tolerant": "reports.tolerant:Tolerant",
    "melp": "reports.melp:Melp",
    "heartlang": "words.heartlang:HeartLang",
}
"""Module of this folder, and class."""


def objective(name: str) -> type[Objective]:
    """Class of an objective.

    Raises
    ------
    ConfigError
        There is none of that name; the message has the nearest one.
    """
    if name not in OBJECTIVES:
        raise ConfigError(f"no objective is called {name!r}: {hint(name, OBJECTIVES)}")
    module, cls = OBJECTIVES[name].split(":")
    found = getattr(importlib.import_module(f"ecgedge_export.pretrain.{module}"), cls)
    return cast(type[Objective], found)
