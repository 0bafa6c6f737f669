"""sleepecg: a detector of heartbeats in C, the fastest of those that are measured here."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

from benchmarks.rivals.adapter import Call, Calls, Rival


def detect_heartbeats() -> Call:
    """R peaks of a recording."""
    detect: Call = import_module("sleepecg").detect_heartbeats
    return detect


class SleepEcg(Rival):
    """It stages sleep; of an ECG it finds the beats."""

    imports = ("sleepecg",)
    on_cluster = frozenset(("sleepecg detect_heartbeats",))
    cheaper_by: ClassVar = {"sleepecg detect_heartbeats": 2.0}

    def analyses(self) -> Calls:
        """The beats are all that it finds in ten seconds."""
        return self.beats()

    def beats(self) -> Calls:
        """Its detector."""
        return {"sleepecg detect_heartbeats": detect_heartbeats}


RIVAL = SleepEcg()
