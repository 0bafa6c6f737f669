"""What the beat-class model is trained on: beats as the detector finds them, seen as the runtime sees them.

Annotated beats are those of MIT-BIH DS1, both leads, and of the Supraventricular Arrhythmia Database. They
are of eighty people, so others join in: PTB-XL, where twelve leads and a cardiologist's statement about the
recording show which beats are ectopic; CinC 2017, whose recordings of sinus rhythm and of atrial fibrillation
show what template beats look like; sinus rhythm with beats made premature, of CinC 2017 and, by the half
hour, of DS1; and recordings that are looped or in another tempo
(:mod:`ecgedge_export.beat_classes.long_recordings`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.beat_classes import features, history, layout, likeness
from ecgedge.beat_classes.history import BeatHistory
from ecgedge.beat_classes.layout import BEFORE, FS, LONGEST_RR_S, N_WAVE
from ecgedge.beats import detector as beats
from ecgedge.beats import net as beat_net
from ecgedge.beats.detector import find_beats
from ecgedge.stream import filters
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare, splits
from ecgedge_export.archives import npz
from ecgedge_export.beat_classes import long_recordings
from ecgedge_export.beat_classes import premature as made_premature
from ecgedge_export.beat_classes.long_recordings import BeatSequence, at_rest, in_other_tempo, looped
from ecgedge_export.beat_classes.premature import premature
from ecgedge_export.beat_classes.scores import TOLERANCE_S
from ecgedge_export.beats.scores import pairs
from ecgedge_export.data import DATASETS, Record

Floats = npt.NDArray[np.float32]
Change = Callable[[BeatSequence, np.random.Generator], BeatSequence]
Places = npt.NDArray[np.float64]
Symbols = npt.NDArray[np.str_]
Log = Callable[[str], None]

MARGIN = (
    10  # samples of a wave on either side beyond what the model sees, so that an augmented wave can be moved
)
UNKNOWN = ""
SOURCES = (
    "mitdb",
    "svdb",
    "ptb-xl",
    "cinc2017",
    "premature",
    "unnamed",
    "tempo",
    "ectopy",
    "looped",
    "af",
    "breathing",
)
# Sources whose beats are of annotated records: what is made of a record validates no fold that it teaches.
OF_RECORDS = ("mitdb", "svdb", "tempo", "ectopy")

# III and the augmented leads follow from I and II, and show nothing of their own.
LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
SEEKING = ("I", "II", "V2", "V5")  # leads whose detections are joined; a beat is in two of them at least
# Drawn of a recording: fewer leads of those without ectopic beats, which are many, than of those with.
USUAL_LEADS, ECTOPIC_LEADS = ("I", "II", "V1", "V5"), ("I", "II", "V1", "V2", "V3", "V5")
JOINED = 10  # samples between detections of one beat in different leads
# Statements that leave open which beats of the recording are ectopic.
UNCLEAR = frozenset(("PACE", "SVARR", "PSVT", "SVTAC", "BIGU", "TRIGU", "PRC(S)", "AFLT"))
EARLY = 0.88  # of the median interval: an earlier beat is premature
MOST_USUAL, MOST_AF = 400, 500  # recordings of CinC 2017
MOSTLY_SINUS = 0.85  # of the beats of a half hour in which others are made premature
# Modules that beats depend on: kept beats are made anew when one of them changes.
_RUNTIME = features, history, layout, likeness, beats, beat_net, filters
_MADE_BY = sys.modules[__name__], long_recordings, made_premature, *_RUNTIME
# 201 of DS1 and 202 of DS2 are one person
TAUGHT = tuple(name for name in splits.DS1 if name != "201")


@dataclass(frozen=True, slots=True, eq=False)
class BeatSet:
    """Beats in order, recording by recording.

    ``waves`` (k, 100), ``template`` (k, 80), both in mV, ``rhythm`` (k, 11), ``rr_s`` (k,)
    before each; ``symbols`` (k,) are AAMI classes, "" where none is known; ``record`` (k,) names the
    recordings, ``source`` (k,) is one of SOURCES.
    """

    waves: Floats
    template: Floats
    rhythm: Floats
    rr_s: Floats
    symbols: Symbols
    record: Symbols
    source: Symbols

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def before(self) -> npt.NDArray[np.int64]:
        """Index of the beat before each, its own for the first of a recording."""
        first = np.append(True, self.record[1:] != self.record[:-1])
        return np.arange(len(self)) - np.where(first, 0, 1)

    def only(self, keep: npt.NDArray[np.bool_]) -> BeatSet:
        """Return the beats marked True; whole recordings, or the beats before are others."""
        return BeatSet(*(getattr(self, f.name)[keep] for f in fields(self)))

    def save(self, path: Path) -> None:
        """Write the beats to a ``.npz`` file, whole or not at all."""
        with atomic_file(path) as file:
            np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> BeatSet:
        """Read what :meth:`save` wrote."""
        with npz(path, "delete it, it is made again") as z:
            return cls(*(z[f.name] for f in fields(cls)))


def joined(sets: Iterable[BeatSet]) -> BeatSet:
    """All beats of several sets."""
    every = list(sets)
    return BeatSet(*(np.concatenate([getattr(s, f.name) for s in every]) for f in fields(BeatSet)))


def observe(
    signal: Floats, peaks: Sequence[float], symbols: Sequence[str], source: str, record: str
) -> BeatSet:
    """See the beats of one recording as the runtime does.

    Parameters
    ----------
    signal : array, shape (n,)
        Filtered, at 100 Hz, in mV.
    peaks : sequence of float
        R peaks in samples, ascending; one at least.
    symbols : sequence of str
    source, record : str
    """
    waves = [features.cut(signal, round(p) - BEFORE - MARGIN, N_WAVE + 2 * MARGIN) for p in peaks]
    rr_s = np.diff(peaks) / FS
    first = rr_s[:1] if len(rr_s) else [LONGEST_RR_S]
    sequence = BeatSequence(np.array(waves, np.float32), np.append(first, rr_s), np.array(symbols, np.str_))
    return observe_sequence(sequence, source, record)


def observe_sequence(beats: BeatSequence, source: str, record: str) -> BeatSet:
    """See beats without the signal between them as the runtime does; as for ``observe``."""
    heard = BeatHistory()
    before = [None, *beats.rr_s[1:].tolist()]
    after = [*beats.rr_s[1:].tolist(), LONGEST_RR_S]
    plain = beats.waves[:, MARGIN:-MARGIN]
    inputs = [heard.take(*beat) for beat in zip(plain, before, after, strict=True)]
    return BeatSet(
        beats.waves,
        np.array([one.waves[2] for one in inputs], np.float32),
        np.array([one.rhythm for one in inputs], np.float32),
        beats.rr_s.astype(np.float32),
        beats.symbols,
        np.full(len(inputs), record),
        np.full(len(inputs), source),
    )


def detect(signal: Floats) -> list[float]:
    """R peaks of a filtered signal at 100 Hz, as the runtime finds them."""
    return [beat.position for beat in find_beats(signal)]


def mitdb(record_ids: Sequence[str]) -> Iterator[BeatSet]:
    """Annotated beats that the detector finds in both leads; what it makes up is of no class."""
    return (_annotated(record, lead, "mitdb") for record in data.mitdb(record_ids) for lead in (0, 1))


def svdb() -> Iterator[BeatSet]:
    """Annotated beats of the Supraventricular Arrhythmia Database, first lead."""
    return (_annotated(record, 0, "svdb") for record in DATASETS["svdb"].read(None))


def _annotated(record: Record, lead: int, source: str) -> BeatSet:
    signal = prepare.filtered(record.lead(lead), record.fs, FS)
    peaks = detect(signal)
    return observe(signal, peaks, named_by(record, peaks), source, f"{record.id}/{lead}")


def named_by(record: Record, peaks: Sequence[float]) -> list[str]:
    """AAMI classes of detected beats at 100 Hz from a record's annotations, "" for what is no beat."""
    return _named(peaks, record.beats * (FS / record.fs), record.aami.tolist())


