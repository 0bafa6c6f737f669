"""What a rival is asked: the same three methods of every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, TypeAlias

# A signal in mV and its rate in Hz, to whatever the package answers.
Call: TypeAlias = Callable[[Any, float], Any]
# Imports the package, and returns the call: what is done once is not of the time that a call takes.
Load: TypeAlias = Callable[[], Call]
Calls: TypeAlias = Mapping[str, Load]


class Rival:
    """Another package that a user would pick instead; a folder beside this file with its requirements.

    Each method returns calls by the names that the tables give them. Nothing of the package is imported
    before one of them is loaded, since the names are asked for where the package is not installed.

    Attributes
    ----------
    environment : str
        ``shared`` with all other rivals that have this value, ``own``, ``ours`` (the development environment
        has it), or ``none``: it is only weighed, by the wheels that it would download.
    imports : tuple of str
        Modules that a user imports; how long that takes is measured.
    runtime : str, optional
        The backend of ecgedge that runs in this environment, which ecgedge is then shown to.
    windows_only : frozenset of str
        Calls of :meth:`analyses` that read ten seconds, however much they are given.
    cheaper_by : mapping
        Target: how many times the CPU time of the whole monitor a call takes, at least.
    af_fs : float, optional
        Rate in Hz that the calls of :meth:`af` need; None: whatever the recordings have.
    slow : frozenset of str
        Calls of :meth:`af` that are asked about a fixed part of the recordings only.
    on_cluster : frozenset of str
        Calls that somebody would run over an archive on a cluster.
    titles : mapping
        Titles of the calls of :meth:`af` in the tables, where the name is not enough.
    """

    environment: Literal["shared", "own", "ours", "none"] = "shared"
    imports: tuple[str, ...] = ()
    runtime: str | None = None
    windows_only: frozenset[str] = frozenset()
    cheaper_by: ClassVar[Mapping[str, float]] = {}
    af_fs: float | None = None
    slow: frozenset[str] = frozenset()
    on_cluster: frozenset[str] = frozenset()
    titles: ClassVar[Mapping[str, str]] = {}

    def analyses(self) -> Calls:
        """What live use runs again each second over the last ten."""
        return {}

    def beats(self) -> Calls:
        """Sample indices of the R peaks of a recording."""
        return {}

    def af(self) -> Calls:
        """Whether a recording is atrial fibrillation."""
        return {}
