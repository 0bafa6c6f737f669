"""Movesense sensors with the GATT SensorData service: commands, replies, and ECG packets; without any I/O.

A client subscribes to a path of the sensor's API under a number of its own (the reference); what the sensor
sends for it carries that number. A packet that does not fit a notification goes on in the next ones. The
layouts and their sources are in ``PROTOCOL.md``.

Examples
--------
>>> encode_subscribe(1, ecg_path(200)).hex(" ")
'01 01 2f 4d 65 61 73 2f 45 43 47 2f 32 30 30 00'
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.stream.decoder import DatedDecoder, EarlierFrameError
from ecgedge_bridge.stream.timeline import Placed
from ecgedge_bridge.stream.unwrap import Unwrap
from ecgedge_bridge.values import Samples

SENSOR_DATA_SERVICE = "34802252-7185-4d5d-b431-630e7050e8f0"
SENSOR_DATA_WRITE = "34800001-7185-4d5d-b431-630e7050e8f0"
SENSOR_DATA_NOTIFY = "34800002-7185-4d5d-b431-630e7050e8f0"

# From the API definition meas/ecg.yaml.
ECG_RATES = (125, 128, 200, 250, 256, 500, 512)
"""Sampling rates in Hz that ``/Meas/ECG`` offers."""
LSB_MV = 0.000381469726563
"""Millivolt of one step of the front end, a MAX30003 at a gain of 20: 1000 / (20 * 2**17)."""
PACKET_SAMPLES = 16
STATUS_OK = 200
ECG_REFERENCE = 1

# Codes of the GATT SensorData sample application, to the sensor and from it.
_SUBSCRIBE, _UNSUBSCRIBE = 1, 2
_REPLY, _DATA, _MORE = 1, 2, 3
_STAMP = struct.Struct("<I")
# Opcode and handle of a notification (Core specification, Vol 3, Part F, 3.4.7.1).
_ATT_HEADER = 3
_STEP_MV, _MICRO_MV = np.array(LSB_MV, np.float32), np.array(0.001, np.float32)


def ecg_path(fs: int, millivolt: bool = False) -> str:
    """Name the path of the ECG at a rate in Hz; ``millivolt`` asks for int16 in microvolt steps.

    Raises
    ------
    ValueError
        If the sensor does not offer that rate.
    """
    if fs not in ECG_RATES:
        raise ValueError(f"fs={fs} is not offered; use one of {', '.join(map(str, ECG_RATES))}")
    return f"/Meas/ECG/{fs}" + ("/mV" if millivolt else "")


def encode_subscribe(reference: int, path: str) -> bytes:
    """Encode the command to send what ``path`` gives, under the number ``reference`` (1 to 255)."""
    return bytes((_SUBSCRIBE, reference)) + path.encode("ascii") + b"\0"


def encode_unsubscribe(reference: int) -> bytes:
    """Encode the command to end a subscription.

    Examples
    --------
    >>> encode_unsubscribe(1).hex()
    '0201'
    """
    return bytes((_UNSUBSCRIBE, reference))


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply to a command: the status is that of HTTP, 200 is success."""

    reference: int
    status: int
    data: bytes = b""


def parse_reply(data: bytes) -> Reply:
    """Decode a reply.

    Raises
    ------
    FrameError
        If it is none, such as a data packet on the same characteristic.

    Examples
    --------
    >>> parse_reply(bytes.fromhex("0101c800"))
    Reply(reference=1, status=200, data=b'')
    """
    if len(data) < 4 or data[0] != _REPLY:
        raise FrameError(f"not a Movesense reply: {data[:8].hex() or 'empty'}; it is ignored", FrameCode.KIND)
    return Reply(data[1], data[2] | data[3] << 8, bytes(data[4:]))


def encode_reply(reply: Reply) -> bytes:
    """Encode a reply, as a sensor does."""
    return struct.pack("<BBH", _REPLY, reply.reference, reply.status) + reply.data


@dataclass(frozen=True, slots=True, eq=False)
class EcgPacket:
    """One packet of ECG.

    Parameters
    ----------
    time_ms : int
        The sensor's clock at the **first** sample in ms, 0 to 2**32 - 1.
    mv : ndarray of float32, shape (n,)
        The samples in mV, oldest first.
    """

    time_ms: int
    mv: Samples


