"""A session and a virtual wearable that speak with each other, without a radio and in made-up time.

What is written down of it is what a native app has to do on its own GATT stack, and what it gets: the steps
of the product's own sessions, and each notification with its arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.protocols.session import Offered, Read, Script, Session, Subscribe, Write
from ecgedge_bridge.simulation.engine import VirtualWearable
from ecgedge_bridge.simulation.faults import Action, Drop, End, Pause, Send

MTU = 247  # what phones agree on with nearly every wearable
CONNECT_S = 1.5  # from a lost link to the next connection, as a phone takes it
_FLIGHT_S = 0.012  # of a notification, and by how much that jitters
_JITTER_S = 0.025
Step = dict[str, Any]


class Received(NamedTuple):
    """A notification: characteristic, value, arrival on the host's clock; no uuid: a connection was made."""

    uuid: str
    data: bytes
    host_time_s: float


def offered_by(wearable: VirtualWearable) -> Offered:
    """What a virtual wearable has to offer."""
    services = wearable.services()
    found = {one.uuid: one.properties for service in services for one in service.characteristics}
    return Offered(found, frozenset(service.uuid for service in services))


class Talk:
    """One stream of a wearable, over any number of connections.

    Attributes
    ----------
    steps : list of dict
        What was done: ``subscribe``, ``read``, ``write`` and ``wait``, the latter with what came.
    """

    def __init__(self, wearable: VirtualWearable, session: Session) -> None:
        self._wearable, self._session = wearable, session
        self._offered = offered_by(wearable)
        self._now_s = self._begin_s = 100.0  # a monotonic clock begins anywhere
        self._arrived_s = 0.0
        self._chance = 1
        self.steps: list[Step] = []

    def play(self) -> Iterator[Received]:
        """Connect, start, and yield every notification until all is played; the session has got each."""
        wearable = self._wearable
        yield from self.connect()
        while True:
            if not wearable.exhausted:
                self._now_s = max(self._now_s, self._begin_s + wearable.due / wearable.fs_true)
            action = wearable.next_action()
            if action is None:
                return
            match action:
                case Send(data, uuid):
                    yield self._heard(uuid, data)
                case Pause(seconds):
                    self._now_s += seconds
                case Drop() | End():
                    yield from self._lose(action)

    def _lose(self, action: Drop | End) -> Iterator[Received]:
        """The link is lost, or the device has ended the measurement: connect again."""
        if isinstance(action, End):
            if action.report is not None:
                yield self._heard(action.report.uuid, action.report.data)
        else:
            self._now_s += action.seconds
        self._now_s += CONNECT_S
        self._wearable.disconnected()
        gone = (self._now_s - self._begin_s) * self._wearable.fs_true
        self._wearable.catch_up(int(gone))
        yield from self.connect()

    def connect(self) -> Iterator[Received]:
        """Connect, and carry the session's script out."""
        self._wearable.mtu = min(MTU, self._wearable.connected())
        yield Received("", b"", self._arrival_s())
        yield from self.carry_out(self._session.start(self._offered))

    def carry_out(self, script: Script) -> Iterator[Received]:
        """Do what a script of the session asks for; the session gets the answers at once."""
        for request in script:
            match request:
                case Subscribe(uuid, optional):
                    self._note("subscribe", uuid, optional=optional)
                    self._wearable.subscription(uuid, True, self._wearable.mtu)
                case Read(uuid, optional):
                    value = self._value(uuid)
                    self._note("read", uuid, optional=optional, got=value.hex())
                    yield self._heard(uuid, value)
                case Write(uuid, data, response):
                    self._note("write", uuid, hex=data.hex(), with_response=response)
                    yield from self._answered(self._wearable.write(uuid, data, self._wearable.mtu))
                case _:
                    if not self.steps or self.steps[-1]["do"] != "wait":
                        raise ModelError("a session waits for what does not come: report this")

    def _answered(self, answers: Iterable[Action]) -> Iterator[Received]:
        for answer in answers:
            assert isinstance(answer, Send)
            self._note("wait", answer.uuid, got=answer.data.hex())
            yield self._heard(answer.uuid, answer.data)

    def _value(self, uuid: str) -> bytes:
        services = self._wearable.services()
        return next(one.value for service in services for one in service.characteristics if one.uuid == uuid)

    def _note(self, what: str, uuid: str, **more: Any) -> None:
        self.steps.append({"do": what, "uuid": uuid, **{k: v for k, v in more.items() if v is not False}})

    def _heard(self, uuid: str, data: bytes) -> Received:
        received = Received(uuid, data, self._arrival_s())
        self._session.receive(*received)
        return received

    def _arrival_s(self) -> float:
        """A notification arrives a little after it was sent, never before the one in front of it."""
        self._chance = (self._chance * 1_103_515_245 + 12_345) % (1 << 31)
        late_s = _FLIGHT_S + _JITTER_S * (self._chance >> 16) / (1 << 15)
        self._arrived_s = max(self._arrived_s, round(self._now_s + late_s, 6))
        return self._arrived_s
