"""A browser with Bluetooth and one chosen device: Web Bluetooth on a virtual wearable, without a browser.

What Chromium does is done here: one GATT operation at a time, names and words of its errors, a connection
that ends while something is asked, notifications of what is subscribed to alone, a device out of reach.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from ecgedge_bridge.link.web_radio import WebError
from ecgedge_bridge.simulation.engine import VirtualWearable
from ecgedge_bridge.simulation.faults import Action, Drop, End, Pause, Send
from ecgedge_bridge.simulation.on_air import _Pace

_GONE = "GATT Server is disconnected. Cannot perform GATT operations. (Re)connect first."
# A connection interval, and how long Chromium tries to connect.
_TURN_S, _TRIES_S = 0.03, 4.0


class VirtualBrowser:
    """What a page can do with the device that was chosen.

    Attributes
    ----------
    asked : list of tuple
        Everything that was asked for: what, and the UUID.
    refuses : dict of str to WebError
        What is refused from now on, by what is asked.
    notified, disconnected : callable
        Whom to tell.
    """

    def __init__(self, wearable: VirtualWearable, *, mtu: int = 247) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refuses: dict[str, WebError] = {}
        self.notified: Callable[[str, bytes], None] = lambda uuid, data: None
        self.disconnected: Callable[[], None] = lambda: None
        self.connected = False
        self._wearable, self._most_mtu, self._mtu = wearable, mtu, mtu
        self._pace = _Pace(wearable)
        self._player: asyncio.Task[None] | None = None
        self._subscribed: set[str] = set()
        self._turn: asyncio.Lock | None = None
        self._back_s = 0.0

    async def ask(self, do: str, **what: Any) -> Any:
        """Do something with the device, as a page does."""
        self.asked.append((do, what.get("uuid", "")))
        if do == "disconnect":
            await asyncio.sleep(0)
            return self._drop(0.0)
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            await asyncio.sleep(_TURN_S)
            if do in self.refuses:
                raise self.refuses[do]
            if do == "connect":
                return await self._connect()
            if not self.connected:
                raise WebError("NetworkError", _GONE)
            return getattr(self, f"_{do}")(**what)

    async def _connect(self) -> list[dict[str, Any]]:
        if (away_s := self._back_s - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(away_s, _TRIES_S))
            if away_s > _TRIES_S:
                raise WebError("NetworkError", "Connection Error: Connection attempt failed.")
        self.connected = True
        self._mtu = min(self._most_mtu, self._wearable.connected())
        return [
            {
                "uuid": service.uuid,
                "characteristics": [
                    {"uuid": one.uuid, "properties": list(one.properties)} for one in service.characteristics
                ],
            }
            for service in self._wearable.services()
        ]

    def _subscribe(self, uuid: str) -> None:
        if not self._can(uuid, "notify", "indicate"):
            raise WebError("NotSupportedError", "GATT Error: Not supported.")
        self._subscribed.add(uuid)
        self._wearable.subscription(uuid, True, self._mtu)
        self._follow()

    def _unsubscribe(self, uuid: str) -> None:
        self._subscribed.discard(uuid)
        self._wearable.subscription(uuid, False, self._mtu)
        self._follow()

    def _read(self, uuid: str) -> bytes:
        if not self._can(uuid, "read"):
            raise WebError("NotSupportedError", "GATT operation not permitted.")
        services = self._wearable.services()
        return next(one.value for service in services for one in service.characteristics if one.uuid == uuid)

    def _write(self, uuid: str, data: bytes, response: bool) -> None:
        if self._wearable.air.needs_pairing:
            raise WebError("SecurityError", "GATT operation not authorized.")
        if not self._can(uuid, "write" if response else "write-without-response"):
            raise WebError("NotSupportedError", "GATT operation not permitted.")
        for answer in self._wearable.write(uuid, data, self._mtu):
            self._act_now(answer)
        self._follow()

    def _can(self, uuid: str, *properties: str) -> bool:
        offered = (one for service in self._wearable.services() for one in service.characteristics)
        found = next((one.properties for one in offered if one.uuid == uuid), None)
        if found is None:
            raise WebError("NotFoundError", f"No Characteristics matching UUID {uuid} found.")
        return not set(properties).isdisjoint(found)

    def _follow(self) -> None:
        """Play if the stream is to run now."""
        playing = self._player is not None and not self._player.done()
        if self._wearable.running and not playing and not self._wearable.finished.is_set():
            self._player = asyncio.get_running_loop().create_task(self._play())
        elif not self._wearable.running and self._player is not None:
            self._player.cancel()

    async def _play(self) -> None:
        wearable, pace = self._wearable, self._pace
        pace.begin()
        while True:
            if not wearable.exhausted:
                await pace.wait()
            action = wearable.next_action()
            if action is None:
                wearable.finished.set()
                return
            if isinstance(action, Pause):
                await asyncio.sleep(action.seconds / wearable.speed)
                if not action.late:
                    pace.restart()
            else:
                self._act_now(action)
            if isinstance(action, Drop | End):
                return

    def _act_now(self, action: Action) -> None:
        match action:
            case Send(data, uuid):
                self._pass_on([(uuid, data)])
            case End(report):
                self._pass_on([(report.uuid, report.data)] if report is not None else [])
            case Drop(seconds):
                self._drop(seconds / self._wearable.speed)

    def _pass_on(self, notifications: Sequence[tuple[str, bytes]]) -> None:
        """Notify the page, which passes it on in a turn of its own."""
        loop = asyncio.get_running_loop()
        for uuid, data in notifications:
            if self.connected and uuid in self._subscribed:
                loop.call_soon(lambda uuid=uuid, data=data: self.notified(uuid, data))

    def _drop(self, away_s: float) -> None:
        """The connection is gone, and the device out of reach for a while."""
        self._back_s = max(self._back_s, asyncio.get_running_loop().time() + away_s)
        if not self.connected:
            return
        self.connected = False
        self._subscribed.clear()
        if self._player is not None and self._player is not asyncio.current_task():
            self._player.cancel()
        self._wearable.disconnected()
        asyncio.get_running_loop().call_soon(lambda: self.disconnected())
