"""The control point of Polar Measurement Data (PMD): commands, replies, settings; without any I/O.

The layouts are those of Polar's published "Measurement Data" specification for the H10 and H9; every table is
in ``PROTOCOL.md``. Bytes that do not follow them raise :class:`~ecgedge_bridge.errors.FrameError` and nothing
else. The data frames are in ``frames.py``.

Examples
--------
>>> parse_control(bytes.fromhex("f002000a00")).status == Status.INVALID_MTU
True
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError

# UUIDs and every number below: Polar's Measurement Data specification; PROTOCOL.md has them as tables.
PMD_SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
PMD_CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
PMD_DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

# What an H10 offers for the ECG, and its finest offer for acceleration.
ECG_FS = 130.0
ECG_BITS = 14
ACC_FS = 200.0
ACC_RANGE_G = 8
ACC_BITS = 16
TYPE_MASK = 0x3F
"""The bits of a type byte that name the measurement."""

# First bytes of what comes from the control point. The last is a flag of a status reply, from the SDK.
_REPLY = 0xF0
_FEATURES = 0x0F
_STOPPED = 0x01
_ONLINE = 0x40


class Op(IntEnum):
    """Commands of the control point (first byte)."""

    SETTINGS = 0x01
    START = 0x02
    STOP = 0x03
    STATUS = 0x05


class Measurement(IntEnum):
    """Kinds of measurement (second byte of a command, first byte of a data frame)."""

    ECG = 0
    PPG = 1
    ACC = 2
    PPI = 3
    GYRO = 5
    MAGNETOMETER = 6


class Status(IntEnum):
    """Outcome of a command, as the strap reports it."""

    OK = 0
    INVALID_OP = 1
    INVALID_TYPE = 2
    NOT_SUPPORTED = 3
    INVALID_LENGTH = 4
    INVALID_PARAMETER = 5
    ALREADY_IN_STATE = 6
    INVALID_RESOLUTION = 7
    INVALID_SAMPLE_RATE = 8
    INVALID_RANGE = 9
    INVALID_MTU = 10
    INVALID_CHANNELS = 11
    INVALID_STATE = 12
    IN_CHARGER = 13
    DISK_FULL = 14

    @property
    def text(self) -> str:
        """The outcome in words."""
        return _STATUS_TEXT[self]


_STATUS_TEXT = {
    Status.OK: "done",
    Status.INVALID_OP: "the command is unknown",
    Status.INVALID_TYPE: "the measurement type is unknown",
    Status.NOT_SUPPORTED: "the measurement is not supported",
    Status.INVALID_LENGTH: "the command has the wrong length",
    Status.INVALID_PARAMETER: "a parameter is wrong",
    Status.ALREADY_IN_STATE: "the measurement is already in that state",
    Status.INVALID_RESOLUTION: "the resolution is not offered",
    Status.INVALID_SAMPLE_RATE: "the sampling rate is not offered",
    Status.INVALID_RANGE: "the range is not offered",
    Status.INVALID_MTU: "the ATT MTU is too small for a frame",
    Status.INVALID_CHANNELS: "the number of channels is not offered",
    Status.INVALID_STATE: "the device is in a state that does not allow it",
    Status.IN_CHARGER: "the device is in its charger",
    Status.DISK_FULL: "the device's memory is full",
}


def status_text(code: int) -> str:
    """Return a status byte in words, also one that the specification does not know."""
    try:
        return Status(code).text
    except ValueError:
        return f"unknown status 0x{code:02X}"


class Setting(IntEnum):
    """Fields of a settings list; ``FACTOR`` comes only in the reply to a start command."""

    SAMPLE_RATE = 0
    RESOLUTION = 1
    RANGE = 2
    RANGE_MILLI = 3
    CHANNELS = 4
    FACTOR = 5


# Widths differ by field: formats of struct, little-endian.
_SETTING_FORMAT = {
    Setting.SAMPLE_RATE: "H",
    Setting.RESOLUTION: "H",
    Setting.RANGE: "H",
    Setting.RANGE_MILLI: "I",
    Setting.CHANNELS: "B",
    Setting.FACTOR: "f",
}

Settings = dict[Setting, tuple[float, ...]]


class ControlReply(NamedTuple):
    """Reply to a command: ``F0 op type status more params``.

    ``more`` means that another reply to the same command follows, whose ``params`` are to be appended to
    these.
    """

    op: int
    measurement: int
    status: int
    more: bool = False
    params: bytes = b""


class MeasurementStopped(NamedTuple):
    """Unsolicited: the strap ended these measurements by itself."""

    measurements: tuple[int, ...]


class Features(NamedTuple):
    """What the control point holds when it is read: which measurements the device has."""

    measurements: frozenset[int]


ControlMessage = ControlReply | MeasurementStopped | Features


def command(op: Op, measurement: Measurement = Measurement.ECG, settings: Settings | None = None) -> bytes:
    """Encode a command for the control point.

    Examples
    --------
    >>> command(Op.STOP).hex(" ")
    '03 00'
    """
    return bytes((op, measurement)) + encode_settings(settings or {})


def encode_settings(settings: Mapping[Setting, Iterable[float]]) -> bytes:
    """Encode a settings list as type, count, values.

    Raises
    ------
    ValueError
        If a value does not fit its field.
    """
    out = bytearray()
    for kind, given in settings.items():
        values = tuple(given)
        try:
            out += bytes((kind, len(values))) + struct.pack(f"<{len(values)}{_SETTING_FORMAT[kind]}", *values)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{kind.name}={values} does not fit its field: {error}") from error
    return bytes(out)


def parse_settings(data: bytes) -> Settings:
    """Decode a settings list; the same field given twice is one list of values.

    Raises
    ------
    FrameError
        On an unknown field or a list that is cut short.

    Examples
    --------
    >>> parse_settings(bytes.fromhex("000182000101 0e00"))[Setting.SAMPLE_RATE]
    (130,)
    """
    found: Settings = {}
    at = 0
    while at < len(data):
        kind, values, at = _parse_setting(data, at)
        found[kind] = found.get(kind, ()) + values
    return found


def _parse_setting(data: bytes, at: int) -> tuple[Setting, tuple[float, ...], int]:
    if at + 2 > len(data):
        raise FrameError(
            f"settings end within a field: {data.hex()}; ignore this reply and ask again", FrameCode.LENGTH
        )
    try:
        kind = Setting(data[at])
    except ValueError:
        raise FrameError(
            f"unknown settings field {data[at]} in {data.hex()}; report this firmware", FrameCode.KIND
        ) from None
    layout = struct.Struct(f"<{data[at + 1]}{_SETTING_FORMAT[kind]}")
    end = at + 2 + layout.size
    if end > len(data):
        raise FrameError(
            f"{kind.name} is cut short in {data.hex()}; ignore this reply and ask again", FrameCode.LENGTH
        )
    return kind, layout.unpack_from(data, at + 2), end


def start_acc(fs: int = int(ACC_FS), range_g: int = ACC_RANGE_G) -> bytes:
    """Encode the command that starts the acceleration.

    Parameters
    ----------
    fs : int
        Sampling rate in Hz; an H10 offers 25, 50, 100 and 200.
    range_g : int
        Range in g; an H10 offers 2, 4 and 8.

    Examples
    --------
    >>> start_acc().hex(" ")
    '02 02 02 01 08 00 00 01 c8 00 01 01 10 00'
    """
    settings: Settings = {
        Setting.RANGE: (range_g,),
        Setting.SAMPLE_RATE: (fs,),
        Setting.RESOLUTION: (ACC_BITS,),
    }
    return command(Op.START, Measurement.ACC, settings)


# The commands in use; tests hold them against the bytes of the specification.
GET_ECG_SETTINGS = command(Op.SETTINGS)
START_ECG = command(Op.START, settings={Setting.SAMPLE_RATE: (int(ECG_FS),), Setting.RESOLUTION: (ECG_BITS,)})
STOP_ECG = command(Op.STOP)
GET_ACC_SETTINGS = command(Op.SETTINGS, Measurement.ACC)
STOP_ACC = command(Op.STOP, Measurement.ACC)
GET_STATUS = bytes((Op.STATUS,))


def parse_control(data: bytes) -> ControlMessage:
    """Decode a message of the control point, whether indicated or read.

    Parameters
    ----------
    data : bytes
        Value of characteristic ``FB005C81``.

    Returns
    -------
    ControlReply, MeasurementStopped or Features

    Raises
    ------
    FrameError
        If it is none of them.

    Examples
    --------
    >>> parse_control(bytes.fromhex("f003000600"))
    ControlReply(op=3, measurement=0, status=6, more=False, params=b'')
    """
    kind = data[0] if data else None
    if kind == _REPLY:
        return _parse_reply(data)
    if kind == _STOPPED and len(data) > 1:
        return MeasurementStopped(tuple(value & TYPE_MASK for value in data[1:]))
    if kind == _FEATURES and len(data) > 1:
        bits = int.from_bytes(data[1:], "little")
        return Features(frozenset(i for i in range(bits.bit_length()) if bits >> i & 1))
    raise FrameError(f"not a PMD control message: {data.hex() or 'empty'}; it is ignored", FrameCode.KIND)


def _parse_reply(data: bytes) -> ControlReply:
    # Refusals were seen without the "more" byte.
    if len(data) < 4:
        raise FrameError(
            f"control reply of {len(data)} bytes, at least 4 are needed; it is ignored", FrameCode.LENGTH
        )
    more = len(data) > 4 and data[4] != 0
    return ControlReply(data[1], data[2], data[3], more, bytes(data[5:]))


def encode_reply(reply: ControlReply) -> bytes:
    """Encode a reply, as a strap does."""
    return bytes((_REPLY, reply.op, reply.measurement, reply.status, reply.more)) + reply.params


def encode_features(measurements: Iterable[int], size: int = 17) -> bytes:
    """Encode what reading the control point gives: ``0F`` and one bit for each measurement.

    Examples
    --------
    >>> encode_features([Measurement.ECG, Measurement.ACC]).hex()[:6]
    '0f0500'
    """
    bits = sum(1 << kind for kind in set(measurements))
    return bytes((_FEATURES,)) + bits.to_bytes(size - 1, "little")


def encode_stopped(measurements: Iterable[int]) -> bytes:
    """Encode that the strap ended measurements by itself."""
    return bytes((_STOPPED, *measurements))


def parse_running(params: bytes) -> frozenset[int]:
    """Decode the parameters of the reply to a status command: which measurements run now.

    One byte for each measurement, its kind in the lower 6 bits; bit 6 is set while it is being sent.

    Examples
    --------
    >>> sorted(parse_running(bytes.fromhex("4002")))
    [0]
    """
    return frozenset(value & TYPE_MASK for value in params if value & _ONLINE)


def encode_running(measurements: Iterable[int], running: Iterable[int]) -> bytes:
    """Encode which ``measurements`` are ``running``: the parameters of the reply to a status command."""
    on = set(running)
    return bytes(kind | (_ONLINE if kind in on else 0) for kind in measurements)
