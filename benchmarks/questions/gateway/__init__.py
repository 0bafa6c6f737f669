"""How much of a core does a ward of 200 wearables cost one gateway, and does it lose nothing?

``ecgedge gateway``, pinned to one core: forwarded packets over mosquitto, decoded, judged, recorded to a file
each, sent as JSON lines and counted for Prometheus. The packets are made in another process. In full an hour
of ECG comes at twice real time; a quick run takes a minute of it in real time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import targets
from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.processes import surroundings
from benchmarks.questions.gateway.running import Gateway, Used, by_device, total
from benchmarks.questions.sinks.receivers import Broker

WEARABLES = 200
# Of one core in real time, all threads together; nothing that was sent may be missing; memory at the end.
TARGETS = {"share_of_a_core": 1.0, "lost": 0.0, "rss_mb": 600.0}


def measure(quick: bool) -> dict[str, Any]:
    """Run a ward, and say what it cost and what it lost."""
    seconds, speed, warm_s = (60.0, 1.0, 15.0) if quick else (3600.0, 2.0, 60.0)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise NotMeasuredError("the gateway has a core to itself: this machine has one")
    with TemporaryDirectory() as name:
        folder = Path(name)
        broker = Broker(folder)
        gateway = Gateway(
            folder, broker.port, "ward", send=f"{folder}/events.jsonl?mb=1000",
            record=f'record = "{folder}/{{device}}.db"', core=cores[-1],
        )  # fmt: skip
        nodes = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.children.ward"),
                *map(str, (broker.port, WEARABLES, seconds, speed)),
            ],
            env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.sched_setaffinity(nodes.pid, set(cores[:-1]))
        os.sched_setaffinity(broker.process.pid, set(cores[:-1]))
        try:
            found = _watched(gateway, nodes, seconds / speed, warm_s)
        finally:
            for process in (nodes, broker.process):
                process.kill()
                process.communicate()
            gateway.end()
    share = found["cpu_s_per_s"] / speed
    figures = {"share_of_a_core": share, "lost": found["lost"], "rss_mb": found["rss_mb"]["end"]}
    return {
        "wearables": WEARABLES, "seconds": seconds, "speed": speed, **found, "figures": figures,
        "targets": targets(figures, TARGETS),
    }  # fmt: skip


def _watched(gateway: Gateway, nodes: subprocess.Popen[str], takes_s: float, warm_s: float) -> dict[str, Any]:
    assert nodes.stdin is not None
    assert nodes.stdout is not None
    nodes.stdout.readline()
    nodes.stdin.write("go\n")
    nodes.stdin.flush()
    time.sleep(warm_s)
    used, warm = Used(gateway.process.pid), Used(gateway.process.pid).shares()
    time.sleep(max(takes_s - warm_s - 1.0, 1.0))
    end = used.shares()
    sent = json.loads(nodes.stdout.readline())
    figures = gateway.figures()
    got = by_device(figures, "ecgedge_samples")
    return {
        "cpu_s_per_s": end["share_of_a_core"],
        "rss_mb": {"warm": warm["rss_mb"], "end": end["rss_mb"]},
        "sent": sum(sent["samples"].values()),
        "lost": sum(n - got.get(name, 0.0) for name, n in sent["samples"].items()),
        "packets": {
            "sent": sent["packets"], "not_taken": sent["not_taken"], "dropped": sent["dropped"],
            "times_sent_again": sent["sent_again"],
            **{
                what: total(figures, f"ecgedge_gateway_packets_{what}_total")
                for what in ("taken", "lost", "duplicated", "reordered", "refused")
            },
        },
        "sink_missed": total(figures, "ecgedge_gateway_sink_missed_total"),
    }  # fmt: skip


def show(found: dict[str, Any]) -> None:
    """Print it."""
    figures = found["figures"]
    print(f"{found['wearables']} wearables, {found['seconds']:.0f} s at {found['speed']:g} times real time")
    print(f"share of a core in real time  {figures['share_of_a_core']:.2f}")
    print(
        f"resident memory               {found['rss_mb']['warm']:.0f} MB, at the end {figures['rss_mb']:.0f}"
    )
    print(f"samples sent                  {found['sent']:,}, of them lost {figures['lost']:,.0f}")
    print(f"packets                       {found['packets']}")
    print(f"missed by outlets             {found['sink_missed']:,.0f}")


def main(arguments: Arguments = None) -> int:
    """Measure, print and write; 1 if a target was missed."""
    return command.answer(__doc__, "gateway", measure, show, arguments)
