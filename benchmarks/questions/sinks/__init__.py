"""Does a receiver that is away or stuck delay an event, is what it misses counted, and does memory stay flat?

The whole chain at the pace of a strap: notifications through decoder and monitor, with waves and words, into
the outlets of ``ecgedge run --send`` and the live page. A real broker is frozen for five minutes and killed
for five more; all the while readers of a socket and of the metrics hang, a viewer of the page sleeps, and
consumers of LSL are frozen and killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import quantiles_ms, targets
from benchmarks.harness.resident import rss_kb
from benchmarks.harness.signals import FRAME, FS, notifications, real_or_made
from benchmarks.questions.sinks.receivers import Broker, FrozenReader, Receiver, free_port
from ecgedge import Monitor, SampleBlock
from ecgedge.events import Event
from ecgedge.sinks.queued import EVENTS, Queued
from ecgedge.sinks.registry import open_outlet
from ecgedge.sinks.sink import Item, Several
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.server import PageServer
from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder

# An event may be delayed by so much by all sinks together; no receiver may miss what is not counted; memory
# may grow by what waits for receivers that are stuck: 256 kB of a socket's reader, LSL's minute, some events.
TARGETS = {"take_max_ms": 50.0, "not_counted": 0.0, "growth_mb": 5.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds: until all is warm, of each of the two outages, and between and after them."""

    warm_s: float
    away_s: float
    back_s: float

    @property
    def whole_s(self) -> float:
        """From the first notification to the last."""
        return self.warm_s + 2 * (self.away_s + self.back_s)


class Idle:
    """A sink that does nothing: what it takes is the machine's own doing."""

    def take(self, items: Iterable[Item]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Seen:
    """What went through, and what it took."""

    take_s: list[float] = field(default_factory=list)
    idle_s: list[float] = field(default_factory=list)
    rss_kb: list[int] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)
    samples: int = 0
    events: int = 0


