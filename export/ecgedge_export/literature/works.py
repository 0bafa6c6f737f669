"""The ideas: whose they are, what they claim, what was built of them, and which module tests it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import hint
from ecgedge_export.literature.row import Job, Measured


@dataclass(frozen=True, slots=True)
class Work:
    """A published idea.

    Parameters
    ----------
    title, reference : str
    claims : str
        What the publication says, in a sentence.
    built : str
        What stands here, with its files, and what differs.
    module : str
        Has ``measure(job) -> Measured``.
    """

    title: str
    reference: str
    claims: str
    built: str
    module: str


class Row(Protocol):
    """A module of :data:`WORKS`."""

    def measure(self, job: Job) -> Measured: ...


WORKS: Mapping[str, Work] = MappingProxyType({})


def work(name: str) -> Work:
    """Return a work by its name.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    if name not in WORKS:
        raise ConfigError(f"no work {name}: {hint(name, WORKS)}")
    return WORKS[name]


def measure(name: str, job: Job) -> Measured:
    """Test a work."""
    row = cast(Row, importlib.import_module(work(name).module))
    return row.measure(job)
