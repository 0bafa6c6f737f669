"""Eigenvectors of a small symmetric matrix with the same bits on every processor."""

from __future__ import annotations

import math

Matrix = list[list[float]]

# Convergence is quadratic: for ten rows, six sweeps leave nothing beside the diagonal.
_SWEEPS = 10


def eigen(matrix: Matrix) -> tuple[list[float], Matrix]:
    """Eigenvalues, in no certain order, and the eigenvector of each as a row: Jacobi's rotations.

    ``np.linalg`` calls the LAPACK that is installed, whose last digits are its own.

    Examples
    --------
    >>> values, vectors = eigen([[2.0, 1.0], [1.0, 2.0]])
    >>> [round(value, 12) for value in values]
    [1.0, 3.0]
    >>> [[round(x, 6) for x in row] for row in vectors]
    [[0.707107, -0.707107], [0.707107, 0.707107]]
    """
    n = len(matrix)
    a = [list(row) for row in matrix]
    vectors = [[float(i == j) for j in range(n)] for i in range(n)]
    for _ in range(_SWEEPS):
        for p in range(n - 1):
            for q in range(p + 1, n):
                if a[p][q]:
                    _rotate(a, vectors, p, q)
    return [a[i][i] for i in range(n)], vectors


def _rotate(a: Matrix, vectors: Matrix, p: int, q: int) -> None:
    """Turn rows and columns ``p`` and ``q`` so that nothing is left where they cross."""
    theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q])
    t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + math.sqrt(theta * theta + 1.0))
    c = 1.0 / math.sqrt(t * t + 1.0)
    s = t * c
    a[p][p], a[q][q], a[p][q] = a[p][p] - t * a[p][q], a[q][q] + t * a[p][q], 0.0
    a[q][p] = 0.0
    for k in range(len(a)):
        if k not in (p, q):
            a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]
            a[k][p], a[k][q] = a[p][k], a[q][k]
    vectors[p], vectors[q] = (
        [c * x - s * y for x, y in zip(vectors[p], vectors[q], strict=True)],
        [s * x + c * y for x, y in zip(vectors[p], vectors[q], strict=True)],
    )
