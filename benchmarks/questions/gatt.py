"""How many notifications of 229 bytes a second go from a virtual strap through ATT, link and decoder?"""

from __future__ import annotations

import asyncio
import json
import math
import time
from typing import Any

import numpy as np

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from ecgedge_bridge import VirtualH10, connect, virtual_strap
from ecgedge_bridge.protocols.polar.control import ECG_FS
from ecgedge_bridge.protocols.polar.frames import FRAME_SAMPLES


async def measure(notifications: int) -> dict[str, Any]:
    """Stream as fast as it goes and compare every sample."""
    mv = np.random.default_rng(3).integers(-4000, 4000, notifications * FRAME_SAMPLES) / 1000
    strap = VirtualH10(mv, speed=math.inf)
    got, starts = [], []
    async with virtual_strap(strap) as backend, connect(strap.name, backend=backend) as wearable:
        start_s = time.perf_counter()
        async for block in wearable:
            got.append(block.samples)
            starts.append(block.sample)
            if block.end_sample >= len(mv):
                break
        seconds = time.perf_counter() - start_s
    exact = np.array_equal(np.concatenate(got), mv.astype(np.float32))
    return {
        "notifications": len(got),
        "bytes_each": 229,
        "seconds": round(seconds, 3),
        "notifications_per_s": round(len(got) / seconds),
        "real_time_factor": round(len(mv) / ECG_FS / seconds),
        "lost_samples": wearable.stats.lost,
        "dropped_notifications": wearable.dropped,
        "bit_exact": bool(exact and starts == list(range(0, len(mv), FRAME_SAMPLES))),
    }


def main(arguments: Arguments = None) -> int:
    """Measure, print and write."""
    parser = command.parser(__doc__, "gatt")
    parser.add_argument("--notifications", type=int, help="5,000, or 500 if quick")
    parser.add_argument("--repeat", type=int, default=3, help="the fastest run counts")
    asked = parser.parse_args(arguments)
    measured = command.described(asked)
    notifications = asked.notifications or (500 if asked.quick else 5000)
    runs = [asyncio.run(measure(notifications)) for _ in range(asked.repeat)]
    best = max(runs, key=lambda run: run["notifications_per_s"])
    best["all_runs_per_s"] = [run["notifications_per_s"] for run in runs]
    best["bit_exact"] = all(run["bit_exact"] for run in runs)
    print(json.dumps(best, indent=2))
    command.write(asked, best, measured)
    return 0
