"""How EDF+ lays out one signal with annotations (Kemp and Olivan, Clinical Neurophysiology 114(9), 2003).

A header of fixed fields in ASCII; then data records of equal length, each the samples of its seconds in 16
bits and the annotations: ``+onset\\x14\\x14\\x00`` for the record's own time, then
``+onset[\\x15duration]\\x14text\\x14\\x00`` for each. An annotation may stand in another record than that
of its time.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ecgedge.recording.steps import Levels, exact_gain
from ecgedge_bridge.errors import ConfigError

__all__ = ["Records", "Scale", "annotation", "file_header", "packed", "records_for", "scale_for"]

_WIDTH = 8  # of a number in the header
_DIGITAL = 32_767
_MOST_PER_RECORD = 20_000  # with annotations below the 61,440 bytes that the standard allows
_FAITHFUL = 1e-8  # relative error of a rate: a millisecond a day
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``-most`` to ``most`` in whole numbers is from ``-reach`` to ``reach`` in microvolts, as text.

    ``-most`` itself is no value of the signal: it stands for a missing sample. ``exact``: the numbers are the
    source's own steps.
    """

    most: int
    reach: str
    exact: bool

    @property
    def step_uv(self) -> float:
        """The step in microvolts."""
        return float(self.reach) / self.most


def scale_for(levels: Levels) -> Scale:
    """Choose the scale of a signal: the steps that it was measured in, else the finest that reaches it.

    Raises
    ------
    ConfigError
        It reaches farther than a header can say: 10 V.

    Examples
    --------
    >>> import numpy as np
    >>> levels = Levels()
    >>> levels.add(np.array([-0.25, 0.5, 1.125], np.float32))
    >>> scale_for(levels)
    Scale(most=32767, reach='163835', exact=True)
    """
    extent_mv = max(abs(levels.low), abs(levels.high))
    gain = exact_gain(levels)
    if gain:
        for most in range(_DIGITAL, round(extent_mv * gain), -1):
            reach = most * 1000 / gain
            text = short(reach, _WIDTH - 1)
            if text is not None and abs(float(text) - reach) <= 1e-12 * reach:
                return Scale(most, text, True)
    reach = extent_mv * 1000 * _DIGITAL / (_DIGITAL - 1) or 1000.0
    for digits in range(3, 8):  # rounded up, so that the largest value stays inside
        text = short(float(f"{reach * (1 + 10.0 ** (1 - digits)):.{digits}g}"), _WIDTH - 1)
        if text is not None and reach <= float(text) <= reach * 1.001:
            return Scale(_DIGITAL, text, False)
    raise ConfigError(f"EDF cannot hold a signal of {extent_mv:.3g} mV: check its unit, with --unit")


def short(value: float, width: int = _WIDTH) -> str | None:
    """Write a number in at most ``width`` characters, as exactly as they allow; None where they are too few.

    Examples
    --------
    >>> short(0.1), short(1 / 3), short(123456789.0)
    ('0.1', '0.333333', None)
    """
    for decimals in range(width, -1, -1):
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        if len(text) <= width:
            return text
    return None


@dataclass(frozen=True, slots=True)
class Records:
    """Data records of so many samples and seconds, the latter as the header says them."""

    samples: int
    seconds: str


def records_for(fs: float, least: int = 1) -> Records:
    """Choose records of about a second with whole samples, longer where the rate asks for it.

    Examples
    --------
    >>> records_for(130.0), records_for(512 / 3)
    (Records(samples=130, seconds='1'), Records(samples=176, seconds='1.03125'))
    """
    best, worst = Records(1, "1"), float("inf")
    for samples in range(max(round(fs), least), _MOST_PER_RECORD):
        text = short(samples / fs)
        if text is None or not float(text):
            continue
        error = abs(samples / float(text) / fs - 1)
        if error < worst:
            best, worst = Records(samples, text), error
        if worst < _FAITHFUL:
            break
    return best


def annotation(onset_s: float, text: str, duration_s: float | None = None) -> bytes:
    """Return one annotation; a text that has control characters in it is the caller's mistake."""
    lasts = "" if duration_s is None else f"\x15{_seconds(duration_s)}"
    return f"+{_seconds(onset_s)}{lasts}\x14{text}\x14\x00".encode()


def _seconds(value: float) -> str:
    return f"{max(value, 0.0):.6f}".rstrip("0").rstrip(".")


def packed(annotations: Sequence[bytes], records: Sequence[int], count: int) -> tuple[int, array[int]]:
    """Spread annotations over data records.

    Parameters
    ----------
    annotations : sequence of bytes
    records : sequence of int
        The data record that each belongs to, in order; it may be written to a later one.
    count : int
        Data records.

    Returns
    -------
    int
        Bytes for annotations in each record, even.
    array of int
        For each record the index behind its last annotation.
    """
    last = count - 1  # what lies behind the end is written there
    size = 32 + max(map(len, annotations), default=0)
    while True:
        ends, at = array("q"), 0
        for record in range(count):
            room = size - _OWN_TIME
            while at < len(annotations) and min(records[at], last) <= record and len(annotations[at]) <= room:
                room -= len(annotations[at])
                at += 1
            ends.append(at)
        if at == len(annotations):
            return size + size % 2, ends
        size += size // 4


_OWN_TIME = 24  # bytes of the annotation that says when a record begins, and more


def file_header(
    label: str, scale: Scale, records: Records, count: int, annotation_bytes: int, start: datetime | None
) -> bytes:
    """Return the header of an EDF+ file: anonymous, with one signal in microvolts and its annotations."""
    when = "X" if start is None else f"{start.day:02d}-{_MONTHS[start.month - 1]}-{start.year:04d}"
    date = "01.01.85" if start is None else f"{start:%d.%m.%y}"
    clock = "00.00.00" if start is None else f"{start:%H.%M.%S}"
    whole = [
        ("0", 8), ("X X X X", 80), (f"Startdate {when} X X ecgedge", 80), (date, 8), (clock, 8),
        (str(256 * 3), 8), ("EDF+C", 44), (str(count), 8), (records.seconds, 8), ("2", 4),
    ]  # fmt: skip
    signals = [
        (label, "EDF Annotations", 16), ("", "", 80), ("uV", "", 8), (f"-{scale.reach}", "-1", 8),
        (scale.reach, "1", 8), (str(-scale.most), "-32768", 8), (str(scale.most), "32767", 8), ("", "", 80),
        (str(records.samples), str(annotation_bytes // 2), 8), ("", "", 32),
    ]  # fmt: skip
    fields = [*whole, *((text, size) for *both, size in signals for text in both)]
    return b"".join(text.encode("ascii", "replace")[:size].ljust(size) for text, size in fields)
