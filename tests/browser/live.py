"""A live page on this machine: the real server, fed with synthetic ECG through the real monitor."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from devtools import Page

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Battery, LinkState
from ecgedge.monitor import Monitor
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.server import PageServer
from ecgedge.sinks.web.wearable import Wearable
from ecgedge_bridge.values import SampleBlock

__all__ = [
    "BURST_S", "FS", "INK", "PX_PER_MM", "SHOWS_TRACE", "TRACE", "Stream", "columns", "ecg", "pulses",
    "serving", "shows", "text",
]  # fmt: skip

FS = 130.0
BURST_S = 73 / FS  # what a Polar H10 hands over at once
PX_PER_MM = 96 / 25.4  # as CSS counts

# The trace of the first card, and whether it shows some beats.
TRACE = ".monitor .trace"
SHOWS_TRACE = "document.querySelector('.letters')?.childElementCount > 2"
# Of a canvas, for each column of dots: the highest and the lowest row with ink, null where there is none.
INK = """(canvas => {
    if (!canvas) return [];
    const {width, height} = canvas, {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
    return Array.from({length: width}, (_, x) => {
        const rows = [];
        for (let y = 0; y < height; y++) if (data[4 * (y * width + x) + 3] > 127) rows.push(y);
        return rows.length ? [rows[0], rows.at(-1)] : null;
    });
})(document.querySelector(%r))"""

Signal = npt.NDArray[np.float32]


class Stream:
    """A wearable that plays a signal: at once, or from then on in real time.

    Parameters
    ----------
    wearable : Wearable
    mv : ndarray of float32
    fs : float
    monitor : Monitor, optional
        Without one there are samples alone.
    """

    def __init__(
        self, wearable: Wearable, mv: Signal, fs: float = FS, monitor: Monitor | None = None
    ) -> None:
        self._wearable, self._mv, self.fs, self._monitor = wearable, mv, fs, monitor
        self._at = 0
        self._stopped = threading.Event()
        wearable.take([LinkState(0, 0.0, "streaming"), Battery(0, 0.0, 87)])

    @property
    def now_s(self) -> float:
        """How far it has played."""
        return self._at / self.fs

    def skip(self, seconds: float) -> None:
        """Lose some of it."""
        self._at += round(seconds * self.fs)

    def play(self, seconds: float | None = None) -> Stream:
        """Play that much, or all, at once."""
        end = len(self._mv) if seconds is None else min(self._at + round(seconds * self.fs), len(self._mv))
        while self._at < end:
            self._burst(end)
        return self

    @contextmanager
    def running(self, speed: float = 1.0) -> Iterator[None]:
        """Go on in real time or some times as fast, in the bursts of a strap."""
        thread = threading.Thread(target=self._run, args=(speed,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()
            self._stopped.clear()

    def _run(self, speed: float) -> None:
        start = time.monotonic() - self.now_s / speed
        while not self._stopped.is_set() and self._at < len(self._mv):
            self._burst(len(self._mv))
            self._stopped.wait(max(start + self.now_s / speed - time.monotonic(), 0))

    def _burst(self, end: int) -> None:
        first, self._at = self._at, min(self._at + round(BURST_S * self.fs), end)
        block = SampleBlock(self._mv[first : self._at], fs=self.fs, sample=first)
        self._wearable.take([block, *(self._monitor.feed(block) if self._monitor else ())])


@contextmanager
def serving(hub: Hub, *, port: int = 0, token: str | None = None) -> Iterator[PageServer]:
    """A server of a page, and none any more."""
    server = PageServer(hub, "127.0.0.1", port, token)
    try:
        yield server
    finally:
        server.close()


def ecg(*parts: tuple[str, float, float], seed: int = 1) -> Signal:
    """Synthetic ECG: kind, seconds and beats a minute of each part."""
    return synthesize([Segment(kind, seconds, bpm) for kind, seconds, bpm in parts], FS, seed).mv


def pulses(seconds: float, fs: float) -> Signal:
    """A millivolt for a fifth of each second, as a calibration does."""
    return ((np.arange(round(seconds * fs)) / fs) % 1.0 < 0.2).astype(np.float32)


def columns(page: Page, selector: str) -> list[tuple[float, float] | None]:
    """Return what :data:`INK` finds on a canvas."""
    found: list[tuple[float, float] | None] = page.evaluate(INK % selector)
    return found


def text(page: Page, part: str) -> str:
    """Return the text of a part of the first card."""
    return str(page.evaluate(f"document.querySelector('[data-is={part}]').textContent"))


def shows(page: Page, part: str, words: str) -> None:
    """Wait until a part of the first card holds some words."""
    page.until(f"document.querySelector('[data-is={part}]')?.textContent.includes({words!r})")
