"""The noise gate: is this stretch of signal usable, how surely, and what speaks against it.

Features of the RR intervals (after HRV-based noise detection, arXiv 2502.14522) stand beside features of the
shape, since an irregular rhythm alone is no noise: the weights were fitted with AF and ectopy labelled clean
(``ecgedge-export train export/recipes/gate.toml``). Flat signal is refused by rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.manifest_json import (
    FIX,
    Table,
    as_number,
    as_object,
    as_text,
    build,
    digest,
    list_of,
    parse_object,
    plain,
)
from ecgedge.windows import FLOOR_MV
from ecgedge_bridge.errors import ModelError

Signal = npt.NDArray[np.floating]
SCHEMA = 1

FEATURES = (
    "template_correlation", "between_beats", "log_kurtosis", "share_low", "share_high", "burst",
    "beat_height_spread", "cvnn", "cvsd", "rr_min_s", "rr_max_s", "beats_per_s",
)  # fmt: skip

# What a person is told: the feature that speaks most against the window, in words.
REASONS = {
    "template_correlation": "beats_differ",
    "between_beats": "noise_between_beats",
    "log_kurtosis": "no_sharp_peaks",
    "share_low": "baseline_wander",
    "share_high": "muscle_noise",
    "burst": "motion",
    "beat_height_spread": "beat_heights_vary",
    "cvnn": "irregular",
    "cvsd": "irregular",
    "rr_min_s": "implausible_rate",
    "rr_max_s": "implausible_rate",
    "beats_per_s": "implausible_rate",
}
TEMPLATE_S = (-0.1, 0.15)  # QRS without most of the T wave: rate changes move the T wave


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate thinks of a stretch.

    ``score`` is the probability that it is usable; ``reasons`` name what speaks against it, worst first.
    """

    accepted: bool
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateModel:
    """A logistic regression over :data:`FEATURES`, each clipped to ``clip`` standard deviations.

    ``threshold`` is the lowest score that is accepted; ``metrics`` and ``command`` say what it was measured
    to do.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float
    clip: float = 4.0
    features: tuple[str, ...] = FEATURES
    metrics: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""

    def contributions(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What each feature adds to the log odds of being usable."""
        z = (features - np.array(self.mean)) / np.array(self.scale)
        out: npt.NDArray[np.float64] = np.clip(z, -self.clip, self.clip) * np.array(self.weights)
        return out

    def save(self, path: Path) -> None:
        """Write as JSON, with a digest of the content."""
        content = json.loads(json.dumps(asdict(self), default=plain))
        whole = {"schema": SCHEMA, **content, "digest": digest(content)}
        path.write_text(json.dumps(whole, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> GateModel:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ModelError
            The file is missing, changed, or made for other features.
        """
        try:
            raw = parse_object(path.read_bytes())
        except OSError as e:
            raise ModelError(f"cannot read the gate {path} ({e.strerror}): {FIX}") from e
        schema, said = raw.pop("schema", None), raw.pop("digest", None)
        if schema != SCHEMA or said != digest(raw):
            raise ModelError(
                f"the gate {path} was changed after it was written, or is for another version: {FIX}"
            )
        gate = build(cls, _TABLE, raw, "gate")
        if gate.features != FEATURES or {len(gate.mean), len(gate.scale), len(gate.weights)} != {
            len(FEATURES)
        }:
            raise ModelError(f"the gate {path} is for other features than this version's: {FIX}")
        return gate


_NUMBERS = list_of(as_number)
_TABLE: Table = {
    "mean": _NUMBERS,
    "scale": _NUMBERS,
    "weights": _NUMBERS,
    "bias": as_number,
    "threshold": as_number,
    "clip": as_number,
    "features": list_of(as_text),
    "metrics": as_object,
    "command": as_text,
}


class Gate:
    """Judges stretches of filtered signal.

    Parameters
    ----------
    model : GateModel
        Weights and threshold.
    fs : float
        Rate of the filtered signal in Hz.
    """

    def __init__(self, model: GateModel, fs: float) -> None:
        self._model = model
        self._fs = fs

    def judge(self, x: Signal, beats: npt.ArrayLike) -> Verdict:
        """Judge a stretch ``x`` (mV, shape (n,)) with its R peaks ``beats`` (positions in ``x``)."""
        if flat_share(x, self._fs) > 0.5:
            return Verdict(False, 0.0, ("flat",))
        against = self._model.contributions(gate_features(x, beats, self._fs))
        score = float(1 / (1 + np.exp(-np.clip(self._model.bias + against.sum(), -30, 30))))
        accepted = score >= self._model.threshold
        return Verdict(accepted, score, () if accepted else _reasons(against))


def flat_share(x: Signal, fs: float) -> float:
    """Share of half-second pieces that hardly move: a loose electrode, or a saturated amplifier."""
    size = min(len(x), max(1, round(0.5 * fs)))
    if size == 0:
        return 1.0
    pieces = x[: len(x) // size * size].reshape(-1, size)
    return float(np.mean(np.ptp(pieces, axis=1) < FLOOR_MV / 2))


def gate_features(x: Signal, beats: npt.ArrayLike, fs: float) -> npt.NDArray[np.float64]:
    """Compute the gate's features, in the order of :data:`FEATURES`.

    Parameters
    ----------
    x : array, shape (n,)
        Filtered signal in mV.
    beats : array, shape (k,)
        R peaks as positions in ``x``.
    fs : float
        Rate of ``x`` in Hz.
    """
    at = np.asarray(beats, np.float64)
    low, high = _power_shares(x, fs)
    correlation, between, spread = _beat_shape(x, np.round(at).astype(np.int64), fs)
    centred = x - x.mean()
    variance = max(float(np.mean(centred**2)), 1e-12)
    pieces = np.ptp(x[: len(x) // 10 * 10].reshape(10, -1), axis=1) + 1e-6
    return np.array([
        correlation, between, np.log(max(1.0, np.mean(centred**4) / variance**2)), low, high,
        np.log(pieces.max() / np.median(pieces)), spread, *_intervals(np.diff(at) / fs),
        len(at) * fs / len(x),
    ])  # fmt: skip


def _intervals(rr_s: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    """SD and RMS of the differences over the mean, shortest, longest; zeros from fewer than two."""
    if len(rr_s) < 2:
        return 0.0, 0.0, 0.0, 0.0
    mean, step = float(rr_s.mean()), np.diff(rr_s)
    rmssd = float(np.sqrt(np.mean(step**2)))
    return float(rr_s.std(ddof=1)) / mean, rmssd / mean, float(rr_s.min()), float(rr_s.max())


def _power_shares(x: Signal, fs: float) -> tuple[float, float]:
    """Share of the power below 3 Hz and above 20 Hz."""
    power = np.abs(np.fft.rfft(x)) ** 2
    per_bin = fs / len(x)
    total = float(power.sum()) + 1e-12
    return float(power[: round(3 / per_bin)].sum()) / total, float(power[round(20 / per_bin) :].sum()) / total


def _beat_shape(x: Signal, at: npt.NDArray[np.int64], fs: float) -> tuple[float, float, float]:
    """Median correlation of beats with their median, activity between beats over beat height, spread of
    heights."""
    span = np.arange(round(TEMPLATE_S[0] * fs), round(TEMPLATE_S[1] * fs))
    at = at[(at + span[0] >= 0) & (at + span[-1] < len(x))]
    if len(at) < 3:
        return 0.0, 1.0, 1.0
    beats = x[at[:, None] + span]
    template = np.median(beats, axis=0)
    correlation = float(np.median(_correlations(beats, template)))
    heights = np.ptp(beats, axis=1)
    outside = np.ones(len(x), bool)
    outside[(at[:, None] + span).ravel()] = False
    rest = x[outside]
    height = max(float(np.median(heights)), 1e-6)
    between = float(np.sqrt(np.mean(rest**2))) / height if len(rest) else 1.0
    return correlation, between, float(np.median(np.abs(heights - height))) / height


def _correlations(beats: Signal, template: Signal) -> npt.NDArray[np.float64]:
    b = beats - beats.mean(axis=1, keepdims=True)
    t = template - template.mean()
    norm = np.sqrt((b**2).sum(axis=1) * (t**2).sum()) + 1e-9
    out: npt.NDArray[np.float64] = (b @ t) / norm
    return out


def _reasons(against: npt.NDArray[np.float64]) -> tuple[str, ...]:
    """Up to three reasons: the features that speak against the window, worst first, each word once."""
    order = [i for i in np.argsort(against) if against[i] < 0]
    words = dict.fromkeys(REASONS[FEATURES[i]] for i in order)
    return tuple(list(words)[:3]) or ("noise",)
