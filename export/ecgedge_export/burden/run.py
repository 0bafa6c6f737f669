"""``ecgedge-export evaluate burden``: long recordings to burden, episodes and windows of AF, by two arms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import MANIFEST_NAME
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import write_atomically
from ecgedge_export.burden import afdb_rr, lessons, rr
from ecgedge_export.burden.lessons import Lessons
from ecgedge_export.burden.reference import QUESTIONS, Period, asked, flutter, period
from ecgedge_export.burden.rr import RrModel
from ecgedge_export.burden.scores import WINDOW_S, Counts, compare, figures
from ecgedge_export.burden.stream import Seen, observe
from ecgedge_export.data import Episode, Record, cache_dir, dataset
from ecgedge_export.data.build import wfdb_record
from ecgedge_export.ec57.episodes import AF, overlap, spans
from ecgedge_export.external.records import ANNOTATORS, names
from ecgedge_export.spread import Chosen, spread

Log = Callable[[str], None]
RAW, RR = "raw ECG", "RR only"
RR_ONLY_SET = "afdb-rr"  # beats of AFDB without its signals
DEFAULT = "shdb-af"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be scored.

    Parameters
    ----------
    dataset : str
        A data set with rhythms, or ``afdb-rr``; of no account where there is a folder.
    folder : Path, optional
        WFDB records with rhythm annotations, with subfolders, in place of a data set.
    records : sequence of str, optional
        Ids of the data set; all without a choice.
    lead : int or str
        Of each recording.
    annotators : sequence of str
        Suffixes of annotation files of a folder; of those that are there the first one counts.
    work : Path, optional
        What was seen of each recording is kept here, so that a run that was stopped goes on.
    out : Path, optional
        Folder for ``burden.json`` and ``burden.txt``.
    model : Path, optional
        A rhythm model folder; by default the one in the package.
    backend : str
    workers, scheduler
        Who looks at recordings, see :func:`~ecgedge_export.spread.spread`.
    few : int, optional
        So many recordings of each set teach the arm of intervals: to see that everything works.
    """

    dataset: str = DEFAULT
    folder: Path | None = None
    records: Sequence[str] | None = None
    lead: int | str = 0
    annotators: Sequence[str] = ANNOTATORS
    work: Path | None = None
    out: Path | None = None
    model: Path | None = None
    backend: str = "litert"
    workers: int | None = None
    scheduler: str | None = None
    few: int | None = None


@dataclass(slots=True)
class _Found:
    """Counts of every recording so far, by question and arm, and what was seen of flutter."""

    counts: dict[tuple[str, str], dict[str, Counts]] = field(default_factory=dict)
    flutter_s: dict[str, float] = field(default_factory=dict)
    called_s: dict[str, float] = field(default_factory=dict)
    patient: dict[str, str] = field(default_factory=dict)
    seen: dict[str, dict[str, float | None]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, record: Record, called: Mapping[str, Sequence[Episode]]) -> None:
        """Compare a recording with what each arm called AF."""
        of = period(record)
        self.patient[record.id] = record.patient
        for question in QUESTIONS:
            truth = asked(record, question)
            for arm, rhythms in called.items():
                of_arm = self.counts.setdefault((question.name, arm), {})
                of_arm[record.id] = compare(truth, rhythms, of)
        for arm, rhythms in called.items():
            length, common = _in_flutter(record, rhythms, of)
            self.flutter_s[arm] = self.flutter_s.get(arm, 0.0) + length
            self.called_s[arm] = self.called_s.get(arm, 0.0) + common


def run(how: Asked, log: Log = lambda line: None) -> dict[str, Any]:
    """Score recordings by their rhythm annotations: what the package says of them, and what beats alone say.

    The arm of intervals is trained on the spot, without the person that it is asked about. It is left out
    where nothing is at hand to train it on, and the other one where there is no signal.

    Raises
    ------
    ConfigError
        No recording can be scored.
    """
    work = how.work or cache_dir() / "runs" / "burden"
    found = _Found()
    records = _records(how, found.skipped)
    first = [*islice(records, 1)]  # what is not at hand is said before anything is taught
    taught = _taught(work / "lessons", how.few, log)
    look = partial(_look, how, _chosen(how), work / "seen")
    with spread(how.workers, how.scheduler) as each:
        for record, seen in each(look, chain(first, records)):
            _take(record, seen, found, taught, log)
    made = _report(how, found)
    if how.out is not None:
        from ecgedge_export.burden.text import table

        write_atomically(how.out / "burden.json", json.dumps(made, indent=1, allow_nan=False) + "\n")
        write_atomically(how.out / "burden.txt", table(made) + "\n")
    return made


def _take(
    record: Record, seen: Seen | str | None, found: _Found, taught: Callable[[str], RrModel] | None, log: Log
) -> None:
    """Take what was seen of a recording, and what its beats alone say."""
    if isinstance(seen, str):
        found.skipped[record.id] = seen
        log(plain(f"{record.id}: skipped: {seen}"))
        return
    called: dict[str, Sequence[Episode]] = {}
    beats, begins = record.beats, None
    if seen is not None:
        called[RAW] = seen.rhythms
        beats, begins = seen.beats, seen.begins
        found.seen[record.id] = {"usable": _number(seen.usable), "summary burden": _number(seen.burden)}
    if taught:
        of = rr.intervals(beats, record.fs, begins)
        called[RR] = taught(lessons.person(record)).rhythms(of, record.n_samples)
    found.add(record, called)
    log(plain(f"{record.id}: {record.n_samples / record.fs / 3600:.1f} h"))


