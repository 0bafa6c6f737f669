"""A fleet of H10-like straps at real rates, made cheaply by one process: for a gateway they are as real ones.

The straps are those of ``ward.py``, with frames of a few signals. Fifty share a connection to the broker.
Their starts are spread over ten seconds, so that their frames and windows are too.
"""

from __future__ import annotations

import heapq
import json
import sys
import time
from queue import SimpleQueue
from typing import Any

from benchmarks.children.ward import Strap
from benchmarks.harness.figures import quantiles_ms
from benchmarks.harness.signals import FRAME, FS, notifications, real_or_made
from ecgedge_bridge.forwarding.packets import parse_taken

A_CONNECTION = 50
STEP_S = FRAME / FS
SPREAD_S = 10.0
"""Over which straps begin: a gateway judges a window of rhythm of each every ten seconds."""
SIGNALS = 8
_END_S = 10.0  # for the gateway to take the last of it


def signals(frames: int) -> list[list[bytes]]:
    """Frames of a few signals: pieces of one, each a minute later."""
    _, mv = real_or_made(60.0 * SIGNALS + frames * STEP_S)
    begun = [round(60.0 * FS * k) for k in range(SIGNALS)]
    return [list(notifications(mv[at : at + frames * FRAME])) for at in begun]


def due_s(number: int, frame: int, n: int) -> float:
    """When a frame of a strap is due, in seconds after the first strap began."""
    return SPREAD_S * number / n + STEP_S * (frame + 1)


def connected(port: int) -> Any:
    """Return a client of a broker of this machine, of MQTT 5; its loop is not started."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.connect("127.0.0.1", port)
    return client


class Fleet:
    """All straps.

    Parameters
    ----------
    port : int
        Of the broker.
    topics : list of str
        One for each gateway; straps are dealt out in turn.
    n : int
        Straps.
    frames : int
        Of each.
    """

    def __init__(self, port: int, topics: list[str], n: int, frames: int) -> None:
        every = signals(frames)
        self.straps = [Strap(k, every[k % SIGNALS], frames) for k in range(n)]
        self._by_stream = {one.outflow.stream: one for one in self.straps}
        self._topics = [f"{topics[k % len(topics)]}/node{k // A_CONNECTION}/{{}}" for k in range(n)]
        self._said: SimpleQueue[bytes] = SimpleQueue()
        self.lag_s: list[float] = []
        self._clients = [self._connected(port, at) for at in range(0, n, A_CONNECTION)]

    def _connected(self, port: int, first: int) -> Any:
        client = connected(port)
        client.on_message = lambda _client, _data, message: self._said.put(bytes(message.payload))
        client.loop_start()
        for topic in {one.format("taken") for one in self._topics[first : first + A_CONNECTION]}:
            client.subscribe(topic)
        return client

    def introduce(self) -> None:
        """Tell the gateways of each."""
        for number, strap in enumerate(self.straps):
            about = strap.outflow.description()
            assert about is not None
            self._publish(number, "about", about.encode(), retain=True)

    def stream(self) -> float:
        """Send every frame when it is due; return when the first strap began, on the monotonic clock."""
        begun_s, n = time.monotonic(), len(self.straps)
        due = [(due_s(number, 0, n), number, 0) for number in range(n)]
        while due:
            at_s, number, frame = due[0]
            late_s = time.monotonic() - begun_s - at_s
            if late_s < 0:
                time.sleep(-late_s)
            self.lag_s.append(max(0.0, late_s))
            strap = self.straps[number]
            strap.pack(at_s)
            for packet in strap.unsent():
                self._publish(number, "data", packet)
            if strap.over:
                heapq.heappop(due)
            else:
                heapq.heapreplace(due, (due_s(number, frame + 1, n), number, frame + 1))
            self._hear()
        self._end()
        return begun_s

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()

    def _publish(self, number: int, what: str, data: bytes, *, retain: bool = False) -> None:
        topic = self._topics[number].format(f"{self.straps[number].key}/{what}")
        self._clients[number // A_CONNECTION].publish(topic, data, qos=1, retain=retain)

    def _hear(self) -> None:
        while not self._said.empty():
            for stream, number in parse_taken(self._said.get()):
                if (strap := self._by_stream.get(stream)) is not None:
                    strap.taken(stream, number)

    def _end(self) -> None:
        """Give the gateways a little time for the last of it."""
        end_s = time.monotonic() + _END_S
        while self.not_taken and time.monotonic() < end_s:
            time.sleep(0.2)
            self._hear()

    @property
    def not_taken(self) -> int:
        """Packets that no gateway said to have."""
        return sum(len(strap.outflow) for strap in self.straps)


def main(port: str, topics: str, n: str, frames: str) -> dict[str, Any]:
    """Be a fleet: introduce it, wait for a line, stream, and say what became of it."""
    fleet = Fleet(int(port), topics.split(","), int(n), int(frames))
    fleet.introduce()
    print("ready", flush=True)
    sys.stdin.readline()
    cpu_s, wall_s = time.process_time(), time.monotonic()
    begun_s = fleet.stream()
    took_s = time.monotonic() - wall_s
    fleet.close()
    straps = fleet.straps
    return {
        "begun_s": begun_s,
        "share_of_a_core": (time.process_time() - cpu_s) / took_s,
        "lag_ms": quantiles_ms(fleet.lag_s),
        "packets": sum(strap.outflow.packets for strap in straps),
        "not_taken": fleet.not_taken,
        "times_sent_again": sum(strap.again for strap in straps),
        "dropped": sum(strap.outflow.dropped + strap.outflow.untaken for strap in straps),
        "samples": sum(strap.samples for strap in straps),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])), flush=True)
