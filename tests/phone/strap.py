"""A virtual wearable of the package behind Chromium's emulated Bluetooth.

What it offers, answers and sends is the package's own (``ecgedge_bridge.simulation``); this is the air
between it and the browser, over the DevTools protocol (its domain BluetoothEmulation).

The protocol cannot simulate a notification, but it answers a read, and a read raises the same event on the
same object. So a notification is a ``readValue()`` on the page's own characteristic, called from outside: the
page cannot tell. What this leaves out is the way from a radio to that event.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any

from devtools import Page

from ecgedge_bridge.simulation.engine import VirtualCharacteristic, VirtualWearable
from ecgedge_bridge.simulation.faults import Action, Drop, End, Pause, Send

__all__ = ["Strap", "listen_in"]

_MTU = 517  # what Chrome on Android asks for
# Without a descriptor that switches notifications on, Chromium says that there are none.
_CLIENT_CONFIGURATION = "00002902-0000-1000-8000-00805f9b34fb"
_PROPERTIES = {"write-without-response": "writeWithoutResponse"}
# ATT's errors (Core specification, Vol 3, Part F, 3.4.1.1); Chromium makes all of them the same.
UNLIKELY_ERROR = 0x0E
# HCI's (Vol 1, Part F, 1.3).
CONNECTION_TIMEOUT = 0x08

_LISTEN_IN = """
window.characteristics = {};
for (const name of ["getCharacteristics", "getCharacteristic"]) {
    const real = BluetoothRemoteGATTService.prototype[name];
    BluetoothRemoteGATTService.prototype[name] = async function (...given) {
        const found = await real.apply(this, given);
        for (const each of [found].flat()) window.characteristics[each.uuid] = each;
        return found;
    };
}
"""


_READS = """(async () => {
    for (const uuid of %s) await window.characteristics[uuid].readValue();
})()"""


# As the radio does it, without the radio: the value first, then the event.
_GIVES = """(() => {
    for (const [uuid, text] of %s) {
        const each = window.characteristics[uuid];
        const value = new DataView(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
        Object.defineProperty(each, "value", {value, configurable: true});
        each.dispatchEvent(new Event("characteristicvaluechanged"));
    }
})()"""


def listen_in(page: Page) -> None:
    """Keep the page's characteristics at hand: before it is opened."""
    page.before(_LISTEN_IN)


class Strap:
    """A virtual wearable that a page can find, choose and connect to.

    Parameters
    ----------
    page : Page
        Whose characteristics are read to send; see :func:`listen_in`.
    wearable : VirtualWearable
        What it is.
    straight : bool
        Whether the page's characteristics are given what is sent, without a read: for figures of what the app
        itself takes, as a read takes the page's process longer than the app does.

    Attributes
    ----------
    told : list of (str, bytes)
        What was written to it: characteristic and value.
    sent : list of (str, bytes)
        What it notified.
    connections : int
        How often it was connected to.
    away : bool
        Whether it is out of reach.
    failing : dict of (str, str) to int
        Errors of operations: from characteristic and ``read``, ``write`` or ``subscribe-to-notifications`` to
        ATT's code.
    """

    def __init__(self, page: Page, wearable: VirtualWearable, *, straight: bool = False) -> None:
        self._straight = straight
        self._page, self._browser, self.wearable = page, page.browser, wearable
        # Chromium finds no others: it compares letters.
        self.address = wearable.address.upper()
        self.told: list[tuple[str, bytes]] = []
        self.sent: list[tuple[str, bytes]] = []
        self.connections = 0
        self.away = False
        self.failing: dict[tuple[str, str], int] = {}
        self._offered: dict[str, VirtualCharacteristic] = {}
        self._waiting: defaultdict[str, deque[bytes]] = defaultdict(deque)
        self._answers: list[Send] = []
        for event, listener in (
            ("gattOperationReceived", self._on_link),
            ("characteristicOperationReceived", self._on_operation),
        ):
            self._browser.on(f"BluetoothEmulation.{event}", listener)
        self._browser.call(
            "BluetoothEmulation.simulatePreconnectedPeripheral",
            address=self.address,
            name=wearable.name,
            manufacturerData=[],
            knownServiceUuids=list(wearable.air.advertised),
        )
        self._offer()

    def play(self, most: int | None = None, *, gaps: bool = True) -> int:
        """Send what comes next, as fast as the page takes it.

        Parameters
        ----------
        most : int, optional
            Notifications; without it all that there are.
        gaps : bool
            Whether to go on after a pause, which takes no time here.

        Returns
        -------
        int
            How many were sent; fewer than ``most`` at the end, or where the link was dropped.
        """
        sent = 0
        batch: list[Send] = []
        ended = False
        while not ended and (most is None or sent + len(batch) < most):
            action: Action | None = self.wearable.next_action() if self.wearable.running else None
            match action:
                case Send():
                    batch.append(action)
                case Pause():
                    ended = not gaps
                case Drop():
                    sent += self.send(batch)
                    batch = []
                    self.drop()
                    ended = True
                case End(report):
                    batch += [report] if report is not None else []
                    ended = True
                case None:
                    ended = True
            if len(batch) == 256:
                sent += self.send(batch)
                batch = []
        return sent + self.send(batch)

    def send(self, notifications: Iterable[Send]) -> int:
        """Notify the page, in this order; what it has not subscribed to is not sent."""
        if self._straight:
            return self._give(list(notifications))
        if uuids := self._due(notifications):
            self._page.evaluate(_READS % json.dumps(uuids), within_s=120.0)
        return len(uuids)

    def _give(self, notifications: list[Send]) -> int:
        due = [(each.uuid or self.wearable._data_uuid, each.data) for each in notifications]
        given = [(uuid, base64.b64encode(data).decode()) for uuid, data in due]
        self._page.evaluate(_GIVES % json.dumps(given))
        self.sent += due
        return len(due)

    def start_sending(self, most: int) -> None:
        """Send so many notifications while others are waited for."""
        batch = []
        while len(batch) < most and isinstance(action := self.wearable.next_action(), Send):
            batch.append(action)
        self._browser.tell(
            "Runtime.evaluate", self._page.session, expression=_READS % json.dumps(self._due(batch))
        )

    def _due(self, notifications: Iterable[Send]) -> list[str]:
        """Lay notifications ready, and return what has to be read for them."""
        data_uuid = self.wearable._data_uuid
        due = [(each.uuid or data_uuid, each.data) for each in notifications]
        for uuid, data in due:
            self._waiting[uuid].append(data)
        self.sent += due
        return [uuid for uuid, _ in due]

    def drop(self) -> None:
        """Drop the link, as one that goes out of reach."""
        self.wearable.disconnected()
        self._waiting.clear()
        self._browser.call("BluetoothEmulation.simulateGATTDisconnection", address=self.address)
        # Chromium forgets them with the link.
        self._offer()

    def answer(self) -> None:
        """Send what the wearable has to say to what was written to it."""
        while self._answers:
            due, self._answers = self._answers, []
            self.send(due)

    def _offer(self) -> None:
        self._offered.clear()
        for service in self.wearable.services():
            given = {"address": self.address, "serviceUuid": service.uuid}
            number = self._browser.call("BluetoothEmulation.addService", **given)["serviceId"]
            for each in service.characteristics:
                can = {_PROPERTIES.get(name, name): True for name in each.properties}
                added = self._browser.call(
                    "BluetoothEmulation.addCharacteristic",
                    serviceId=number,
                    characteristicUuid=each.uuid,
                    # What notifies is read here to notify.
                    properties=can | {"read": True},
                )["characteristicId"]
                self._browser.call(
                    "BluetoothEmulation.addDescriptor",
                    characteristicId=added,
                    descriptorUuid=_CLIENT_CONFIGURATION,
                )
                self._offered[added] = each

    def _on_link(self, event: dict[str, Any]) -> None:
        asked = event["params"]
        if asked["address"] != self.address:
            return
        code = CONNECTION_TIMEOUT if self.away else 0
        if asked["type"] == "connection" and not code:
            self.connections += 1
            self.wearable.connected()
        self._browser.tell(
            "BluetoothEmulation.simulateGATTOperationResponse",
            address=self.address,
            type=asked["type"],
            code=code,
        )

    def _on_operation(self, event: dict[str, Any]) -> None:
        asked = event["params"]
        offered = self._offered.get(asked["characteristicId"])
        if offered is None:  # of a link that is gone
            return
        kind, uuid = asked["type"], offered.uuid
        code = self.failing.get((uuid, kind), 0)
        data = None
        if kind == "read" and not code:
            waiting = self._waiting[uuid]
            data = waiting.popleft() if waiting else offered.value
        elif not code:
            self._take(kind, uuid, base64.b64decode(asked.get("data", "")))
        self._browser.tell(
            "BluetoothEmulation.simulateCharacteristicOperationResponse",
            characteristicId=asked["characteristicId"],
            type=kind,
            code=code,
            **({} if data is None else {"data": base64.b64encode(data).decode()}),
        )

    def _take(self, kind: str, uuid: str, data: bytes) -> None:
        if kind == "write":
            self.told.append((uuid, data))
            for action in self.wearable.write(uuid, data, _MTU):
                if isinstance(action, Send):
                    self._notify(action)
        else:
            self.wearable.subscription(uuid, kind == "subscribe-to-notifications", _MTU)

    def _notify(self, action: Send) -> None:
        """Send without waiting: inside a listener, where the page is about to get its answer."""
        uuid = action.uuid or self.wearable._data_uuid
        self._waiting[uuid].append(action.data)
        self.sent.append((uuid, action.data))
        self._browser.tell(
            "Runtime.evaluate",
            self._page.session,
            expression=f"void window.characteristics[{json.dumps(uuid)}].readValue().catch(() => {{}})",
        )
