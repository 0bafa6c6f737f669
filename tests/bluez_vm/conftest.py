"""The real stack: bluetoothd on an adapter that bumble plays behind ``/dev/vhci``, and what is near it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from ecgedge_bridge import VirtualWearable, WearableServer
from ecgedge_bridge.simulation.on_air import _ACL_OCTETS, _device, _import_bumble

# Where Debian and others put it.
_DAEMONS = "/usr/libexec/bluetooth/bluetoothd", "/usr/lib/bluetooth/bluetoothd"
_READY_S = 40.0


class RealStack:
    """bluetoothd with one adapter, and what is on the air near it."""

    def __init__(self, bumble: Any) -> None:
        self._bumble = bumble
        self._air = bumble.link.LocalLink()
        self._daemon: Process | None = None

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
        program = next(path for path in _DAEMONS if Path(path).exists())
        self._daemon = await asyncio.create_subprocess_exec(program, "-n", stdout=DEVNULL, stderr=DEVNULL)
        async with asyncio.timeout(_READY_S):
            while "Powered: yes" not in await self.control("show"):
                await self.control("power", "on")

    async def kill_daemon(self) -> None:
        """Kill bluetoothd: no goodbye to anybody."""
        if self._daemon is not None:
            self._daemon.send_signal(signal.SIGKILL)
            await self._daemon.wait()
            self._daemon = None

    async def control(self, *words: str) -> str:
        """Run bluetoothctl, as a person would, and return what it says."""
        program = shutil.which("bluetoothctl") or "bluetoothctl"
        process = await asyncio.create_subprocess_exec(
            program, "--timeout", "5", *words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
        out, _ = await process.communicate()
        return out.decode(errors="replace")

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
