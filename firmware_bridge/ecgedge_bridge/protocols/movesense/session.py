"""The sessions of Movesense sensors, with the maker's GATT SensorData service or with the free firmware."""

from __future__ import annotations

from collections.abc import Iterable

from ecgedge_bridge.codes import LinkCode, NoteCode
from ecgedge_bridge.errors import FrameError, LinkError
from ecgedge_bridge.protocols.movesense.firmware import (
    DEFAULT_FS,
    V07,
    V08,
    Layout,
    MovesenseFirmwareDecoder,
    decode_interval,
)
from ecgedge_bridge.protocols.movesense.sensor_data import (
    ECG_REFERENCE,
    SENSOR_DATA_NOTIFY,
    SENSOR_DATA_WRITE,
    STATUS_OK,
    MovesenseDecoder,
    ecg_path,
    encode_subscribe,
    encode_unsubscribe,
    parse_reply,
)
from ecgedge_bridge.protocols.session import (
    Offered,
    Read,
    Route,
    Script,
    Session,
    Subscribe,
    Wait,
    Write,
    require,
)

# Statuses are those of HTTP (Movesense's Whiteboard); what each means for the wearer was chosen here.
_ADVICE = {
    404: "this firmware has no ECG at that rate: connect with another fs=, or update it",
    409: "end the other program that uses the sensor",
    503: "put the sensor on its strap, wet the electrodes, and try again",
}
_OTHER_ADVICE = "take the battery out for a moment, or update the sensor's firmware"


class MovesenseSession(Session):
    """ECG over GATT SensorData.

    Parameters
    ----------
    device : str
        Name that the values carry.
    fs : float
        Sampling rate in Hz, one of :data:`~ecgedge_bridge.protocols.movesense.sensor_data.ECG_RATES`.
    extras : iterable of {"heart_rate", "battery", "acc", "information"}
        What to subscribe to besides, where the sensor has the standard service; it has no acceleration here.

    Raises
    ------
    ValueError
        If the sensor does not offer that rate.
    """

    def __init__(self, device: str = "", fs: float = 128.0, extras: Iterable[str] = ()) -> None:
        decoder = MovesenseDecoder(device, fs)
        super().__init__(decoder, device, extras)
        self._path = ecg_path(int(fs))
        self._status: int | None = None  # of the first reply to the command
        self._response = True
        self._running = False
        self._to_ecg = self._to(decoder, main=True)
        self._routes[SENSOR_DATA_NOTIFY] = self._on_notification

    def _start(self, offered: Offered) -> Script:
        self._note_missing("acc")
        require(offered, SENSOR_DATA_WRITE, "write", "write-without-response")
        require(offered, SENSOR_DATA_NOTIFY, "notify")
        self._response = offered.can(SENSOR_DATA_WRITE, "write")
        self._status = None
        yield Subscribe(SENSOR_DATA_NOTIFY)
        # From here on the subscription may have been made, whatever becomes of the reply.
        self._running = True
        yield self._write(encode_subscribe(ECG_REFERENCE, self._path))
        while (status := self._status) is None:
            yield Wait()
        if status != STATUS_OK:
            advice = _ADVICE.get(status, _OTHER_ADVICE)
            what = f"the sensor refused to start the ECG (status {status})"
            raise LinkError(f"{what}: {advice}", LinkCode.REFUSED)

    def stop(self) -> Script:
        """End the subscription: one left on empties the sensor's battery."""
        if self._running:
            self._running = False
            yield self._write(encode_unsubscribe(ECG_REFERENCE))

    def _write(self, data: bytes) -> Write:
        return Write(SENSOR_DATA_WRITE, data, self._response)

    def _on_notification(self, data: bytes, host_time_s: float) -> bool:
        try:
            reply = parse_reply(data)
        except FrameError:
            return self._to_ecg(data, host_time_s)
        if reply.reference == ECG_REFERENCE and self._status is None:
            self._status = reply.status
        return False


class MovesenseFirmwareSession(Session):
    """ECG of the free movesense-ble-ecg-firmware, either generation; the rate is read from the sensor.

    Parameters
    ----------
    device : str
        Name that the values carry.
    fs : float
        Sampling rate in Hz where it cannot be read.
    extras : iterable of {"heart_rate", "battery", "acc", "information"}
        What to subscribe to besides.
    """

    def __init__(self, device: str = "", fs: float = DEFAULT_FS, extras: Iterable[str] = ()) -> None:
        self._decoder = MovesenseFirmwareDecoder(V08, device, fs)
        super().__init__(self._decoder, device, extras)
        self._read_fs = fs
        for layout in (V07, V08):
            self._routes[layout.interval] = self._on_interval
            self._routes[layout.characteristic] = self._on_packet(layout)

    def _start(self, offered: Offered) -> Script:
        self._note_missing("acc")
        layout = V07 if offered.can(V07.characteristic, "notify") else V08
        require(offered, layout.characteristic, "notify")
        # So that the rate is known before the first packet.
        if offered.can(layout.interval, "read"):
            yield Read(layout.interval, optional=True)
        if self.stats.samples and self._read_fs != self._decoder.fs:
            raise LinkError(
                f"the sensor's rate has changed to {self._read_fs:g} Hz: connect again", LinkCode.RATE_CHANGED
            )
        self._decode_as(layout)
        yield Subscribe(layout.characteristic)

    def _on_interval(self, data: bytes, _host_time_s: float) -> bool:
        try:
            self._read_fs = decode_interval(data)
        except FrameError as error:
            self._note(NoteCode.UNKNOWN_RATE, f"{error}; going on with {self._decoder.fs:g} Hz")
        return False

    def _on_packet(self, layout: Layout) -> Route:
        def route(data: bytes, host_time_s: float) -> bool:
            self._decode_as(layout)
            return self._to_ecg(data, host_time_s)

        return route

    def _decode_as(self, layout: Layout) -> None:
        """Make the decoder that fits, unless it is there or in use."""
        wanted, now = (layout, self._read_fs), (self._decoder.layout, self._decoder.fs)
        if wanted != now and not self.stats.samples:
            self._ecg = self._decoder = MovesenseFirmwareDecoder(layout, self.device, self._read_fs)

    def _to_ecg(self, data: bytes, host_time_s: float) -> bool:
        return self._to(self._decoder, main=True)(data, host_time_s)
