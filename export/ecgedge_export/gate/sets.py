"""Windows for the noise gate: clean sinus, AF and ectopy, and noise of several kinds, each a group."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge.beats.detector import find_beats
from ecgedge.gate.features import NAMES, Beats, gate_features
from ecgedge.gate.model import Persistence, flat_share
from ecgedge.stream.windowing import REMAINDER_S
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data, prepare, recipe, splits
from ecgedge_export.beats import shapes
from ecgedge_export.data.split import FOLDS, number
from ecgedge_export.gate import motion
from ecgedge_export.gate.hrv import HRV_NAMES, hrv_figures
from ecgedge_export.recipe import Positive

Array = npt.NDArray[np.float64]
Signal = prepare.Signal
Log = Callable[[str], None]

CLEAN = (
    "mitdb:sinus", "mitdb:af", "mitdb:ectopy", "svdb:sinus", "svdb:ectopy", "cinc:N", "cinc:A", "cinc:O",
    "motion:clean", "ptb-xl:sinus", "ptb-xl:af", "ptb-xl:ectopy", "ptb-xl:paced", "ptb-xl:tachycardia",
    "set-a:acceptable", "made:shapes",
)  # fmt: skip
"""Usable for the rhythm and for the shape of beats."""
MILD = "mild"  # at the end of a group's name: not as it should be, and not lost; only the shape is in doubt
KINDS = ("em", "ma")  # baseline wander does not pass the filters
VALIDATES = 8  # the last of the eight people: whose motion artefacts train nothing
SEED = 5  # of the made shapes
FOUND = 0.9  # share of the made beats that the detector has to find
_TACHYCARDIA = frozenset(("STACH", "SVTAC", "PSVT"))
_ECTOPY = frozenset(("PVC", "PAC", "BIGU", "TRIGU"))


@dataclass(frozen=True, slots=True)
class GateRecipe:
    """Choices that make a gate."""

    name: str
    task: str
    fs: Positive
    window_s: Positive
    lengths_s: tuple[Positive, ...]
    noisy_db: tuple[float, ...]
    mild_db: tuple[float, ...]
    made_shapes: int
    ridge: float
    persistence: Persistence
    clean_rejected: float
    morphology_rejected: float
    weights: Mapping[str, Positive]
    hrv: bool = False  # whether figures of intervals stand behind the gate's features, for comparisons


class Window(NamedTuple):
    """Where a window begins and how long it is, in samples, whether it follows another, and its features."""

    start: int
    length: int
    follows: bool
    features: Array


@dataclass(frozen=True, slots=True)
class Windows:
    """Features of windows, shape (n, features), and the group ``dataset:kind`` that each belongs to.

    ``record`` is the recording of each, or the person where several are known to be of one; ``follows`` says
    which ones come right after the one before them, ``length_s`` is their length; ``sources`` are the data
    sets that they were taken from, for a manifest.
    """

    features: Array
    group: npt.NDArray[np.str_]
    record: npt.NDArray[np.str_]
    follows: npt.NDArray[np.bool_]
    length_s: Array
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

    @property
    def fold(self) -> npt.NDArray[np.int64]:
        """Fold of each window, 0 to 4, by its record: with noise or without, it is in one fold."""
        names, place = np.unique(self.record, return_inverse=True)
        return np.array([number(f"fold-1:{name}") % FOLDS for name in names.tolist()], np.int64)[place]

    def only(self, keep: npt.NDArray[np.bool_]) -> Windows:
        """Return the windows marked True; a record is to be kept or left out as a whole."""
        columns: dict[str, Any] = {name: getattr(self, name)[keep] for name in ARRAYS}
        return Windows(**columns, sources=self.sources)


ARRAYS = tuple(f.name for f in fields(Windows) if f.name != "sources")


def load_recipe(path: Path) -> GateRecipe:
    """Read a gate recipe; errors as in :func:`ecgedge_export.recipe.load`."""
    how = recipe.read(GateRecipe, path)
    if how.hrv:
        raise ConfigError(f"{path}: hrv is for comparisons, a gate has no figures of it: leave it out")
    return how


def join(parts: Sequence[Windows]) -> Windows:
    """Put several sets of windows together."""
    columns: dict[str, Any] = {n: np.concatenate([getattr(p, n) for p in parts]) for n in ARRAYS}
    return Windows(**columns)


def read(readers: Mapping[str, Callable[[], Windows]], log: Log) -> Windows:
    """Read several sets of windows, each with its name in the log, and put them together."""
    parts = []
    for name, reader in readers.items():
        parts.append(reader())
        log(f"{name}: {len(parts[-1].group)} windows")
    return join(parts)


def cinc_windows(how: GateRecipe, *, validation: bool, limit: int | None = None) -> Windows:
    """Windows of the CinC 2017 training or validation split; of its first ``limit`` records."""
    prepared = prepare.cinc2017(how.fs)
    side = prepared.only([splits.is_validation(i) == validation for i in prepared.ids])
    rows = zip(side.ids, side.labels, side.signals, strict=True)
    return windows_of(
        how,
        (
            # The two recordings that occur twice are in one fold.
            Labelled(f"cinc:{data.SAME_RECORDING.get(name, name)}", x, always(f"cinc:{label}"))
            for name, label, x in islice(rows, limit)
        ),
    )


def annotated_windows(how: GateRecipe, records: Iterable[data.Record]) -> Windows:
    """Clean windows of records with beats; flutter, paced and unreadable stretches are left out."""
    return windows_of(
        how,
        (
            Labelled(
                f"{r.dataset}:{r.id}",
                prepare.filtered(r.mv, r.fs, how.fs),
                lambda *at, r=r: rhythm_group(r, *at),
            )
            for r in records
        ),
    )


def mixed_windows(
    how: GateRecipe,
    record_ids: Sequence[str],
    levels_db: Sequence[float],
    lead: int,
    kinds: Sequence[str] = KINDS,
) -> Windows:
    """Windows of MIT-BIH records with the noise of an NSTDB lead, the powers over the whole record."""
    noise = {r.id: r.lead(lead) for r in data.nstdb(kinds)}
    return windows_of(
        how,
        (
            Labelled(
                f"mitdb:{r.id}",
                prepare.filtered(prepare.mix(r.mv, noise[kind], db), r.fs, how.fs),
                always(_mixed_group(kind, db, how)),
            )
            for r in data.mitdb(record_ids)
            for kind in kinds
            for db in levels_db
        ),
    )


def motion_windows(how: GateRecipe, *, people: Iterable[int]) -> Windows:
    """Windows of motion artefacts: clean if all pieces in them are graded 1, noisy if 60 % are 3 or 4."""
    wanted = set(people)
    return windows_of(
        how,
        (
            Labelled(
                f"motion:{r.person}",
                prepare.filtered(r.mv, r.fs, how.fs),
                lambda *at, r=r: _graded(r.grades(*at)),
            )
            for r in motion.recordings()
            if r.person in wanted
        ),
    )


def ptbxl_windows(how: GateRecipe, folds: Iterable[int], limit: int | None = None) -> Windows:
    """Windows of PTB-XL, lead I: cardiologists could read them all, those with slight noise too."""
    wanted = set(folds)
    chosen = (r for r in data.ptbxl() if r.fold in wanted)
    return windows_of(how, (whole(r, r.patient, _statement(r), how) for r in islice(chosen, limit)))


def cinc2011_windows(how: GateRecipe, verdicts: Collection[str], limit: int | None = None) -> Windows:
    """Windows of CinC 2011 set a, lead I, with one of these verdicts on all twelve leads."""
    chosen = (r for r in data.cinc2011() if r.label in verdicts)
    return windows_of(how, (whole(r, r.id, r.label, how) for r in islice(chosen, limit)))


def whole(record: data.Record, who: str, kind: str, how: GateRecipe) -> Labelled:
    """A short recording, of which all is of one kind."""
    name = {"cinc2011": "set-a"}.get(record.dataset, record.dataset)
    signal = prepare.filtered(record.mv, record.fs, how.fs)
    return Labelled(f"{name}:{who}", signal, always(f"{name}:{kind}"))


def shape_windows(how: GateRecipe, limit: int | None = None) -> Windows:
    """Windows of made ECG with wide QRS, tall T waves and pacing: MIT-BIH has next to none."""
    rng = np.random.default_rng(SEED)
    made = (shapes.made_signal(rng) for _ in range(how.made_shapes))
    rows = ((len(m.peaks), prepare.filtered(m.mv, shapes.FS_MADE, how.fs)) for m in islice(made, limit))
    return windows_of(
        how,
        (
            Labelled(f"made:{i}", x, always("made:shapes"))
            for i, (beats, x) in enumerate(rows)
            # Else the gate would learn that a clean signal has no beats.
            if len(find_beats(x)) >= FOUND * beats
        ),
    )


def alone(x: Signal, how: GateRecipe) -> Windows:
    """Windows of one filtered recording, as long as the recipe's, of the group "own:signal"."""
    return windows_of(replace(how, lengths_s=(how.window_s,)), [Labelled("own", x, always("own:signal"))])


