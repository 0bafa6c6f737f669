"""Logarithm, exponential, sine and cosine with the same bits everywhere, and why.

Those of the C library, and numpy's, differ in their last digit from one processor and one library to the
next. These are additions, multiplications and divisions in a written order, which IEEE 754 rounds alike
everywhere; ``edge/core/numbers.c`` has the same ones in C, with the reasons for each constant.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
_ROOT_HALF, _LOG2_E = 0.70710678118654752440, 1.44269504088896340736
_MOST = 700.0  # of an exponent: what is beyond counts as this


def log(x: float) -> float:
    """Natural logarithm of a number above 0.

    Examples
    --------
    >>> log(1.0), abs(log(10.0) - 2.302585092994046) < 1e-15
    (0.0, True)
    """
    if not 2.3e-308 < x < math.inf:
        raise ValueError("a logarithm needs a number above 0")
    m, e = math.frexp(x)
    if m < _ROOT_HALF:
        m, e = 2.0 * m, e - 1
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    total = 1.0 / 23.0
    for i in range(21, 0, -2):
        total = total * z + 1.0 / i
    return e * _LN2_HIGH + (2.0 * s * total + e * _LN2_LOW)


def logs(x: npt.ArrayLike) -> Array:
    """:func:`log` of each value of an array: the same bits. What is no number above 0 has none.

    Examples
    --------
    >>> logs([1.0, 10.0]).tolist() == [log(1.0), log(10.0)]
    True
    """
    m, e = np.frexp(np.asarray(x, np.float64))
    below = m < _ROOT_HALF
    m, powers = np.where(below, 2.0 * m, m), e - below.astype(np.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    total = np.full_like(z, 1.0 / 23.0)
    for i in range(21, 0, -2):
        total = total * z + 1.0 / i
    natural: Array = powers * _LN2_HIGH + (2.0 * s * total + powers * _LN2_LOW)
    return natural


def exp(x: float) -> float:
    """e to the power ``x``, which is limited to -700 to 700.

    Examples
    --------
    >>> exp(0.0), exp(-1e9) > 0
    (1.0, True)
    """
    x = min(max(x, -_MOST), _MOST)
    k = round(x * _LOG2_E)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    total = 1.0
    for i in range(13, 0, -1):
        total = total * r / i + 1.0
    return math.ldexp(total, k)


def exps(x: npt.ArrayLike) -> Array:
    """:func:`exp` of each value of an array: the same bits.

    Examples
    --------
    >>> exps([0.0, 1.0]).tolist() == [exp(0.0), exp(1.0)]
    True
    """
    x = np.minimum(np.maximum(np.asarray(x, np.float64), -_MOST), _MOST)
    k = np.rint(x * _LOG2_E)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    total = np.ones_like(x)
    for i in range(13, 0, -1):
        total = total * r / i + 1.0
    powers: Array = np.ldexp(total, k.astype(np.intc))  # 64 bits are refused where a long has 32
    return powers


def turn(turns: float) -> tuple[float, float]:
    """Cosine and sine of 2 pi times ``turns``.

    Examples
    --------
    >>> turn(0.0), turn(0.25), turn(-0.5)
    ((1.0, 0.0), (-0.0, 1.0), (-1.0, -0.0))
    """
    if not abs(turns) <= 2**30:
        raise ValueError("an angle of at most 2**30 turns is wanted")
    q = round(4.0 * turns)
    angle = (turns - 0.25 * q) * (2.0 * math.pi)
    z = angle * angle
    c = s = 1.0
    for i in range(18, 1, -2):
        c = 1.0 - c * z / (i * (i - 1))
    for i in range(19, 2, -2):
        s = 1.0 - s * z / (i * (i - 1))
    s *= angle
    return ((c, s), (-s, c), (-c, -s), (s, -c))[q % 4]


def turns(x: npt.ArrayLike) -> tuple[Array, Array]:
    """:func:`turn` of each value of an array: the same bits.

    Examples
    --------
    >>> [part.tolist() for part in turns([0.0, 0.5])]
    [[1.0, -1.0], [0.0, -0.0]]
    """
    x = np.asarray(x, np.float64)
    q = np.rint(4.0 * x)
    angle = (x - 0.25 * q) * (2.0 * math.pi)
    z = angle * angle
    c, s = np.ones_like(x), np.ones_like(x)
    for i in range(18, 1, -2):
        c = 1.0 - c * z / (i * (i - 1))
    for i in range(19, 2, -2):
        s = 1.0 - s * z / (i * (i - 1))
    s *= angle
    quarter = (q % 4.0).astype(np.intp)  # what an index may be, also where it has 32 bits
    cosine, sine = np.choose(quarter, [c, -s, -c, s]), np.choose(quarter, [s, c, -s, -c])
    return cosine, sine
