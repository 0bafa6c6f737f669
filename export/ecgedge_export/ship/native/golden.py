"""Golden vectors from a wearable's notifications to events: what proves that a port says what ecgedge says.

Every case is played by a virtual wearable of the product to the product's own session and monitor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Event
from ecgedge.monitor import Models, Monitor
from ecgedge.sinks.lines import json_line
from ecgedge_bridge.protocols.described.profile import load_profile
from ecgedge_bridge.protocols.movesense.firmware import V08
from ecgedge_bridge.protocols.movesense.sensor_data import SENSOR_DATA_NOTIFY
from ecgedge_bridge.protocols.own.frames import ECG_NOTIFY
from ecgedge_bridge.protocols.polar.control import PMD_DATA
from ecgedge_bridge.protocols.profiles import find_profile
from ecgedge_bridge.protocols.session import Session, Wait
from ecgedge_bridge.protocols.standard.heart_rate import HEART_RATE_MEASUREMENT
from ecgedge_bridge.simulation.engine import VirtualWearable
from ecgedge_bridge.simulation.faults import Fault
from ecgedge_bridge.simulation.h10 import VirtualH10
from ecgedge_bridge.simulation.movesense import VirtualMovesense, VirtualMovesenseFirmware
from ecgedge_bridge.simulation.sensors import VirtualEcgEdge, VirtualGatt, VirtualHeartRate
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock, Status
from ecgedge_export.ship.native.spoken import Received, Talk, offered_by

FOLDER = "golden"
Kinds = Sequence[tuple[str, float, float]]
Signal = npt.NDArray[np.float64]
Maker = Callable[[Signal], VirtualWearable]
LinkEvent = Status | HeartRate

_ALL: Kinds = (
    ("sinus", 320, 64), ("pvc", 60, 72), ("noise", 22, 70), ("af", 70, 96), ("sinus", 45, 46),
    ("sinus", 60, 104),
)  # fmt: skip
_SOME: Kinds = (("sinus", 25, 70), ("pvc", 25, 66), ("noise", 12, 70), ("af", 38, 90))
_BRIEF: Kinds = (("sinus", 24, 72), ("pvc", 20, 60))
_POLAR_FAULTS = (
    Fault(40.0, "drop_frame"), Fault(75.0, "reorder"), Fault(90.0, "duplicate"), Fault(110.0, "corrupt"),
    Fault(130.0, "stall", 1.7), Fault(345.0, "truncate"), Fault(360.0, "disconnect", 3.0),
    Fault(440.0, "clock", 7200.0), Fault(480.0, "garbage"), Fault(500.0, "end", 2.0),
)  # fmt: skip
_FAULTS = (
    Fault(12.0, "drop_part"), Fault(20.0, "duplicate"), Fault(45.0, "disconnect", 2.0),
    Fault(60.0, "corrupt"), Fault(80.0, "clock", -30.0),
)  # fmt: skip


def _gatt(name: str) -> Maker:
    return lambda mv: VirtualGatt(mv, load_profile(name), faults=(Fault(15.0, "disconnect", 1.0),))


def _heart_rate(mv: Signal) -> VirtualWearable:
    return VirtualHeartRate(np.round(60 + 8 * np.sin(np.arange(20) / 3)))


MAKERS: dict[str, Maker] = {
    "polar": lambda mv: VirtualH10(mv, fs_true=129.3, faults=_POLAR_FAULTS),
    "ecgedge": lambda mv: VirtualEcgEdge(mv, 130.0, fs_true=130.6, faults=_FAULTS),
    "movesense": lambda mv: VirtualMovesense(mv, 128.0, faults=_FAULTS[:2]),
    "movesense_firmware": lambda mv: VirtualMovesenseFirmware(mv, 250.0, V08, faults=_FAULTS[1:2]),
    "healthypi": _gatt("healthypi"),
    "healthypi5": _gatt("healthypi5"),
    "heart_rate": _heart_rate,
}
"""A virtual wearable of every profile, by the profile's name."""


class Case(NamedTuple):
    """A wearable that is played.

    ``link`` is the name of the decoder that the C code has for it, None where it has none. ``data_uuid`` is
    the characteristic of the main stream.
    """

    fs: float
    data_uuid: str
    kinds: Kinds = _BRIEF
    link: str | None = None
    seed: int = 5