def beats_of(x: Signal) -> Beats:
    """Beats of a filtered recording."""
    found = find_beats(x)
    return Beats(np.array([b.position for b in found]), np.array([b.confidence for b in found]))


def features(x: Signal, beats: Beats, how: GateRecipe, length_s: float) -> Iterator[Window]:
    """Yield successive windows as the runtime assesses them; those refused as flat are left out.

    What is left at the end is seen with what came before it.
    """
    n, last = round(length_s * how.fs), 0
    ends = list(range(n, len(x) + 1, n))
    if len(x) - n * len(ends) >= round(REMAINDER_S * how.fs):
        ends.append(len(x))
    for end in ends:
        start = max(0, end - n)
        inside = (beats.at >= start) & (beats.at < end)
        window = x[start:end]
        if flat_share(window, how.fs) <= 0.5:
            here = Beats(beats.at[inside] - start, beats.confidence[inside])
            made = gate_features(window, here, how.fs)
            if how.hrv:
                made = np.concatenate([made, hrv_figures(np.diff(here.at) / how.fs)])
            yield Window(start, end - start, last > 0 and end - last <= n, made)
            last = end


class Labelled(NamedTuple):
    """A filtered recording, and the group of a window from its start and end in seconds, None to skip it."""

    record: str
    signal: Signal
    group: Callable[[float, float], str | None]


