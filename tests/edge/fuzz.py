"""Adversarial signal through a whole monitor: does it go on, and does its memory stay where it is?

Run ``python tests/edge/fuzz.py --count 10000000``; the tests run a share of it, and
``tests/edge/core/under_sanitizers.py`` runs it on a core with sanitizers. Every piece is one kind of
what no heart sends, in frames of a random length; now and then samples are lost, come twice, or the
recording ends. Ends with status 1 where an error came up, a count does not add up, or memory grew.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Event, Gap, Hrv, Quality
from ecgedge.monitor import Models, Monitor
from ecgedge_bridge.values import SampleBlock

FS = 130.0
PIECE = 5200  # 40 s: gate windows, model windows and HRV all see it whole
GROWTH_MIB = 1.0
Signal = npt.NDArray[np.float64]


def _noisy_nan(rng: np.random.Generator, n: int) -> Signal:
    return np.where(rng.random(n) < rng.choice([1e-3, 0.05, 0.9]), np.nan, rng.standard_normal(n))


def _infinite(rng: np.random.Generator, n: int) -> Signal:
    x = rng.standard_normal(n)
    x[rng.integers(0, n, 20)] = rng.choice(
        [np.inf, -np.inf, 1e308, -1e308, 1e12, np.nextafter(1e12, 2e12)], 20
    )
    return x


def _steps(rng: np.random.Generator, n: int) -> Signal:
    return np.repeat(rng.choice([-9e3, -5, 0, 5, 9e3], n // 40 + 1), 40)[:n]


def _square(rng: np.random.Generator, n: int) -> Signal:
    return rng.choice([0.01, 3.3, 9e3]) * np.sign(np.sin(np.arange(n) * rng.uniform(0.01, 3.1)))


def _silence(rng: np.random.Generator, n: int) -> Signal:
    return np.full(n, rng.choice([0.0, -0.0, 1.5, 9999.0]))


def _full_scale(rng: np.random.Generator, n: int) -> Signal:
    return rng.uniform(-1, 1, n) * rng.choice([1e4, 1e12])


def _denormal(rng: np.random.Generator, n: int) -> Signal:
    return rng.choice([5e-324, -5e-324, 1e-310, 0.0], n)


def _spikes(rng: np.random.Generator, n: int) -> Signal:
    """Beats as fast as a detector can find them, or one a minute."""
    x = np.zeros(n)
    x[:: int(rng.choice([2, 13, 27, 130, 2600]))] = rng.choice([0.02, 1.0, 9e3])
    return x


def _gaps(rng: np.random.Generator, n: int) -> Signal:
    x = np.resize(_ECG, n).astype(np.float64)
    x[np.arange(n) // int(rng.choice([1, 50, 700])) % 2 == 1] = np.nan
    return x


def _walk(rng: np.random.Generator, n: int) -> Signal:
    return np.cumsum(rng.standard_normal(n)) * rng.choice([0.1, 10.0])


def _ecg(rng: np.random.Generator, n: int) -> Signal:
    """A heart in between, so that what comes next finds a state to damage."""
    return np.roll(np.resize(_ECG, n), int(rng.integers(n))).astype(np.float64)


_ECG = synthesize([Segment("sinus", 30), Segment("pvc", 30)], FS, seed=1).mv
KINDS: tuple[Callable[[np.random.Generator, int], Signal], ...] = (
    _noisy_nan, _infinite, _steps, _square, _silence, _full_scale, _denormal, _spikes, _gaps, _walk, _ecg,
)  # fmt: skip


@dataclass(slots=True)
class Report:
    """What came of it: samples fed, events by type, MiB of growth, seconds, the longest frame in ms.

    ``digest`` is of all events: the same count and seed give the same one.
    """

    samples: int = 0
    events: Counter[str] = field(default_factory=Counter)
    growth_mib: float = 0.0
    seconds: float = 0.0
    longest_ms: float = 0.0
    digest: str = ""
    problems: list[str] = field(default_factory=list)


class Fuzz:
    """Feeds a monitor and checks what it says."""

    def __init__(self, models: Models, seed: int) -> None:
        self._monitor, self._rng = Monitor(models), np.random.default_rng(seed)
        self._at = self._counted = self._lost = 0
        self._digest, self.report = hashlib.sha256(), Report()

    def run(self, count: int) -> Report:
        """Feed ``count`` samples; memory is compared after a tenth of them, when everything has its size."""
        begun = time.perf_counter()
        tracemalloc.start()
        try:
            self._until(count // 10)
            before = self._held_mib()
            self._until(count)
            self.report.growth_mib = self._held_mib() - before
        finally:
            tracemalloc.stop()
        self.report.digest = self._digest.hexdigest()
        self.report.seconds = time.perf_counter() - begun
        self._check(self.report.growth_mib < GROWTH_MIB, f"memory grew by {self.report.growth_mib:.2f} MiB")
        return self.report

    def _held_mib(self) -> float:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / 2**20

    def _until(self, count: int) -> None:
        while self.report.samples < count:
            kind = KINDS[int(self._rng.integers(len(KINDS)))]
            x = kind(self._rng, min(PIECE, count - self.report.samples))
            dtype = np.float32 if self._rng.random() < 0.5 else np.float64
            with np.errstate(over="ignore"):
                self._piece(x.astype(dtype))

    def _piece(self, x: npt.NDArray[np.floating]) -> None:
        size = int(self._rng.choice([1, 16, 73, 73, 73, 500, 5200], p=[0.02, 0.18, 0.2, 0.2, 0.2, 0.1, 0.1]))
        for i in range(0, len(x), size):
            self._feed(x[i : i + size])
        chance = self._rng.random()
        if chance < 0.1:
            self._at += int(self._rng.choice([1, 13, 1300, 10**6]))
        elif chance < 0.15:
            self._hear(self._monitor.feed(SampleBlock(x, FS, max(0, self._at - len(x)))))  # all of it old
        elif chance < 0.2:
            self._end()

    def _feed(self, x: npt.NDArray[np.floating]) -> None:
        begun = time.perf_counter()
        events = self._monitor.feed(SampleBlock(x, FS, self._at))
        self.report.longest_ms = max(self.report.longest_ms, 1e3 * (time.perf_counter() - begun))
        self._at += len(x)
        self.report.samples += len(x)
        self._hear(events)

    def _hear(self, events: list[Event]) -> None:
        for event in events:
            self.report.events[type(event).__name__] += 1
            self._digest.update(json.dumps(event.to_json(), allow_nan=False).encode())
            if isinstance(event, Gap):
                self._lost += event.lost
            if isinstance(event, Quality):
                self._check(0.0 <= event.score <= 1.0, f"score {event.score}")
            if isinstance(event, Hrv):
                self._check(0 < event.n_nn <= event.n_rr and 0 < event.usable <= 1, f"{event}")

    def _end(self) -> None:
        """End the recording: every sample must then have been taken, or be part of a gap."""
        self._hear(self._monitor.finish())
        stats = self._monitor.stats
        self._check(stats.lost == self._lost, f"{stats.lost} samples lost, {self._lost} in gaps")
        self._check(
            stats.samples + stats.lost + stats.bridged == self._at, f"{stats} after {self._at} samples"
        )

    def _check(self, holds: bool, problem: str) -> None:
        if not holds and len(self.report.problems) < 20:
            self.report.problems.append(problem)


def main() -> int:
    """Run, print, return 1 for a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000_000, help="samples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="auto", help="what runs the networks; core: our own C")
    asked = parser.parse_args()
    report = Fuzz(Models.load(asked.backend), asked.seed).run(asked.count)
    said = ", ".join(f"{n} {name}" for name, n in report.events.most_common())
    sys.stdout.write(
        f"{report.samples} samples in {report.seconds:.0f} s, {report.growth_mib:+.2f} MiB, "
        f"longest frame {report.longest_ms:.1f} ms: {said}; {report.digest}\n"
    )
    sys.stdout.writelines(f"problem: {problem}\n" for problem in report.problems)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
