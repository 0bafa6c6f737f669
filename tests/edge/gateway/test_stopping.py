"""A node and a gateway end when they are told to, whatever they wait for at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiomqtt
import pytest
from broker import Broker, needs_mosquitto
from warded import Heard, Ward, exchange, node

from ecgedge.sinks.outlets import mqtt_broker
from ecgedge_bridge import virtual_wearable

pytestmark = needs_mosquitto


@pytest.fixture(autouse=True)
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library loses every cancellation while it waits, as up to Python 3.11 it may lose one."""
    waits = aiomqtt.Client._wait_for

    async def wait_for(self: aiomqtt.Client, work: Awaitable[Any], timeout: float | None) -> Any:
        waiting = asyncio.ensure_future(waits(self, work, timeout))
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                if waiting.cancelled():
                    raise
        return waiting.result()

    monkeypatch.setattr(aiomqtt.Client, "_wait_for", wait_for)
    monkeypatch.setattr(mqtt_broker, "_END_S", 0.2)


# Into the connection, the subscriptions, what is said then, and the conversation
MOMENTS_S = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.3, 2.1)


@pytest.mark.parametrize("after_s", MOMENTS_S)
async def test_a_gateway_ends(broker: Broker, after_s: float) -> None:
    running = asyncio.create_task(exchange(broker.port, Ward([])).run())
    await asyncio.sleep(after_s)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=20)
    assert done
    assert running.cancelled()


@pytest.mark.parametrize("after_s", MOMENTS_S)
async def test_a_node_ends(broker: Broker, after_s: float) -> None:
    async with virtual_wearable() as backend:
        running = asyncio.create_task(node(broker.port, "nobody", backend, Heard()).run())
        await asyncio.sleep(after_s)
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=20)
    assert done
    assert running.cancelled()
