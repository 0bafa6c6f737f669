"""Heart rate variability of a whole recording: from its windows, and from all its NN intervals."""

from __future__ import annotations

from statistics import stdev

from ecgedge.details import CountedBeat
from ecgedge.events import Hrv
from ecgedge.hrv.by_class import ClassCleaner
from ecgedge.hrv.totals import NnTotals
from ecgedge.report.findings.values import HrvFindings

__all__ = ["MEASURES", "HrvCollector"]

MEASURES = (
    "rmssd_ms",
    "sdnn_ms",
    "pnn50",
    "mean_nn_ms",
    "lf_ms2",
    "hf_ms2",
    "lf_hf",
    "sd1_ms",
    "sd2_ms",
    "sample_entropy",
)
_WINDOW_S = (
    300.0 - 1.0
)  # SDANN is made of whole windows of five minutes (Task Force, Circulation 93(5), 1996)


class HrvCollector:
    """Takes windows, and beats in accepted signal."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, float, float, int]] = {}
        self._means_ms: list[float] = []
        self._deviations_ms: list[float] = []
        self._end_s = 0.0
        self._cleaner = ClassCleaner()
        self._whole = NnTotals()

    def window(self, event: Hrv) -> None:
        """Take a window."""
        for name in MEASURES:
            value = getattr(event, name)
            if value is not None:
                low, total, high, n = self._windows.get(name, (value, 0.0, value, 0))
                self._windows[name] = min(low, value), total + value, max(high, value), n + 1
        whole = event.end_time_s - event.time_s >= _WINDOW_S
        if whole and event.time_s >= self._end_s - 1e-6 and event.mean_nn_ms is not None:
            self._end_s = event.end_time_s
            self._means_ms.append(event.mean_nn_ms)
            self._deviations_ms += [] if event.sdnn_ms is None else [event.sdnn_ms]

    def beat(self, found: CountedBeat) -> None:
        """Take a beat, as the stage for HRV does."""
        done = self._cleaner.end_run() if found.begins else []
        done += self._cleaner.push(found.beat.time_s, normal=found.beat.symbol == "N")
        for interval in done:
            self._whole.add(interval)

    def findings(self) -> HrvFindings:
        """Say what came; to be asked once, at the end."""
        for interval in self._cleaner.end_run():
            self._whole.add(interval)
        windows = {name: (low, total / n, high, n) for name, (low, total, high, n) in self._windows.items()}
        index = self._deviations_ms
        return HrvFindings(
            windows=windows,
            sdann_ms=stdev(self._means_ms) if len(self._means_ms) > 1 else None,
            sdnn_index_ms=sum(index) / len(index) if index else None,
            whole=self._whole,
        )
