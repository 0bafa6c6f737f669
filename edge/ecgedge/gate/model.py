"""The noise gate: is this stretch of signal usable, with what probability, and what speaks against it.

Two logistic regressions over the features of ``features.py``: one for whether the rhythm can be told, a
stricter one for whether the shape of beats can. Both were fitted with AF and ectopy labelled clean
(``ecgedge-export train gate``). Noise comes in runs: the stretch before a stretch moves its odds, by no more
than the persistence allows, as in the forward pass of a hidden Markov model of two states (Rabiner, Proc
IEEE 77(2), 1989). Flat and clipped signal is refused by rule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core
from ecgedge.arithmetic.functions import exp, log
from ecgedge.arithmetic.sums import in_order
from ecgedge.artefacts.folder import front_end, load_weights
from ecgedge.artefacts.manifest import Size
from ecgedge.gate.features import NAMES, Beats, Signal, as_arrays, in_numpy
from ecgedge.stream.amplitude import FLOOR_MV
from ecgedge.stream.filters import FrontEnd
from ecgedge_bridge.schema import number

Array = npt.NDArray[np.float64]
FRONT_END = FrontEnd.default(100.0)

# Share of a stretch on a rail: from here on beats are missing, and from there on tops of beats.
CLIPPED, CUT_SHAPES = 0.1, 0.01
LARGE = 1e4  # raw counts: squares of more would not fit float32, and features have no unit

# Words for a person: the feature that speaks most against the window, in words.
REASONS = {
    "sure": "beats_unsure",
    "unsure": "beats_unsure",
    "qrs_alike": "beats_differ",
    "least_alike": "beats_differ",
    "beats_alike": "beats_differ",
    "between_beats": "noise_between_beats",
    "fast_between": "muscle_noise",
    "log_kurtosis": "no_sharp_peaks",
    "share_low": "baseline_wander",
    "share_qrs": "no_sharp_peaks",
    "share_high": "muscle_noise",
    "burst": "motion",
    "dropout": "contact_lost",
    "wander": "baseline_wander",
    "height_spread": "motion",
    "cvnn": "irregular",
    "cvsd": "irregular",
    "rr_min_s": "implausible_rate",
    "rr_max_s": "implausible_rate",
    "beats_per_s": "implausible_rate",
    "odd_beats": "beats_differ",
    "tallest_beat": "motion",
    "steep_between": "noise_between_beats",
    "tall_between": "noise_between_beats",
    "quiet_between": "muscle_noise",
}


class Assessment(NamedTuple):
    """What the gate found of a stretch.

    ``score`` is the probability that it is usable; ``reasons`` name what speaks against it, worst first;
    ``morphology`` says whether the shape of its beats can be trusted too. ``log_odds`` is what the gate takes
    of it to the next stretch: nothing where a rule refused it.
    """

    accepted: bool
    score: float
    reasons: tuple[str, ...]
    morphology: bool
    log_odds: float | None = None


# At 0.5 the stretch before says nothing; at 1 one clean stretch would let everything after it pass.
Persistence = Annotated[float, number(above=0.4999, below=0.9999)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weights:
    """Content of the weights file."""

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[Size, ...]
    clip: Size
    weights: tuple[float, ...]
    bias: float
    persistence: Persistence
    slope: Size
    offset: float
    morphology_weights: tuple[float, ...]
    morphology_bias: float


@dataclass(frozen=True, slots=True)
class GateModel:
    """Two logistic regressions over the same features, each clipped to ``clip`` standard deviations.

    ``weights`` and ``bias`` give the log odds of being usable for the rhythm where noise is as frequent as
    clean signal. A stretch is like the one before with the probability ``persistence`` (0.5: nothing is known
    from it). ``slope`` and ``offset`` make of the log odds those where noise is as rare as the manifest's
    ``metrics["noise_share"]`` says; ``threshold`` is the lowest score that is accepted. ``morphology_*`` are
    the same for the shape of beats. They were fitted on windows of ``window_s`` seconds behind
    ``front_end``.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float
    morphology_weights: tuple[float, ...]
    morphology_bias: float
    morphology_threshold: float
    persistence: float = 0.5
    slope: float = 1.0
    offset: float = 0.0
    clip: float = 4.0
    window_s: float = 10.0
    front_end: FrontEnd = FRONT_END

    @property
    def fs(self) -> float:
        """Rate of the filtered signal in Hz."""
        return self.front_end.fs

    @property
    def thresholds(self) -> dict[str, float]:
        """The thresholds, as a manifest has them."""
        return {"usable": self.threshold, "morphology": self.morphology_threshold}

    def encoded(self) -> bytes:
        """Everything but the thresholds, as the weights file has it."""
        own = {f.name: getattr(self, f.name, NAMES) for f in fields(_Weights)}
        return (json.dumps(own, indent=1, allow_nan=False) + "\n").encode("ascii")

    @classmethod
    def load(cls, folder: str | Path | None = None) -> GateModel:
        """Read a model folder, the one in the package where none is given.

        Raises
        ------
        ModelError
            A file is missing, changed, or made for other features; the message names it.
        """
        manifest, w, place = load_weights(folder, "gate", _Weights, ("usable", "morphology"))
        if w.features != NAMES or {len(v) for v in (w.mean, w.scale, w.weights, w.morphology_weights)} != {
            len(NAMES)
        }:
            place.refuse("is for other features than this version of the gate has")
        return cls(
            mean=w.mean,
            scale=w.scale,
            weights=w.weights,
            bias=w.bias,
            threshold=manifest.thresholds["usable"],
            morphology_weights=w.morphology_weights,
            morphology_bias=w.morphology_bias,
            morphology_threshold=manifest.thresholds["morphology"],
            persistence=w.persistence,
            slope=w.slope,
            offset=w.offset,
            clip=w.clip,
            window_s=manifest.window_s,
            front_end=front_end(manifest),
        )


