"""What goes wrong with a wearable, and what the link makes of it: a table of faults, run in simulated time.

``python benchmarks/faults.py`` writes ``firmware_bridge/FAULTS.md``. The tests run the same table and keep
the file fresh.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from bleak.exc import BleakError

from ecgedge_bridge import (
    Backend,
    DeviceStatus,
    Fault,
    HeartRate,
    SampleBlock,
    VirtualEcgEdge,
    VirtualGatt,
    VirtualH10,
    VirtualHeartRate,
    VirtualMovesense,
    VirtualMovesenseFirmware,
    VirtualWearable,
    WearableEvent,
    connect,
    load_profile,
    run_simulated,
    virtual_wearable,
)

TABLE = Path(__file__).parents[1] / "firmware_bridge" / "FAULTS.md"
AT_S = 20.0
_SEED = 5
# Time for what was sent last to arrive.
_REST_S = 1.0
_ROUTINE = {"scanning", "connecting", "setting_up", "waiting", "stopped"}

Make = Callable[[np.ndarray, list[Fault]], VirtualWearable]


def signal(seconds: float, fs: float) -> np.ndarray:
    """Noise in whole microvolt, so that every sample has its own place."""
    return np.random.default_rng(_SEED).integers(-4000, 4000, round(seconds * fs)) / 1000


def polar(mv: np.ndarray, faults: list[Fault]) -> VirtualWearable:
    """A Polar H10."""
    return VirtualH10(mv, faults=faults)


def movesense(mv: np.ndarray, faults: list[Fault]) -> VirtualWearable:
    """A Movesense with GATT SensorData."""
    return VirtualMovesense(mv, faults=faults)


def firmware(mv: np.ndarray, faults: list[Fault]) -> VirtualWearable:
    """A Movesense with the free firmware."""
    return VirtualMovesenseFirmware(mv, faults=faults)


def own(mv: np.ndarray, faults: list[Fault]) -> VirtualWearable:
    """Firmware of one's own."""
    return VirtualEcgEdge(mv, faults=faults)


def healthypi(mv: np.ndarray, faults: list[Fault]) -> VirtualWearable:
    """A HealthyPi Move."""
    return VirtualGatt(mv, load_profile("healthypi"), faults=faults)


def heart_rate(mv: np.ndarray, faults: list[Fault]) -> VirtualWearable:
    """A plain heart-rate strap: what it plays are beats per minute."""
    return VirtualHeartRate(np.clip(np.abs(mv) * 40, 40, 200).round(), faults=faults)


_NAMES: dict[Make, str] = {
    polar: "Polar H10",
    movesense: "Movesense",
    firmware: "Movesense, free firmware",
    own: "own frame",
    healthypi: "HealthyPi",
    heart_rate: "heart-rate strap",
}
_FS: dict[Make, float] = {
    polar: 130.0,
    movesense: 128.0,
    firmware: 250.0,
    own: 250.0,
    healthypi: 128.0,
    heart_rate: 1.0,
}


def adapter_off(seconds: float) -> Callable[[Backend], Backend]:
    """The adapter is off for a while from ``AT_S`` on: every scan raises."""

    def spoil(backend: Backend) -> Backend:
        async def start(self: object) -> None:
            now_s = asyncio.get_running_loop().time()
            if AT_S <= now_s < AT_S + seconds:
                raise BleakError("Bluetooth adapter is off")
            await backend.scanner.start(self)  # type: ignore[arg-type]

        return Backend(type("Off", (backend.scanner,), {"start": start}), backend.client)

    return spoil


