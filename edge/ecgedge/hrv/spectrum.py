"""Power of the RR intervals in the bands of HRV, by Lomb and Scargle's periodogram.

It takes the intervals where they are. Resampling them for Welch's method would be a low pass filter that
takes power from HF, and would invent the intervals that were left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core
from ecgedge.arithmetic.functions import turns
from ecgedge.arithmetic.sums import in_order

Array = npt.NDArray[np.float64]

LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.4)  # Task Force, Circulation 93(5), 1996


ROWS = 32  # waves at a time: memory for more would be asked of the system anew for each sum


class BandPowers(NamedTuple):
    """Power in the low and in the high band, in ms²."""

    lf_ms2: float
    hf_ms2: float


def band_powers(end_s: npt.ArrayLike, nn_ms: npt.ArrayLike) -> BandPowers:
    """Power in the low (0.04 to 0.15 Hz) and high (0.15 to 0.4 Hz) band.

    Parameters
    ----------
    end_s : array, shape (n,)
        When each interval ended, in seconds.
    nn_ms : array, shape (n,)
        NN intervals in ms; a linear trend is taken out first.

    Returns
    -------
    BandPowers
        In ms²: a sine of amplitude ``a`` in a band adds ``a² / 2``.

    Raises
    ------
    ValueError
        The intervals span less than 25 s, one wave of the lowest frequency.

    Examples
    --------
    >>> t = np.arange(1.0, 301.0)
    >>> lf, hf = band_powers(t, 1000 + 30 * np.sin(2 * np.pi * 0.25 * t))
    >>> round(lf), round(hf)
    (0, 450)
    """
    t, x = np.ascontiguousarray(end_s, np.float64), np.ascontiguousarray(nn_ms, np.float64)
    if len(t) < 3 or t[-1] - t[0] < 1 / LF_HZ[0]:
        raise ValueError(f"{len(t)} intervals of less than 25 s have no spectrum: give five minutes")
    return BandPowers(*core.band_powers(t, x)) if core else in_numpy(t, x)


def in_numpy(t: Array, x: Array) -> BandPowers:
    """:func:`band_powers` in numpy: what the compiled core is tested against."""
    # One whole period of the fundamental: the mean spacing belongs to the first interval too.
    duration_s = (t[-1] - t[0]) * len(t) / (len(t) - 1)
    t = t - in_order(t) / len(t)
    x = x - in_order(x) / len(x)
    x = x - t * (in_order(t * x) / in_order(t * t))
    number = np.arange(1, int(HF_HZ[1] * duration_s) + 1)
    power = 2.0 / len(t) * lomb_scargle(t, x, 1.0 / duration_s, len(number))
    hz = number / duration_s
    lf, hf = (float(in_order(power[(hz >= low) & (hz < high)])) for low, high in (LF_HZ, HF_HZ))
    return BandPowers(lf, hf)


def lomb_scargle(t: Array, x: Array, hz: float, n: int) -> Array:
    """Periodogram of ``x`` at the times ``t`` (s), as ``scipy.signal.lombscargle`` gives it.

    Its frequencies are 1 to ``n`` times ``hz``, so that the waves are powers of the first: one angle for each
    sample instead of one for each frequency too. Real and imaginary parts are apart, since whether numpy
    rounds the products of a complex one before it adds them depends on the processor.
    """
    sums = [_sums(c, s, x) for c, s in _waves(*turns(hz * t), n)]
    re, im, squares_re, squares_im = (np.concatenate(parts) for parts in zip(*sums, strict=True))
    # With the waves turned by half the phase of their squares' sum, sine and cosine are orthogonal.
    size = np.sqrt(squares_re * squares_re + squares_im * squares_im)
    half_c, half_s = _half(squares_re, squares_im, size)
    along, across = re * half_c + im * half_s, im * half_c - re * half_s
    cosines, sines = (len(t) + size) / 2.0, np.maximum((len(t) - size) / 2.0, 1e-9)
    power: Array = 0.5 * (along * along / cosines + across * across / sines)
    return power


def _half(re: Array, im: Array, size: Array) -> tuple[Array, Array]:
    """Cosine and sine of half an angle, either sign, by square roots: of two the one without a difference."""
    some, ahead = size > 0.0, re >= 0.0
    size = np.where(some, size, 1.0)
    root = np.sqrt((size + np.where(ahead, re, -re)) / (2.0 * size))
    other = im / (2.0 * size * root)
    cosine, sine = np.where(ahead, root, other), np.where(ahead, other, root)
    return np.where(some, cosine, 1.0), np.where(some, sine, 0.0)


def _sums(c: Array, s: Array, x: Array) -> tuple[Array, Array, Array, Array]:
    """Sums over the samples of waves times the signal, and of the waves' squares."""
    product = c * s
    return in_order(c * x), in_order(s * x), in_order(c * c - s * s), in_order(product + product)


def _waves(c: Array, s: Array, n: int) -> Iterator[tuple[Array, Array]]:
    """Powers 1 to ``n`` of waves, a row each, some at a time: the first, times the last of those before."""
    first = _powers(c, s, min(n, ROWS))
    yield first
    last_re, last_im = first[0][-1], first[1][-1]
    for done in range(ROWS, n, ROWS):
        re, im = (part[: n - done] for part in first)
        rows = re * last_re - im * last_im, re * last_im + im * last_re
        yield rows
        last_re, last_im = rows[0][-1], rows[1][-1]


def _powers(c: Array, s: Array, n: int) -> tuple[Array, Array]:
    """Powers 1 to ``n`` of waves, a row each: the rows there are, times the last of them, come next."""
    re, im = np.empty((n, len(c))), np.empty((n, len(c)))
    re[:1], im[:1] = c, s
    done = 1
    while done < n:
        more = min(done, n - done)
        to, by_re, by_im = slice(done, done + more), re[done - 1], im[done - 1]
        np.multiply(re[:more], by_re, out=re[to])
        re[to] -= im[:more] * by_im
        np.multiply(re[:more], by_im, out=im[to])
        im[to] += im[:more] * by_re
        done += more
    return re, im
