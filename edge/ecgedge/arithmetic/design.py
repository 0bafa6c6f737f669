"""The numbers that the filters multiply by: the same bits on every processor.

``np.sinc``, ``np.i0``, ``np.hanning`` and ``np.linalg.pinv`` differ in their last digits from one machine to
the next, and with them would every event.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.functions import turns
from ecgedge.arithmetic.sums import in_order
from ecgedge.arithmetic.symmetric import Matrix, eigen

Array = npt.NDArray[np.float64]

# What lies beyond an edge follows from this long inside of it: ten periods of 50 Hz hum, twelve of 60 Hz. A
# constant would cut the hum off, and the detector took that step for a beat (up to two at each gap under
# 0.3 to 2 mV of hum, in made ECG at 100 to 500 Hz; none since).
EDGE_S = 0.2
_MAINS_HZ = (50.0, 60.0)
# Waves that are left out: shorter, as vectors, than this share of the longest one; squared.
_LEAST_SQUARED = 0.1 * 0.1
# Rates of devices are fractions such as 499.31 Hz; up phases are kept in memory, so their number has a limit.
_DENOMINATOR = 10_000
_NOTHING_LEFT = 1e-18  # of 1: what terms of a series may be left out


class ResamplerDesign(NamedTuple):
    """``up`` outputs for ``down`` inputs; ``kernels`` are (up, 2 * half), ``beyond`` is (half, inside).

    ``beyond`` continues level and mains hum ``half`` samples to before the ``inside`` ones that it is applied
    to.
    """

    up: int
    down: int
    half: int
    kernels: Array
    beyond: Array


# A gap makes no new filters, but many monitors of one rate may live in one process; 2.5 MB at most each.
@lru_cache(maxsize=4)
def resampler_design(
    fs_in: float, fs_out: float, half_width_s: float, cutoff_hz: float, beta: float
) -> ResamplerDesign:
    """Design a resampler; parameters are those of :class:`ecgedge.stream.filters.Resampler`.

    Examples
    --------
    >>> design = resampler_design(130.0, 100.0, 0.16, 41.0, 5.0)
    >>> design.up, design.down, design.kernels.shape, design.beyond.shape
    (10, 13, (10, 42), (21, 26))
    """
    up, down = _ratio(fs_out, fs_in)
    half = max(1, round(half_width_s * fs_in))
    # At the Nyquist frequency a kernel of this length is not yet at zero.
    cutoff = min(cutoff_hz, 0.45 * min(fs_in, fs_out)) / fs_in
    kernels, beyond = _phase_kernels(up, half, cutoff, beta), _extension(fs_in, half)
    for array in (kernels, beyond):  # all filters of a rate share them
        array.flags.writeable = False
    return ResamplerDesign(up, down, half, kernels, beyond)


def baseline_removal_taps(fs: float, length_s: float = 1.0) -> Array:
    """Taps that subtract a Hann-weighted mean: no gain at 0 Hz, half at about 1 / ``length_s``.

    A windowed-sinc high pass of this length would still let a third of the baseline through, since its
    transition is wider than its cutoff.
    """
    delay = round(fs * length_s / 2)
    # Half the window, mirrored: a filter with a linear phase is symmetric to the last bit.
    rise = 0.5 - 0.5 * turns(np.arange(1, delay + 2) / (2 * delay + 2))[0]
    hann = np.concatenate([rise, rise[-2::-1]])
    taps: Array = -hann / in_order(hann)
    taps[delay] += 1.0
    return taps


def _ratio(fs_out: float, fs_in: float) -> tuple[int, int]:
    """One rate over the other in lowest terms, of which the second has a limit."""
    whole = float(fs_out).is_integer() and float(fs_in).is_integer()
    if whole and (down := int(fs_in) // math.gcd(int(fs_out), int(fs_in))) <= _DENOMINATOR:
        return int(fs_out) * down // int(fs_in), down
    from fractions import Fraction  # few devices have a rate that is not whole

    out, into = (Fraction(rate).limit_denominator(_DENOMINATOR) for rate in (fs_out, fs_in))
    ratio = (out / into).limit_denominator(_DENOMINATOR)
    return ratio.numerator, ratio.denominator


def _extension(fs: float, n: int) -> Array:
    """Matrix that continues level and mains hum ``n`` samples to before those that it is applied to.

    Least squares: with one column of B for level and each wave, B (BᵀB)⁻¹ Bᵀ, of which the rows before and
    the columns inside are wanted.
    """
    t = np.arange(-n, max(1, round(EDGE_S * fs))) / fs
    basis = [np.ones_like(t), *(wave for hz in _MAINS_HZ for wave in turns(hz * t))]
    inverse = _inverse([[float(in_order(a[n:] * b[n:])) for b in basis] for a in basis])
    fitted = np.zeros((n, len(t) - n))
    for row, a in zip(inverse, basis, strict=True):
        for weight, b in zip(row, basis, strict=True):
            fitted += (weight * a[:n])[:, None] * b[n:]
    return fitted


def _inverse(matrix: Matrix) -> Matrix:
    """Inverse of a symmetric matrix, without what hardly differs from nothing.

    Below 120 Hz hum may look like another wave or, at half the rate, like half of one: the cutoff leaves out
    what cannot be told apart.
    """
    values, vectors = eigen(matrix)
    least = _LEAST_SQUARED * max(values)
    kept = [(value, v) for value, v in zip(values, vectors, strict=True) if value > least]
    n = range(len(matrix))
    return [[_total([v[i] * v[j] / value for value, v in kept]) for j in n] for i in n]


def _total(values: list[float]) -> float:
    """First to last; the sum() of newer Pythons adds in another way."""
    total = 0.0
    for value in values:
        total += value
    return total


def _phase_kernels(up: int, half: int, cutoff: float, beta: float) -> Array:
    """One kernel per output phase, shape (up, 2 * half), unit gain at 0 Hz; cutoff in cycles a sample.

    A sinc in a Kaiser window.
    """
    offset = (
        np.arange(1 - half, half + 1) - np.arange(up)[:, None] / up
    )  # distance to the output, in input samples
    place = offset / half
    window = _bessel_i0((0.25 * beta * beta) * np.maximum(1.0 - place * place, 0.0))
    half_turns = cutoff * offset
    sinc = np.ones_like(offset)
    np.divide(turns(half_turns)[1], 2.0 * np.pi * half_turns, out=sinc, where=half_turns != 0)
    kernels: Array = sinc * window
    kernels /= in_order(kernels, axis=1)[:, None]
    return kernels


def _bessel_i0(quarter_square: Array) -> Array:
    """Modified Bessel function of order 0 of x, from x² / 4: the series of (x² / 4)ᵏ / k!²."""
    most, last, term = float(quarter_square.max()), 0, 1.0
    while term > _NOTHING_LEFT:
        last += 1
        term = term * most / (last * last)
    total = np.ones_like(quarter_square)
    for k in range(last, 0, -1):
        total = 1.0 + total * quarter_square / (k * k)
    return total
