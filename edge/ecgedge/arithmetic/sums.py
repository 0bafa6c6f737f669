"""Sums in a written order: first to last, one after the other.

``np.dot``, ``@`` and ``einsum`` choose their order, and whether products are rounded before they are added,
by the processor. A cumulative sum cannot: each value of it is a result. The compiled core adds in the same
order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def in_order(x: npt.NDArray[Any], axis: int = -1) -> Any:
    """Sum over an axis, from its first value to its last, in the type of ``x``.

    Examples
    --------
    >>> in_order(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [3.0, 7.0]
    """
    if not x.shape[axis]:
        return np.add.reduce(x, axis=axis)
    return np.add.accumulate(x, axis=axis).take(-1, axis=axis)


def rows_in_order(x: npt.NDArray[Any]) -> Any:
    """Sum of the rows of a matrix, from the first to the last; several times faster than :func:`in_order`.

    numpy adds whole rows to what it has, if they are contiguous and longer than one value.

    Examples
    --------
    >>> rows_in_order(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [4.0, 6.0]
    """
    if len(x) == 0 or x.shape[1] < 2:
        return in_order(x, axis=0)
    return np.add.reduce(
        np.ascontiguousarray(x), axis=0, initial=-0.0
    )  # -0.0 changes no sum, not even of -0.0
