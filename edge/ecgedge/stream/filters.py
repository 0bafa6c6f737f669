"""Streaming filters with kept state: the same output however the input is cut into chunks, bit for bit.

Both filters are linear phase and their delay is compensated: output ``k`` belongs to the time ``k / fs_out``
of the segment, and it is given out as soon as the samples after it that it needs have arrived. Edges are
extended by their level and their mains hum, so that neither a start nor a gap rings. Every output is the same
fixed-length dot product whatever the chunk: that is why no result depends on how the radio cut the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_NOTHING: Array = np.empty(0)
# Of the resampler's plans, so many are kept, and none for more outputs: they must not fill memory.
_PLANS, _SHORT = 32, 1024
# What lies beyond an edge follows from this long inside of it: ten periods of 50 Hz hum, twelve of 60 Hz. A
# constant would cut the hum off, and the detector took that step for a beat (up to two at each gap under
# 0.3 to 2 mV of hum, in made ECG at 100 to 500 Hz; none since).
EDGE_S = 0.2
_MAINS_HZ = (50.0, 60.0)


class Filter(Protocol):
    """A streaming filter: ``feed`` chunks, then ``finish`` once; ``reset`` starts a new segment."""

    def feed(self, x: npt.ArrayLike) -> Array: ...
    def finish(self) -> Array: ...
    def reset(self) -> None: ...


class _Plan(NamedTuple):
    """Which window of what is held, and which kernel, for each of some outputs."""

    rows: npt.NDArray[np.int64]
    kernels: Array


class Resampler:
    """Rational polyphase resampler: a Kaiser-windowed sinc that is low pass and interpolator at once.

    Parameters
    ----------
    fs_in, fs_out : float
        Rates in Hz. Their ratio is taken as a fraction with a denominator of at most 10,000.
    half_width_s : float
        Half length of the kernel in seconds, which is also the delay.
    cutoff_hz : float
        Frequency of half amplitude, kept below 0.45 of the lower rate.
    beta : float
        Kaiser shape; 5 is 53 dB of stop band.

    Examples
    --------
    >>> import numpy as np
    >>> r = Resampler(130, 100, half_width_s=0.16, cutoff_hz=41, beta=5)
    >>> y = np.concatenate([r.feed(np.ones(73)), r.feed(np.ones(57)), r.finish()])
    >>> len(y), bool(np.allclose(y, 1))
    (100, True)
    """

    def __init__(
        self,
        fs_in: float,
        fs_out: float,
        *,
        half_width_s: float,
        cutoff_hz: float,
        beta: float,
    ) -> None:
        # Rates of devices are fractions such as 499.31 Hz; up phases are kept in memory, so their number has
        # a limit.
        ratio = (_fraction(fs_out) / _fraction(fs_in)).limit_denominator(10_000)
        self.up, self.down = ratio.numerator, ratio.denominator
        self._half = max(1, round(half_width_s * fs_in))
        self._beyond = _extension(fs_in, self._half)
        # At the Nyquist frequency a kernel of this length is not yet at zero.
        cutoff = min(cutoff_hz, 0.45 * min(fs_in, fs_out)) / fs_in
        self._kernels = _phase_kernels(self.up, self._half, cutoff, beta)
        self._plans: dict[tuple[int, int, int], _Plan] = {}
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next sample starts a new segment."""
        self._held: Array = _NOTHING
        self._base = 0  # segment index of the first held sample, the extension in front counted as negative
        self._next = 0  # next output index
        self._started = False  # whether the samples are there that the extension in front is taken from

    def feed(self, x: npt.ArrayLike) -> Array:
        """Take samples at ``fs_in``, return what has become computable at ``fs_out``."""
        x = np.asarray(x, dtype=np.float64)
        if len(x) == 0:
            return _NOTHING
        self._held = np.concatenate([self._held, x])
        if not self._started:
            if len(self._held) < self._beyond.shape[1]:
                return _NOTHING
            self._start()
        computable = (
            self._base + len(self._held) - self._half
        )  # the kernel reaches `half` samples past its centre
        return self._emit(-(-computable * self.up // self.down))

    def finish(self) -> Array:
        """Return the outputs still held back; level and hum of the end go on for what never came."""
        if len(self._held) == 0:
            return _NOTHING
        if not self._started:
            self._start()
        received = self._base + len(self._held)
        self._held = np.concatenate([self._held, self._extend(self._held[::-1])[::-1]])
        y = self._emit(-(-received * self.up // self.down))
        self.reset()
        return y

    def _start(self) -> None:
        """Extend the start of the segment."""
        self._base, self._started = -self._half, True
        self._held = np.concatenate([self._extend(self._held), self._held])

    def _extend(self, x: Array) -> Array:
        """Continue level and hum of the first samples to before them; of too few, their mean."""
        n = self._beyond.shape[1]
        if len(x) < n:
            return np.full(self._half, x.mean())
        extended: Array = np.einsum("ij,j->i", self._beyond, x[:n])  # a fixed order of summation
        return extended

    def _emit(self, end: int) -> Array:
        if end <= self._next:
            return _NOTHING
        plan = self._plan(end - self._next)
        # einsum sums each row in one fixed order; a matrix product would choose its order by the shape.
        y: Array = np.einsum("ij,ij->i", _windows(self._held, 2 * self._half)[plan.rows], plan.kernels)
        self._next = end
        spent = max(0, end * self.down // self.up - self._half + 1 - self._base)
        self._held, self._base = self._held[spent:], self._base + spent
        return y

    def _plan(self, n: int) -> _Plan:
        """Plan the next ``n`` outputs.

        In a steady stream the same few come again and again, and making one costs as much as using it.
        """
        block, phase = divmod(self._next, self.up)
        first = block * self.down - self._base - self._half + 1
        key = n, phase, first
        if (plan := self._plans.get(key)) is None:
            whole, which = np.divmod(np.arange(phase, phase + n, dtype=np.int64) * self.down, self.up)
            plan = _Plan(whole + first, self._kernels[which])
            if n <= _SHORT and len(self._plans) < _PLANS:
                self._plans[key] = plan
        return plan


class Fir:
    """Linear-phase FIR filter (odd number of taps) with its delay compensated.

    Parameters
    ----------
    taps : array of float, shape (2 * delay + 1,)
        Impulse response, symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> f = Fir([0.25, 0.5, 0.25])
    >>> np.concatenate([f.feed([0, 0, 4, 0]), f.finish()]).tolist()
    [0.0, 1.0, 2.0, 1.0]
    """

    def __init__(self, taps: npt.ArrayLike) -> None:
        self._taps = np.asarray(taps, dtype=np.float64)
        self._reversed = self._taps[::-1].copy()
        if self._taps.ndim != 1 or len(self._taps) % 2 == 0:
            raise ValueError("an odd number of taps is needed for a whole-sample delay")
        self.delay = len(self._taps) // 2
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next sample starts a new segment."""
        self._held: Array = _NOTHING

    def feed(self, x: npt.ArrayLike) -> Array:
        """Take samples, return those whose neighbourhood is complete."""
        x = np.asarray(x, dtype=np.float64)
        if len(x) == 0:
            return _NOTHING
        front = self._held if len(self._held) else np.full(self.delay, x[0])
        return self._filter(np.concatenate([front, x]))

    def finish(self) -> Array:
        """Return the outputs still held back; the last value stands for what never came."""
        if len(self._held) == 0:
            return _NOTHING
        y = self._filter(np.concatenate([self._held, np.full(self.delay, self._held[-1])]))
        self.reset()
        return y

    def _filter(self, x: Array) -> Array:
        if len(x) < len(self._taps):
            self._held = x
            return _NOTHING
        self._held = x[len(x) - len(self._taps) + 1 :]
        return np.correlate(x, self._reversed, mode="valid")  # convolve() comes to this, by way of checks


class Chain:
    """Filters one after the other, as one."""

    def __init__(self, *filters: Filter) -> None:
        self._filters = filters

    def reset(self) -> None:
        """Start a new segment in every filter."""
        for f in self._filters:
            f.reset()

    def feed(self, x: npt.ArrayLike) -> Array:
        """Pass samples through all filters."""
        y = np.asarray(x, dtype=np.float64)
        for f in self._filters:
            y = f.feed(y)
        return y

    def finish(self) -> Array:
        """Flush all filters in order."""
        y = _NOTHING
        for f in self._filters:
            y = np.concatenate([f.feed(y), f.finish()])
        return y


def baseline_removal_taps(fs: float, length_s: float = 1.0) -> Array:
    """Taps that subtract a Hann-weighted mean: no gain at 0 Hz, half at about 1 / ``length_s``.

    A windowed-sinc high pass of this length would still let a third of the baseline through, since its
    transition is wider than its cutoff.
    """
    delay = round(fs * length_s / 2)
    hann = np.hanning(2 * delay + 3)[1:-1]
    taps: Array = -hann / hann.sum()
    taps[delay] += 1.0
    return taps


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The path that every sample takes, in training and live: resample to ``fs``, then remove the baseline.

    ``FrontEnd(fs, taps)(fs_in)`` makes the filters for a stream at ``fs_in`` Hz. ``half_width_s``,
    ``cutoff_hz`` and ``beta`` are :class:`Resampler`'s.
    """

    fs: float
    taps: tuple[float, ...]
    half_width_s: float = 0.16  # the delay of the resampler
    cutoff_hz: float = 41.0  # the QRS complex is below, mains hum of 50 or 60 Hz above
    beta: float = 5.0  # 53 dB of stop band

    @classmethod
    def default(cls, fs: float) -> FrontEnd:
        """The front end that models are trained with by default."""
        return cls(fs, tuple(baseline_removal_taps(fs).tolist()))

    def agrees(self, other: FrontEnd) -> bool:
        """Whether two designs are the same filters, but for the last digits of numbers."""
        mine, theirs = ((f.fs, *f.resampler.values(), *f.taps) for f in (self, other))
        return len(self.taps) == len(other.taps) and bool(np.allclose(mine, theirs, rtol=1e-9, atol=1e-12))

    def __call__(self, fs_in: float) -> Chain:
        """Make fresh filters for a stream at ``fs_in``."""
        return Chain(Resampler(fs_in, self.fs, **self.resampler), Fir(self.taps))

    @property
    def resampler(self) -> dict[str, float]:
        """The resampler's design, as a manifest stores it."""
        return {"half_width_s": self.half_width_s, "cutoff_hz": self.cutoff_hz, "beta": self.beta}


def _windows(x: Array, width: int) -> Array:
    """Every run of ``width`` samples as a row, shape (len(x) - width + 1, width), without a copy.

    ``sliding_window_view`` does the same with more checks than a frame of 73 samples has arithmetic.
    """
    step = x.strides[0]
    return np.ndarray((len(x) - width + 1, width), np.float64, x, 0, (step, step))


def _fraction(rate: float) -> Fraction:
    return Fraction(rate).limit_denominator(10_000)


def _extension(fs: float, n: int) -> Array:
    """Matrix that continues level and mains hum ``n`` samples to before those that it is applied to."""
    t = np.arange(-n, max(1, round(EDGE_S * fs))) / fs
    waves = [f(2 * np.pi * hz * t) for hz in _MAINS_HZ for f in (np.cos, np.sin)]
    basis = np.stack([np.ones_like(t), *waves], axis=1)
    # Below 120 Hz hum may look like another wave or, at half the rate, like half of one: the cutoff leaves
    # out what cannot be told apart.
    fitted: Array = basis[:n] @ np.linalg.pinv(basis[n:], rcond=0.1)
    return fitted


def _phase_kernels(up: int, half: int, cutoff: float, beta: float) -> Array:
    """One kernel per output phase, shape (up, 2 * half), unit gain at 0 Hz; cutoff in cycles a sample."""
    offset = (
        np.arange(1 - half, half + 1) - np.arange(up)[:, None] / up
    )  # distance to the output, in input samples
    inside = np.sqrt(np.clip(1 - (offset / half) ** 2, 0, None))
    kernels: Array = np.sinc(2 * cutoff * offset) * np.i0(beta * inside)
    kernels /= kernels.sum(axis=1, keepdims=True)
    return kernels
