"""wfdb: PhysioNet's own package, with its XQRS detector."""

from __future__ import annotations

from importlib import import_module

from benchmarks.rivals.adapter import Call, Calls, Rival


def xqrs_detect() -> Call:
    """R peaks of a recording."""
    processing = import_module("wfdb.processing")
    return lambda mv, fs: processing.xqrs_detect(mv, fs, verbose=False)


class Wfdb(Rival):
    """It reads and writes records; of its detectors, the one that its documentation shows."""

    imports = ("wfdb.processing",)

    def beats(self) -> Calls:
        """Its detector."""
        return {"wfdb xqrs_detect": xqrs_detect}


RIVAL = Wfdb()
