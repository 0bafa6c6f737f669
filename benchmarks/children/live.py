"""A process that listens to a strap, to see what it holds: decoder, Bluetooth client, monitor, models.

Imports what such a process imports, and of the benchmarks next to nothing: their own imports would be a
hundredth of what is measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import ecgedge
from benchmarks.harness.resident import peak_kb, rss_kb
from benchmarks.harness.signals import FRAME, FS, Signal, notifications
from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder

# Memory is looked at this often: 96 times in a day, so that looking costs nothing and a slope is seen.
QUARTER_S = 900.0


def endless(mv: Signal, seconds: float) -> Iterator[tuple[int, bytes]]:
    """Notifications of a signal that begins anew at its end, each with the number of samples until then."""
    done = 0
    while True:
        for payload in notifications(mv, done):
            if done >= seconds * FS:
                return
            done += FRAME
            yield done, payload


def live(backend: str, path: str, seconds: str) -> dict[str, Any]:
    """Memory while a signal is streamed, over and over: after each quarter of an hour, and at most."""
    assert ecgedge.connect is not None  # imports bleak, as a process that listens to a strap does
    monitor, decoder, events = ecgedge.Monitor(backend=backend), PolarEcgDecoder(), 0
    quarters: list[int] = []
    for done, payload in endless(np.load(path), float(seconds)):
        for item in decoder.receive_data(payload, done / FS):
            events += len(monitor.feed(item)) if isinstance(item, ecgedge.SampleBlock) else 1
        if done // round(QUARTER_S * FS) > len(quarters):
            quarters.append(rss_kb())
    last = rss_kb()
    return {
        "streamed_s": float(seconds),
        "events": events,
        "lost_samples": monitor.stats.lost,
        "rss_kb": last,
        "peak_kb": peak_kb(),
        "quarters_kb": quarters,
        "growth_kb": last - quarters[0] if quarters else 0,
    }


if __name__ == "__main__":
    print("\n" + json.dumps(live(*sys.argv[1:])))
