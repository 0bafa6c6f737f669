"""Power spectrum of a short real signal, its sums in a written order.

``np.fft`` chooses its order, and whether a product is rounded before it is added, by the processor. This is
Stockham's transform of half the length for even lengths whose factors are 2, 3 and 5, such as 10 s at 100 Hz;
other lengths, the ends of recordings, sum each bin by itself. ``edge/core/spectrum.c`` is the same in C.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.functions import turns
from ecgedge.arithmetic.sums import in_order

Array = npt.NDArray[np.float64]

RADICES = (5, 4, 3, 2)
SINE_3 = 0.86602540378443864676  # of a third of a turn
COSINE_5, COSINE_52 = 0.30901699437494742410, -0.80901699437494742410  # of one fifth, of two
SINE_5, SINE_52 = 0.95105651629515357212, 0.58778525229247312917
ROWS = 64  # summed at a time, so that an hour's length would need no more memory than a minute's


def powers(x: Array, bins: int) -> Array:
    """Squared magnitude of the first bins of the discrete Fourier transform.

    Parameters
    ----------
    x : array, shape (n,)
        Real signal.
    bins : int
        How many, at most ``n // 2 + 1``.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 3 * np.arange(40) / 40)
    >>> powers(x, 5).round(6).tolist(), powers(x[:39], 2).shape
    ([0.0, 0.0, 0.0, 400.0, 0.0], (2,))
    """
    radices = _radices(len(x))
    return _fast(x, bins, radices) if radices else _plain(x, bins)


def _radices(n: int) -> list[int]:
    """Factors of half of a length, none where it is odd or has others."""
    left, found = n // 2, []
    for radix in RADICES:
        while left > 1 and left % radix == 0:
            left //= radix
            found.append(radix)
    return [] if n % 2 or left > 1 else found


@lru_cache(maxsize=4)
def _table(n: int) -> tuple[Array, Array]:
    """Cosine and sine of 0, 1 .. n - 1 n-ths of a turn."""
    return turns(np.arange(n) / n)


def _fast(x: Array, bins: int, radices: list[int]) -> Array:
    """Even samples are the real, odd ones the imaginary parts of a signal half as long."""
    half = len(x) // 2
    cosine, sine = _table(len(x))
    z, stride, groups = x.reshape(half, 2).T, 1, half
    for radix in radices:
        groups //= radix
        z = _stage(z.reshape(2, radix, groups, stride), cosine, sine)
        stride *= radix
    # Its transform holds those of both.
    k = np.arange(bins)
    (a_re, a_im), (b_re, b_im) = z.reshape(2, half)[:, k % half], z.reshape(2, half)[:, (half - k) % half]
    even_re, even_im = 0.5 * (a_re + b_re), 0.5 * (a_im - b_im)
    odd_re, odd_im = 0.5 * (a_im + b_im), 0.5 * (b_re - a_re)
    c, s = cosine[k], sine[k]
    re, im = even_re + (odd_re * c + odd_im * s), even_im + (odd_im * c - odd_re * s)
    power: Array = re * re + im * im
    return power


def _stage(z: Array, cosine: Array, sine: Array) -> Array:
    """One stage: ``z`` has the shape (2, radix, groups, stride), its result (2, groups, radix, stride)."""
    _, radix, groups, stride = z.shape
    out = np.empty((2, groups, radix, stride))
    for i, b in enumerate(_BUTTERFLIES[radix](*z.swapaxes(0, 1))):
        if i == 0:
            out[:, :, 0] = b
            continue
        at = 2 * stride * i * np.arange(groups)
        c, s = cosine[at, None], sine[at, None]
        out[0, :, i] = b[0] * c + b[1] * s
        out[1, :, i] = b[1] * c - b[0] * s
    return out


def _back(u: Array) -> Array:
    """A quarter turn clockwise: times -i."""
    return np.stack([u[1], -u[0]])


def _two(a: Array, b: Array) -> tuple[Array, ...]:
    return a + b, a - b


def _three(a: Array, b: Array, c: Array) -> tuple[Array, ...]:
    t, u = b + c, _back(SINE_3 * (b - c))
    m = a - 0.5 * t
    return a + t, m + u, m - u


def _four(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, ...]:
    t, u, v, w = a + c, a - c, b + d, _back(b - d)
    return t + v, u + w, t - v, u - w


def _five(a: Array, b: Array, c: Array, d: Array, e: Array) -> tuple[Array, ...]:
    t1, u1, t2, u2 = b + e, b - e, c + d, c - d
    m1, m2 = a + COSINE_5 * t1 + COSINE_52 * t2, a + COSINE_52 * t1 + COSINE_5 * t2
    v1, v2 = _back(SINE_5 * u1 + SINE_52 * u2), _back(SINE_52 * u1 - SINE_5 * u2)
    return a + t1 + t2, m1 + v1, m2 + v2, m2 - v2, m1 - v1


_BUTTERFLIES: dict[int, Callable[..., tuple[Array, ...]]] = {2: _two, 3: _three, 4: _four, 5: _five}


def _plain(x: Array, bins: int) -> Array:
    """Each bin by itself: samples as far from both ends share their cosine, and but for a sign their sine."""
    n, k = len(x), np.arange(bins)
    cosine, sine = _table(n)
    before = np.arange(1, n // 2 + 1)
    behind = np.where(2 * before == n, 0.0, x[n - before])
    sums, differences = x[before] + behind, x[before] - behind
    re, im = np.full(bins, x[0]), np.zeros(bins)
    for first in range(0, len(before), ROWS):
        rows = slice(first, first + ROWS)
        at = before[rows, None] * k % n
        re = in_order(np.concatenate([re[None], sums[rows, None] * cosine[at]]), axis=0)
        im = in_order(np.concatenate([im[None], differences[rows, None] * sine[at]]), axis=0)
    power: Array = re * re + im * im
    return power