def _chosen(how: Asked) -> Chosen:
    return Chosen(how.backend, () if how.model is None else (("rhythm", how.model.absolute()),))


def _look(how: Asked, chosen: Chosen, folder: Path, record: Record) -> tuple[Record, Seen | str | None]:
    """Run the runtime over a recording, None where it has no signal, a sentence where it cannot be scored."""
    if not record.rhythms:
        return record, "it has no rhythm annotations"
    if not record.leads or how.dataset == RR_ONLY_SET:
        return record, None
    try:
        return record, _seen(record, chosen, how, folder)
    except ConfigError as error:
        return record, str(error)


def _records(how: Asked, skipped: dict[str, str]) -> Iterator[Record]:
    if how.folder is not None:
        yield from _of_folder(how.folder, how.annotators, skipped)
    elif how.dataset == RR_ONLY_SET:
        yield from (r for r in afdb_rr.afdb_rr() if how.records is None or r.id in how.records)
    else:
        yield from dataset(how.dataset).read(how.records)


def _of_folder(folder: Path, annotators: Sequence[str], skipped: dict[str, str]) -> Iterator[Record]:
    for name in names(folder):
        path = folder / name
        suffix = next((a for a in annotators if path.with_name(f"{path.name}.{a}").is_file()), "")
        try:
            record = wfdb_record("folder", name, path, beats=suffix, rhythms=suffix)
        except ConfigError as error:
            skipped[name] = str(error)
        else:
            yield record


def _seen(record: Record, chosen: Chosen, how: Asked, folder: Path) -> Seen:
    """What the runtime makes of a recording; once made it is kept."""
    model = (how.model or BUNDLED / "rhythm") / MANIFEST_NAME
    rest = [BUNDLED / name / MANIFEST_NAME for name in ("gate", "beats", "beat_classes")]
    of = record.dataset, record.id, str(record.path), record.n_samples, how.lead, how.backend
    parts = [repr(of).encode(), *(path.read_bytes() for path in (model, *rest))]
    name = hashlib.sha256(b"".join(parts)).hexdigest()[:24]
    kept = folder / f"{name}.npz"
    if not kept.is_file():
        try:
            observe(record, chosen.monitor(), how.lead).save(kept)
        except ValueError as error:
            raise ConfigError(f"{record.id}: {error}") from error
    return Seen.load(kept)


def _taught(work: Path, few: int | None, log: Log) -> Callable[[str], RrModel] | None:
    """Models of intervals by person; None where there is nothing to learn from."""
    try:
        everything = lessons.gathered(work, log, few)
    except ConfigError as error:
        log(f"{RR}: left out: {error}")
        return None
    return _Taught(everything).model


class _Taught:
    """Fits a model once for all who taught nothing, and anew for each person who did."""

    def __init__(self, everything: Lessons) -> None:
        self._lessons = everything
        self._people = set(everything.who.tolist())
        self._last: tuple[str, RrModel] | None = None

    def model(self, person: str) -> RrModel:
        who = person if person in self._people else ""
        if self._last is None or self._last[0] != who:
            self._last = who, self._lessons.without(who).fit()
        return self._last[1]


def _in_flutter(record: Record, called: Sequence[Episode], of: Period) -> tuple[float, float]:
    """Seconds of flutter, and of those that were called AF."""
    truth, said = flutter(record, of), spans(called, AF, of.start, of.end)
    common = sum(overlap(span, said) for span in truth)
    return sum(end - start for start, end in truth) / of.fs, common / of.fs


def _report(how: Asked, found: _Found) -> dict[str, Any]:
    if not found.counts:
        why = next((f", such as {name}: {reason}" for name, reason in found.skipped.items()), "")
        raise ConfigError(f"none of {len(found.skipped)} recordings could be scored{why}")
    arms = {arm: None for _, arm in found.counts}
    parts: dict[str, Any] = {
        "of": how.folder.name if how.folder is not None else how.dataset,
        "lead": how.lead,
        "window_s": WINDOW_S,
        "skipped": found.skipped,
        "runtime": _runtime(found),
    }
    for question in QUESTIONS:
        rows = {arm: found.counts[question.name, arm] for arm in arms}
        parts[question.name] = {arm: figures(counts, found.patient) for arm, counts in rows.items()}
    hours = max(found.flutter_s.values()) / 3600
    called = {arm: _share(found.called_s[arm], found.flutter_s[arm]) for arm in arms}
    return {**parts, "flutter": {"hours": round(hours, 2), "called AF": called}}


def _runtime(found: _Found) -> dict[str, Any]:
    """What the summary of the package itself says: usable share, and its burden against the reference."""
    if not found.seen:
        return {}
    counts = found.counts[QUESTIONS[0].name, RAW]
    usable = [s["usable"] for s in found.seen.values() if s["usable"] is not None]
    pairs = [
        (s["summary burden"], counts[name].reference_s / counts[name].period_s)
        for name, s in found.seen.items()
        if s["summary burden"] is not None and counts[name].period_s
    ]
    errors = [abs(said - is_) for said, is_ in pairs if said is not None]
    return {
        "usable": _percent(np.mean(usable)) if usable else None,
        "summary burden error": _percent(np.mean(errors)) if errors else None,
        "by_record": found.seen,
    }


def _share(part: float, whole: float) -> float | None:
    return _percent(part / whole) if whole else None


def _percent(value: float | np.floating[Any]) -> float:
    return round(100 * float(value), 2)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