CASES: dict[str, Case] = {
    "polar": Case(130.0, PMD_DATA, _ALL, "polar", seed=3),
    "ecgedge": Case(130.0, ECG_NOTIFY, _SOME, "ecgedge"),
    "movesense": Case(128.0, SENSOR_DATA_NOTIFY),
    "movesense_firmware": Case(250.0, V08.characteristic),
    "healthypi": Case(128.0, load_profile("healthypi").characteristic, seed=9),
    "heart_rate": Case(0.0, HEART_RATE_MEASUREMENT),
}
"""What is played, by the name of the profile and of its folder."""


@dataclass(slots=True)
class Said:
    """What a case led to."""

    frames: list[Received] = field(default_factory=list)
    blocks: list[SampleBlock] = field(default_factory=list)
    link: list[LinkEvent] = field(default_factory=list)
    events: list[Event | LinkEvent] = field(default_factory=list)


def signal(case: Case) -> Signal:
    """The ECG that a case plays, in mV."""
    segments = [Segment(*kind) for kind in case.kinds]
    mv = synthesize(segments, case.fs or 130.0, seed=case.seed).mv
    return np.asarray(np.round(mv.astype(np.float64), 3), np.float64)


def played(name: str, models: Models) -> Said:
    """Play a case through session and monitor.

    Examples
    --------
    >>> said = played("heart_rate", Models.load())
    >>> len(said.frames), said.events[0].bpm  # a connection, and 20 notifications
    (21, 60)
    """
    case = CASES[name]
    session = find_profile(name).make_session(device=name, fs=case.fs or None)
    monitor, said = Monitor(models), Said()
    for received in Talk(MAKERS[name](signal(case)), session).play():
        said.frames.append(received)
        _take(session, monitor, said)
    said.events += monitor.finish()
    return said


def heard(name: str, frames: Iterable[Received], models: Models) -> Said:
    """What session and monitor make of notifications that came before, as :func:`played` gave them.

    The session's script begins with each connection, and goes on with what came.
    """
    case = CASES[name]
    session = find_profile(name).make_session(device=name, fs=case.fs or None)
    offered = offered_by(MAKERS[name](np.zeros(1)))
    monitor, said, script = Monitor(models), Said(), session.start(offered)
    for received in frames:
        if received.uuid:
            session.receive(*received)
        else:
            script = session.start(offered)
        for request in script:
            if isinstance(request, Wait):
                break
        _take(session, monitor, said)
    said.events += monitor.finish()
    return said


def frames_of(text: str) -> list[Received]:
    """Read ``frames.jsonl``.

    Raises
    ------
    ValueError, KeyError, TypeError
        It holds something else.
    """
    rows = [json.loads(line) for line in text.splitlines()]
    return [
        Received(row.get("uuid", ""), bytes.fromhex(row.get("hex", "")), row["host_time_s"]) for row in rows
    ]


def _take(session: Session, monitor: Monitor, said: Said) -> None:
    while (event := session.next_event()) is not None:
        if isinstance(event, SampleBlock):
            said.blocks.append(event)
            said.events += monitor.feed(event)
        else:
            assert not isinstance(event, Acceleration)
            said.link.append(event)
            said.events.append(event)


def golden(models: Models, cases: Iterable[str] = tuple(CASES)) -> dict[str, bytes]:
    """The files of all cases, by their path."""
    files: dict[str, bytes] = {}
    for name in cases:
        case = CASES[name]
        said = played(name, models)
        about = {"device": name, "fs": case.fs, "data_uuid": case.data_uuid, "link": case.link}
        made = {
            "about.json": json.dumps(about, indent=1) + "\n",
            "frames.jsonl": _lines(map(_frame, said.frames)),
            "blocks.jsonl": _lines(map(_block, said.blocks)),
            "link.jsonl": "".join(json_line(event.to_json()) for event in said.link),
            "events.jsonl": "".join(json_line(event.to_json()) for event in said.events),
        }
        files |= {f"{FOLDER}/{name}/{file}": text.encode("ascii") for file, text in made.items()}
        samples = [block.samples.astype("<f4").tobytes() for block in said.blocks]
        files[f"{FOLDER}/{name}/samples.f32"] = b"".join(samples)
    return files


def _frame(received: Received) -> dict[str, Any]:
    if not received.uuid:
        return {"connected": True, "host_time_s": received.host_time_s}
    return {"uuid": received.uuid, "host_time_s": received.host_time_s, "hex": received.data.hex()}


def _block(block: SampleBlock) -> dict[str, Any]:
    placed = {"sample": block.sample, "count": len(block.samples)}
    return {**placed, "fs_hat": block.fs_hat, "host_time_s": block.host_time_s}


def _lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