def decode_ecg_packet(payload: bytes, millivolt: bool = False) -> EcgPacket:
    """Decode a packet, put together from its notifications, without code and reference.

    Parameters
    ----------
    payload : bytes
        u32 ms and the samples.
    millivolt : bool
        Whether it is of a path that ends in ``/mV``: int16 in microvolt, not int32 steps of the front end.

    Raises
    ------
    FrameError
        If its length does not fit.
    """
    width = 2 if millivolt else 4
    size = len(payload) - _STAMP.size
    if size <= 0 or size % width:
        raise FrameError(
            f"ECG packet of {len(payload)} bytes is not made of {width}-byte samples; it is lost",
            FrameCode.LENGTH,
        )
    raw = np.frombuffer(payload, "<i2" if millivolt else "<i4", size // width, _STAMP.size)
    mv = raw.astype(np.float32)
    mv *= _MICRO_MV if millivolt else _STEP_MV
    return EcgPacket(_STAMP.unpack_from(payload)[0], mv)


def encode_ecg_packet(
    time_ms: int,
    raw: npt.NDArray[np.integer],
    millivolt: bool = False,
    *,
    reference: int = ECG_REFERENCE,
    mtu: int = 247,
) -> list[bytes]:
    """Encode a packet as the notifications that carry it, as a sensor does.

    Parameters
    ----------
    time_ms : int
        The sensor's clock at the first sample; it wraps at 2**32.
    raw : ndarray of int, shape (n,)
        Steps of the front end, or microvolt if ``millivolt``.
    millivolt : bool
        Whether the path ends in ``/mV``.
    reference : int
        Number of the subscription.
    mtu : int
        ATT MTU of the connection, 23 or more: what does not fit is sent on.

    Raises
    ------
    ValueError
        If a sample does not fit its field.
    """
    info = np.iinfo(np.int16 if millivolt else np.int32)
    values = np.asarray(raw)
    if values.ndim != 1 or not values.size or values.min() < info.min or values.max() > info.max:
        raise ValueError(f"raw must be a non-empty 1-D array within {info.bits} bits; clip it first")
    payload = _STAMP.pack(time_ms % (1 << 32)) + values.astype("<i2" if millivolt else "<i4").tobytes()
    room = mtu - _ATT_HEADER - 2
    parts = [payload[at : at + room] for at in range(0, len(payload), room)]
    return [bytes((_MORE if i else _DATA, reference)) + part for i, part in enumerate(parts)]


class MovesenseDecoder(DatedDecoder):
    """Turn notifications of SensorData into :class:`~ecgedge_bridge.SampleBlock` values.

    Replies on the same characteristic are left alone.

    Parameters
    ----------
    device : str
        Name that the blocks carry.
    fs : float
        Sampling rate in Hz, as it was asked for.
    millivolt : bool
        Whether the path ends in ``/mV``.
    reference : int
        Number of the subscription.

    Examples
    --------
    >>> import numpy as np
    >>> decoder = MovesenseDecoder(fs=200, millivolt=True)
    >>> parts = encode_ecg_packet(1000, np.full(16, 500), True, mtu=23)
    >>> [len(decoder.receive_data(part, host_time_s=0.0)) for part in parts]
    [0, 1]
    """

    # Continuations carry no stamp, and may be equal: packets are compared, not notifications.
    dated = False

    def __init__(
        self, device: str = "", fs: float = 200, millivolt: bool = False, reference: int = ECG_REFERENCE
    ) -> None:
        super().__init__(device, fs)
        self.millivolt = millivolt
        self.reference = reference
        self._full = _STAMP.size + PACKET_SAMPLES * (2 if millivolt else 4)
        self._begun: bytes | None = None
        self._unwrap = Unwrap(32, per_s=1000.0)

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        if not data or data[0] == _REPLY:
            return []
        code, reference = data[0], data[1] if len(data) > 1 else None
        if code not in (_DATA, _MORE) or reference != self.reference:
            raise FrameError(
                f"notification {data[:2].hex()} of no subscription made here; "
                "end what other programs subscribed",
                FrameCode.KIND,
            )
        begun = self._begun
        if code == _DATA:
            if begun is not None:
                self._begun = None
                raise EarlierFrameError(
                    f"ECG packet of {self._full} bytes ended after {len(begun)}; let the Bluetooth stack "
                    "exchange an MTU of 73 or more",
                    FrameCode.INCOMPLETE,
                )
            begun = b""
        elif begun is None:
            raise FrameError(
                "continuation of a packet whose beginning was lost; the packet is lost", FrameCode.INCOMPLETE
            )
        payload = begun + data[2:]
        if len(payload) < self._full:
            self._begun = payload
            return []
        self._begun = None
        return self._packet(payload, host_time_s)

    def _packet(self, payload: bytes, host_time_s: float) -> list[Placed]:
        if payload in self._recent:
            self._duplicates += 1
            return []
        packet = decode_ecg_packet(payload, self.millivolt)
        self._recent.append(payload)
        first_ns = self._unwrap(packet.time_ms, host_time_s) * 1_000_000
        last_ns = first_ns + round((len(packet.mv) - 1) / self.fs * 1e9)
        return self._index.place(packet.mv, last_ns, host_time_s)
