"""HeartPy: heart rate and its variability."""

from __future__ import annotations

from importlib import import_module

from benchmarks.rivals.adapter import Call, Calls, Rival


def process() -> Call:
    """The whole analysis, with its defaults."""
    heartpy = import_module("heartpy")
    return lambda mv, fs: heartpy.process(mv, fs)


class HeartPy(Rival):
    """Made for the pulse in a finger; reads an ECG too."""

    imports = ("heartpy",)

    def analyses(self) -> Calls:
        """The whole analysis."""
        return {"heartpy process": process}


RIVAL = HeartPy()
