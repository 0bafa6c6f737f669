"""Strips of a recording for its report: any stretch of signal, with its beats and what was refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ecgedge.events import Beat
from ecgedge.report.drawing.paper import rows
from ecgedge.report.drawing.scale import GAIN_MM_MV, SPEED_MM_S
from ecgedge.report.findings.values import Findings
from ecgedge.sinks.forms.spool import Spool

__all__ = ["BRIEF_S", "STRIP_S", "Strips"]

# Two rows and one over the whole width of A4; a Holter report's strips have 6 to 8 s.
STRIP_S, BRIEF_S = 14.0, 7.0


class Strips:
    """Draws stretches of a recording.

    Parameters
    ----------
    spool : Spool
        Its signal.
    findings : Findings
    """

    def __init__(self, spool: Spool, findings: Findings) -> None:
        self._spool, self._findings = spool, findings

    def around(self, time_s: float, label: str, seconds: float = STRIP_S) -> str:
        """Draw ECG with a moment in its middle, or as near to it as the recording allows."""
        return self.within(time_s - seconds / 2, time_s + seconds / 2, label, seconds)

    def within(self, start_s: float, end_s: float, label: str, seconds: float = STRIP_S) -> str:
        """Draw ECG from the middle of a stretch, or from where there is signal in it and beside it."""
        fs = self._spool.fs
        if not fs:
            return ""
        wide_s = max(seconds - (end_s - start_s), 0.0) + seconds / 2
        first = max(round((start_s - wide_s) * fs), 0)
        there = np.isfinite(self._spool.between(first, min(round((end_s + wide_s) * fs), self._spool.end)))
        length = min(round(seconds * fs), len(there))
        if not length:
            return ""
        sums = np.concatenate(([0], np.cumsum(there)))
        signal = sums[length:] - sums[:-length]  # samples in each strip that could be drawn
        away = np.abs(np.arange(len(signal)) + first + length / 2 - (start_s + end_s) / 2 * fs)
        # A missing sample is worse than two samples off the middle: a strip that is half a gap moves.
        best = int(np.argmin(away - 2.0 * signal))
        return self.between((first + best) / fs, length / fs, label)

    def between(
        self, start_s: float, seconds: float, label: str,
        *, gain_mm_mv: float = GAIN_MM_MV, speed_mm_s: float = SPEED_MM_S,
    ) -> str:  # fmt: skip
        """Draw a stretch; "" where there is no sample in it."""
        fs = self._spool.fs
        if not fs:
            return ""
        first = max(round(start_s * fs), 0)
        mv = self._spool.between(first, min(round((start_s + seconds) * fs), self._spool.end))
        if not np.isfinite(mv).any():
            return ""
        begin_s, end_s = first / fs, first / fs + len(mv) / fs
        refused = [
            (max(span.start_s, begin_s), min(span.end_s, end_s))
            for span in self._findings.refused
            if span.end_s > begin_s and span.start_s < end_s
        ]
        return rows(
            mv, fs, start_s=begin_s, beats=list(self._beats(begin_s, end_s)), refused=refused, label=label,
            clock=self._findings.start, gain_mm_mv=gain_mm_mv, speed_mm_s=speed_mm_s,
        )  # fmt: skip

    def signal(self, time_s: float, seconds: float = STRIP_S) -> tuple[npt.NDArray[np.float32], float]:
        """Return ECG in mV around a moment, and the time of its first sample."""
        fs = self._spool.fs
        first = max(round((time_s - seconds / 2) * fs), 0) if fs else 0
        end = min(first + round(seconds * fs), self._spool.end)
        return self._spool.between(first, end), first / fs if fs else 0.0

    def _beats(self, start_s: float, end_s: float) -> Iterator[Beat]:
        beats = self._findings.beats
        first, end = np.searchsorted(beats.time_s, [start_s, end_s]).tolist()
        for at in range(first, end):
            symbol = chr(beats.symbol[at])
            yield Beat(
                round(beats.time_s[at] * self._spool.fs), float(beats.time_s[at]), None,
                None if symbol == "?" else symbol,
            )  # fmt: skip
