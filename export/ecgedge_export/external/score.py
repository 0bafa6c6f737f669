"""What the package finds in anybody's records, beside what their labels say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.events import Event
from ecgedge.monitor import Models, Monitor
from ecgedge.sinks.plain import plain
from ecgedge.whole_recording import Classification, classify
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock
from ecgedge_export.beat_classes import scores as class_scores
from ecgedge_export.data.record import Record
from ecgedge_export.ec57 import report as ec57
from ecgedge_export.ec57.annotations import Annotations, from_events
from ecgedge_export.external.records import Labelled, Skipped, Wish, label_of, names, read
from ecgedge_export.rhythm import scores as rhythm_scores
from ecgedge_export.rhythm.scores import CINC_CLASSES, interval
from ecgedge_export.spread import Chosen, Spread, here

_BLOCK = 1 << 20  # samples that are fed at once: an hour at 250 Hz, so that a week takes no more memory
# Roles of a model's classes as CinC 2017 names them, whatever the model calls them.
_NAMES = {"normal": "N", "af": "A", "other": "O", "noise": "~"}
_ECTOPIC = ("S", "V", "F")
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A record, what was found in it, and its comparison by EC57; None for what its labels do not ask."""

    record: Record
    found: Annotations | None
    comparison: ec57.Comparison | None
    answer: Classification | None

    @property
    def has_beats(self) -> bool:
        """Whether beats are marked in it."""
        return len(self.record.beats) > 0

    @property
    def has_rhythms(self) -> bool:
        """Whether rhythms over the time are."""
        return any(episode.name != "VFL" for episode in self.record.rhythms)


def score(
    folder: Path,
    wish: Wish,
    labels: Mapping[str, str],
    chosen: Chosen,
    log: Log = lambda line: None,
    each: Spread = here,
) -> Iterator[Scored | Skipped]:
    """Score each record of a folder; those that cannot be are given back with the reason.

    Raises
    ------
    ConfigError
        There is no record at all.
    """
    asked = ((name, label_of(name, labels)) for name in names(folder))
    for one in each(partial(_one, folder, wish, chosen), asked):
        if isinstance(one, Skipped):
            log(plain(f"{one.id}: skipped: {one.reason}"))
        else:
            log(plain(f"{one.record.id}: scored, lead {one.record.leads[0] or 'without a name'}"))
        yield one


def _one(folder: Path, wish: Wish, chosen: Chosen, asked: tuple[str, str]) -> Scored | Skipped:
    name, label = asked
    try:
        return _scored(read(folder, name, wish, label), chosen.monitor())
    except ConfigError as error:
        return Skipped(name, str(error))


def _scored(labelled: Labelled, monitor: Monitor) -> Scored:
    found = comparison = answer = None
    signal = labelled.signal
    if len(labelled.record.beats) or labelled.record.rhythms:
        found = from_events(_events(signal.mv, signal.fs, monitor), len(signal.mv))
        comparison = ec57.compare(labelled.reference, found)
    if labelled.label:
        answer = classify(signal, models=monitor.models)
    if found is None and answer is None:
        raise ConfigError(f"its annotations ({labelled.annotator}) hold neither beats nor rhythms")
    return Scored(labelled.record, found, comparison, answer)


def _events(mv: np.ndarray[Any, np.dtype[np.float32]], fs: float, monitor: Monitor) -> Iterator[Event]:
    monitor.reset()
    for at in range(0, len(mv), _BLOCK):
        yield from monitor.feed(SampleBlock(mv[at : at + _BLOCK], fs, at))
    yield from monitor.finish()


def report(scored: Sequence[Scored], skipped: Sequence[Skipped], models: Models) -> dict[str, Any]:
    """Make the report, of values that JSON has; it has the parts that the labels ask for.

    ``beats`` and ``af`` are by EC57 (matches within 150 ms, escape beats are S), ``classes`` as papers count
    (escape beats are N) with intervals by bootstrap over records, ``rhythm`` of whole recordings.

    Raises
    ------
    ConfigError
        Nothing was scored.
    """
    if not scored:
        first = f", such as {skipped[0].id}: {skipped[0].reason}" if skipped else ""
        raise ConfigError(f"none of {len(skipped)} records could be scored{first}")
    parts: dict[str, Any] = {
        "standard": ec57.STANDARD,
        "records": len(scored),
        "lead": {one.record.id: one.record.leads[0] for one in scored},
        "learning_s": {one.record.id: one.record.learning_s for one in scored},
        "skipped": {one.id: one.reason for one in skipped},
    }
    with_beats = [one for one in scored if one.has_beats]
    if with_beats:
        parts["beats"] = _beats(with_beats)
        classes = class_scores.report((one.record, one.found.beats) for one in with_beats if one.found)
        if any(sum(classes["confusion"][symbol].values()) for symbol in _ECTOPIC):
            parts["classes"] = classes
    with_rhythms = [one.comparison for one in scored if one.has_rhythms and one.comparison]
    if with_rhythms:
        parts["af"] = ec57.report(with_rhythms)["af"]
    answers = [(one.record, one.answer) for one in scored if one.answer is not None]
    if answers:
        parts["rhythm"] = _rhythm(answers, models)
    return parts


def _beats(scored: Iterable[Scored]) -> dict[str, Any]:
    rows = [one.comparison for one in scored if one.comparison]
    matrices = np.array([row.beats for row in rows])

    def share(name: str) -> list[float]:
        def measure(drawn: rhythm_scores.Indices) -> float:
            part, whole = ec57.beat_ratios(matrices[drawn].sum(axis=0))[name]
            return part / whole if whole else float("nan")

        return [round(100 * end, 2) for end in interval(len(rows), measure)]

    beats: dict[str, Any] = ec57.report(rows)["beats"]
    told = [name for name in ("QRS Se", "QRS P+") if beats["gross"][name] is not None]
    return beats | {f"{name}_95": share(name) for name in told}


def _rhythm(answers: Sequence[tuple[Record, Classification]], models: Models) -> dict[str, Any]:
    roles = models.rhythm.manifest.roles
    collected = rhythm_scores.collect(answers, models.rhythm.manifest.classes)
    predicted = [_NAMES.get(roles.get(name, "other"), "O") for name in collected.predicted]
    truth = np.array(collected.truth)
    called = np.array(predicted)
    table = {
        is_: {name: int(np.sum((truth == is_) & (called == name))) for name in CINC_CLASSES}
        for is_ in CINC_CLASSES
        if is_ in truth
    }
    whole = {"records": len(truth), "confusion": table, "af": rhythm_scores.af_report(collected)}
    if {"N", "A", "O"} <= set(table):
        low, high = rhythm_scores.mean_f1_interval(collected.truth, predicted)
        f1 = rhythm_scores.f1_by_class(truth, called, list(table))
        whole["f1"] = {name: round(value, 4) for name, value in f1.items()}
        whole["mean_f1_nao"] = round(rhythm_scores.mean_f1(truth, called), 4)
        whole["mean_f1_nao_95"] = [round(low, 4), round(high, 4)]
    by_record = zip(collected.ids, collected.truth, predicted, collected.af, strict=True)
    whole["by_record"] = {name: {"label": t, "called": p, "af": af} for name, t, p, af in by_record}
    return whole