class Outlets:
    """One outlet of each kind, and good and bad receivers of each."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        hub = Hub("bench")
        self.page = PageServer(hub, "127.0.0.1", 0, None)
        self.broker, self.file = Broker(folder), folder / "events.jsonl"
        self._tcp, self._metrics, self._lsl = free_port(), free_port(), f"ecgedge-bench-{os.getpid()}"
        self.sinks: dict[str, Queued] = {
            "mqtt": self._open(f"mqtt://127.0.0.1:{self.broker.port}/bench"),
            "tcp": self._open(f"tcp:{self._tcp}"),
            "metrics": self._open(f"metrics:{self._metrics}"),
            "lsl": self._open(f"lsl:{self._lsl}"),
            "jsonl": self._open(f"{self.file}?mb=1000"),
        }
        self.sinks["page"] = Queued(hub.add("strap"), "page", kinds=(*EVENTS, SampleBlock))
        self.viewer, self.asleep = (Receiver("viewer", self.page.port) for _ in range(2))
        self.asleep.process.send_signal(signal.SIGSTOP)
        self.reader, self.frozen = Receiver("lines", self._tcp), FrozenReader(self._tcp)
        self.scraper, self.hanging = (
            Receiver("scraping", self._metrics, 15.0),
            Receiver("hanging", self._metrics),
        )
        time.sleep(1.0)  # the outlets look for readers five times a second

    def _open(self, target: str) -> Queued:
        return open_outlet(target, device="bench", tell=self.told.append)

    def listen(self) -> None:
        """Let consumers of LSL come: there is something to listen to from the first block on."""
        self.consumer, self.gone = Receiver("lsl", self._lsl), Receiver("lsl", self._lsl)

    def steps(self, plan: Plan) -> Iterator[tuple[float, Callable[[], None]]]:
        """What happens, and when."""
        at_s = plan.warm_s

        def signalled(process: Any, number: int) -> Callable[[], None]:
            return lambda: process.send_signal(number)

        yield at_s, signalled(self.broker.process, signal.SIGSTOP)
        yield at_s, signalled(self.consumer.process, signal.SIGSTOP)
        yield at_s, self.gone.process.kill
        at_s += plan.away_s
        yield at_s, signalled(self.broker.process, signal.SIGCONT)
        yield at_s, signalled(self.consumer.process, signal.SIGCONT)
        at_s += plan.back_s
        yield at_s, self.broker.process.kill
        yield at_s + plan.away_s, self.broker.start

    def accounts(self, seen: Seen) -> dict[str, dict[str, Any]]:
        """Close all, and ask everybody what was got."""
        for sink in self.sinks.values():
            sink.close()
        frozen, got = self.frozen.lines(), self.reader.answer(ask=False)["lines"]
        consumer = self.consumer.answer()
        hung, scraped = self.hanging.answer(), self.scraper.answer()
        viewer = self.viewer.answer()
        self.page.close()
        received = {
            "mqtt": (seen.events, self.broker.events),
            "tcp": (2 * seen.events, got + frozen),
            "jsonl": (seen.events, len(self.file.read_text().splitlines())),
        }
        rows: dict[str, dict[str, Any]] = {
            name: account(sent=sent, received=n, missed=self.sinks[name].missed)
            for name, (sent, n) in received.items()
        }
        rows["tcp"]["received_by_frozen"] = frozen
        rows["lsl"] = {"sent": seen.samples, "missed": self.sinks["lsl"].missed, "consumer": consumer}
        rows["metrics"] = {"missed": self.sinks["metrics"].missed, "hanging": hung, "scraper": scraped}
        rows["page"] = {"sent": seen.samples, "missed": self.sinks["page"].missed, "viewer": viewer}
        return rows

    def end(self) -> None:
        """End every process, whatever it does."""
        for one in vars(self).values():
            if isinstance(one, Broker | Receiver) and one.process.poll() is None:
                one.process.kill()
                one.process.wait()


def account(*, sent: int, received: int, missed: int) -> dict[str, int]:
    """What nobody counted, and what was counted and came: a broker that thaws reads what it had missed."""
    off = sent - received - missed
    return {
        "sent": sent, "received": received, "missed": missed,
        "not_counted": max(0, off), "counted_and_received": max(0, -off),
    }  # fmt: skip


def play(outlets: Outlets, plan: Plan, seen: Seen) -> None:
    """Play in real time, and do what the plan says when it is due."""
    decoder, monitor = PolarEcgDecoder(), Monitor(waves=True, tokens=True)
    several, idle = Several(list(outlets.sinks.values())), Several([Idle() for _ in outlets.sinks])
    steps: list[tuple[float, Callable[[], None]]] = []
    begun = time.monotonic()
    for n, payload in enumerate(notifications(real_or_made(plan.whole_s)[1])):
        time.sleep(max(0.0, begun + n * FRAME / FS - time.monotonic()))
        (block,) = decoder.receive_data(payload, time.monotonic())
        if not isinstance(block, SampleBlock):
            raise RuntimeError(f"the stream is meant to be without faults, but: {block}")
        items: list[Item] = [block, *monitor.feed(block)]
        seen.idle_s.append(_took_s(idle, items))
        seen.take_s.append(_took_s(several, items))
        seen.samples += len(block.samples)
        seen.events += sum(isinstance(item, Event) for item in items)
        if n == 0:
            outlets.listen()
            begun, steps = time.monotonic(), list(outlets.steps(plan))
        while steps and time.monotonic() - begun >= steps[0][0]:
            steps.pop(0)[1]()
        if n % round(5 * FS / FRAME) == 0:
            seen.rss_kb.append(rss_kb())
            seen.open_files.append(open_files())


def open_files() -> int:
    """Of this process; 0 where the system does not say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def _took_s(sink: Several, items: list[Item]) -> float:
    begun = time.perf_counter()
    sink.take(items)
    return time.perf_counter() - begun


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    plan = Plan(10.0, 20.0, 40.0) if quick else Plan(60.0, 300.0, 60.0)
    seen = Seen()
    with TemporaryDirectory() as folder:
        outlets = Outlets(Path(folder))
        try:
            play(outlets, plan, seen)
            accounts = outlets.accounts(seen)
        finally:
            outlets.end()
    warm = round(plan.warm_s / 5)
    grown_mb = (seen.rss_kb[-1] - seen.rss_kb[warm]) * 1024 / 1e6
    figures = {
        "take_max_ms": 1e3 * max(seen.take_s),
        "not_counted": float(sum(row.get("not_counted", 0) for row in accounts.values())),
        "growth_mb": grown_mb,
    }
    return {
        "targets": targets(figures, TARGETS),
        "seconds": plan.whole_s,
        "outage_s": plan.away_s,
        "niceness": os.nice(0),
        "events": seen.events,
        "figures": figures,
        "take_ms": quantiles_ms(seen.take_s),
        "idle_ms": quantiles_ms(seen.idle_s),
        "rss_kb": {"warm": seen.rss_kb[warm], "most": max(seen.rss_kb), "end": seen.rss_kb[-1]},
        "open_files": {
            "warm": seen.open_files[warm],
            "most": max(seen.open_files),
            "end": seen.open_files[-1],
        },
        "accounts": accounts,
        "told": outlets.told,
    }


def show(found: dict[str, Any]) -> None:
    """Print the figures that matter."""
    print(
        f"{found['seconds']:g} s in real time, {found['events']} events, "
        f"two outages of {found['outage_s']:g} s"
    )
    for name in ("take_ms", "idle_ms"):
        row = found[name]
        print(f"{name:9} p50 {row['p50']:.3f}, p99 {row['p99']:.3f}, max {row['max']:.3f}")
    for name, account in found["accounts"].items():
        print(f"{name:8} {account}")
    print(f"resident {found['rss_kb']}, open files {found['open_files']}")


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "sinks", measure, show, arguments)
