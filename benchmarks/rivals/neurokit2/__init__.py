"""NeuroKit2: its whole analysis, the parts of it that are like ours, and its R peaks."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

from benchmarks.rivals.adapter import Call, Calls, Rival


def ecg_process() -> Call:
    """The whole analysis, with its defaults."""
    neurokit2 = import_module("neurokit2")
    return lambda mv, fs: neurokit2.ecg_process(mv, sampling_rate=fs)


def peaks_and_quality() -> Call:
    """What is nearest to the beats and the gate of ecgedge."""
    neurokit2 = import_module("neurokit2")

    def call(mv: Any, fs: float) -> Any:
        clean = neurokit2.ecg_clean(mv, sampling_rate=fs)
        _, found = neurokit2.ecg_peaks(clean, sampling_rate=fs)
        return neurokit2.ecg_quality(clean, rpeaks=found["ECG_R_Peaks"], sampling_rate=fs)

    return call


def ecg_peaks() -> Call:
    """R peaks by its default method, behind its default filter."""
    neurokit2 = import_module("neurokit2")

    def call(mv: Any, fs: float) -> Any:
        clean = neurokit2.ecg_clean(mv, sampling_rate=fs)
        return neurokit2.ecg_peaks(clean, sampling_rate=fs)[1]["ECG_R_Peaks"]

    return call


class NeuroKit2(Rival):
    """The package that most people analyse an ECG with in Python."""

    imports = ("neurokit2",)
    on_cluster = frozenset(("neurokit2 ecg_process",))
    # Beats, gate, rhythm and beat classes of ecgedge in a fiftieth of the time of beats and quality there.
    cheaper_by: ClassVar = {"neurokit2 peaks + quality": 50.0}

    def analyses(self) -> Calls:
        """All, and the part of it that is like ours."""
        return {"neurokit2 ecg_process": ecg_process, "neurokit2 peaks + quality": peaks_and_quality}

    def beats(self) -> Calls:
        """Its default detector."""
        return {"neurokit2 ecg_peaks": ecg_peaks}


RIVAL = NeuroKit2()
