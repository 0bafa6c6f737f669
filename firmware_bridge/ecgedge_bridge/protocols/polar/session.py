"""The session of a Polar device: ECG and acceleration over Polar Measurement Data (PMD)."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable

from ecgedge_bridge.codes import LinkCode, NoteCode
from ecgedge_bridge.errors import FrameError, LinkError
from ecgedge_bridge.protocols.polar.control import (
    ECG_FS,
    GET_ECG_SETTINGS,
    PMD_CONTROL,
    PMD_DATA,
    START_ECG,
    STOP_ACC,
    STOP_ECG,
    TYPE_MASK,
    ControlReply,
    Measurement,
    MeasurementStopped,
    Op,
    Status,
    parse_control,
    parse_settings,
    start_acc,
    status_text,
)
from ecgedge_bridge.protocols.polar.decoder import PolarAccDecoder, PolarEcgDecoder
from ecgedge_bridge.protocols.session import (
    Decoder,
    Offered,
    Request,
    Script,
    Session,
    Subscribe,
    Wait,
    Write,
    require,
)

_Dialogue = Generator[Request, None, ControlReply]

# What the wearer can do about a refusal; statuses that only a wrong program can cause are not here.
_ADVICE: dict[int, str] = {
    Status.INVALID_MTU: "let the Bluetooth stack exchange an MTU of 232 or more (BlueZ 5.48 or newer does)",
    Status.NOT_SUPPORTED: "use a device that measures ECG, such as the Polar H10 or H9",
    Status.INVALID_TYPE: "use a device that measures ECG, such as the Polar H10 or H9",
    Status.INVALID_STATE: "wet the electrodes and put the strap on",
    Status.IN_CHARGER: "take the device out of its charger and put it on",
    Status.ALREADY_IN_STATE: (
        "end the other program or phone app that uses the strap; "
        "if it stays so, take the strap's battery out for a moment"
    ),
}
_OTHER_ADVICE = "update the device's firmware, or report this status with its firmware version"


class PolarSession(Session):
    """The ECG measurement of a Polar device, with acceleration if asked for.

    Parameters
    ----------
    device : str
        Name that the values carry.
    fs : float
        Nominal sampling rate of the ECG in Hz.
    extras : iterable of {"heart_rate", "battery", "acc", "information"}
        What to subscribe to besides.

    Examples
    --------
    >>> from ecgedge_bridge.protocols.session import Offered
    >>> session = PolarSession()
    >>> notify = {PMD_CONTROL: ["write", "indicate"], PMD_DATA: ["notify"]}
    >>> script = session.start(Offered(notify))
    >>> [type(next(script)).__name__ for _ in range(3)], next(script)
    (['Subscribe', 'Subscribe', 'Write'], Wait())
    >>> session.receive(PMD_CONTROL, bytes.fromhex("f001000000 00018200 01010e00"), host_time_s=0.0)
    False
    >>> next(script).data == START_ECG
    True
    """

    def __init__(self, device: str = "", fs: float = ECG_FS, extras: Iterable[str] = ()) -> None:
        ecg, self._acc = PolarEcgDecoder(device, fs), PolarAccDecoder(device)
        super().__init__(ecg, device, extras)
        # Replies to the command that waits for one: nothing is kept of what nobody has asked for.
        self._replies: deque[ControlReply] = deque()
        self._asked = b""
        self._running: list[bytes] = []
        self._to_ecg, self._to_acc = self._to(ecg, main=True), self._to(self._acc)
        self._routes |= {PMD_CONTROL: self._on_control, PMD_DATA: self._on_data}

    def _streams(self) -> list[Decoder]:
        return [*super()._streams(), self._acc]

    def _start(self, offered: Offered) -> Script:
        require(offered, PMD_CONTROL, "write")
        require(offered, PMD_DATA, "notify")
        self._running = []
        # Both before any command, or nothing answers.
        yield Subscribe(PMD_CONTROL)
        yield Subscribe(PMD_DATA)
        # The ECG last: with its first frame the setting up is over.
        if "acc" in self._extras:
            reply = yield from self._begin(start_acc(), STOP_ACC)
            if reply.status != Status.OK:
                what = f"no acceleration: {status_text(reply.status)}; streaming without it"
                self._note(NoteCode.NOT_STARTED, what)
        reply = yield from self._command(GET_ECG_SETTINGS)
        _accept(reply, "to list its ECG settings")
        parse_settings(reply.params)
        _accept((yield from self._begin(START_ECG, STOP_ECG)), "to start the ECG")

    def _begin(self, start: bytes, stop: bytes) -> _Dialogue:
        """Start a measurement and return the last reply."""
        # From here on a start may have reached the strap, whatever becomes of the reply.
        self._running.append(stop)
        reply = yield from self._command(start)
        if reply.status == Status.ALREADY_IN_STATE:
            # A stream left over from a program that died: its settings are unknown, so begin again.
            yield from self._command(stop)
            reply = yield from self._command(start)
        return reply

    def stop(self) -> Script:
        """Stop what may be running: a stream left on empties the strap's battery."""
        while self._running:
            reply = yield from self._command(self._running.pop())
            if reply.status not in (Status.OK, Status.ALREADY_IN_STATE):
                self.not_stopped(f"refused: {status_text(reply.status)}")

    def _command(self, data: bytes) -> _Dialogue:
        """Send a command and collect its reply, which may come in several parts."""
        self._replies.clear()
        self._asked = data[:2]
        yield Write(PMD_CONTROL, data)
        params, more = b"", True
        while more:
            while not self._replies:
                yield Wait()
            reply = self._replies.popleft()
            params, more = params + reply.params, reply.more
        self._asked = b""
        return ControlReply(reply.op, reply.measurement, reply.status, False, params)

    def _on_control(self, data: bytes, _host_time_s: float) -> bool:
        try:
            message = parse_control(data)
        except FrameError:
            # Other programs' traffic: BlueZ also delivers values that somebody read as notifications.
            return False
        if isinstance(message, ControlReply):
            if data[1:3] == self._asked:
                self._replies.append(message)
        elif isinstance(message, MeasurementStopped) and Measurement.ECG in message.measurements:
            self._running = [stop for stop in self._running if stop != STOP_ECG]
            self.ended = True
        return False

    def _on_data(self, data: bytes, host_time_s: float) -> bool:
        is_acc = len(data) > 0 and data[0] & TYPE_MASK == Measurement.ACC
        return (self._to_acc if is_acc else self._to_ecg)(data, host_time_s)


def _accept(reply: ControlReply, what: str) -> None:
    if reply.status == Status.OK:
        return
    name = Op(reply.op).name.lower()
    advice = _ADVICE.get(reply.status, _OTHER_ADVICE)
    code = LinkCode.MTU if reply.status == Status.INVALID_MTU else LinkCode.REFUSED
    raise LinkError(f"the device refused {what} ({name}: {status_text(reply.status)}): {advice}", code)
