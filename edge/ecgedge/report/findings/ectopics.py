"""Ectopic beats of one class as they end: examples, the longest runs, bigeminy."""

from __future__ import annotations

import heapq

from ecgedge.details import EctopicDetail, EctopicPattern, EctopicRow
from ecgedge.ectopy import RUN
from ecgedge.report.findings.values import Ectopics

__all__ = ["EctopicCollector"]

_MOST_RUNS = 10


class EctopicCollector:
    """Takes rows and patterns of one class."""

    def __init__(self) -> None:
        self._singles = 0
        self._first: dict[int, EctopicRow] = {}
        self._runs: list[tuple[int, float, EctopicRow]] = []
        self._patterns = {2: 0, 3: 0}
        self._longest_pattern: EctopicPattern | None = None

    def take(self, detail: EctopicDetail) -> None:
        """Take what ended."""
        if isinstance(detail, EctopicPattern):
            self._patterns[detail.every] += 1
            if self._longest_pattern is None or detail.beats > self._longest_pattern.beats:
                self._longest_pattern = detail
            return
        self._singles += detail.beats == 1
        self._first.setdefault(detail.beats, detail)
        if detail.beats >= RUN:
            heapq.heappush(self._runs, (detail.beats, -detail.start_s, detail))
            if len(self._runs) > _MOST_RUNS:
                heapq.heappop(self._runs)

    def ectopics(self) -> Ectopics:
        """Say what came so far."""
        return Ectopics(
            singles=self._singles,
            single=self._first.get(1),
            couplet=self._first.get(2),
            longest_run=max(self._runs)[2] if self._runs else None,
            runs=tuple(sorted((run for *_, run in self._runs), key=lambda one: one.start_s)),
            bigeminy=self._patterns[2],
            trigeminy=self._patterns[3],
            longest_pattern=self._longest_pattern,
        )