def always(group: str) -> Callable[[float, float], str]:
    """The same group for every window."""
    return lambda start_s, end_s: group


# A recording that is this much shorter than a window would be the same window as among the shorter ones.
_FULL = 0.75


def windows_of(how: GateRecipe, recordings: Iterable[Labelled]) -> Windows:
    """Windows of recordings, one after the other."""
    rows = [row for recording in recordings for row in _rows(how, recording)]
    made, groups, records, follows, lengths_s = zip(*rows, strict=True) if rows else ((),) * len(ARRAYS)
    return Windows(
        np.array(made, np.float64).reshape(-1, len(NAMES) + how.hrv * len(HRV_NAMES)),
        np.array(groups, np.str_),
        np.array(records, np.str_),
        np.array(follows, np.bool_),
        np.array(lengths_s, np.float64),
    )


def _rows(how: GateRecipe, recording: Labelled) -> Iterator[tuple[Array, str, str, bool, float]]:
    """Windows that have a group, in the order of the columns of :class:`Windows`."""
    x, beats = recording.signal, beats_of(recording.signal)
    for length_s in how.lengths_s:
        if length_s > how.window_s and len(x) < _FULL * length_s * how.fs:
            continue
        kept = False
        for w in features(x, beats, how, length_s):
            group = recording.group(w.start / how.fs, (w.start + w.length) / how.fs)
            if group:
                yield w.features, group, recording.record, kept and w.follows, length_s
            kept = bool(group)


def _mixed_group(kind: str, db: float, how: GateRecipe) -> str:
    level = f"{kind}{db:+.0f}dB"
    return f"mitdb:{level}" if db <= max(how.noisy_db) else f"mitdb:{level} {MILD}"


def _graded(grades: npt.NDArray[np.int64]) -> str | None:
    if not len(grades):
        return None
    if (grades == 1).all():
        return "motion:clean"
    return "motion:noisy" if np.mean(grades >= 3) >= 0.6 else f"motion:{MILD}"


def rhythm_group(record: data.Record, start_s: float, end_s: float) -> str | None:
    """Group of a stretch of an annotated record; None for flutter, pacing, and what nobody could read."""
    low, high = start_s * record.fs, end_s * record.fs
    rhythm = {episode.name for episode in record.rhythms if episode.overlaps(low, high)}
    symbols = set(record.symbols[(record.beats >= low) & (record.beats < high)].tolist())
    # Flutter has no beats, a paced rhythm another shape, and Q is what the cardiologists could not read.
    if rhythm & {"VFL", "P"} or "Q" in symbols or not symbols:
        return None
    if "AFIB" in rhythm:
        return f"{record.dataset}:af"
    return f"{record.dataset}:{'ectopy' if symbols & set('VAaJSFeE') else 'sinus'}"


def _statement(record: data.Record) -> str:
    said = record.statements.keys()
    if said & {"AFIB", "AFLT"}:
        return "af"
    if "PACE" in said:
        return "paced"
    return "tachycardia" if said & _TACHYCARDIA else "ectopy" if said & _ECTOPY else "sinus"
