"""Two straps at once for a simulated hour with random disconnects: do the counts agree, and is memory flat?

Time is simulated, so that every time limit of the link is as it is in life.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.resident import rss_kb
from ecgedge_bridge import (
    Backend,
    Fault,
    HeartRate,
    LinkState,
    VirtualH10,
    WearableEvent,
    connect,
    run_simulated,
    virtual_wearable,
)

FS = 130  # Hz, of a Polar H10; whole, so that a second is a piece


@dataclass(slots=True)
class Witness:
    """What one client has seen, in numbers: nothing here grows."""

    samples: int = 0
    wrong: int = 0
    heart_rates: int = 0
    streams: int = 0
    end_sample: int = 0
    lost: int = 0

    def take(self, event: WearableEvent) -> None:
        """Count an event."""
        if isinstance(event, HeartRate):
            self.heart_rates += 1
        elif isinstance(event, LinkState) and event.state == "streaming":
            self.streams += 1


def signal(first: int, n: int) -> np.ndarray:
    """ECG whose values follow from their index: each can be checked at its place without keeping any."""
    return (np.arange(first, first + n) % 8000 - 4000) / 1000


def pieces(seconds: int) -> Iterator[np.ndarray]:
    """The ECG of a strap, a second at a time."""
    for second in range(seconds):
        yield signal(second * FS, FS)


def faults(seconds: int, chance: random.Random) -> list[Fault]:
    """Random disconnects, every one to four minutes, of half a second to half a minute."""
    at, script = 30.0, []  # half a minute to connect, a minute at the end to come back
    while at < seconds - 60:
        script.append(Fault(at, "disconnect", chance.uniform(0.5, 30.0)))
        at += chance.uniform(60, 240)
    return script


async def listen(strap: VirtualH10, backend: Backend, witness: Witness) -> None:
    """Stream one strap to its last sample, checking each at its place."""
    link = connect(strap.name, backend=backend, extras=("heart_rate", "battery"), on_event=witness.take)
    async with link as wearable:
        async for block in wearable:
            expected = signal(block.sample, len(block.samples)).astype(np.float32)
            witness.wrong += int((block.samples != expected).sum())
            witness.samples += len(block.samples)
            witness.end_sample = block.end_sample
            if strap.exhausted and block.end_sample >= strap.ledger.played:
                break
        witness.lost = wearable.stats.lost


async def soak(straps: list[VirtualH10], witnesses: list[Witness], warm_up_s: float) -> int:
    """Stream all of them side by side and return the growth of memory after the warm-up, in kB."""
    warm_kb = 0

    async def watch() -> None:
        nonlocal warm_kb
        await asyncio.sleep(warm_up_s)
        warm_kb = rss_kb()

    async with virtual_wearable(*straps) as backend:
        watcher = asyncio.create_task(watch())
        await asyncio.gather(*map(listen, straps, [backend] * len(straps), witnesses))
        growth = rss_kb() - warm_kb
        await watcher
    return growth


def run(seconds: int, seed: int = 1) -> dict[str, Any]:
    """Run the whole and return what was found."""
    chance = random.Random(seed)
    random.seed(seed)
    straps = [
        VirtualH10(
            pieces(seconds),
            name=f"Polar H10 {number}",
            address=f"F0:F1:F2:0A:1B:{number:02X}",
            faults=faults(seconds, chance),
        )
        for number in (1, 2)
    ]
    scripts = [len(strap.script) for strap in straps]
    witnesses = [Witness(), Witness()]
    start_s = time.perf_counter()
    growth_kb = run_simulated(soak(straps, witnesses, seconds / 4))
    wall_s = time.perf_counter() - start_s
    return {
        "simulated_s": seconds,
        "wall_s": round(wall_s, 1),
        "rss_growth_kb": growth_kb,
        "straps": [
            {
                "disconnects": disconnects,
                "reconnections": seen.streams - 1,
                "samples_played": strap.ledger.played,
                "samples_sent": strap.ledger.sent,
                "samples_received": seen.samples,
                "samples_wrong": seen.wrong,
                "samples_lost": strap.ledger.lost_samples,
                "samples_counted_lost": seen.lost,
                "end_sample": seen.end_sample,
                "heart_rates": seen.heart_rates,
            }
            for strap, seen, disconnects in zip(straps, witnesses, scripts, strict=True)
        ],
    }


def main(arguments: Arguments = None) -> int:
    """Run, print and write."""
    parser = command.parser(__doc__, "soak")
    parser.add_argument("--seconds", type=int, help="simulated; an hour, or ten minutes if quick")
    parser.add_argument("--no-write", action="store_true", help="print only")
    asked = parser.parse_args(arguments)
    measured = command.described(asked)
    found = run(asked.seconds or (600 if asked.quick else 3600))
    print(json.dumps(found, indent=2))
    if not asked.no_write:
        command.write(asked, found, measured)
    return 0
