"""The live page in a browser while a virtual strap plays: for pictures of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache

from devtools import Page

from ecgedge.demo.play import play
from ecgedge.demo.programme import FS, Programme, own_programme
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.sinks.sink import Item, Sink
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.server import PageServer
from ecgedge_bridge import Fault
from ecgedge_bridge.values import SampleBlock

__all__ = ["shown"]

# What the demonstration plays, with the extra beats at the end: kind of rhythm, seconds, beats a minute.
PLAY = (("sinus", 90.0, 64.0), ("af", 90.0, 98.0), ("noise", 40.0, 70.0), ("sinus", 80.0, 66.0),
        ("pvc", 90.0, 70.0))  # fmt: skip
LOST = Fault(250.0, "disconnect", 12.0)
BEGAN = datetime(2026, 11, 28, 22, 30, tzinfo=UTC)
# When the picture is taken, with extra beats on the trace; and what comes as in life until then, while the
# page is open: some more than its trace shows. All before comes at once.
MOMENT_S, LIVE_S = 370.0, 12.0


class _Kept:
    """A sink that keeps what came, as it came."""

    def __init__(self) -> None:
        self.batches: list[list[Item]] = []

    def take(self, items: Iterable[Item]) -> None:
        """Keep it."""
        self.batches.append(list(items))

    def close(self) -> None:
        """Do nothing."""


@cache
def played() -> list[list[Item]]:
    """What came from the virtual strap: blocks, and what the monitor and the link said."""
    ecg = synthesize([Segment(*part) for part in PLAY], FS, seed=0)
    kept = _Kept()
    programme = Programme(ecg.mv, own_programme().parts, (LOST,))
    # A speed at which a machine that is busy loses nothing else.
    asyncio.run(play(kept, programme=programme, speed=40))
    return kept.batches


@contextmanager
def shown(browser: Page) -> Iterator[None]:
    """Show the page, and let the end of the play come."""
    hub = Hub("ecgedge demo: a virtual Polar H10 plays synthetic ECG")
    wearable = hub.add(
        "virtual Polar H10", mark=lambda text: None, wall_clock=None, start_unix_s=BEGAN.timestamp()
    )
    server = PageServer(hub, "127.0.0.1", 0, None)
    try:
        batches = iter(played())
        _pass_on(batches, wearable, MOMENT_S - LIVE_S)
        _open(browser, server.url)
        began_s = time.monotonic() - (MOMENT_S - LIVE_S)
        _pass_on(batches, wearable, MOMENT_S, began_s)
        yield
    finally:
        server.close()


def _pass_on(batches: Iterator[list[Item]], to: Sink, end_s: float, began_s: float | None = None) -> None:
    """Pass on what came up to a moment; in the play's own time if it is said when that began."""
    for batch in batches:
        to.take(batch)
        if (at_s := _end_s(batch)) >= end_s:
            return
        if began_s is not None:
            time.sleep(max(0.0, began_s + at_s - time.monotonic()))


def _end_s(batch: list[Item]) -> float:
    return max((item.end_sample / item.fs for item in batch if isinstance(item, SampleBlock)), default=0.0)


def _open(browser: Page, url: str) -> None:
    browser.call("Emulation.setTimezoneOverride", timezoneId="UTC")
    browser.call("Page.navigate", url=url)
