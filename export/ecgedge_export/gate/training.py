"""Fit the noise gate: clean sinus, AF and ectopy against noise, every group with the weight of the recipe.

Clean: CinC 2017 training records labelled N, A, O, MIT-BIH DS1 and svdb as recorded, hospital recordings of
10 s (PTB-XL, set a), made shapes, motion graded 1. Noisy: CinC 2017 "~", DS1 with electrode motion or muscle
noise from the second lead of NSTDB, motion graded 3 or 4. AF and ectopic windows are groups of their own, so
that a gate which takes irregularity for noise pays for it. What is reported of the training data, and what
chooses thresholds and calibration, comes from gates that did not see the record (five folds).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.gate.model import GateModel, carried
from ecgedge.stream.filters import FrontEnd
from ecgedge.stream.windowing import REMAINDER_S
from ecgedge_export import data, logistic, splits
from ecgedge_export.data.databases.svdb import svdb
from ecgedge_export.data.split import FOLDS
from ecgedge_export.gate import motion
from ecgedge_export.gate import sets as gate_data
from ecgedge_export.gate.sets import CLEAN, VALIDATES, GateRecipe, Log, Windows
from ecgedge_export.gate.window_cache import cached
from ecgedge_export.logistic import Line
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import package_weights

Array = npt.NDArray[np.float64]
CLIP = 4.0  # standard deviations: one feature that is far off does not outvote all the others
FEWEST = 50  # windows below which a group does not set a threshold: a quantile of 5 % rests on three of them
LIMITING = "cinc", "mitdb", "svdb"  # the data sets whose clean groups set it: their rhythms are annotated
BINS = 10
HOSPITAL = range(1, 9)  # folds of PTB-XL that train


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


def build(how: GateRecipe, command: str, log: Log, few: Few = ALL, work: Path | None = None) -> Fitted:
    """Read the training data, fit, and note what the gate refuses of them; windows are kept in ``work``."""
    windows = training_windows(how, log, few, work)
    others = cross_fit(how, windows)
    gate = fit(how, windows, others)
    score = special.expit(gate.slope * others.rhythm + gate.offset)
    natural = _natural(windows)
    metrics = {
        "command": command,
        "noise_share": round(float(1 - windows.clean[natural].mean()), 4),
        "calibration_error": round(calibration_error(score[natural], windows.clean[natural]), 4),
        "folds": refused_by_length(gate, windows, score),
    }
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


def training_windows(how: GateRecipe, log: Log, few: Few = ALL, work: Path | None = None) -> Windows:
    """Windows that may train: none of a validation or test split."""
    levels = (*how.noisy_db, *how.mild_db)
    ids, people = splits.DS1[: few.people], range(1, VALIDATES)[: few.people]
    readers: dict[str, Callable[[], Windows]] = {
        "CinC 2017": lambda: gate_data.cinc_windows(how, validation=False, limit=few.recordings),
        "MIT-BIH DS1": lambda: gate_data.annotated_windows(how, data.mitdb(ids)),
        "MIT-BIH DS1 with noise": lambda: gate_data.mixed_windows(how, ids, levels, lead=1),
        "svdb": lambda: gate_data.annotated_windows(how, islice(svdb(), few.people)),
        "PTB-XL": lambda: gate_data.ptbxl_windows(how, HOSPITAL, few.recordings),
        "set a": lambda: gate_data.cinc2011_windows(how, ("acceptable",), few.recordings),
        "made shapes": lambda: gate_data.shape_windows(how, few.recordings),
        "motion": lambda: gate_data.motion_windows(how, people=people),
    }
    kept = {name: cached(reader, how, few, name, work) for name, reader in readers.items()}
    return replace(gate_data.read(kept, log), sources=_sources(few))


def _sources(few: Few) -> tuple[Source, ...]:
    """What :func:`training_windows` reads, for the manifest."""
    ids = [record.id for record in data.cinc2017() if not splits.is_validation(record.id)]
    people = range(1, VALIDATES)[: few.people]
    moved = sum(recording.person in people for recording in motion.recordings())
    hospital = sum(record.fold in HOSPITAL for record in data.ptbxl())
    good = sum(record.label == "acceptable" for record in data.cinc2011())
    return (
        data.DATASETS["cinc2017"].source(len(ids[: few.recordings])),
        data.DATASETS["mitdb"].source(len(splits.DS1[: few.people]), ", DS1"),
        data.DATASETS["nstdb"].source(len(gate_data.KINDS)),
        data.DATASETS["svdb"].source(len([*islice(svdb(), few.people)])),
        data.DATASETS["ptb-xl"].source(min(hospital, few.recordings or hospital), ", folds 1 to 8"),
        data.DATASETS["cinc2011"].source(min(good, few.recordings or good), ", lead I"),
        Source("Motion artefacts of wearable electrodes, people 1 to 7", "GPL-3.0", moved, ""),
    )


class LogOdds(NamedTuple):
    """Log odds of each window, for the rhythm (in context) and for the shape of beats, shape (n,)."""

    rhythm: Array
    shape: Array


def cross_fit(how: GateRecipe, windows: Windows) -> LogOdds:
    """Log odds of each window by gates that were fitted on the other folds of records."""
    z, fold = _standardised(windows), windows.fold
    rhythm, shape = np.zeros(len(z)), np.zeros(len(z))
    for k in range(FOLDS):
        mine = fold == k
        # Few recordings may all lie in one fold: nobody else speaks about them, and their log odds stay 0.
        if mine.all() or not mine.any():
            continue
        of_rhythm, of_shape = _lines(how, z[~mine], windows.only(~mine))
        rhythm[mine], shape[mine] = of_rhythm.log_odds(z[mine]), of_shape.log_odds(z[mine])
    return LogOdds(in_context(rhythm, windows.follows, how.persistence), shape)


def fit(how: GateRecipe, windows: Windows, others: LogOdds | None = None) -> GateModel:
    """Fit both levels; calibrate, and choose thresholds, by what the other folds say (``others``)."""
    others = others or cross_fit(how, windows)
    rhythm, shape = _lines(how, _standardised(windows), windows)
    platt = _calibration(others.rhythm, windows)
    mean, scale = _spread(windows)
    return GateModel(
        mean=tuple(mean),
        scale=tuple(scale),
        weights=tuple(rhythm.weights),
        bias=rhythm.bias,
        threshold=_threshold(platt.log_odds(others.rhythm[:, None]), windows, how, how.clean_rejected),
        morphology_weights=tuple(shape.weights),
        morphology_bias=shape.bias,
        morphology_threshold=_threshold(others.shape, windows, how, how.morphology_rejected),
        persistence=how.persistence,
        slope=float(platt.weights[0]),
        offset=platt.bias,
        clip=CLIP,
        window_s=how.window_s,
        front_end=FrontEnd.default(how.fs),
    )


def in_context(log_odds: Array, follows: npt.NDArray[np.bool_], persistence: float) -> Array:
    """Add to each window's log odds what the window before it says."""
    out = log_odds.copy()
    for i in np.flatnonzero(follows):
        out[i] += carried(float(out[i - 1]), persistence)
    return out


