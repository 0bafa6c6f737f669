"""A virtual Polar H10: ECG and acceleration over PMD, heart rate and battery beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.polar.control import (
    ACC_BITS,
    ACC_FS,
    ACC_RANGE_G,
    ECG_BITS,
    ECG_FS,
    GET_STATUS,
    PMD_CONTROL,
    PMD_DATA,
    PMD_SERVICE,
    ControlReply,
    Measurement,
    Op,
    Setting,
    Status,
    encode_features,
    encode_reply,
    encode_running,
    encode_settings,
    encode_stopped,
    parse_settings,
)
from ecgedge_bridge.protocols.polar.frames import (
    FRAME_SAMPLES,
    MTU_NEEDED,
    encode_acc_frame,
    encode_ecg_frame,
)
from ecgedge_bridge.protocols.standard.heart_rate import HEART_RATE_SERVICE
from ecgedge_bridge.simulation.engine import (
    Air,
    VirtualCharacteristic,
    VirtualService,
    VirtualWearable,
    battery_service,
    heart_rate_service,
)
from ecgedge_bridge.simulation.faults import Fault, Ledger, Send
from ecgedge_bridge.simulation.tape import Side, Signal, whole_microvolt

FEATURES = encode_features((Measurement.ECG, Measurement.ACC))
OFFERED: dict[Measurement, dict[Setting, tuple[float, ...]]] = {
    Measurement.ECG: {Setting.SAMPLE_RATE: (int(ECG_FS),), Setting.RESOLUTION: (ECG_BITS,)},
    Measurement.ACC: {
        Setting.SAMPLE_RATE: (25, 50, 100, int(ACC_FS)),
        Setting.RESOLUTION: (ACC_BITS,),
        Setting.RANGE: (2, 4, ACC_RANGE_G),
    },
}
START_NS = 599_616_000 * 10**9
"""2019-01-01 in nanoseconds since 2000-01-01: where the clock of an H10 starts that was never set."""

_REFUSALS = {
    Setting.SAMPLE_RATE: Status.INVALID_SAMPLE_RATE,
    Setting.RESOLUTION: Status.INVALID_RESOLUTION,
    Setting.RANGE: Status.INVALID_RANGE,
    Setting.RANGE_MILLI: Status.INVALID_RANGE,
    Setting.CHANNELS: Status.INVALID_CHANNELS,
    Setting.FACTOR: Status.INVALID_PARAMETER,
}
_UNKNOWN_FRAME_TYPE = 0x55
_ACC_FRAME = 36
"""Samples in a frame of acceleration: 10 + 6 * 36 = 226 bytes."""


class VirtualH10(VirtualWearable):
    """A Polar H10 that plays ECG.

    Parameters
    ----------
    samples_mv : ndarray of float, shape (n,), or iterator
        The ECG in mV; an iterator may give numbers or arrays, and may be endless.
    fs : float
        Nominal rate in Hz: turns the seconds of faults into samples.
    speed : float
        How many times faster than real time; ``math.inf`` for as fast as it goes.
    name, address : str
        What it advertises.
    start_ns : int
        Device clock at sample 0, in nanoseconds since 2000-01-01.
    fs_true : float, optional
        Rate of the device's own clock in Hz; the same as ``fs`` by default. A real strap is off by up to 2 %.
    faults : iterable of Fault
        What goes wrong, and where.
    battery : int
        Battery level in percent.
    bpm : float
        Heart rate that it sends once a second to whoever has subscribed to it.
    already_running : bool
        Whether a stream of an earlier program still runs: start is refused with status 6 until a stop.
    needs_pairing : bool
        Whether it refuses commands until it is paired, as newer firmware does.

    Attributes
    ----------
    ledger, finished, commands, running
        See :class:`VirtualWearable`.
    acc_ledger : Ledger
        The same for the acceleration, from the first frame that was sent.

    Examples
    --------
    >>> import numpy as np
    >>> strap = VirtualH10(np.zeros(100))
    >>> strap.command(bytes.fromhex("0200000182000101 0e00"), mtu=247).hex()
    'f002000000'
    >>> [len(strap.next_action().data) for _ in range(2)], strap.next_action(), strap.ledger.sent
    ([229, 91], None, 100)
    """

    def __init__(
        self,
        samples_mv: npt.ArrayLike | Iterable[npt.ArrayLike],
        fs: float = ECG_FS,
        speed: float = 1.0,
        name: str = "Polar H10 0A1B2C3D",
        start_ns: int = START_NS,
        *,
        fs_true: float | None = None,
        faults: Iterable[Fault] = (),
        address: str = "F0:F1:F2:0A:1B:2C",
        battery: int = 87,
        bpm: float = 60.0,
        already_running: bool = False,
        needs_pairing: bool = False,
    ) -> None:
        air = Air(name, address, (HEART_RATE_SERVICE,), needs_pairing)
        super().__init__(
            samples_mv,
            air,
            PMD_DATA,
            fs=fs,
            frame_samples=FRAME_SAMPLES,
            speed=speed,
            fs_true=fs_true,
            faults=faults,
        )
        self.start_ns, self.battery = start_ns, battery
        self._left_over = already_running
        self._acc_on = False
        self._add_heart_rate(bpm)
        self._acc = Side(_ACC_FRAME / ACC_FS * fs, _ACC_FRAME, self._acc_frame)
        self._sides.append(self._acc)

    @property
    def acc_ledger(self) -> Ledger:
        """What was sent and lost of the acceleration."""
        return self._acc.ledger

    def services(self) -> Sequence[VirtualService]:
        """Return what an H10 offers."""
        control = VirtualCharacteristic(PMD_CONTROL, ("read", "write", "indicate"), FEATURES)
        data = VirtualCharacteristic(PMD_DATA, ("notify",))
        return (
            VirtualService(PMD_SERVICE, (control, data)),
            heart_rate_service(),
            battery_service(self.battery),
        )

    def disconnected(self) -> None:
        """Note that the connection is gone."""
        super().disconnected()
        self._acc_on = False

    def command(self, data: bytes, mtu: int) -> bytes:
        """Carry out a command of the control point and return the reply that is to be indicated.

        Parameters
        ----------
        data : bytes
            What was written to the control point.
        mtu : int
            ATT MTU of the connection.
        """
        op, kind = (*data[:2], 0, 0)[:2]
        status, params = self._carry_out(data, mtu)
        return encode_reply(ControlReply(op, kind, status, False, params))

    def _on_subscription(self) -> None:
        """Nothing starts by itself: PMD has commands for that."""

    def _starts(self, data: bytes) -> bool:
        return data[:2] == bytes((Op.START, Measurement.ECG))

    def _on_write(self, uuid: str, data: bytes, mtu: int) -> Sequence[Send]:
        # As the real one: no answer before both characteristics are subscribed to.
        if not {PMD_CONTROL, PMD_DATA} <= self._subscribed:
            return ()
        return (self._reply(self.command(data, mtu)),)

    def _refuse(self, data: bytes, code: int) -> Sequence[Send]:
        return (self._reply(encode_reply(ControlReply(data[0], data[1], code))),)

    def _reply(self, data: bytes) -> Send:
        return Send(data, PMD_CONTROL, indicate=True)

    def _ended(self) -> Send:
        return self._reply(encode_stopped((Measurement.ECG,)))

    def _carry_out(self, data: bytes, mtu: int) -> tuple[Status, bytes]:
        if data == GET_STATUS:
            return Status.OK, encode_running(OFFERED, [one for one in OFFERED if self._is_on(one)])
        if len(data) < 2:
            return Status.INVALID_LENGTH, b""
        op, kind = data[:2]
        if op not in tuple(Op):
            return Status.INVALID_OP, b""
        if kind not in tuple(Measurement):
            return Status.INVALID_TYPE, b""
        if kind not in OFFERED or op == Op.STATUS:
            return Status.NOT_SUPPORTED, b""
        measurement = Measurement(kind)
        if op == Op.SETTINGS:
            return Status.OK, encode_settings(OFFERED[measurement])
        if op == Op.STOP:
            return self._stop(measurement), b""
        return self._start(measurement, data[2:], mtu), b""

    def _start(self, measurement: Measurement, params: bytes, mtu: int) -> Status:
        if self._is_on(measurement):
            return Status.ALREADY_IN_STATE
        try:
            wanted = parse_settings(params)
        except FrameError:
            return Status.INVALID_PARAMETER
        offered = OFFERED[measurement]
        for setting, values in wanted.items():
            if len(values) != 1 or values[0] not in offered.get(setting, ()):
                return _REFUSALS[setting]
        if set(wanted) != set(offered):
            return Status.INVALID_PARAMETER
        if mtu < MTU_NEEDED:
            return Status.INVALID_MTU
        self._switch(measurement, True)
        return Status.OK

    def _stop(self, measurement: Measurement) -> Status:
        was_on = self._is_on(measurement)
        self._switch(measurement, False)
        return Status.OK if was_on else Status.ALREADY_IN_STATE

    def _is_on(self, measurement: Measurement) -> bool:
        return self.running or self._left_over if measurement == Measurement.ECG else self._acc_on

    def _switch(self, measurement: Measurement, on: bool) -> None:
        if measurement == Measurement.ECG:
            self.running, self._left_over = on, False
        else:
            self._acc_on = on

    def _damage(self, data: bytes) -> bytes:
        return data[:9] + bytes((_UNKNOWN_FRAME_TYPE,)) + data[10:]

    def _encode(self, samples: Signal) -> list[bytes]:
        return [encode_ecg_frame(self._stamp_ns(self.ledger.played - 1), whole_microvolt(samples))]

    def _stamp_ns(self, last: float) -> int:
        """Return the stamp of a frame: that of its last sample."""
        return self.start_ns + round(self._clock_s(last) * 1e9)

    def _acc_frame(self, last: int) -> Send | None:
        if not self._acc_on:
            return None
        milli_g = virtual_milli_g(np.arange(last + 1 - _ACC_FRAME, last + 1))
        stamp = self._stamp_ns(last / ACC_FS * self.fs)
        return Send(encode_acc_frame(stamp, milli_g), PMD_DATA)


def virtual_milli_g(index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the acceleration that a virtual H10 measures at samples ``index``, in thousandths of g.

    Parameters
    ----------
    index : ndarray of int, shape (n,)
        Places in the stream of acceleration (200 Hz).

    Returns
    -------
    ndarray of int, shape (n, 3)
        x and y hold the index, modulo 1000 and in thousands; z is 1 g.

    Examples
    --------
    >>> virtual_milli_g(np.array([2007])).tolist()
    [[7, 2, 1000]]
    """
    return np.stack([index % 1000, index // 1000 % 1000, np.full(len(index), 1000)], axis=1)
