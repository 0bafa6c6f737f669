"""Gateways of a fleet, with when each event came, and what the broker says of itself."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.children.fleet import connected
from benchmarks.questions.gateway.running import Gateway
from benchmarks.questions.sinks.receivers import Broker, free_port


class Lines:
    """Everything that a gateway's ``tcp:`` says, with when it came; read by a thread that does no more."""

    def __init__(self, port: int) -> None:
        self._reader = socket.create_connection(("127.0.0.1", port), 10)
        self._reader.settimeout(None)
        self.came: list[tuple[float, bytes]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        rest = b""
        with suppress(OSError):
            while some := self._reader.recv(1 << 20):
                now_s = time.monotonic()
                *lines, rest = (rest + some).split(b"\n")
                self.came += [(now_s, line) for line in lines]

    def close(self) -> None:
        """Read no more."""
        with suppress(OSError):
            self._reader.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._reader.close()


class Told(Gateway):
    """A gateway whose events are read as they come."""

    def __init__(self, folder: Path, broker: int, topic: str, *, records: bool) -> None:
        folder.mkdir()
        tcp = free_port()
        record = f'record = "{folder}/{{device}}.db"' if records else ""
        super().__init__(folder, broker, topic, send=f"tcp:{tcp}", record=record)
        self.lines = Lines(tcp)

    def end(self) -> None:
        """Have it write what is left, and end."""
        self.lines.close()
        super().end()


def told(broker: Broker, topics: Iterable[str]) -> dict[str, float]:
    """What mosquitto says of itself below ``$SYS/broker``; its settings have it do so each second."""
    wanted, came = set(topics), dict[str, float]()
    client = connected(broker.port)

    def keep(_client: Any, _data: Any, message: Any) -> None:
        came[message.topic.removeprefix("$SYS/broker/")] = float(message.payload)

    client.on_message = keep
    for topic in wanted:
        client.subscribe(f"$SYS/broker/{topic}")
    end_s = time.monotonic() + 5.0
    while time.monotonic() < end_s and came.keys() < wanted:
        client.loop(0.1)
    client.disconnect()
    return {topic: came.get(topic, 0.0) for topic in wanted}
