"""Fit the noise gate: clean sinus, AF and ectopy against noise, every group with the same weight.

Clean: CinC 2017 training records labelled N, A, O, and MIT-BIH DS1 as recorded. Noisy: CinC 2017 "~", and
MIT-BIH DS1 with electrode motion or muscle noise from the first half of NSTDB. AF and ectopic windows are
groups of their own, so that a gate which takes irregularity for noise pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ecgedge.beats import BeatDetector
from ecgedge.gate import GateModel, gate_features
from ecgedge_export import data, prepare, recipe, splits

Array = npt.NDArray[np.float64]
CLEAN = ("sinus", "af", "ectopy", "cinc-N", "cinc-A", "cinc-O")
TICK = 50


@dataclass(frozen=True, slots=True)
class GateRecipe:
    """Choices that make a gate."""

    name: str
    fs: float
    window_s: float
    noisy_db: tuple[float, ...]
    ridge: float
    clean_rejected: float


@dataclass(frozen=True, slots=True)
class Windows:
    """Features of windows, shape (n, features), and the group each belongs to."""

    features: Array
    group: npt.NDArray[np.str_]

    @property
    def clean(self) -> npt.NDArray[np.bool_]:
        """Which windows are usable."""
        return np.isin(self.group, CLEAN)


def load_recipe(path: Path) -> GateRecipe:
    """Read a gate recipe; errors as in :func:`ecgedge_export.recipe.load`."""
    loaded: GateRecipe = recipe.read(GateRecipe, path)
    return loaded


def detect(x: prepare.Signal, fs: float) -> Array:
    """R peaks of a filtered recording, found by the live detector."""
    detector = BeatDetector(fs)
    found: list[float] = []
    for i in range(0, len(x), TICK):
        found += detector.feed(x[i : i + TICK])
    return np.array(found + detector.finish())


def _features(x: prepare.Signal, fs: float, window_s: float) -> Iterator[tuple[int, Array]]:
    """Yield (start, features) of successive windows."""
    beats, n = detect(x, fs), round(window_s * fs)
    for start in range(0, len(x) - n + 1, n):
        inside = beats[(beats >= start) & (beats < start + n)] - start
        yield start, gate_features(x[start : start + n], inside, fs)


def cinc_windows(how: GateRecipe, *, validation: bool) -> Windows:
    """Windows of the CinC 2017 training or validation split."""
    prepared = prepare.cinc2017(how.fs)
    rows = [
        (f, f"cinc-{label}")
        for record_id, label, x in zip(prepared.ids, prepared.labels, prepared.signals, strict=True)
        if splits.is_validation(record_id) == validation
        for _, f in _features(x, how.fs, how.window_s)
    ]
    return Windows(np.array([f for f, _ in rows]), np.array([g for _, g in rows]))


def mitdb_windows(how: GateRecipe, record_ids: tuple[str, ...]) -> Windows:
    """Windows of MIT-BIH records, as recorded and with noise.

    Flutter, paced and unreadable stretches are left out.
    """
    noise = prepare.nstdb(how.fs)
    rows: list[tuple[Array, str]] = []
    for record in data.mitdb(record_ids):
        x = prepare.filtered(record.mv, record.fs, how.fs)
        for start, f in _features(x, how.fs, how.window_s):
            group = _group(record, start / how.fs, how.window_s)
            rows += [(f, group)] if group else []
        for kind in ("em", "ma"):
            for db in how.noisy_db:
                noisy = _mixed(x, noise[kind], db)
                rows += [(f, f"{kind}{db:+.0f}dB") for _, f in _features(noisy, how.fs, how.window_s)]
    return Windows(np.array([f for f, _ in rows]), np.array([g for _, g in rows]))


def _group(record: data.Record, start_s: float, window_s: float) -> str | None:
    low, high = start_s * record.fs, (start_s + window_s) * record.fs
    rhythm = {episode.name for episode in record.rhythms if episode.overlaps(low, high)}
    symbols = {s for at, s in zip(record.beats, record.symbols, strict=True) if low <= at < high}
    if rhythm & {"VFL", "P"} or "Q" in symbols or not symbols:
        return None
    if "AFIB" in rhythm:
        return "af"
    return "ectopy" if symbols & set("VAaJSFeE") else "sinus"


def _mixed(x: prepare.Signal, noise: prepare.Signal, db: float) -> prepare.Signal:
    repeated = np.resize(noise, len(x))
    ratio = np.mean(x.astype(np.float64) ** 2) / np.mean(repeated.astype(np.float64) ** 2)
    return np.asarray(x + np.sqrt(ratio * 10 ** (-db / 10)) * repeated, np.float32)


def fit(how: GateRecipe, windows: Windows, validation: Windows) -> GateModel:
    """Fit weights on ``windows``, choose the threshold on ``validation``.

    Only clean groups of at least 50 windows have a say in the threshold.
    """
    x, y = windows.features, windows.clean.astype(np.float64)
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.clip((x - mean) / scale, -4, 4)
    weights = _group_weights(windows)
    w = _logistic(z, y, weights, how.ridge)
    gate = GateModel(tuple(mean), tuple(scale), tuple(w[:-1]), float(w[-1]), 0.5)
    score = scores(gate, validation.features)
    limits = [
        float(np.quantile(score[validation.group == g], how.clean_rejected))
        for g in CLEAN
        if np.sum(validation.group == g) >= 50
    ]
    return GateModel(gate.mean, gate.scale, gate.weights, gate.bias, threshold=min(0.5, *limits))


def scores(gate: GateModel, features: Array) -> Array:
    """Probability of being usable for each row of features."""
    z = np.clip((features - np.array(gate.mean)) / np.array(gate.scale), -gate.clip, gate.clip)
    out: Array = special.expit(z @ np.array(gate.weights) + gate.bias)
    return out


def report(gate: GateModel, windows: Windows) -> dict[str, dict[str, float]]:
    """Share refused and number of windows, per group."""
    refused = scores(gate, windows.features) < gate.threshold
    return {
        str(g): {
            "refused": round(float(refused[windows.group == g].mean()), 4),
            "n": int(np.sum(windows.group == g)),
        }
        for g in np.unique(windows.group)
    }


def _group_weights(windows: Windows) -> Array:
    """Clean and noisy weigh the same, and so does every group within each."""
    weights = np.zeros(len(windows.group))
    for side in (True, False):
        groups = np.unique(windows.group[windows.clean == side])
        for g in groups:
            chosen = windows.group == g
            weights[chosen] = 0.5 / len(groups) / chosen.sum()
    return weights


def _logistic(z: Array, y: Array, weights: Array, ridge: float) -> Array:
    design = np.hstack([z, np.ones((len(z), 1))])

    def loss(w: Array) -> tuple[float, Array]:
        logit = design @ w
        p = special.expit(logit)
        value = np.sum(weights * (np.logaddexp(0, logit) - y * logit)) + ridge * np.sum(w[:-1] ** 2)
        slope = design.T @ (weights * (p - y)) + 2 * ridge * np.append(w[:-1], 0)
        return float(value), slope

    result = optimize.minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B")
    w: Array = result.x
    return w


def build(how: GateRecipe, command: str) -> GateModel:
    """Read the data, fit, choose the threshold, and note what the gate refuses."""
    cinc, mitdb = cinc_windows(how, validation=False), mitdb_windows(how, splits.DS1)
    validation = cinc_windows(how, validation=True)
    both = Windows(np.vstack([cinc.features, mitdb.features]), np.concatenate([cinc.group, mitdb.group]))
    gate = fit(how, both, validation)
    metrics = {"cinc2017_validation": report(gate, validation), "mitdb_ds1_trained_on": report(gate, mitdb)}
    return replace(gate, metrics=metrics, command=command)
