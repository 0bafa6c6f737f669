"""How near guessed leads come to the measured ones: correlation, error, how much of the size is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge_export.leads.sets import Floats

DRAWS = 1000
FIGURES = ("correlation", "rmse_mv", "variance_ratio")

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What is left of guesses and truth once they are compared, for each recording and lead.

    ``correlation``, ``squared`` (mean squared error in mV²), ``guessed`` and ``true`` (variances in mV²) are
    of shape (recordings, leads), ``patients`` (recordings,).
    """

    leads: tuple[str, ...]
    patients: npt.NDArray[np.str_]
    correlation: Doubles
    squared: Doubles
    guessed: Doubles
    true: Doubles

    def figures(self, of: npt.NDArray[np.int64]) -> dict[str, Doubles]:
        """Figures of some recordings, each (leads,): the median correlation, the others over all of them."""
        return {
            "correlation": np.median(self.correlation[of], axis=0),
            "rmse_mv": np.sqrt(self.squared[of].mean(axis=0)),
            "variance_ratio": self.guessed[of].mean(axis=0) / self.true[of].mean(axis=0),
        }


def compared(leads: Sequence[str], guessed: Floats, true: Floats, patients: npt.NDArray[np.str_]) -> Compared:
    """Compare guesses with the truth, both (recordings, leads, time) in mV."""
    y, t = guessed.astype(np.float64), true.astype(np.float64)
    squared = ((y - t) ** 2).mean(axis=2)
    y, t = y - y.mean(axis=2, keepdims=True), t - t.mean(axis=2, keepdims=True)
    together, own, wanted = (y * t).mean(axis=2), (y**2).mean(axis=2), (t**2).mean(axis=2)
    # A flat lead is correlated with nothing.
    correlation = together / np.sqrt(np.maximum(own * wanted, 1e-12))
    return Compared(tuple(leads), patients, correlation, squared, own, wanted)


def report(ours: Compared, floor: Compared) -> dict[str, Any]:
    """Figures of a network by lead, of the linear filter beside it, and the share of its error that is gone.

    Intervals hold 95 % of what comes out when the patients are drawn anew, the same for both.
    """
    draws = by_patient(ours.patients)
    whole = np.arange(len(ours.patients))
    return {
        "recordings": len(whole),
        "patients": len(set(ours.patients.tolist())),
        "leads": _by_lead(ours, whole, draws),
        "linear": _by_lead(floor, whole, draws),
        "error_gone": _gone(ours, floor, whole, draws),
    }


def by_patient(patients: npt.NDArray[np.str_], seed: int = 0) -> list[npt.NDArray[np.int64]]:
    """Recordings of as many patients, drawn anew a thousand times."""
    _, number = np.unique(patients, return_inverse=True)
    own = [np.flatnonzero(number == k) for k in range(number.max() + 1)]
    rng = np.random.default_rng(seed)
    return [np.concatenate([own[k] for k in rng.integers(0, len(own), len(own))]) for _ in range(DRAWS)]


def _by_lead(
    of: Compared, whole: npt.NDArray[np.int64], draws: Sequence[npt.NDArray[np.int64]]
) -> dict[str, dict[str, Any]]:
    figures, drawn = of.figures(whole), [of.figures(draw) for draw in draws]
    ends = {key: np.quantile([d[key] for d in drawn], [0.025, 0.975], axis=0) for key in FIGURES}
    return {
        lead: {key: round(float(figures[key][i]), 4) for key in FIGURES}
        | {f"{key}_95": np.round(ends[key][:, i], 4).tolist() for key in FIGURES}
        for i, lead in enumerate(of.leads)
    }


def _gone(
    ours: Compared,
    floor: Compared,
    whole: npt.NDArray[np.int64],
    draws: Sequence[npt.NDArray[np.int64]],
) -> Mapping[str, dict[str, Any]]:
    """Share of the filter's squared error that the network does not make, paired, by lead and in all."""

    def share(of: npt.NDArray[np.int64]) -> Doubles:
        own, other = ours.squared[of].mean(axis=0), floor.squared[of].mean(axis=0)
        each = 1 - own / other
        return np.append(each, 1 - own.sum() / other.sum())

    value, ends = share(whole), np.quantile([share(draw) for draw in draws], [0.025, 0.975], axis=0)
    return {
        name: {"share": round(float(value[i]), 4), "share_95": np.round(ends[:, i], 4).tolist()}
        for i, name in enumerate((*ours.leads, "all"))
    }
