"""Devices described by a TOML file: any characteristic that notifies ECG samples of one fixed layout.

A profile names where the samples come from, what stands before them in a notification, how one is stored, and
what to write to start and stop. ``PROTOCOL.md`` lists every key; ``devices/`` holds the profiles that
come with the package.

Examples
--------
>>> profile = parse_profile('''
... name = "my AD8232"
... service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
... characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
... fs = 250
... dtype = "uint16"
... offset = 2048
... scale_mv = 0.0008
... header = "A5 ??"
... counter = { at = 1, bits = 8, counts = "notifications" }
... samples = 10
... ''')
>>> data = profile.encode([0.8] * 10, counter=3)
>>> data.hex()[:12], profile.decode(data).counter
('a503e80be80b', 3)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import ConfigError, FrameError
from ecgedge_bridge.files import read_text
from ecgedge_bridge.protocols.described.keys import Command, Counter, Stamp, header_bytes, uuid
from ecgedge_bridge.schema import (
    Place,
    Table,
    as_number,
    choice,
    converted,
    integer,
    list_of,
    number,
    parse_toml,
    table_of,
    written,
)
from ecgedge_bridge.values import Samples

_DATA = "devices"
# Widths in bytes; the odd ones have no numpy type.
_WIDTHS = {
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int24": 3,
    "uint24": 3,
    "int32": 4,
    "uint32": 4,
    "float32": 4,
}
# Floating point numbers beyond this are no raw samples, and would not survive their scale.
_MAX_FLOAT = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Notification:
    """What one notification holds.

    Parameters
    ----------
    mv : ndarray of float32, shape (n,)
        The samples in mV, oldest first; NaN where the device sends "invalid".
    counter, stamp : int or None
        As they are stored, if the profile has them.
    """

    mv: Samples
    counter: int | None = None
    stamp: int | None = None


@dataclass(frozen=True, slots=True)
class GattProfile:
    """A device that notifies ECG samples, as its TOML file describes it; made by :func:`parse_profile`.

    Parameters
    ----------
    name : str
        Name of the profile.
    service, characteristic : str
        UUIDs, 128 bits in lower case.
    fs : float
        Sampling rate in Hz.
    dtype : str
        How a sample is stored: ``int8`` to ``uint32``, also of 24 bits, or ``float32``.
    scale_mv : float
        Millivolt of one step.
    offset : float
        What is stored for 0 mV.
    big_endian : bool
        Whether the byte order is big-endian, also of counter and stamp.
    invalid : float or None
        What is stored for "no value".
    header : tuple of (int or None)
        Bytes before the samples, None for any.
    trailer : int
        Bytes after the samples that are skipped.
    samples : int or None
        Samples of a notification, where every one has the same number.
    counter : Counter or None
        Where the header holds a counter.
    stamp : Stamp or None
        Where the header holds the device's time.
    names : tuple of str
        Beginnings of the names under which such devices advertise.
    command_characteristic : str or None
        UUID that ``start`` and ``stop`` are written to.
    start, stop : bytes
        What to write after subscribing, and before leaving; empty for nothing.
    """

    name: str
    service: str
    characteristic: str
    fs: float
    dtype: str
    scale_mv: float
    offset: float = 0.0
    big_endian: bool = False
    invalid: float | None = None
    header: tuple[int | None, ...] = ()
    trailer: int = 0
    samples: int | None = None
    counter: Counter | None = None
    stamp: Stamp | None = None
    names: tuple[str, ...] = ()
    command_characteristic: str | None = None
    start: bytes = b""
    stop: bytes = b""
    # What the layout comes to, so that it is not derived for each notification.
    _width: int = field(init=False, repr=False, compare=False)
    _fixed: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive what decoding needs."""
        object.__setattr__(self, "_width", _WIDTHS[self.dtype])
        fixed = tuple((at, value) for at, value in enumerate(self.header) if value is not None)
        object.__setattr__(self, "_fixed", fixed)

    def decode(self, data: bytes) -> Notification:
        """Decode a notification.

        Raises
        ------
        FrameError
            If its length or its header is another.
        """
        head = len(self.header)
        size = len(data) - head - self.trailer
        n, rest = divmod(size, self._width)
        if n < 1 or rest or self.samples not in (None, n):
            raise FrameError(
                f"notification of {len(data)} bytes is not {head} of header, {self.samples or 'some'} "
                f"samples and {self.trailer} of trailer; correct the profile {self.name}",
                FrameCode.LENGTH,
            )
        for at, value in self._fixed:
            if data[at] != value:
                raise FrameError(
                    f"byte {at} is 0x{data[at]:02X}, not 0x{value:02X} as in the header of {self.name}; "
                    "the frame is lost",
                    FrameCode.KIND,
                )
        counter, stamp = self.counter, self.stamp
        return Notification(
            self._millivolt(data, head, n),
            None if counter is None else counter.read(data, self.big_endian),
            None if stamp is None else stamp.read(data, self.big_endian),
        )

    def _millivolt(self, data: bytes, head: int, n: int) -> Samples:
        raw = self._raw(data, head, n)
        invalid = None if self.invalid is None else raw == self.invalid
        if self.dtype == "float32":
            raw = _plausible(raw)
        if self.offset:
            raw = raw - self.offset
        mv: Samples = (raw * self.scale_mv).astype(np.float32)
        if invalid is not None:
            mv[invalid] = np.nan
        return mv

    def _raw(self, data: bytes, head: int, n: int) -> npt.NDArray[np.number]:
        order, width = ">" if self.big_endian else "<", self._width
        if width != 3:
            kind = {"i": "i", "u": "u", "f": "f"}[self.dtype[0]]
            return np.frombuffer(data, f"{order}{kind}{width}", n, head)
        # Three bytes at the top of four: those that begin there, or one before. The shift drops the fourth.
        padded = b"\0" + data + b"\0"
        kind = "u4" if self.dtype == "uint24" else "i4"
        shifted: npt.NDArray[np.number] = (
            np.ndarray((n,), order + kind, padded, head + self.big_endian, (3,)) >> 8
        )
        return shifted

    def encode(self, mv: npt.ArrayLike, counter: int = 0, stamp: int = 0) -> bytes:
        """Encode a notification, as such a device sends it.

        Parameters
        ----------
        mv : ndarray of float, shape (n,)
            The samples in mV. NaN becomes ``invalid``, or 0 mV where there is none; what does not fit is
            clipped.
        counter, stamp : int
            Where the profile has them; they wrap.
        """
        head = bytearray(value or 0 for value in self.header)
        for given, place in ((counter, self.counter), (stamp, self.stamp)):
            if place is not None:
                place.write(head, given, self.big_endian)
        return bytes(head) + self._encode_samples(np.asarray(mv, np.float64)) + bytes(self.trailer)

    def _encode_samples(self, mv: npt.NDArray[np.float64]) -> bytes:
        order, width = ">" if self.big_endian else "<", self._width
        steps = mv / self.scale_mv + self.offset
        steps = np.where(np.isnan(mv), self.offset if self.invalid is None else self.invalid, steps)
        if self.dtype == "float32":
            return steps.astype(f"{order}f4").tobytes()
        low, high = (
            (0, 1 << (8 * width)) if self.dtype[0] == "u" else (-(1 << (8 * width - 1)), 1 << (8 * width - 1))
        )
        whole = np.clip(np.rint(steps), low, high - 1).astype(np.int64)
        if width != 3:
            return whole.astype(f"{order}{self.dtype[0]}{width}").tobytes()
        four = whole.astype(f"{order}i4").view(np.uint8).reshape(-1, 4)
        return (four[:, 1:] if self.big_endian else four[:, :3]).tobytes()