def _named(peaks: Sequence[float], places: npt.ArrayLike, symbols: Sequence[str]) -> list[str]:
    """Symbols of detected beats from those of a reference."""
    found = [UNKNOWN] * len(peaks)
    for i, j in pairs(places, peaks, TOLERANCE_S * FS):
        found[j] = symbols[i]
    return found


def ptbxl() -> Iterator[BeatSet]:
    """Beats of PTB-XL, folds 1 to 8, several leads each."""
    for record in data.ptbxl():
        statements = record.statements.keys()
        if (record.fold or 0) > 8 or ("PVC" not in statements and UNCLEAR & statements):
            continue
        signals = {lead: prepare.filtered(record.lead(lead), record.fs, FS) for lead in LEADS}
        places = _common([detect(signals[lead]) for lead in SEEKING])
        if len(places) >= 5:
            symbols = _ptbxl_symbols(signals, places, frozenset(statements))
            yield from _by_lead(record.id, signals, places, symbols)


def _by_lead(name: str, signals: dict[str, Floats], places: Places, symbols: list[str]) -> Iterator[BeatSet]:
    for lead in ECTOPIC_LEADS if {"V", "S"} & set(symbols) else USUAL_LEADS:
        if peaks := detect(signals[lead]):
            named = _named(peaks, places, symbols)
            yield observe(signals[lead], peaks, named, "ptb-xl", f"{name}/{lead}")


