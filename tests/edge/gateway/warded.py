"""A ward for tests: straps on the air, nodes that forward them, a gateway that keeps what it decodes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ecgedge.events import Event
from ecgedge.gateway.exchange import Exchange
from ecgedge.gateway.member import Member
from ecgedge.gateway.node import Node, node_broker
from ecgedge.monitor import Models, Monitor
from ecgedge.sinks.ending import Ending
from ecgedge_bridge import Backend, VirtualH10, connect

MODELS = Models.load()


def straps(n: int, seconds: float, speed: float = 1.0, **options: Any) -> list[VirtualH10]:
    """Straps whose every sample says whose it is and where."""
    index = np.arange(round(seconds * 130))
    return [
        VirtualH10(
            ((index * 7 + 13 * k) % 4001 - 2000) / 1000,
            speed=speed,
            name=f"Polar H10 {k:08X}",
            address=f"F0:F1:F2:0A:{k >> 8:02X}:{k & 255:02X}",
            **options,
        )
        for k in range(n)
    ]


class Kept:
    """A sink that keeps all, slowly where asked to."""

    def __init__(self, slow_s: float = 0.0) -> None:
        self.items: list[Any] = []
        self.slow_s = slow_s

    def take(self, items: Iterable[Any]) -> None:
        if self.slow_s:
            time.sleep(self.slow_s)
        self.items += items

    def close(self) -> None:
        """Nothing to close."""


class Nowhere:
    """Stands for no recorder."""

    def place(self, item: Any) -> Any:
        return item


def member(name: str, sink: Any, tell: Callable[[str], None] = lambda _: None) -> Member:
    return Member(name, Monitor(MODELS), Nowhere(), sink, Ending(), tell)


class Ward:
    """Members by the name that their wearable has."""

    def __init__(self, names: Iterable[str], sinks: Callable[[str], Any] = lambda _: Kept()) -> None:
        self.told: list[str] = []
        self.sinks = {name: sinks(name) for name in names}
        self.members = {name: member(name, sink, self.told.append) for name, sink in self.sinks.items()}

    def find(self, name: str, address: str) -> Member | None:
        return self.members.get(name)


class Heard:
    """What the link of a node decodes itself: a direct link, with the same bytes and arrival times."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    @contextlib.asynccontextmanager
    async def door(self, backend: Backend, device: str, **hooks: Any) -> AsyncIterator[Any]:
        passed_on = hooks.pop("on_event")

        def both(event: Event) -> None:
            self.items.append(event)
            passed_on(event)

        hooks["on_rest"] = self.items.append
        async with connect(device, backend=backend, on_event=both, **hooks) as wearable:
            yield _Overheard(wearable, self.items)


class _Overheard:
    """A wearable whose blocks somebody keeps."""

    def __init__(self, wearable: Any, items: list[Any]) -> None:
        self._wearable, self._items = wearable, items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wearable, name)

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for block in self._wearable:
            self._items.append(block)
            yield block


def node(
    port: int,
    device: str,
    backend: Backend,
    heard: Heard,
    name: str = "pi",
    told: list[str] | None = None,
    *,
    roam: bool = False,
) -> Node:
    where, how = node_broker(f"mqtt://127.0.0.1:{port}/ward?back_off=0.2", "forward")
    tell = (told if told is not None else []).append
    return Node(device, partial(heard.door, backend), where, how, name, tell, roam=roam, extras=("battery",))


def as_heard(backend: Backend, rssi: int) -> Backend:
    """The same stack, at a place where everything is heard so well."""

    class There(backend.scanner):  # type: ignore[misc,name-defined]
        def call_detection_callbacks(self, device: Any, data: Any) -> None:
            super().call_detection_callbacks(device, data._replace(rssi=rssi))

    return replace(backend, scanner=There)


def exchange(port: int, ward: Ward) -> Exchange:
    return Exchange(
        *node_broker(f"mqtt://127.0.0.1:{port}/ward?back_off=0.2", "mqtt"), ward, ward.told.append
    )


@contextlib.asynccontextmanager
async def running(*work: Any) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Run beside what is in the block, and end it behind."""
    tasks = [asyncio.create_task(one.run()) for one in work]
    try:
        yield tasks
    finally:
        for task in reversed(tasks):
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


async def until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it did not come to that in time"
        await asyncio.sleep(0.02)
