"""Windows for the noise gate: clean sinus, AF and ectopy, and noise of several kinds, each a group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge.beats.detector import find_beats
from ecgedge.gate.features import NAMES, Beats, gate_features
from ecgedge.gate.model import flat_share
from ecgedge_export import data, prepare, recipe, splits
from ecgedge_export.gate import motion
from ecgedge_export.recipe import Positive

Array = npt.NDArray[np.float64]
Signal = prepare.Signal
Log = Callable[[str], None]

CLEAN = ("mitdb:sinus", "mitdb:af", "mitdb:ectopy", "cinc:N", "cinc:A", "cinc:O", "motion:clean")
"""Usable for the rhythm and for the shape of beats."""
MILD = "mild"  # at the end of a group's name: not as it should be, and not lost; only the shape is in doubt
KINDS = ("em", "ma")  # baseline wander does not pass the filters
VALIDATES = 8  # the last of the eight people: whose motion artefacts train nothing


@dataclass(frozen=True, slots=True)
class GateRecipe:
    """Choices that make a gate."""

    name: str
    task: str
    fs: Positive
    window_s: Positive
    noisy_db: tuple[float, ...]
    mild_db: tuple[float, ...]
    ridge: float
    clean_rejected: float
    morphology_rejected: float


@dataclass(frozen=True, slots=True)
class Windows:
    """Features of windows, shape (n, features), and the group ``dataset:kind`` that each belongs to.

    ``sources`` are the data sets that they were taken from, for a manifest.
    """

    features: Array
    group: npt.NDArray[np.str_]
    sources: tuple[Source, ...] = ()

    @property
    def clean(self) -> npt.NDArray[np.bool_]:
        """Which windows are clean."""
        return np.isin(self.group, CLEAN)

    @property
    def mild(self) -> npt.NDArray[np.bool_]:
        """Which windows are neither clean nor lost."""
        return np.char.endswith(self.group, MILD)

    @property
    def dataset(self) -> npt.NDArray[np.str_]:
        """Data set of each window."""
        return np.array([g.partition(":")[0] for g in self.group.tolist()])

    def only(self, keep: npt.NDArray[np.bool_]) -> Windows:
        """Return the windows marked True."""
        return Windows(self.features[keep], self.group[keep], self.sources)


def load_recipe(path: Path) -> GateRecipe:
    """Read a gate recipe; errors as in :func:`ecgedge_export.recipe.load`."""
    return recipe.read(GateRecipe, path)


def read(readers: Mapping[str, Callable[[], Windows]], log: Log) -> Windows:
    """Read several sets of windows, each with its name in the log, and put them together."""
    parts = []
    for name, reader in readers.items():
        parts.append(reader())
        log(f"{name}: {len(parts[-1].group)} windows")
    return Windows(np.vstack([p.features for p in parts]), np.concatenate([p.group for p in parts]))


def cinc_windows(how: GateRecipe, *, validation: bool, limit: int | None = None) -> Windows:
    """Windows of the CinC 2017 training or validation split; of its first ``limit`` records."""
    prepared = prepare.cinc2017(how.fs)
    side = prepared.only([splits.is_validation(i) == validation for i in prepared.ids])
    rows = (
        (f, f"cinc:{label}")
        for label, x in islice(zip(side.labels, side.signals, strict=True), limit)
        for _, f in features(x, how)
    )
    return _windows(rows)


def mitdb_windows(how: GateRecipe, record_ids: Sequence[str]) -> Windows:
    """Clean windows of MIT-BIH records; flutter, paced and unreadable stretches are left out."""
    rows = (
        (f, f"mitdb:{kind}")
        for record in data.mitdb(record_ids)
        for start, f in features(prepare.filtered(record.mv, record.fs, how.fs), how)
        if (kind := _rhythm(record, start / how.fs, how.window_s))
    )
    return _windows(rows)


def mixed_windows(
    how: GateRecipe, record_ids: Sequence[str], levels_db: Sequence[float], lead: int
) -> Windows:
    """Windows of MIT-BIH records with the noise of an NSTDB lead, the powers over the whole record."""
    noise = {r.id: r.lead(lead) for r in data.nstdb(KINDS)}
    rows = (
        (f, _mixed_group(kind, db, how))
        for record in data.mitdb(record_ids)
        for kind in KINDS
        for db in levels_db
        for _, f in features(
            prepare.filtered(prepare.mix(record.mv, noise[kind], db), record.fs, how.fs), how
        )
    )
    return _windows(rows)


def motion_windows(how: GateRecipe, *, people: Iterable[int]) -> Windows:
    """Windows of motion artefacts: clean if all pieces in them are graded 1, noisy if 60 % are 3 or 4."""
    wanted = set(people)
    rows = (
        (f, f"motion:{kind}")
        for recording in motion.recordings()
        if recording.person in wanted
        for start, f in features(prepare.filtered(recording.mv, recording.fs, how.fs), how)
        if (kind := _graded(recording.grades(start / how.fs, start / how.fs + how.window_s)))
    )
    return _windows(rows)


def cinc2011_windows(how: GateRecipe) -> Windows:
    """Windows of CinC 2011 set a, lead I, by the verdict on all twelve leads."""
    rows = (
        (f, f"set-a:{record.label}")
        for record in data.cinc2011()
        for _, f in features(prepare.filtered(record.mv, record.fs, how.fs), how)
    )
    return _windows(rows)


def features(x: Signal, how: GateRecipe) -> Iterator[tuple[int, Array]]:
    """Yield (start, features) of successive windows; those that are refused as flat are left out."""
    found, n = find_beats(x), round(how.window_s * how.fs)
    at, confidence = np.array([b.position for b in found]), np.array([b.confidence for b in found])
    for start in range(0, len(x) - n + 1, n):
        inside = (at >= start) & (at < start + n)
        window = x[start : start + n]
        if flat_share(window, how.fs) <= 0.5:
            yield start, gate_features(window, Beats(at[inside] - start, confidence[inside]), how.fs)


def _windows(rows: Iterable[tuple[Array, str]]) -> Windows:
    kept = list(rows)
    return Windows(
        np.array([f for f, _ in kept]).reshape(-1, len(NAMES)), np.array([g for _, g in kept], str)
    )


def _mixed_group(kind: str, db: float, how: GateRecipe) -> str:
    level = f"{kind}{db:+.0f}dB"
    return f"mitdb:{level}" if db <= max(how.noisy_db) else f"mitdb:{level} {MILD}"


def _graded(grades: npt.NDArray[np.int64]) -> str | None:
    if not len(grades):
        return None
    if (grades == 1).all():
        return "clean"
    return "noisy" if np.mean(grades >= 3) >= 0.6 else MILD


def _rhythm(record: data.Record, start_s: float, window_s: float) -> str | None:
    low, high = start_s * record.fs, (start_s + window_s) * record.fs
    rhythm = {episode.name for episode in record.rhythms if episode.overlaps(low, high)}
    symbols = set(record.symbols[(record.beats >= low) & (record.beats < high)].tolist())
    # Flutter has no beats, a paced rhythm another shape, and Q is what the cardiologists could not read.
    if rhythm & {"VFL", "P"} or "Q" in symbols or not symbols:
        return None
    if "AFIB" in rhythm:
        return "af"
    return "ectopy" if symbols & set("VAaJSFeE") else "sinus"
