"""Logistic regression of a few features with weights of the examples and a ridge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Line:
    """Weights and bias of a logistic regression."""

    weights: Array
    bias: float

    def log_odds(self, z: Array) -> Array:
        """Log odds for each row of standardised features."""
        out: Array = z @ self.weights + self.bias
        return out


def fit(z: Array, yes: Bools, weights: Array, ridge: float) -> Line:
    """Fit the least weighted log loss plus ``ridge`` times the squared weights, the bias apart.

    Parameters
    ----------
    z : array, shape (n, features)
        About standardised, so that one ridge suits all features.
    yes : array of bool, shape (n,)
    weights : array, shape (n,)
        Of the examples; their sum is what the ridge is weighed against.
    ridge : float

    Examples
    --------
    >>> line = fit(np.array([[-1.0], [1.0]]), np.array([False, True]), np.array([0.5, 0.5]), 0.01)
    >>> bool(line.weights[0] > 0), abs(line.bias) < 1e-4
    (True, True)
    """
    design, y = np.hstack([z, np.ones((len(z), 1))]), yes.astype(np.float64)

    # Value and slope, which the optimiser asks for together.
    def loss(w: Array) -> tuple[float, Array]:
        log_odds = design @ w
        value = np.sum(weights * (np.logaddexp(0, log_odds) - y * log_odds)) + ridge * np.sum(w[:-1] ** 2)
        slope = design.T @ (weights * (special.expit(log_odds) - y)) + 2 * ridge * np.append(w[:-1], 0)
        return float(value), slope

    w = optimize.minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    return Line(w[:-1], float(w[-1]))