def _common(by_lead: Sequence[Sequence[float]]) -> Places:
    """Beats that at least two leads have, each at the median of its places."""
    every = np.sort(np.concatenate([np.asarray(peaks, np.float64) for peaks in by_lead]))
    groups = np.split(every, np.flatnonzero(np.diff(every) > JOINED) + 1)
    return np.array([np.median(g) for g in groups if len(g) >= 2])


def _ptbxl_symbols(signals: dict[str, Floats], places: Places, statements: frozenset[str]) -> list[str]:
    """Symbols of beats from their shape in eight leads, their time, and the statements about the record."""
    like = alike([np.concatenate([qrs(signals[lead], at) for lead in LEADS]) for at in places])
    # How long the interval before each beat is, in median intervals: below EARLY the beat is premature.
    rr = np.diff(places)
    due = np.append(1.0, rr / np.median(rr))
    if "PVC" in statements:
        return [_if_ventricular(a, d) for a, d in zip(like, due, strict=True)]
    if "PAC" in statements:
        sure = "AFIB" not in statements
        return [_if_atrial(a, d, sure=sure) for a, d in zip(like, due, strict=True)]
    least = 0.0 if "AFIB" in statements else 0.8
    return ["N" if a > 0.8 and d >= least else UNKNOWN for a, d in zip(like, due, strict=True)]


def _if_ventricular(like: float, due: float) -> str:
    if (like < 0.7 and due < EARLY) or like < 0.4:
        return "V"
    return "N" if like > 0.9 and due >= EARLY else UNKNOWN


def _if_atrial(like: float, due: float, *, sure: bool) -> str:
    if due < EARLY:
        return "S" if like > 0.8 and sure else UNKNOWN
    return "N" if like > 0.85 and due > 0.92 else UNKNOWN


def qrs(signal: Floats, at: float) -> Floats:
    """The 0.17 s around an R peak."""
    return features.cut(signal, round(at) - 8, 17)


def alike(waves: Sequence[Floats]) -> Places:
    """Correlation of each wave with the one that is most like all the others."""
    w = np.asarray(waves, np.float64)
    w = w - w.mean(axis=1, keepdims=True)
    w /= np.linalg.norm(w, axis=1, keepdims=True) + 1e-9
    every = w @ w.T
    likeness: Places = every[np.argmax(np.median(every, axis=1))]
    return likeness


def cinc2017(rng: np.random.Generator) -> Iterator[BeatSet]:
    """Beats like the template: of sinus rhythm, and of atrial fibrillation, where early ones count too."""
    for label, most in (("N", MOST_USUAL), ("A", MOST_AF)):
        for name, signal, peaks, like in _some_of_cinc2017(label, most, rng):
            rr = np.diff(peaks)
            due = np.append(1.0, rr / np.median(rr))
            template = (like > 0.8) & ((due >= 0.8) | (label == "A"))
            yield observe(signal, peaks, np.where(template, "N", UNKNOWN).tolist(), "cinc2017", name)


def premature_beats(rng: np.random.Generator) -> Iterator[BeatSet]:
    """Steady sinus rhythm of CinC 2017 with beats made premature."""
    for name, signal, peaks, like in _some_of_cinc2017("N", None, rng):
        rr = np.diff(peaks)
        if np.mean(like > 0.9) >= 0.9 and rr.std() <= 0.12 * rr.mean():
            moved, places, ectopic = premature(signal, np.array(peaks), rng)
            symbols = np.where(like < 0.8, UNKNOWN, np.where(ectopic, "S", "N"))
            yield observe(moved, places.tolist(), symbols.tolist(), "premature", name)


def other_tempos(annotated: Sequence[BeatSet], rng: np.random.Generator) -> Iterator[BeatSet]:
    """First leads of annotated records as in exercise and rest."""
    for one in annotated:
        if (name := str(one.record[0])).endswith("/0"):
            yield observe_sequence(in_other_tempo(_sequence(one), rng), "tempo", name)


