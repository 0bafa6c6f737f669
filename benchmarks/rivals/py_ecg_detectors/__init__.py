"""py-ecg-detectors: eight published detectors, of which two are asked."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from benchmarks.rivals.adapter import Call, Calls, Rival


def detector(name: str) -> Call:
    """One of the detectors, which take volts."""
    detectors = import_module("ecgdetectors").Detectors
    return lambda mv, fs: getattr(detectors(fs), name)(mv / 1e3)


class PyEcgDetectors(Rival):
    """Elgendi's two moving averages, which is the first of its list, and its stationary wavelets."""

    imports = ("ecgdetectors",)

    def beats(self) -> Calls:
        """Two of eight."""
        chosen = ("two_average_detector", "swt_detector")
        return {f"py-ecg-detectors {name}": partial(detector, name) for name in chosen}


RIVAL = PyEcgDetectors()