def hanging_stack(seconds: float) -> Callable[[Backend], Backend]:
    """The Bluetooth stack answers nothing for a while from ``AT_S`` on: scans neither begin nor fail."""

    def spoil(backend: Backend) -> Backend:
        async def start(self: object) -> None:
            now_s = asyncio.get_running_loop().time()
            if AT_S <= now_s < AT_S + seconds:
                await asyncio.sleep(3600)
            await backend.scanner.start(self)  # type: ignore[arg-type]

        async def stop(self: object) -> None:
            await backend.scanner.stop(self)  # type: ignore[arg-type]

        return Backend(type("Hanging", (backend.scanner,), {"start": start, "stop": stop}), backend.client)

    return spoil


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row: what is injected, and what is expected.

    ``says`` are parts of what the events say, in order. ``guessed`` samples are counted without having been
    lost: where the device's clock stepped, one at least. Where the ``loss_is_exact`` not, the device gives no
    means to tell. ``within_s`` is how long it may take until data flows again.
    """

    injected: str
    faults: tuple[Fault, ...]
    says: tuple[str, ...] = ()
    within_s: float = 1.2
    make: Make = polar
    seconds: float = 60.0
    mtu: int = 247
    guessed: int = 0
    loss_is_exact: bool = True
    spoil: Callable[[Backend], Backend] | None = None

    @property
    def device(self) -> str:
        """Which wearable it is."""
        return _NAMES[self.make]


@dataclass(slots=True)
class Outcome:
    """What came of a scenario."""

    wearable: VirtualWearable
    mv: np.ndarray
    blocks: list[SampleBlock] = field(default_factory=list)
    events: list[WearableEvent] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)
    counted: int = 0

    def took(self, event: WearableEvent) -> None:
        """Note an event, and when data of a stream without ECG came."""
        self.events.append(event)
        is_data = isinstance(event, HeartRate)
        waits = isinstance(event, DeviceStatus) and event.state == "waiting" and not self.at_s
        if is_data or waits:
            self.at_s.append(asyncio.get_running_loop().time())

    @property
    def said(self) -> list[str]:
        """What the events said that was no routine, without advice and without repetition."""
        said: list[str] = []
        for event in self.events:
            if not isinstance(event, DeviceStatus) or event.state in _ROUTINE or not event.detail:
                continue
            text = f"{event.state}: {event.detail.split(';')[0]}"
            if not said or said[-1] != text:
                said.append(text)
        return said

    @property
    def silence_s(self) -> float:
        """The longest time without data, in seconds of simulated time."""
        return float(np.diff(self.at_s).max())


async def play(scenario: Scenario) -> Outcome:
    """Run a scenario to the last sample."""
    mv = signal(scenario.seconds, _FS[scenario.make])
    wearable = scenario.make(mv, list(scenario.faults))
    outcome = Outcome(wearable, mv)
    async with virtual_wearable(wearable, mtu=scenario.mtu) as backend:
        if scenario.spoil is not None:
            backend = scenario.spoil(backend)
        async with connect(wearable.name, backend=backend, on_event=outcome.took) as link:
            listening = asyncio.create_task(listen(link, outcome))
            done = asyncio.create_task(wearable.finished.wait())
            await asyncio.wait([listening, done], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(_REST_S)
            for task in (listening, done):
                task.cancel()
            await asyncio.gather(listening, done, return_exceptions=True)
            outcome.counted = link.stats.lost
    return outcome


async def listen(link: object, outcome: Outcome) -> None:
    """Take every block."""
    async for block in link:  # type: ignore[attr-defined]
        outcome.blocks.append(block)
        outcome.at_s.append(block.host_time_s)


def run(scenario: Scenario) -> Outcome:
    """Run a scenario in simulated time, always the same way."""
    random.seed(_SEED)
    return run_simulated(play(scenario))


def at(kind: str, seconds: float = 0.0, code: int = 0) -> Fault:
    """A fault at the usual place."""
    return Fault(AT_S, kind, seconds, code)  # type: ignore[arg-type]


LOST = "backing_off: the connection was lost"
SILENT = "backing_off: no data for 3.0 s"
AGAIN = at("disconnect", 3.0)

SCENARIOS = (
    Scenario("one frame is not sent", (at("drop_frame"),)),
    Scenario("three frames in a row are not sent", (at("drop_frame"),) * 3, within_s=2.3),
    Scenario("a frame comes twice", (at("duplicate"),)),
    Scenario("a frame comes after its successor", (at("reorder"),), ("came after its successor",)),
    Scenario("a frame of an unknown type", (at("corrupt"),), ("ECG frame of unknown type",)),
    Scenario("a frame lacks its last byte", (at("truncate"),), ("not made of 3-byte samples",)),
    Scenario("five bytes of garbage between two frames", (at("garbage"),), ("data frame of 5 bytes",)),
    Scenario("silence of 2 s", (at("silence", 2.0),), within_s=2.7),
    Scenario("silence of 20 s", (at("silence", 20.0),), (SILENT,), within_s=6.0),
    Scenario("the radio stalls for 2 s, then all comes at once", (at("stall", 2.0),), within_s=2.7),
    Scenario("the link drops, 3 s out of reach", (AGAIN,), (LOST,), within_s=6.0),
    Scenario(
        "the link drops, 5 min out of reach",
        (at("disconnect", 300.0),),
        (LOST, "backing_off: not found"),
        within_s=340.0,
        seconds=400.0,
    ),
    Scenario("the link drops again before the first frame", (AGAIN, AGAIN), (LOST,), within_s=12.0),
    Scenario(
        "the link drops, and the first frame comes 25 s late",
        (AGAIN, at("stall", 25.0)),
        (LOST,),
        within_s=31.0,
    ),
    Scenario(
        "the link drops, and no first frame comes within 40 s",
        (AGAIN, at("silence", 60.0)),
        (LOST, "no first frame for 40.0 s"),
        within_s=55.0,
        seconds=120.0,
    ),
    Scenario("the first frame of all comes 25 s late", (Fault(0.0, "stall", 25.0),), within_s=26.0),
    Scenario(
        "the device ends the measurement", (at("end", 2.0),), ("the device ended the measurement",), 4.0
    ),
    Scenario(
        "the device's clock goes back three years",
        (at("clock", -1e8),),
        ("clock stepped by -",),
        guessed=1,
    ),
    Scenario(
        "the device's clock leaps two hours ahead",
        (at("clock", 7200.0),),
        ("clock stepped by +",),
        guessed=1,
    ),
    Scenario(
        "link drops, then the start is refused: not worn (status 12)",
        (AGAIN, at("refuse", code=0x0C)),
        (LOST, "refused to start the ECG"),
        within_s=8.0,
    ),
    Scenario(
        "link drops, then in the charger (status 13) three times",
        (AGAIN, *(at("refuse", code=0x0D),) * 3),
        (LOST, "in its charger"),
        within_s=25.0,
    ),
    Scenario("link drops, then a stream left over (status 6)", (AGAIN, at("refuse", code=6)), (LOST,), 6.0),
    Scenario(
        "link drops, then the start is not answered",
        (AGAIN, at("no_answer")),
        (LOST, "no answer in time"),
        15.0,
    ),
    Scenario(
        "link drops, then again at the start command",
        (AGAIN, at("hang_up")),
        (LOST, "before the device"),
        10.0,
    ),
    Scenario(
        "link drops, then a connection without MTU exchange",
        (AGAIN, at("mtu", code=23)),
        (LOST, "the ATT MTU is too small"),
        within_s=10.0,
    ),
    Scenario(
        "link drops, and the host's adapter is off for 30 s",
        (AGAIN,),
        (LOST, "adapter is off"),
        within_s=60.0,
        spoil=adapter_off(30.0),
    ),
    Scenario(
        "link drops, and the host's Bluetooth stack hangs for 30 s",
        (AGAIN,),
        (LOST, "no answer in time"),
        within_s=90.0,
        spoil=hanging_stack(30.0),
    ),
    Scenario(
        "the second half of a split packet is not sent",
        (at("drop_part"),),
        ("ended after",),
        make=movesense,
        mtu=50,
    ),
    Scenario("link drops, 3 s out of reach", (AGAIN,), (LOST,), 6.0, make=movesense),
    Scenario(
        "link drops, then refused (status 503)",
        (AGAIN, at("refuse", code=503)),
        (LOST, "503"),
        8.0,
        movesense,
    ),
    Scenario("silence of 20 s", (at("silence", 20.0),), (SILENT,), 6.0, make=firmware),
    Scenario("a single bit is flipped", (at("corrupt"),), ("wrong CRC",), make=own),
    Scenario("a frame comes after its successor", (at("reorder"),), ("came after its successor",), make=own),
    Scenario(
        "silence of 10 min: the frame's 16-bit number wraps twice",
        (at("silence", 600.0),),
        (SILENT,),
        within_s=6.0,
        make=own,
        seconds=650.0,
    ),
    Scenario(
        "link drops, 3 s out of reach; this device numbers nothing",
        (AGAIN,),
        (LOST, "estimated from arrival times"),
        within_s=6.0,
        make=healthypi,
        loss_is_exact=False,
    ),
    Scenario(
        "a measurement is damaged", (at("corrupt"),), ("ends within an RR interval",), 2.1, make=heart_rate
    ),
    Scenario("link drops, 3 s out of reach", (AGAIN,), (LOST,), 7.0, make=heart_rate),
)

_HEAD = """# Faults, and what the link makes of them