def scores(gate: GateModel, windows: Windows) -> Array:
    """Probability of being usable for the rhythm, for each window."""
    z = np.clip((windows.features - np.array(gate.mean)) / np.array(gate.scale), -gate.clip, gate.clip)
    own = Line(np.array(gate.weights), gate.bias).log_odds(z)
    p: Array = special.expit(gate.slope * in_context(own, windows.follows, gate.persistence) + gate.offset)
    return p


def refused(gate: GateModel, windows: Windows, score: Array | None = None) -> dict[str, dict[str, float]]:
    """Share refused and number of windows, per group; by the gate's own scores where none are given."""
    no = (scores(gate, windows) if score is None else score) < gate.threshold
    return {
        str(g): {
            "refused": round(float(no[windows.group == g].mean()), 4),
            "n": int(np.sum(windows.group == g)),
        }
        for g in np.unique(windows.group)
    }


def refused_by_length(gate: GateModel, windows: Windows, score: Array) -> dict[str, Any]:
    """The same for windows of each length."""
    lengths = {f"{s:g} s": windows.length_s == s for s in np.unique(windows.length_s).tolist()}
    return {name: refused(gate, windows.only(mine), score[mine]) for name, mine in lengths.items()}


def calibration_error(score: Array, clean: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width: how far scores are from shares.

    As in Guo et al., ICML 2017, who took 15.
    """
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    gaps = [abs(score[bins == b].sum() - clean[bins == b].sum()) for b in range(BINS)]
    return float(np.sum(gaps) / len(score))


class Spread(NamedTuple):
    """Mean and standard deviation of each feature, shape (features,)."""

    mean: Array
    scale: Array


def _spread(windows: Windows) -> Spread:
    """Those of signal as it comes: made noise would widen the range that a feature is clipped to."""
    natural = windows.features[_natural(windows)]
    return Spread(natural.mean(axis=0), natural.std(axis=0) + 1e-9)  # for a feature that never changes


def _standardised(windows: Windows) -> Array:
    mean, scale = _spread(windows)
    z: Array = np.clip((windows.features - mean) / scale, -CLIP, CLIP)
    return z


def _natural(windows: Windows) -> npt.NDArray[np.bool_]:
    """Windows among which noise is as frequent as in life: those of CinC 2017, else all that are not mild."""
    chosen: npt.NDArray[np.bool_] = windows.dataset == "cinc"
    return chosen if chosen.any() else ~windows.mild


class Lines(NamedTuple):
    """Usable for the rhythm, and for the shape of beats."""

    rhythm: Line
    shape: Line


def _lines(how: GateRecipe, z: Array, windows: Windows) -> Lines:
    clean, weights = windows.clean, how.weights
    return Lines(
        logistic.fit(z, clean, _weights(windows, clean, ~clean & ~windows.mild, weights), how.ridge),
        # What is mild has no weight of its own: for the shape all groups of a side weigh the same.
        logistic.fit(z, clean, _weights(windows, clean, ~clean, {}), how.ridge),
    )


def _calibration(log_odds: Array, windows: Windows) -> Line:
    """Make the score a probability where noise is as rare as in CinC 2017 (Platt, 1999)."""
    natural = _natural(windows)
    share = np.full(int(natural.sum()), 1 / natural.sum())
    return logistic.fit(log_odds[natural, None], windows.clean[natural], share, ridge=0.0)


def _threshold(log_odds: Array, windows: Windows, how: GateRecipe, share: float) -> float:
    """The highest threshold at which no clean group loses more than ``share`` of its windows."""
    counted = np.isin(windows.dataset, LIMITING) & (windows.length_s == how.window_s)
    groups = [g for g in CLEAN if np.sum(counted & (windows.group == g)) >= FEWEST]
    lowest = min(float(np.quantile(log_odds[counted & (windows.group == g)], share)) for g in groups)
    return float(special.expit(lowest))


def _weights(
    windows: Windows, yes: npt.NDArray[np.bool_], no: npt.NDArray[np.bool_], of: Mapping[str, float]
) -> Array:
    """Both sides weigh the same; a group within each has its own weight, else its data set's, else 1."""
    weights = np.zeros(len(windows.group))
    for side in (yes, no):
        for g in np.unique(windows.group[side]).tolist():
            chosen = side & (windows.group == g)
            weights[chosen] = of.get(g, of.get(g.partition(":")[0], 1.0)) / chosen.sum()
        weights[side] *= 0.5 / max(float(weights[side].sum()), 1e-300)  # of a side without windows
    return weights
