"""A random forest of a few features (Breiman, Machine Learning 45(1), 2001), in numpy.

Features are cut into bins by their quantiles, so that a split is chosen from counts: a forest of 50 trees on
100,000 rows takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Bins = npt.NDArray[np.int64]

BINS = 64  # of a feature; a finer cut changed no figure of the gate's sets
_LEAF = -1


class Tree(NamedTuple):
    """Nodes of a tree, each array of shape (nodes,): a row goes left where its feature is at most the limit.

    ``feature`` is -1 in a leaf, whose ``value`` is the share of positive examples.
    """

    feature: npt.NDArray[np.int64]
    limit: Array
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: Array


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees that vote with the shares of their leaves."""

    trees: tuple[Tree, ...]

    def probability(self, x: Array) -> Array:
        """Mean of the trees' shares for each row, shape (n,)."""
        out: Array = np.mean([_walk(tree, x) for tree in self.trees], axis=0)
        return out


@dataclass(frozen=True, slots=True)
class Shape:
    """How a forest grows: number of trees, depth of each, least weight of a leaf's examples (of 1 in all)."""

    trees: int = 50
    depth: int = 8
    least: float = 2e-4


def fit(x: Array, yes: Bools, weights: Array, shape: Shape | None = None, seed: int = 0) -> Forest:
    """Grow a forest: each tree on a bootstrap of the rows, each split among the root of all features.

    Parameters
    ----------
    x : array, shape (n, features)
        Finite.
    yes : array of bool, shape (n,)
    weights : array, shape (n,)
        Of the rows, positive somewhere.
    shape : Shape, optional
    seed : int

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]] * 8)
    >>> forest = fit(x, x[:, 0] > 1, np.ones(32), Shape(trees=5, depth=2))
    >>> (forest.probability(np.array([[0.5], [2.5]])) > 0.5).tolist()
    [False, True]
    """
    how = shape or Shape()
    rng = np.random.default_rng(seed)
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1])) for column in x.T]
    # Bin b holds what is above edge b - 1 and at most edge b: as the tree's "at most the limit" asks.
    bins = np.stack([np.searchsorted(e, c, "left") for e, c in zip(edges, x.T, strict=True)], axis=1)
    share = weights / weights.sum()
    trees = []
    for _ in range(how.trees):
        times = rng.multinomial(len(x), np.full(len(x), 1 / len(x)))
        trees.append(_Grower(bins, edges, yes, share * times, how, rng).grow())
    return Forest(tuple(trees))


class _Grower:
    """One tree while it grows."""

    def __init__(
        self,
        bins: Bins,
        edges: Sequence[Array],
        yes: Bools,
        weights: Array,
        how: Shape,
        rng: np.random.Generator,
    ) -> None:
        self._bins, self._edges, self._how, self._rng = bins, edges, how, rng
        self._weights, self._positive = weights, weights * yes
        self._tried = max(1, round(np.sqrt(bins.shape[1])))
        self._nodes: list[list[float]] = []

    def grow(self) -> Tree:
        self._node(np.flatnonzero(self._weights), 0)
        feature, limit, left, right, value = (np.array(column) for column in zip(*self._nodes, strict=True))
        return Tree(feature.astype(np.int64), limit, left.astype(np.int64), right.astype(np.int64), value)

    def _node(self, rows: Bins, depth: int) -> int:
        """Make a node of these rows, and all below it; return its place."""
        place = len(self._nodes)
        total, positive = self._weights[rows].sum(), self._positive[rows].sum()
        self._nodes.append([_LEAF, 0.0, 0, 0, positive / total if total else 0.5])
        if depth == self._how.depth or positive in (0.0, total) or total < 2 * self._how.least:
            return place
        split = self._best(rows, total, positive)
        if split is None:
            return place
        feature, edge = split
        goes_left = self._bins[rows, feature] <= edge
        left = self._node(rows[goes_left], depth + 1)
        right = self._node(rows[~goes_left], depth + 1)
        self._nodes[place][:4] = [feature, self._edges[feature][edge], left, right]
        return place

    def _best(self, rows: Bins, total: float, positive: float) -> tuple[int, int] | None:
        """The split that lowers Gini's impurity most, among a few features; None where none lowers it."""
        best, found = positive**2 / total + (total - positive) ** 2 / total + 1e-12, None
        for feature in self._rng.choice(self._bins.shape[1], self._tried, replace=False).tolist():
            n = len(self._edges[feature]) + 1
            here = self._bins[rows, feature]
            all_left = _below(here, self._weights[rows], n)
            yes_left = _below(here, self._positive[rows], n)
            allowed = np.minimum(all_left, total - all_left) >= self._how.least
            if not allowed.any():
                continue
            both = _purity(all_left, yes_left) + _purity(total - all_left, positive - yes_left)
            purity = np.where(allowed, both, 0.0)
            edge = int(np.argmax(purity))
            if purity[edge] > best:
                best, found = float(purity[edge]), (feature, edge)
        return found


def _below(bins: Bins, weights: Array, n: int) -> Array:
    """Weight in each of the first bins and all below it, shape (n - 1,)."""
    return np.cumsum(np.bincount(bins, weights, n), dtype=np.float64)[:-1]


def _purity(total: Array, positive: Array) -> Array:
    out: Array = (positive**2 + (total - positive) ** 2) / np.maximum(total, 1e-300)
    return out


def _walk(tree: Tree, x: Array) -> Array:
    at = np.zeros(len(x), np.int64)
    rows = np.arange(len(x))
    while (inner := tree.feature[at] != _LEAF).any():
        goes_left = x[rows, tree.feature[at]] <= tree.limit[at]
        at = np.where(inner, np.where(goes_left, tree.left[at], tree.right[at]), at)
    out: Array = tree.value[at]
    return out