class Judgement(NamedTuple):
    """Log odds of being usable, their probability, that of the shape, and what each feature adds."""

    log_odds: float
    score: float
    morphology: float
    against: list[float]


class NumpyJudge:
    """Features and both regressions in numpy: what the compiled core is tested against."""

    def __init__(self, model: GateModel) -> None:
        self._model = model
        self._mean, self._scale = np.array(model.mean), np.array(model.scale)
        self._weights = np.array(model.weights)
        self._morphology_weights = np.array(model.morphology_weights)

    def __call__(self, x: Signal, beats: Beats, before: float | None) -> Judgement:
        """Judge a stretch; ``before`` are the log odds of the one before."""
        m, z = self._model, self.standardised(in_numpy(x, beats, self._model.fs))
        against = z * self._weights
        log_odds = m.bias + float(in_order(against)) + carried(before, m.persistence)
        shape = m.morphology_bias + float(in_order(z * self._morphology_weights))
        score = probability(m.slope * log_odds + m.offset)
        return Judgement(log_odds, score, probability(shape), against.tolist())

    def standardised(self, features: Array) -> Array:
        """Features in standard deviations, clipped; shape (..., features)."""
        z = (features - self._mean) / self._scale
        clipped: Array = np.minimum(np.maximum(z, -self._model.clip), self._model.clip)
        return clipped


class CompiledJudge:
    """The same in the compiled core."""

    def __init__(self, model: GateModel) -> None:
        assert core is not None
        arrays = model.mean, model.scale, model.weights, model.morphology_weights
        rest = model.bias, model.morphology_bias, model.persistence, model.slope, model.offset, model.clip
        self._gate = core.Gate(model.fs, np.array([*chain.from_iterable(arrays), *rest], np.float64))

    def __call__(self, x: Signal, beats: Beats, before: float | None) -> Judgement:
        """Judge a stretch; ``before`` are the log odds of the one before."""
        log_odds, score, shape, against = self._gate.assess(*as_arrays(x, beats), before)
        return Judgement(log_odds, score, shape, np.frombuffer(against).tolist())


@lru_cache(maxsize=8)
def _judge(model: GateModel) -> CompiledJudge | NumpyJudge:
    """What judges by a model: all gates with the same one share it, and its 45 kB of working memory."""
    return CompiledJudge(model) if core else NumpyJudge(model)


class Gate:
    """Assesses stretches of filtered signal.

    Parameters
    ----------
    model : GateModel
        Weights and thresholds.
    """

    def __init__(self, model: GateModel) -> None:
        self._model, self._fs = model, model.fs
        self._judge = _judge(model)

    def assess(
        self, x: Signal, beats: Beats, clipped: float = 0.0, before: float | None = None
    ) -> Assessment:
        """Assess a stretch ``x`` (mV, shape (n,)) with the beats in it, a share of it ``clipped``.

        ``before`` is the ``log_odds`` of the stretch before, None where there is none.
        """
        if clipped >= CLIPPED:
            return Assessment(False, 0.0, ("clipped",), False)
        x = np.asarray(x, np.float32)
        # By rule: a flat line has no beats, and features of it are ratios of nothing.
        if flat_share(x, self._fs) > 0.5:
            return Assessment(False, 0.0, ("flat",), False)
        if (most := max(float(x.max()), -float(x.min()))) > LARGE:
            x = x / np.float32(most)
        m, found = self._model, self._judge(x, beats, before)
        accepted = found.score >= m.threshold
        morphology = accepted and found.morphology >= m.morphology_threshold and clipped < CUT_SHAPES
        reasons = () if accepted else _reasons(found.against)
        return Assessment(accepted, found.score, reasons, morphology, found.log_odds)


def carried(before: float | None, persistence: float) -> float:
    """What the log odds of the stretch before add to those of a stretch; 0 without one.

    Examples
    --------
    >>> [round(carried(before, 0.75), 2) for before in (-9.0, 0.0, 9.0, None)]
    [-1.1, 0.0, 1.1, 0.0]
    """
    if before is None:
        return 0.0
    clean = probability(before)
    odds = persistence * clean + (1 - persistence) * (1 - clean)
    return log(odds / (1 - odds))


def probability(log_odds: float) -> float:
    """Probability of log odds, which are cut where it is 0 or 1 to thirteen digits."""
    return 1 / (1 + exp(-min(max(log_odds, -30.0), 30.0)))


def flat_share(x: Signal, fs: float) -> float:
    """Share of half-second pieces that hardly move: a loose electrode, or a saturated amplifier."""
    x = np.ascontiguousarray(x, np.float32)
    share: float = core.flat_share(x, fs) if core else flat_share_in_numpy(x, fs)
    return share


def flat_share_in_numpy(x: Signal, fs: float) -> float:
    """:func:`flat_share` in numpy: what the compiled core is tested against."""
    size = min(len(x), max(1, round(0.5 * fs)))
    if size == 0:
        return 1.0
    pieces = x[: len(x) // size * size].reshape(-1, size)
    moved = (pieces.max(axis=1) - pieces.min(axis=1)).astype(np.float64)
    return np.count_nonzero(moved < FLOOR_MV / 2) / len(moved)


def _reasons(against: list[float]) -> tuple[str, ...]:
    """Up to three reasons: the features that speak against the window, worst first, each word once."""
    order = [i for i in sorted(range(len(against)), key=against.__getitem__) if against[i] < 0]
    words = dict.fromkeys(REASONS[NAMES[i]] for i in order)
    return tuple(list(words)[:3]) or ("noise",)
