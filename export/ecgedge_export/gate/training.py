"""Fit the noise gate: clean sinus, AF and ectopy against noise, every group with the same weight.

Clean: CinC 2017 training records labelled N, A, O, MIT-BIH DS1 as recorded, motion graded 1. Noisy: CinC 2017
"~", DS1 with electrode motion or muscle noise from the second lead of NSTDB, motion graded 3 or 4. AF and
ectopic windows are groups of their own, so that a gate which takes irregularity for noise pays for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.gate.model import GateModel
from ecgedge.stream.filters import FrontEnd
from ecgedge.stream.windowing import REMAINDER_S
from ecgedge_export import data, splits
from ecgedge_export.gate import motion
from ecgedge_export.gate import sets as gate_data
from ecgedge_export.gate.sets import CLEAN, VALIDATES, GateRecipe, Log, Windows
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import package_weights

Array = npt.NDArray[np.float64]
CLIP = 4.0  # standard deviations: one feature that is far off does not outvote all the others
FEWEST = 50  # windows below which a group does not set a threshold: a quantile of 5 % rests on three of them


@dataclass(frozen=True, slots=True)
class Line:
    """Weights and bias of a logistic regression."""

    weights: Array
    bias: float

    def score(self, z: Array) -> Array:
        """Probability for each row of standardised features."""
        out: Array = special.expit(z @ self.weights + self.bias)
        return out


@dataclass(frozen=True, slots=True)
class Few:
    """How much of the training data is read, None for all: recordings of CinC 2017, people of the others."""

    recordings: int | None = None
    people: int | None = None


ALL = Few()


@dataclass(frozen=True, slots=True)
class Fitted:
    """A gate, and its manifest but for the list of files."""

    gate: GateModel
    draft: Manifest


def build(how: GateRecipe, command: str, log: Log, few: Few = ALL) -> Fitted:
    """Read the training data, fit, and note what the gate refuses of them."""
    windows = training_windows(how, log, few)
    gate = fit(how, windows)
    metrics = {"command": command, "trained_on": refused(gate, windows)}
    return Fitted(gate, draft(gate, windows, metrics))


def save(fitted: Fitted, folder: Path) -> None:
    """Write the folder of a gate."""
    package_weights(folder, fitted.draft, fitted.gate.encoded())


def draft(gate: GateModel, windows: Windows, metrics: Mapping[str, Any]) -> Manifest:
    """Manifest of a gate, but for the list of files."""
    front = gate.front_end
    return Manifest(
        task="gate",
        fs=front.fs,
        window_s=gate.window_s,
        hop_s=gate.window_s,
        min_window_s=REMAINDER_S,
        bandpass_taps=front.taps,
        resampler=front.resampler,
        normalisation=Normalisation("features", {"clip": gate.clip}),
        classes=(),
        roles={},
        temperature=1.0,
        thresholds=gate.thresholds,
        training_data=windows.sources,
        split_sha256=splits.split_hash(splits.DS2),
        metrics=metrics,
        commit=commit(),
        versions=versions("numpy", "scipy"),
    )


def training_windows(how: GateRecipe, log: Log, few: Few = ALL) -> Windows:
    """Windows that may train: none of a validation or test split."""
    levels = (*how.noisy_db, *how.mild_db)
    ids, people = splits.DS1[: few.people], range(1, VALIDATES)[: few.people]
    readers: dict[str, Callable[[], Windows]] = {
        "CinC 2017": lambda: gate_data.cinc_windows(how, validation=False, limit=few.recordings),
        "MIT-BIH DS1": lambda: gate_data.mitdb_windows(how, ids),
        "MIT-BIH DS1 with noise": lambda: gate_data.mixed_windows(how, ids, levels, lead=1),
        "motion": lambda: gate_data.motion_windows(how, people=people),
    }
    return replace(gate_data.read(readers, log), sources=_sources(few))


def _sources(few: Few) -> tuple[Source, ...]:
    """What :func:`training_windows` reads, for the manifest."""
    ids = [record.id for record in data.cinc2017() if not splits.is_validation(record.id)]
    people = range(1, VALIDATES)[: few.people]
    moved = sum(recording.person in people for recording in motion.recordings())
    return (
        data.DATASETS["cinc2017"].source(len(ids[: few.recordings])),
        data.DATASETS["mitdb"].source(len(splits.DS1[: few.people]), ", DS1"),
        data.DATASETS["nstdb"].source(len(gate_data.KINDS)),
        Source("Motion artefacts of wearable electrodes, people 1 to 7", "GPL-3.0", moved, ""),
    )


def fit(how: GateRecipe, windows: Windows) -> GateModel:
    """Fit both levels, calibrate them, and choose their thresholds."""
    # Of all windows together; 1e-9 for a feature that never changes.
    mean, scale = windows.features.mean(axis=0), windows.features.std(axis=0) + 1e-9
    z = np.clip((windows.features - mean) / scale, -CLIP, CLIP)
    lost = ~windows.clean & ~windows.mild
    rhythm = _calibrated(
        _logistic(z, windows.clean, _weights(windows, windows.clean, lost), how.ridge), z, windows
    )
    shape = _logistic(z, windows.clean, _weights(windows, windows.clean, ~windows.clean), how.ridge)
    return GateModel(
        mean=tuple(mean),
        scale=tuple(scale),
        weights=tuple(rhythm.weights),
        bias=rhythm.bias,
        threshold=_threshold(rhythm.score(z), windows, how.clean_rejected),
        morphology_weights=tuple(shape.weights),
        morphology_bias=shape.bias,
        morphology_threshold=_threshold(shape.score(z), windows, how.morphology_rejected),
        clip=CLIP,
        window_s=how.window_s,
        front_end=FrontEnd.default(how.fs),
    )


def scores(gate: GateModel, features: Array) -> Array:
    """Probability of being usable for the rhythm, for each row of features."""
    z = np.clip((features - np.array(gate.mean)) / np.array(gate.scale), -gate.clip, gate.clip)
    return Line(np.array(gate.weights), gate.bias).score(z)


def refused(gate: GateModel, windows: Windows) -> dict[str, dict[str, float]]:
    """Share refused and number of windows, per group."""
    no = scores(gate, windows.features) < gate.threshold
    return {
        str(g): {
            "refused": round(float(no[windows.group == g].mean()), 4),
            "n": int(np.sum(windows.group == g)),
        }
        for g in np.unique(windows.group)
    }


def _calibrated(line: Line, z: Array, windows: Windows) -> Line:
    """Make the score a probability where noise is as rare as in CinC 2017 (Platt, 1999).

    Where that is not among the data, as all that are not mild have it.
    """
    natural = windows.dataset == "cinc"
    chosen = natural if natural.any() else ~windows.mild
    log_odds = (z @ line.weights + line.bias)[chosen, None]
    share = np.full(len(log_odds), 1 / len(log_odds))
    platt = _logistic(log_odds, windows.clean[chosen], share, ridge=0.0)
    slope = float(platt.weights[0])
    return Line(line.weights * slope, line.bias * slope + platt.bias)


def _threshold(score: Array, windows: Windows, share: float) -> float:
    """The highest threshold at which no clean group loses more than ``share`` of its windows."""
    groups = [g for g in CLEAN if np.sum(windows.group == g) >= FEWEST]
    return min(float(np.quantile(score[windows.group == g], share)) for g in groups)


def _weights(windows: Windows, yes: npt.NDArray[np.bool_], no: npt.NDArray[np.bool_]) -> Array:
    """Both sides weigh the same, and so does every group within each; the rest nothing."""
    weights = np.zeros(len(windows.group))
    for side in (yes, no):
        groups = np.unique(windows.group[side])
        for g in groups:
            chosen = side & (windows.group == g)
            weights[chosen] = 0.5 / len(groups) / chosen.sum()
    return weights


def _logistic(z: Array, yes: npt.NDArray[np.bool_], weights: Array, ridge: float) -> Line:
    design, y = np.hstack([z, np.ones((len(z), 1))]), yes.astype(np.float64)

    # Value and slope, which the optimiser asks for together.
    def loss(w: Array) -> tuple[float, Array]:
        log_odds = design @ w
        value = np.sum(weights * (np.logaddexp(0, log_odds) - y * log_odds)) + ridge * np.sum(w[:-1] ** 2)
        slope = design.T @ (weights * (special.expit(log_odds) - y)) + 2 * ridge * np.append(w[:-1], 0)
        return float(value), slope

    w = optimize.minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    return Line(w[:-1], float(w[-1]))