def _plausible(raw: npt.NDArray[np.number]) -> npt.NDArray[np.number]:
    """Floating point numbers from the radio, with NaN for what cannot be a sample."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(raw) < _MAX_FLOAT, raw, np.nan)


def parse_profile(text: str, source: str = "profile") -> GattProfile:
    """Read a profile.

    Parameters
    ----------
    text : str
        TOML.
    source : str
        Where it comes from, for messages.

    Raises
    ------
    ConfigError
        On anything that is no profile; the message names the key.
    """
    place = Place(f"{source}:", remedy="correct it (PROTOCOL.md lists every key)")
    return table_of(_profile)(parse_toml(text, place), place)


def _profile(table: Table) -> GattProfile:
    header: tuple[int | None, ...] = table.take("header", converted(header_bytes), ())
    command = table.take("command", table_of(Command.read), Command())
    profile = GattProfile(
        name=table.take("name", written),
        service=table.take("service", converted(uuid)),
        characteristic=table.take("characteristic", converted(uuid)),
        fs=table.take("fs", number(above=0.1, below=100_000)),
        dtype=table.take("dtype", choice(*_WIDTHS)),
        scale_mv=table.take("scale_mv", number(above=-1e6, below=1e6, zero=False)),
        offset=table.take("offset", number(above=-1e10, below=1e10), 0.0),
        big_endian=table.take("endian", choice("little", "big"), "little") == "big",
        invalid=table.take("invalid", as_number, None),
        header=header,
        trailer=table.take("trailer", integer(0, 512), 0),
        samples=table.take("samples", integer(1, 512), None),
        counter=table.take("counter", Counter.within(len(header)), None),
        stamp=table.take("stamp", Stamp.within(len(header)), None),
        names=table.take("names", list_of(written), ()),
        command_characteristic=command.characteristic,
        start=command.start,
        stop=command.stop,
    )
    if profile.counter is not None and profile.counter.of_notifications and profile.samples is None:
        table.place.refuse(
            "lacks samples, which a counter of notifications needs: say how many each one holds"
        )
    return profile


def load_profile(path: str | Path) -> GattProfile:
    """Read a profile from a file, or one that comes with the package by its name, such as ``healthypi``.

    Raises
    ------
    ConfigError
        If there is no such file, or it is no profile.

    Examples
    --------
    >>> load_profile("healthypi").dtype
    'int32'
    """
    built_in = built_in_profiles()
    if str(path) in built_in:
        return built_in[str(path)]
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the profile {path} ({error}); give a TOML file, or one of {', '.join(built_in)}"
        ) from error
    return parse_profile(text, str(path))


def built_in_profiles() -> dict[str, GattProfile]:
    """Every profile that comes with the package, by its short name.

    Examples
    --------
    >>> sorted(built_in_profiles())
    ['healthypi', 'healthypi5']
    """
    files = Path(__file__).with_name(_DATA).iterdir()
    return {
        file.name.removesuffix(".toml"): parse_profile(file.read_text("utf-8"), file.name)
        for file in files
        if file.name.endswith(".toml")
    }