def long_ectopy(rng: np.random.Generator) -> Iterator[BeatSet]:
    """Half hours of DS1 that are sinus rhythm for the most part, with beats made premature."""
    for record in data.mitdb(TAUGHT):
        signal = prepare.filtered(record.lead(0), record.fs, FS)
        peaks = detect(signal)
        symbols = np.array(named_by(record, peaks))
        if np.mean(symbols == "N") >= MOSTLY_SINUS:
            moved, places, ectopic = premature(signal, np.array(peaks), rng)
            made = np.where(ectopic & (symbols == "N"), "S", symbols)
            yield observe(moved, places.tolist(), made.tolist(), "ectopy", f"{record.id}/0")


def looped_beats(
    short: Iterable[BeatSet],
    source: str,
    rng: np.random.Generator,
    change: Change = in_other_tempo,
    share: float = 0.5,
) -> Iterator[BeatSet]:
    """The last time that each recording is played, a ``share`` of them changed."""
    for one in short:
        again = looped(_sequence(one), rng)
        if rng.random() < share:
            again = change(again, rng)
        last = np.arange(len(again.rr_s)) >= len(again.rr_s) - len(one)
        yield observe_sequence(again, source, str(one.record[0])).only(last)


def _sequence(beats: BeatSet) -> BeatSequence:
    return BeatSequence(beats.waves, beats.rr_s.astype(np.float64), beats.symbols)


def unnamed_beats() -> Iterator[BeatSet]:
    """Beats of CinC 2017 recordings of other rhythms and of atrial fibrillation: a teacher may name them."""
    for name, signal in _of_cinc2017("OA"):
        if len(peaks := detect(signal)) >= 15:
            yield observe(signal, peaks, [UNKNOWN] * len(peaks), "unnamed", name)


def _of_cinc2017(labels: str) -> list[tuple[str, Floats]]:
    """Training recordings with one of these labels."""
    every = prepare.cinc2017(FS)
    rows = zip(every.ids, every.labels, every.signals, strict=True)
    return [(name, x) for name, label, x in rows if label in labels and not splits.is_validation(name)]


def _some_of_cinc2017(
    label: str, most: int | None, rng: np.random.Generator
) -> Iterator[tuple[str, Floats, list[float], Places]]:
    """Recordings in random order with R peaks and how alike the beats are; only those where most are."""
    recordings = _of_cinc2017(label)
    taken = 0
    for i in rng.permutation(len(recordings)):
        if taken == most:
            return
        name, signal = recordings[i]
        if len(peaks := detect(signal)) >= 15:
            like = alike([qrs(signal, at) for at in peaks])
            if np.mean(like > 0.8) >= 0.7:
                taken += 1
                yield name, signal, peaks, like


def gathered(folder: Path, seed: int, log: Log, limit: int | None = None) -> BeatSet:
    """What :func:`gather` returns, kept in a folder until the code that makes it changes."""
    kept = folder / kept_name(seed, limit)
    if not kept.is_file():
        gather(seed, log, limit).save(kept)
    return BeatSet.load(kept)


def kept_name(seed: int, limit: int | None = None) -> str:
    """Name of the file that :func:`gathered` keeps: of another code it is another one."""
    sources = b"".join(Path(str(made_by.__file__)).read_bytes() for made_by in _MADE_BY)
    return f"beats-{hashlib.sha256(sources + repr((seed, limit)).encode()).hexdigest()[:12]}.npz"


def gather(seed: int, log: Log, limit: int | None = None) -> BeatSet:
    """All beats to learn from; ``limit`` keeps that many recordings of each source."""
    rng = np.random.default_rng(seed)
    sources = mitdb(TAUGHT), svdb(), ptbxl(), cinc2017(rng), premature_beats(rng), unnamed_beats()
    found: dict[str, list[BeatSet]] = {}

    def take(source: str, sets: Iterator[BeatSet]) -> None:
        found[source] = list(islice(sets, limit))
        log(f"{source}: {sum(map(len, found[source]))} beats of {len(found[source])} recordings")

    for name, source in zip(SOURCES, sources, strict=False):
        take(name, source)
    in_af = {name for name, _ in _of_cinc2017("A")}
    sinus, fibrillating = (
        [one for one in found["cinc2017"] if (one.record[0] in in_af) == af] for af in (False, True)
    )
    take("tempo", other_tempos([*found["mitdb"], *found["svdb"]], rng))
    take("ectopy", long_ectopy(rng))
    take("looped", looped_beats(found["premature"], "looped", rng))
    take("af", looped_beats(fibrillating, "af", rng))
    take("breathing", looped_beats(sinus, "breathing", np.random.default_rng([seed, 1]), at_rest, 1.0))
    return joined(one for sets in found.values() for one in sets)