Every row is a test (`tests/bridge/test_faults.py`): a virtual wearable on a simulated radio, the link with
its default time limits, and simulated time, so that the seconds are those of life. Written by
`python benchmarks/faults.py`; a test keeps it fresh.

*Lost* is what the device did not send in a readable frame, in samples; *counted* is what the link reported as
missing. *Silence* is the longest time without data, from the last of it before the fault to the first after.
In every row nothing that the device sent in a readable frame is missing or at another place than it belongs.

| # | device | what happens 20 s into the stream | what the events say | lost | counted | silence, s |
|---|---|---|---|---|---|---|
"""


def row(number: int, scenario: Scenario, outcome: Outcome) -> str:
    """One line of the table."""
    said = " · ".join(outcome.said) or "nothing: the jump of the sample index says it"
    if not outcome.said and not outcome.wearable.ledger.lost_samples:
        said = "nothing"
    lost = outcome.wearable.ledger.lost_samples
    counted = "none has a number" if scenario.make is heart_rate else f"{outcome.counted}"
    cells = (number, scenario.device, scenario.injected, said, lost, counted, f"{outcome.silence_s:.0f}")
    return "| " + " | ".join(map(str, cells)) + " |\n"


def table(outcomes: list[Outcome]) -> str:
    """The whole file."""
    pairs = zip(SCENARIOS, outcomes, strict=True)
    return _HEAD + "".join(row(number, *pair) for number, pair in enumerate(pairs, 1))


if __name__ == "__main__":
    TABLE.write_text(table([run(scenario) for scenario in SCENARIOS]))
