"""What is injected, what is expected, and how a scenario is played in simulated time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from benchmarks.questions.faults.devices import (
    AT_S,
    FIRMWARE,
    HEALTHYPI,
    HEART_RATE,
    MOVESENSE,
    OWN,
    POLAR,
    SEED,
    Device,
    adapter_off,
    hanging_stack,
    scans_meet,
    signal,
    stale_services,
)
from ecgedge_bridge import (
    Backend,
    Fault,
    FrameLost,
    HeartRate,
    LinkState,
    Note,
    SampleBlock,
    VirtualWearable,
    WearableEvent,
    connect,
    run_simulated,
    virtual_wearable,
)

_REST_S = 1.0  # for what was sent last to arrive

Spoil = Callable[[Backend], Backend]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row: what is injected, and what is expected.

    ``says`` are parts of what the events say, in order. Where the ``loss_is_exact`` not, the device gives no
    means to tell. ``within_s`` is how long it may take until data flows again.
    """

    injected: str
    faults: tuple[Fault, ...]
    says: tuple[str, ...] = ()
    within_s: float = 1.2
    device: Device = POLAR
    seconds: float = 60.0
    mtu: int = 247
    loss_is_exact: bool = True
    spoil: Spoil | None = None


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
        begins = isinstance(event, LinkState) and event.state == "waiting" and not self.at_s
        if begins or isinstance(event, HeartRate):
            self.at_s.append(asyncio.get_running_loop().time())

    @property
    def said(self) -> list[str]:
        """What the events said that was no routine, without advice and without repetition."""
        said: list[str] = []
        for event in self.events:
            match event:
                case LinkState(state="backing_off", code=code) if code is not None:
                    kind = event.state
                case Note(code=code) | FrameLost(code=code):
                    kind = type(event).__name__.lower()
                case _:
                    continue
            text = f"{kind} {code}: {(event.detail or code.sentence).split(';')[0]}"
            if not said or said[-1] != text:
                said.append(text)
        return said

    @property
    def silence_s(self) -> float:
        """The longest time without data, in seconds of simulated time."""
        return float(np.diff(self.at_s).max())


async def play(scenario: Scenario) -> Outcome:
    """Run a scenario to the last sample."""
    mv = signal(scenario.seconds, scenario.device.fs)
    wearable = scenario.device.make(mv, faults=scenario.faults)
    outcome = Outcome(wearable, mv)
    async with virtual_wearable(wearable, mtu=scenario.mtu) as backend:
        radio = scenario.spoil(backend) if scenario.spoil is not None else backend
        async with connect(wearable.name, backend=radio, on_event=outcome.took) as link:
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
    random.seed(SEED)
    return run_simulated(play(scenario))


def at(kind: str, seconds: float = 0.0, code: int = 0) -> Fault:
    """A fault at the usual place."""
    return Fault(AT_S, kind, seconds, code)  # type: ignore[arg-type]


LOST = "backing_off lost: the connection was lost"
SILENT = "backing_off no_data: no data for 3.0 s"
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
    Scenario("silence of 20 s", (at("silence", 20.0),), (SILENT,), within_s=22.0),
    Scenario("the radio stalls for 2 s, then all comes at once", (at("stall", 2.0),), within_s=2.7),
    Scenario("the link drops, 3 s out of reach", (AGAIN,), (LOST,), within_s=6.0),
    Scenario(
        "the link drops, 5 min out of reach",
        (at("disconnect", 300.0),),
        (LOST, "backing_off not_found: not found"),
        within_s=340.0,
        seconds=402.0,
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
        within_s=90.0,
        seconds=150.0,
    ),
    Scenario("the first frame of all comes 25 s late", (Fault(0.0, "stall", 25.0),), within_s=26.0),
    Scenario(
        "the device ends the measurement", (at("end", 2.0),), ("the device ended the measurement",), 4.0
    ),
    Scenario("the device's clock goes back three years", (at("clock", -1e8),), ("clock stepped by -",)),
    Scenario(
        "the device's clock leaps two hours ahead",
        (at("clock", 7200.0),),
        ("clock stepped by +",),
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
        seconds=120.0,
        spoil=partial(scans_meet, adapter_off),
    ),
    Scenario(
        "link drops, and the host's Bluetooth stack hangs for 30 s",
        (AGAIN,),
        (LOST, "no answer in time"),
        within_s=90.0,
        seconds=150.0,
        spoil=partial(scans_meet, hanging_stack),
    ),
    Scenario(
        "link drops, and the host remembers services from before a change of the firmware",
        (AGAIN,),
        (LOST, "has no characteristic"),
        within_s=8.0,
        spoil=stale_services,
    ),
    Scenario(
        "the second half of a split packet is not sent",
        (at("drop_part"),),
        ("ended after",),
        device=MOVESENSE,
        mtu=50,
    ),
    Scenario("link drops, 3 s out of reach", (AGAIN,), (LOST,), 6.0, device=MOVESENSE),
    Scenario(
        "link drops, then refused (status 503)",
        (AGAIN, at("refuse", code=503)),
        (LOST, "503"),
        8.0,
        MOVESENSE,
    ),
    Scenario("silence of 20 s", (at("silence", 20.0),), (SILENT,), 22.0, device=FIRMWARE),
    Scenario("a single bit is flipped", (at("corrupt"),), ("wrong CRC",), device=OWN),
    Scenario(
        "a frame comes after its successor", (at("reorder"),), ("came after its successor",), device=OWN
    ),
    Scenario(
        "silence of 10 min: the frame's 16-bit number wraps twice",
        (at("silence", 600.0),),
        (SILENT,),
        within_s=680.0,
        device=OWN,
        seconds=750.0,
    ),
    Scenario(
        "link drops, 3 s out of reach; this device numbers nothing",
        (AGAIN,),
        (LOST, "estimated from arrival times"),
        within_s=6.0,
        device=HEALTHYPI,
        loss_is_exact=False,
    ),
    Scenario(
        "a measurement is damaged", (at("corrupt"),), ("ends within an RR interval",), 2.1, device=HEART_RATE
    ),
    Scenario("link drops, 3 s out of reach", (AGAIN,), (LOST,), 7.0, device=HEART_RATE),
)
