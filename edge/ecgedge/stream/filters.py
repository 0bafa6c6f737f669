"""Streaming filters with kept state: the same output however the input is cut into chunks, bit for bit.

Both filters are linear phase and their delay is compensated: output ``k`` belongs to the time ``k / fs_out``
of the segment, and it is given out as soon as the samples after it that it needs have arrived. Edges are
extended by their level and their mains hum, so that neither a start nor a gap rings. Every output is the same
fixed-length sum of products, first to last, whatever the chunk and the processor: that is why no result
depends on how the radio cut the stream. ``edge/core/front.c`` does the same sums in C.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core
from ecgedge.arithmetic.design import baseline_removal_taps, resampler_design
from ecgedge.arithmetic.sums import in_order, rows_in_order

Array = npt.NDArray[np.float64]
_NOTHING: Array = np.empty(0)
# So many outputs are computed at a time, for their products to stay in the processor's cache.
_AT_ONCE = 256
# Of the resampler's plans, so many are kept: 130 Hz has one, an odd rate more than it is worth.
_PLANS = 16


class Filter(Protocol):
    """A streaming filter: ``feed`` chunks, then ``finish`` once; ``reset`` starts a new segment."""

    def feed(self, x: npt.ArrayLike) -> Array: ...
    def finish(self) -> Array: ...
    def reset(self) -> None: ...


class _Plan(NamedTuple):
    """For each of some outputs, a column: where the samples that it needs are held, and their factors."""

    places: npt.NDArray[np.intp]
    factors: Array


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
        self.design = resampler_design(fs_in, fs_out, half_width_s, cutoff_hz, beta)
        self.up, self.down, self._half, self._kernels, self._beyond = self.design
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
            return np.full(self._half, in_order(x) / len(x))
        extended: Array = in_order(self._beyond * x[:n], axis=1)
        return extended

    def _emit(self, end: int) -> Array:
        if end <= self._next:
            return _NOTHING
        parts = []
        while self._next < end:
            plan = self._plan(min(end - self._next, _AT_ONCE))
            parts.append(rows_in_order(self._held.take(plan.places) * plan.factors))
            self._next += plan.places.shape[1]
        spent = max(0, end * self.down // self.up - self._half + 1 - self._base)
        self._held, self._base = self._held[spent:], self._base + spent
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _plan(self, n: int) -> _Plan:
        """Plan the next ``n`` outputs.

        In a steady stream the same few come again and again, and making one costs as much as using it.
        """
        block, phase = divmod(self._next, self.up)
        first = block * self.down - self._base - self._half + 1
        key = n, phase, first
        if (plan := self._plans.get(key)) is None:
            whole, which = np.divmod(np.arange(phase, phase + n, dtype=np.intp) * self.down, self.up)
            places = np.arange(2 * self._half)[:, None] + (whole + first)
            plan = _Plan(places, self._kernels[which].T.copy())
            if len(self._plans) < _PLANS:
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
        self.reversed = self._taps[::-1].copy()
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
        n = len(x) - len(self._taps) + 1
        return np.concatenate([self._sums(x[at:], min(_AT_ONCE, n - at)) for at in range(0, n, _AT_ONCE)])

    def _sums(self, x: Array, n: int) -> Array:
        """Sums for the first ``n`` outputs: a row for each tap, shifted views of the same samples."""
        step = x.strides[0]
        shifted: Array = np.ndarray((len(self._taps), n), np.float64, x, 0, (step, step))
        sums: Array = rows_in_order(shifted * self.reversed[:, None])
        return sums


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


class CompiledFront:
    """A :class:`Resampler` and a :class:`Fir` in one, in C: the same output, bit for bit."""

    def __init__(self, resampler: Resampler, fir: Fir) -> None:
        assert core is not None
        up, down, half, kernels, beyond = resampler.design
        self._front: Any = core.Front(up, down, half, kernels, beyond, fir.reversed)

    def reset(self) -> None:
        """Forget everything: the next sample starts a new segment."""
        self._front.reset()

    def feed(self, x: npt.ArrayLike) -> Array:
        """Take samples, return what has become computable; it cannot be written to."""
        return np.frombuffer(self._front.feed(np.ascontiguousarray(x, np.float64)))

    def finish(self) -> Array:
        """Return the outputs still held back."""
        return np.frombuffer(self._front.finish())


def resampler(fs_in: float, fs_out: float, *, half_width_s: float, cutoff_hz: float, beta: float) -> Filter:
    """Make a :class:`Resampler`: a compiled one, if there is one.

    Examples
    --------
    >>> r = resampler(100, 250, half_width_s=0.16, cutoff_hz=45, beta=5)
    >>> len(r.feed(np.ones(100))) + len(r.finish())
    250
    """
    reference = Resampler(fs_in, fs_out, half_width_s=half_width_s, cutoff_hz=cutoff_hz, beta=beta)
    return CompiledFront(reference, Fir([1.0])) if core else reference


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

    def __call__(self, fs_in: float) -> Filter:
        """Make fresh filters for a stream at ``fs_in``: compiled ones, if there are any."""
        filters = Resampler(fs_in, self.fs, **self.resampler), Fir(self.taps)
        return CompiledFront(*filters) if core else Chain(*filters)

    @property
    def resampler(self) -> dict[str, float]:
        """The resampler's design, as a manifest stores it."""
        return {"half_width_s": self.half_width_s, "cutoff_hz": self.cutoff_hz, "beta": self.beta}
