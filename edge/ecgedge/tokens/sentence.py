"""The words of a recording in a few bytes a beat, for a radio or for years of storage.

Layout, version 1. Numbers of one byte and more are little-endian; a *varint* has seven bits a byte, the
lowest first, the eighth bit set on all but the last. A tick is 4 ms.

| bytes | what |
|---|---|
| 4 | ``ECGT`` |
| 1 | version, 1 |
| 4 | the vocabulary: first four bytes of the sha256 of its file |
| varint | start in ms since 1970 (UTC), plus one; 0 where it is not known |
| varint | length in ticks |
| varint | number of words |
| 3 each | words, see below |
| varints | long intervals, one for each word that asks for one, in their order |
| 4 | CRC-32 (zlib's) of all before |

A word is 24 bits, the lowest first: 8 of its code, 6 of its gain, 10 of the ticks since the R peak before it.
Ticks of 0 begin a new stretch: its long interval is the ticks since the R peak before it, or since the start
of the recording. Ticks of 1 stand for an interval that does not fit ten bits; 2 to 31 mean nothing.
A gain of ``g`` is ``0.02 mV * 1000 ** (g / 63)``: steps of 11.6 %, from 0.02 to 20 mV.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from ecgedge.events import Word
from ecgedge_bridge.errors import ConfigError

MAGIC = b"ECGT"
VERSION = 1
# 4 ms are a sample at 250 Hz, and ten bits of them hold every interval that is no pause. They are counted
# from the start of the recording, so that what is rounded does not add up.
TICKS_PER_S = 250
LEVELS = 63
LEAST_MV, DECADES = 0.02, 3.0
_NEW_STRETCH, _LONG, _LEAST_RR, _MOST_RR = 0, 1, 32, 1023
# After ten seconds without a beat nobody knows what the signal was: the next one begins a stretch.
_LONGEST_PAUSE = 10 * TICKS_PER_S
_LONGEST_TICKS = 1 << 53  # a million years
_MOST_WORDS = 50_000_000  # a year at 95 a minute: 150 MB
_VARINT_BYTES = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_800_000  # the year 10000, where Python's dates end
_CRC = 4
# Head and sum take 31 bytes at most, a word with the longest interval 11: one word always fits.
_LEAST_PACKET = 48

Ticks = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """The words of one recording.

    Parameters
    ----------
    ticks : ndarray of int64, shape (n,)
        R peaks in ticks of 4 ms since the start of the recording, ascending.
    codes : ndarray of uint8, shape (n,)
    levels : ndarray of uint8, shape (n,)
        Gains, 0 to 63.
    begins : ndarray of bool, shape (n,)
        Whether a word begins a stretch: it is the first one, or there is a gap or a long pause before it.
    length : int
        Of the recording, in ticks.
    model : str
        Name of the vocabulary: eight hexadecimal digits.
    start : datetime or None
        Of the recording, with its zone.

    Raises
    ------
    ValueError
        The parts do not fit each other.

    Examples
    --------
    >>> words = [Word(100, 0.4, 7, None, 1.0), Word(350, 1.4, 9, 1000.0, 1.1)]
    >>> sentence = Sentence.of(words, length_s=2.0, model="00c0ffee")
    >>> len(sentence), len(sentence.to_bytes()), Sentence.from_bytes(sentence.to_bytes()).codes.tolist()
    (2, 24, [7, 9])
    """

    ticks: Ticks
    codes: Bytes
    levels: Bytes
    begins: npt.NDArray[np.bool_]
    length: int
    model: str
    start: datetime | None = None

    def __post_init__(self) -> None:
        n = len(self.ticks)
        if {len(self.codes), len(self.levels), len(self.begins)} != {n} or n > _MOST_WORDS:
            raise ValueError(
                "a sentence has one tick, code, level and begin for each word, 50 million at most"
            )
        if len(self.model) != 8 or set(self.model) - set("0123456789abcdef"):
            raise ValueError(f"model is {self.model[:20]!r}: eight hexadecimal digits name a vocabulary")
        if not 0 <= self.length <= _LONGEST_TICKS:
            raise ValueError(f"the length of a sentence is {self.length} ticks, at most 2**53")
        if self.start is not None and (self.start.tzinfo is None or self.start < _EPOCH):
            raise ValueError("the start of a sentence has a zone, and lies behind 1970")
        if n and not (self.begins[0] and self.ticks[0] >= 0 and self.ticks[-1] <= self.length):
            raise ValueError("the first word of a sentence begins a stretch, and all lie within its length")
        rr, begins = np.diff(self.ticks), self.begins[1:]
        if (rr < 0).any() or not ((rr >= _LEAST_RR) & (rr <= _LONGEST_PAUSE) | begins).all():
            raise ValueError(f"words of a stretch are {_LEAST_RR} to {_LONGEST_PAUSE} ticks apart")
        if (self.levels > LEVELS).any():
            raise ValueError(f"levels are {LEVELS} at most")

    @classmethod
    def of(
        cls, words: Iterable[Word], length_s: float, model: str, start: datetime | None = None
    ) -> Sentence:
        """Put the words of a monitor together.

        A word whose ``rr_ms`` is None begins a stretch, and so does one after ten seconds without a beat.
        Within a stretch the intervals count, which are known between samples.

        Parameters
        ----------
        words : iterable of Word
            In their order.
        length_s : float
            Of the recording, in seconds.
        model : str
            :attr:`ecgedge.tokens.model.WordModel.id`.
        start : datetime, optional
            Of the recording; without a zone it counts as UTC. One before 1970 is not kept.
        """
        if start is not None:
            start = start if start.tzinfo else start.replace(tzinfo=UTC)
            start = start if start >= _EPOCH else None
        every, now = list(words), 0.0
        at_s, begins = np.zeros(len(every)), np.zeros(len(every), np.bool_)
        for i, one in enumerate(every):
            rr_s = None if one.rr_ms is None else 1e-3 * one.rr_ms
            begins[i] = rr_s is None or rr_s >= _LONGEST_PAUSE / TICKS_PER_S
            now = max(now, one.time_s) if rr_s is None else now + rr_s
            at_s[i] = now
        ticks = np.rint(at_s * TICKS_PER_S).astype(np.int64)
        last = int(ticks[-1]) if every else 0
        return cls(
            ticks,
            np.array([one.code for one in every], np.uint8),
            levels_of(np.array([one.gain_mv for one in every])),
            begins,
            max(round(length_s * TICKS_PER_S), last),
            model,
            start,
        )

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def gains_mv(self) -> npt.NDArray[np.float32]:
        """Height of each word in mV, shape (n,)."""
        return (LEAST_MV * 10 ** (DECADES * self.levels / LEVELS)).astype(np.float32)

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return self.length / TICKS_PER_S

    def to_bytes(self) -> bytes:
        """The sentence in the layout of this module."""
        head = self._head(len(self))
        rr = np.diff(self.ticks, prepend=0)
        short = np.where(self.begins, _NEW_STRETCH, np.where(rr <= _MOST_RR, rr, _LONG))
        bits = self.codes | self.levels.astype(np.int64) << 8 | short << 14
        words = np.stack([bits & 0xFF, bits >> 8 & 0xFF, bits >> 16], axis=1).astype(np.uint8)
        body = words.tobytes() + b"".join(_varint(n) for n in rr[short < _LEAST_RR].tolist())
        whole = head + body
        return whole + zlib.crc32(whole).to_bytes(_CRC, "little")

    def _head(self, n: int) -> bytes:
        started = 0 if self.start is None else 1 + round((self.start - _EPOCH) / timedelta(milliseconds=1))
        fixed = MAGIC + bytes([VERSION]) + bytes.fromhex(self.model)
        return fixed + b"".join(_varint(number) for number in (started, self.length, n))

    @classmethod
    def from_bytes(cls, data: bytes) -> Sentence:
        """Read what :meth:`to_bytes` wrote; it need not be trusted.

        Raises
        ------
        ConfigError
            It is none, of another version, cut, or damaged.
        """
        reader = _Reader(bytes(data))
        try:
            return cls._read(reader)
        except ValueError as error:
            raise ConfigError(f"these are no words of a recording ({error}): take the file again") from error

    @classmethod
    def _read(cls, reader: _Reader) -> Sentence:
        if reader.take(len(MAGIC)) != MAGIC:
            raise ValueError("they do not begin with ECGT")
        if (version := reader.take(1)[0]) != VERSION:
            raise ConfigError(
                f"words of version {version}, this one of ecgedge reads {VERSION}: update ecgedge"
            )
        reader.check()
        model, started, length, n = reader.take(4).hex(), *(reader.varint() for _ in range(3))
        if 3 * n > reader.left or started > _LAST_MS:
            raise ValueError("they promise more than there is")
        bits = reader.words(n)
        codes, levels, rr = (bits & 0xFF).astype(np.uint8), (bits >> 8 & 0x3F).astype(np.uint8), bits >> 14
        begins, long = rr == _NEW_STRETCH, rr < _LEAST_RR
        if (rr[long] > _LONG).any():
            raise ValueError("an interval of 2 to 31 ticks means nothing")
        rr[long] = reader.varints(int(long.sum()))
        if reader.left:
            raise ValueError(f"{reader.left} bytes are left over")
        if rr.sum(dtype=np.float64) > _LONGEST_TICKS:  # as float64, which does not wrap around
            raise ValueError("they are longer than anything lasts")
        return cls(
            np.cumsum(rr),
            codes,
            levels,
            begins,
            length,
            model,
            None if not started else _EPOCH + timedelta(milliseconds=started - 1),
        )

    def packets(self, n_bytes: int) -> Iterator[Sentence]:
        """Cut into sentences of at most so many bytes each, for a radio that carries no more.

        Each stands for itself: what one packet loses, the next ones do not miss. Its first word begins a
        stretch, so that the beat before it is not known any more.

        Parameters
        ----------
        n_bytes : int
            48 at least.

        Raises
        ------
        ValueError
            Fewer bytes.

        Examples
        --------
        >>> words = [Word(100 * i, float(i), 7, 1000.0 if i > 1 else None, 1.0) for i in range(1, 61)]
        >>> packets = list(Sentence.of(words, 61.0, "00c0ffee").packets(100))
        >>> [len(one) for one in packets], max(len(one.to_bytes()) for one in packets) <= 100
        ([27, 27, 6], True)
        """
        if n_bytes < _LEAST_PACKET:
            raise ValueError(f"n_bytes is {n_bytes}: a packet has {_LEAST_PACKET} at least")
        first = 0
        while first < len(self):
            end = first + self._fitting(first, n_bytes)
            begins = self.begins[first:end].copy()
            begins[0] = True
            yield Sentence(
                self.ticks[first:end],
                self.codes[first:end],
                self.levels[first:end],
                begins,
                self.length,
                self.model,
                self.start,
            )
            first = end

    def _fitting(self, first: int, n_bytes: int) -> int:
        """Number of words from ``first`` on that fit a packet."""
        # No packet has more words than bytes.
        room, n = n_bytes - len(self._head(n_bytes)) - _CRC, 0
        for i in range(first, len(self)):
            rr = int(self.ticks[i] - self.ticks[i - 1]) if i > first else int(self.ticks[i])
            plain = i > first and not self.begins[i] and rr <= _MOST_RR
            room -= 3 if plain else 3 + len(_varint(rr))
            if room < 0:
                break
            n += 1
        return n


def levels_of(gains_mv: npt.NDArray[np.floating]) -> Bytes:
    """Levels, 0 to 63, of heights in mV; the nearest end for those beyond.

    Examples
    --------
    >>> levels_of(np.array([0.0, 0.02, 1.0, 20.0, 99.0])).tolist()
    [0, 0, 36, 63, 63]
    """
    decades = np.log10(np.maximum(gains_mv, LEAST_MV) / LEAST_MV)
    levels: Bytes = np.rint(np.minimum(decades * (LEVELS / DECADES), LEVELS)).astype(np.uint8)
    return levels


def _varint(n: int) -> bytes:
    if not 0 <= n < 1 << (7 * _VARINT_BYTES):
        raise ValueError(f"{n} does not fit a number of {_VARINT_BYTES} bytes")
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


class _Reader:
    """Takes a sentence's bytes in order; raises ValueError where they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._end = data, 0, max(0, len(data) - _CRC)

    @property
    def left(self) -> int:
        return self._end - self._at

    def check(self) -> None:
        """Compare the sum over all bytes."""
        if zlib.crc32(self._data[: self._end]).to_bytes(_CRC, "little") != self._data[self._end :]:
            raise ValueError("they were cut or changed: the sum over them is wrong")

    def take(self, n: int) -> bytes:
        if n > self.left:
            raise ValueError("they end too early")
        self._at += n
        return self._data[self._at - n : self._at]

    def varint(self) -> int:
        return int(self.varints(1)[0])

    def words(self, n: int) -> Ticks:
        """Return the 24 bits of each word."""
        low, middle, high = np.frombuffer(self.take(3 * n), np.uint8).reshape(n, 3).T.astype(np.int64)
        return low | middle << 8 | high << 16

    def varints(self, n: int) -> Ticks:
        """Return so many numbers; all at once, since a stranger's file may have millions."""
        if not n:
            return np.empty(0, np.int64)
        # No number has more bytes than this.
        raw = np.frombuffer(self._data[self._at : min(self._end, self._at + n * _VARINT_BYTES)], np.uint8)
        ends = np.flatnonzero(raw < 0x80)[:n] + 1
        if len(ends) < n:
            raise ValueError("they end too early, or a number has more bytes than any there is")
        starts = np.concatenate([[0], ends[:-1]])
        if (ends - starts).max() > _VARINT_BYTES:
            raise ValueError("a number has more bytes than any there is")
        raw = raw[: ends[-1]]
        shift = 7 * (np.arange(len(raw)) - np.repeat(starts, ends - starts))
        self._at += len(raw)
        numbers: Ticks = np.add.reduceat((raw & 0x7F).astype(np.int64) << shift, starts)
        return numbers
