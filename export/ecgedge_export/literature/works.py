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


WORKS: Mapping[str, Work] = MappingProxyType(
    {
        "distilled": Work(
            title="Students distilled from teachers",
            reference="the promise of this package; Hinton et al., 2015 (arXiv 1503.02531)",
            claims="A small network that learns a teacher's softened answers beside the labels is better "
            "than one that learns the labels alone.",
            built="`export/ecgedge_export/rhythm/panel`: models that were shipped before answer about the "
            "clean recordings, or about each window that the student hears with noise; features of windows "
            "and of moments, unlabelled signal, a teacher with twelve leads and wrong labels can be tried.",
            module="ecgedge_export.literature.distilled",
        ),
    }
)


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
