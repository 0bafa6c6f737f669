"""Power of the RR intervals in the bands of HRV, by Lomb and Scargle's periodogram.

It takes the intervals where they are. Resampling them for Welch's method would be a low pass filter that
takes power from HF, and would invent the intervals that were left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.4)  # Task Force, Circulation 93(5), 1996
# From 4,096 complex products on OpenBLAS starts threads, which spin where other work has the cores: a sum of
# 0.2 ms then takes 8.
ALONE = 4095


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
    t, x = np.asarray(end_s, np.float64), np.asarray(nn_ms, np.float64)
    if len(t) < 3 or t[-1] - t[0] < 1 / LF_HZ[0]:
        raise ValueError(f"{len(t)} intervals of less than 25 s have no spectrum: give five minutes")
    t = t - t.mean()
    x = x - x.mean()
    x = x - t * (t @ x / (t @ t))
    # One whole period of the fundamental: the mean spacing belongs to the first interval too.
    duration_s = (t[-1] - t[0]) * len(t) / (len(t) - 1)
    frequency = np.arange(1, int(HF_HZ[1] * duration_s) + 1) / duration_s
    power = 2.0 / len(t) * lomb_scargle(t, x, frequency)
    lf, hf = (float(power[(frequency >= low) & (frequency < high)].sum()) for low, high in (LF_HZ, HF_HZ))
    return BandPowers(lf, hf)


def lomb_scargle(t: Array, x: Array, frequency: Array) -> Array:
    """Periodogram of ``x`` at the times ``t`` (s), as ``scipy.signal.lombscargle`` gives it.

    ``frequency`` are the whole multiples 1, 2, ... of its first value in Hz, so that the waves are
    powers of the first: one exponential for each sample instead of one for each frequency too.
    """
    waves = _powers(np.exp(2j * np.pi * frequency[0] * t), len(frequency))
    # With the waves turned by half the phase of their squares' sum, sine and cosine are orthogonal.
    squares = np.einsum("ij,ij->i", waves, waves)
    z = _sums(waves, x) * np.exp(-0.5j * np.angle(squares))
    cosines, sines = (len(t) + np.abs(squares)) / 2, (len(t) - np.abs(squares)) / 2
    power: Array = 0.5 * (z.real**2 / cosines + z.imag**2 / np.maximum(sines, 1e-9))
    return power


def _sums(waves: npt.NDArray[np.complex128], x: Array) -> npt.NDArray[np.complex128]:
    """``waves @ x``, a few rows at a time: each sum is the same, and no thread is started for it."""
    values = x.astype(np.complex128)
    pieces = np.array_split(waves, len(waves) // max(1, ALONE // len(x)) + 1)
    return np.concatenate([rows @ values for rows in pieces])


def _powers(x: npt.NDArray[np.complex128], n: int) -> npt.NDArray[np.complex128]:
    """``x`` to the powers 1 to ``n``, a row each: the rows there are, times the last of them, come next."""
    rows = np.empty((n, len(x)), np.complex128)
    rows[:1] = x
    done = 1
    while done < n:
        more = min(done, n - done)
        np.multiply(rows[:more], rows[done - 1], out=rows[done : done + more])
        done += more
    return rows
