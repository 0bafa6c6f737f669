"""The real stack: bluetoothd on an adapter that bumble plays behind ``/dev/vhci``, and what is near it."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from ecgedge_bridge import VirtualWearable, WearableServer
from ecgedge_bridge.simulation.on_air import _ACL_OCTETS, _device, _import_bumble

_READY_S = 40.0


async def said(*command: str, check: bool = False) -> str:
    """Run a program while the air goes on, and return what it prints."""
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE)
    out, _ = await process.communicate()
    assert not (check and process.returncode), command
    return out.decode(errors="replace").strip()


async def systemctl(*words: str, check: bool = True) -> str:
    """Ask the first process of the guest."""
    return await said("systemctl", *words, check=check)


class RealStack:
    """bluetoothd with one adapter, and what is on the air near it."""

    def __init__(self, bumble: Any) -> None:
        self._bumble = bumble
        self._air = bumble.link.LocalLink()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Plug the adapter in and run bluetoothd."""
        from bumble.transport.vhci import open_vhci_transport

        transport = await open_vhci_transport(None)
        self._plug_in(transport)
        await self.start_daemon()
        try:
            yield
        finally:
            await self.kill_daemon()
            await transport.close()

    def _plug_in(self, transport: Any) -> None:
        # Without a public address: Linux then chooses its own, and tells bumble.
        controller = self._bumble.controller.Controller(
            "adapter", host_source=transport.source, host_sink=transport.sink, link=self._air
        )
        # bumble has only a part of what Linux does with these.
        feature = self._bumble.hci.LeFeatureMask
        controller.le_features &= ~(feature.LL_PRIVACY | feature.LE_EXTENDED_ADVERTISING)
        controller.le_acl_data_packet_length = _ACL_OCTETS

    async def start_daemon(self) -> None:
        """Start bluetoothd and wait until its adapter is on."""
        await systemctl("start", "bluetooth.service")
        async with asyncio.timeout(_READY_S):
            while "Powered: yes" not in await self.control("show"):
                await self.control("power", "on")

    async def kill_daemon(self) -> None:
        """Kill bluetoothd: no goodbye to anybody."""
        await systemctl("kill", "--signal=KILL", "bluetooth.service")
        while await systemctl("is-active", "bluetooth.service", check=False) == "active":
            await asyncio.sleep(0.1)

    async def control(self, *words: str) -> str:
        """Run bluetoothctl, as a person would, and return what it says."""
        return await said("bluetoothctl", "--timeout", "5", *words)

    @contextlib.asynccontextmanager
    async def with_wearable(self, wearable: VirtualWearable) -> AsyncIterator[None]:
        """Put a virtual wearable on the air."""
        others = set(self._air.controllers)
        server = WearableServer(wearable, _device(self._bumble, self._air, wearable.name, wearable.address))
        await server.start()
        try:
            yield
        finally:
            await server.stop()
            self._air.controllers = others


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncGenerator[RealStack, None]:
    """One stack for all tests: each leaves it as it found it."""
    stack = RealStack(_import_bumble())
    async with stack.running():
        yield stack


@pytest.fixture(scope="session")
def ask() -> Callable[..., Awaitable[str]]:
    """Run a program while the air goes on, and return what it prints; one that fails is an error."""
    return partial(said, check=True)
