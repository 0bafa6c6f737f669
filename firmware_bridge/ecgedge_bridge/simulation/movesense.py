"""Virtual Movesense sensors: GATT SensorData, and both generations of the free firmware."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.protocols.movesense.firmware import (
    ACTIVITY_SERVICE,
    DEFAULT_FS,
    INTERVAL_FS,
    V08,
    Layout,
    encode_packet,
)
from ecgedge_bridge.protocols.movesense.sensor_data import (
    ECG_REFERENCE,
    LSB_MV,
    PACKET_SAMPLES,
    SENSOR_DATA_NOTIFY,
    SENSOR_DATA_SERVICE,
    SENSOR_DATA_WRITE,
    STATUS_OK,
    Reply,
    ecg_path,
    encode_ecg_packet,
    encode_reply,
    encode_subscribe,
    encode_unsubscribe,
)
from ecgedge_bridge.simulation.engine import (
    Air,
    VirtualCharacteristic,
    VirtualService,
    VirtualWearable,
    battery_service,
    heart_rate_service,
)
from ecgedge_bridge.simulation.faults import Send
from ecgedge_bridge.simulation.tape import Signal

_SUBSCRIBE = encode_subscribe(ECG_REFERENCE, "")[0]
_UNSUBSCRIBE = encode_unsubscribe(ECG_REFERENCE)[0]
# As in HTTP, as all of the sensor's statuses.
_NOT_FOUND = 404


class VirtualMovesense(VirtualWearable):
    """A Movesense sensor with the GATT SensorData service that plays ECG.

    Parameters
    ----------
    samples_mv : ndarray of float, shape (n,), or iterator
        The ECG in mV, at ``fs``.
    fs : float
        Rate in Hz; only the path of that rate is offered.
    name, address : str
        What it advertises.
    battery : int
        Battery level in percent.
    bpm : float
        Heart rate that it sends once a second to whoever has subscribed to it.
    start_ms : int
        Its clock at sample 0; it wraps at 2**32 ms.
    **options
        ``speed``, ``fs_true`` and ``faults``, as for :class:`VirtualWearable`.

    Examples
    --------
    >>> import numpy as np
    >>> sensor = VirtualMovesense(np.zeros(16), fs=200)
    >>> sensor.write(SENSOR_DATA_WRITE, encode_subscribe(1, "/Meas/ECG/200"), mtu=247)[0].data.hex()
    '0101c800'
    >>> len(sensor.next_action().data)
    70
    """

    def __init__(
        self,
        samples_mv: npt.ArrayLike | Iterable[npt.ArrayLike],
        fs: float = 128.0,
        *,
        name: str = "Movesense 221130000123",
        address: str = "F0:F1:F2:0A:1B:3C",
        battery: int = 87,
        bpm: float = 60.0,
        start_ms: int = 0,
        **options: Any,
    ) -> None:
        air = Air(name, address, (SENSOR_DATA_SERVICE,))
        super().__init__(samples_mv, air, SENSOR_DATA_NOTIFY, fs=fs, frame_samples=PACKET_SAMPLES, **options)
        self._path = ecg_path(int(fs))
        self._reference = ECG_REFERENCE
        self._start_ms = start_ms
        self._battery = battery
        self._add_heart_rate(bpm)

    def services(self) -> Sequence[VirtualService]:
        """Return what it offers."""
        data = VirtualCharacteristic(SENSOR_DATA_NOTIFY, ("notify",))
        command = VirtualCharacteristic(SENSOR_DATA_WRITE, ("write",))
        return (
            VirtualService(SENSOR_DATA_SERVICE, (command, data)),
            heart_rate_service(),
            battery_service(self._battery),
        )

    def _on_subscription(self) -> None:
        """Nothing starts by itself: there are commands for that."""

    def _starts(self, data: bytes) -> bool:
        return data[:1] == bytes((_SUBSCRIBE,))

    def _on_write(self, uuid: str, data: bytes, mtu: int) -> Sequence[Send]:
        self.mtu = mtu
        if len(data) < 2:
            return ()
        if data[0] == _UNSUBSCRIBE:
            self.running = self.running and data[1] != self._reference
            return ()
        found = data[2:].rstrip(b"\0").decode("ascii", "replace") == self._path
        if found:
            self.running, self._reference = True, data[1]
        return self._refuse(data, STATUS_OK if found else _NOT_FOUND)

    def _refuse(self, data: bytes, code: int) -> Sequence[Send]:
        return (Send(encode_reply(Reply(data[1], code)), SENSOR_DATA_NOTIFY),)

    def _encode(self, samples: Signal) -> list[bytes]:
        first = self.ledger.played - len(samples)
        time_ms = self._start_ms + round(self._clock_s(first) * 1000)
        return encode_ecg_packet(
            time_ms, np.rint(samples / LSB_MV).astype(np.int64), reference=self._reference, mtu=self.mtu
        )

    def _damage(self, data: bytes) -> bytes:
        return data[:1] + bytes((data[1] ^ 0xFF,)) + data[2:]


class VirtualMovesenseFirmware(VirtualWearable):
    """A Movesense sensor with the free movesense-ble-ecg-firmware that plays ECG.

    Parameters
    ----------
    samples_mv : ndarray of float, shape (n,), or iterator
        The ECG in mV, at ``fs``; what does not fit 16 bits of the front end (12.5 mV) is clipped.
    fs : float
        Rate in Hz, one that the firmware offers.
    layout : Layout
        Generation of the firmware.
    name, address : str
        What it advertises.
    **options
        ``speed``, ``fs_true`` and ``faults``, as for :class:`VirtualWearable`.

    Raises
    ------
    ConfigError
        If the firmware does not offer that rate.
    """

    def __init__(
        self,
        samples_mv: npt.ArrayLike | Iterable[npt.ArrayLike],
        fs: float = DEFAULT_FS,
        layout: Layout = V08,
        *,
        name: str = "Movesense ECG 123",
        address: str = "F0:F1:F2:0A:1B:4C",
        **options: Any,
    ) -> None:
        intervals = [interval for interval, rate in INTERVAL_FS.items() if rate == fs]
        if not intervals:
            rates = ", ".join(f"{rate:g}" for rate in INTERVAL_FS.values())
            raise ConfigError(f"the firmware has no rate of {fs:g} Hz: use one of {rates}")
        air = Air(name, address, (ACTIVITY_SERVICE,))
        super().__init__(
            samples_mv, air, layout.characteristic, fs=fs, frame_samples=PACKET_SAMPLES, **options
        )
        self._layout = layout
        self._interval = bytes((intervals[0], 0))

    def services(self) -> Sequence[VirtualService]:
        """Return what it offers."""
        data = VirtualCharacteristic(self._layout.characteristic, ("notify",))
        interval = VirtualCharacteristic(self._layout.interval, ("read", "write"), self._interval)
        return (VirtualService(ACTIVITY_SERVICE, (data, interval)),)

    def _encode(self, samples: Signal) -> list[bytes]:
        place = self.ledger.played - (1 if self._layout.of_last else len(samples))
        stamp = round(self._clock_s(place) * 1e9 / self._layout.unit_ns)
        return [encode_packet(self._layout, stamp, samples)]
