"""Samples as a WFDB signal file, and the header beside it: what :mod:`ecgedge.recording.wfdb` reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ecgedge.recording.steps import Levels, exact_gain
from ecgedge.recording.wfdb.decode import FORMATS

__all__ = ["Scaling", "SignalFacts", "header_text", "scaling_for"]

_BITS = (16, 24, 32)  # the formats of these numbers, which hold so many bits a sample
# Of values that are no multiples of any step: a tenth of a microvolt, below the noise of every amplifier, and
# 16 bits of it reach to 3.3 mV.
_FINE_GAIN = 10_000.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """How millivolts become whole numbers: ``round(mv * gain) + baseline``, in so many bits.

    ``exact``: all values are given back to the precision of float32; else within half a step.
    """

    gain: float
    baseline: int
    bits: int
    exact: bool

    @property
    def step_uv(self) -> float:
        """The step in microvolts."""
        return 1000 / self.gain

    def counts(self, mv: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """Return whole numbers; what is not finite becomes the format's value for a missing sample."""
        known = np.isfinite(mv)
        missing = FORMATS[self.bits].missing
        assert missing is not None
        counts = np.full(len(mv), missing, np.int64)
        counts[known] = np.rint(mv[known].astype(np.float64) * self.gain).astype(np.int64) + self.baseline
        return counts

    def encode(self, counts: npt.NDArray[np.int64]) -> bytes:
        """Return numbers as the bytes of a signal file.

        Examples
        --------
        >>> Scaling(200.0, 0, 16, True).encode(np.array([1, -2])).hex()
        '0100feff'
        """
        if self.bits == 16:
            return counts.astype("<i2").tobytes()
        whole = counts.astype("<i4")
        if self.bits == 32:
            return whole.tobytes()
        return whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def scaling_for(levels: Levels) -> Scaling:
    """Choose the smallest format that holds a signal in its own steps, or in tenths of a microvolt.

    Examples
    --------
    >>> levels = Levels()
    >>> levels.add(np.array([-0.25, 0.5, 1.125], np.float32))
    >>> scaling_for(levels)
    Scaling(gain=200.0, baseline=0, bits=16, exact=True)
    """
    gain = exact_gain(levels)
    exact, gain = gain is not None, gain or _FINE_GAIN
    while True:
        low, high = round(levels.low * gain), round(levels.high * gain)
        for bits in _BITS:
            most = (1 << (bits - 1)) - 1
            if -most <= low and high <= most:
                return Scaling(gain, 0, bits, exact)
            if high - low < 2 * most:
                return Scaling(gain, -((low + high) // 2), bits, exact)
        gain, exact = gain / 10, False  # volts upon volts: no ECG, and no reason to fail


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """What a header says of the one signal: length, sum of all numbers, the first one, the lead's name."""

    samples: int
    total: int
    first: int
    name: str


def header_text(
    record: str,
    fs: float,
    start: datetime | None,
    scaling: Scaling,
    facts: SignalFacts,
    comments: Sequence[str],
) -> str:
    """Write the header of a record with one signal.

    Parameters
    ----------
    record : str
        Its name, of letters, digits, "_" and "-".
    fs : float
        Rate in Hz.
    start : datetime or None
        Time of the first sample; headers know no zone.
    """
    when = "" if start is None else f" {start:%H:%M:%S}.{start.microsecond // 1000:03d} {start:%d/%m/%Y}"
    checksum = (facts.total + (1 << 15)) % (1 << 16) - (1 << 15)
    signal = (
        f"{record}.dat {scaling.bits} {scaling.gain!r}({scaling.baseline})/mV {scaling.bits} 0 {facts.first} "
        f"{checksum} 0 {facts.name}"
    )
    lines = [f"{record} 1 {fs:.12g} {facts.samples}{when}", signal, *(f"# {one}" for one in comments)]
    return "\n".join(lines) + "\n"
