"""Straps on gateways for a while: what each process needs, what is late or lost, and what gives first."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.children.fleet import SIGNALS, SPREAD_S, STEP_S, due_s
from benchmarks.harness.figures import quantiles_ms
from benchmarks.harness.processes import surroundings
from benchmarks.questions.fleet.expected import Key, key
from benchmarks.questions.fleet.running import Told, told
from benchmarks.questions.gateway.running import Used, total
from benchmarks.questions.sinks.receivers import Broker

LATE_S = 5.0
"""What waited longer counts as a fault: twice that nodes send it again."""
# Of a core: a Python process can do no more. One that wanted it and got less has met the machine's end.
_FULL, _GOT = 0.95, 0.7
_LAG_MS = 1000.0
_SETTLE_S = 5.0
_SYS = ("publish/messages/dropped", "bytes/received", "bytes/sent")


class Stage(NamedTuple):
    """What is tried: straps, gateways that share them, whether they record, messages that the broker keeps
    for each gateway, frames of each strap."""

    n: int
    gateways: int
    records: bool
    queue: int
    frames: int


def run(stage: Stage, wanted: list[dict[Key, int]]) -> dict[str, Any]:
    """Try it; ``wanted`` is what each signal's events are expected after."""
    with TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        broker = Broker(folder, "sys_interval 1", "log_type error", f"max_queued_messages {stage.queue}")
        opened.enter_context(broker.process)
        opened.callback(broker.process.kill)
        topics = [f"ward{k}" for k in range(stage.gateways)]
        gateways = []
        for topic in topics:
            gateways.append(Told(folder / topic, broker.port, topic, records=stage.records))
            opened.callback(gateways[-1].end)
        fleet = opened.enter_context(_fleet(broker.port, topics, stage))
        opened.callback(fleet.kill)
        for k, gateway in enumerate(gateways):
            gateway.wait_for("wearables", len(range(k, stage.n, stage.gateways)))
        sent, used = _watched(fleet, broker, gateways, stage)
        time.sleep(1.0)
        figures = [gateway.figures() for gateway in gateways]
        said = told(broker, _SYS)
        came = [line for gateway in gateways for line in gateway.lines.came]
    lost = sum(total(one, "ecgedge_gateway_packets_lost_total") for one in figures)
    found = {
        **stage._asdict(), "seconds": stage.frames * STEP_S, "fleet": sent, **used,
        "lost_packets": int(lost) + sent["not_taken"] + sent["dropped"],
        "broker_dropped": int(said["publish/messages/dropped"]),
        **delays(came, sent["begun_s"], stage, wanted),
    }  # fmt: skip
    return found | {"breaks": breaks(found)}


def _fleet(port: int, topics: list[str], stage: Stage) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "benchmarks.children.fleet"]
    asked = map(str, (port, ",".join(topics), stage.n, stage.frames))
    fleet = subprocess.Popen(
        [*program, *asked], env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert fleet.stdout is not None
    fleet.stdout.readline()
    return fleet


def _watched(
    fleet: subprocess.Popen[str], broker: Broker, gateways: list[Told], stage: Stage
) -> tuple[dict[str, Any], dict[str, Any]]:
    assert fleet.stdin is not None
    assert fleet.stdout is not None
    fleet.stdin.write("go\n")
    fleet.stdin.flush()
    time.sleep(SPREAD_S + _SETTLE_S)
    watched = [Used(gateway.process.pid) for gateway in gateways]
    watched_broker = Used(broker.process.pid)
    time.sleep(max(1.0, stage.frames * STEP_S - SPREAD_S - _SETTLE_S))  # the first strap is over then
    used = {"gateway": [one.shares() for one in watched], "broker": watched_broker.shares()}
    return json.loads(fleet.stdout.readline()), used


def delays(
    came: list[tuple[float, bytes]], begun_s: float, stage: Stage, wanted: list[dict[Key, int]]
) -> dict[str, Any]:
    """How long events took from when their last frame was due, and how many never came."""
    took, seen = [], set()
    for at_s, line in came:
        event = json.loads(line)
        if "wearable" not in event or "sample" not in event:
            continue
        number = int(event["wearable"].split()[-1])
        frame = wanted[number % SIGNALS].get(key(event))
        if frame is not None and (number, key(event)) not in seen:
            seen.add((number, key(event)))
            took.append(at_s - begun_s - due_s(number, frame, stage.n))
    events = sum(len(wanted[number % SIGNALS]) for number in range(stage.n))
    return {
        "events": events,
        "lost_events": events - len(took),
        "delay_ms": quantiles_ms(took),
        "late_events": int(np.count_nonzero(np.asarray(took) > LATE_S)),
    }


def breaks(found: dict[str, Any]) -> str:
    """What gave first; empty where nothing was lost, and nothing waited for long.

    A gateway that has no time reads no more, so that the broker's queue for it fills: what is called first is
    the cause, and what follows from it is in the figures.
    """
    if not (found["lost_packets"] or found["lost_events"] or found["late_events"]):
        return ""
    if found["fleet"]["lag_ms"]["p99"] > _LAG_MS:
        return "generator"
    busiest = max(found["gateway"], key=lambda one: float(one["wanted"]))
    if busiest["wanted"] >= _FULL:
        return "gateway" if busiest["share_of_a_core"] >= _GOT else "machine"
    if found["broker_dropped"]:
        return "broker queue"
    return "machine"
