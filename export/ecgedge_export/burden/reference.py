"""What is asked of a recording: AF alone, or AF and flutter as one; what nobody named is left out."""

from __future__ import annotations

from dataclasses import dataclass

from ecgedge_export.data import Episode, Record
from ecgedge_export.data.record import LEARNING_S
from ecgedge_export.ec57.episodes import AF, FLUTTER, Span, spans

NEITHER = FLUTTER  # a test is neither right nor wrong there: EC57's rule for flutter


@dataclass(frozen=True, slots=True)
class Question:
    """Rhythms that are to be found, and rhythms in which no answer is wrong."""

    name: str
    positive: frozenset[str]
    neutral: frozenset[str]


QUESTIONS = (
    Question("AF", frozenset({AF}), frozenset({FLUTTER})),
    Question("AF or flutter", frozenset({AF, FLUTTER}), frozenset()),
)


@dataclass(frozen=True, slots=True)
class Period:
    """The part of a recording that counts: ``[start, end)`` in samples at ``fs`` Hz."""

    start: int
    end: int
    fs: float


def period(record: Record) -> Period:
    """What counts: all behind EC57's learning time, which a recording of less than ten minutes has not."""
    learnt = record.learning_s if record.n_samples / record.fs >= 2 * LEARNING_S else 0.0
    return Period(round(learnt * record.fs), record.n_samples, record.fs)


def asked(record: Record, question: Question) -> tuple[Episode, ...]:
    """The record's rhythms in EC57's names: AFIB what is to be found, AFL where no answer is wrong, else N.

    No answer is wrong, either, where the record names no rhythm: before the first, and after a lone ")".

    Examples
    --------
    >>> from pathlib import Path
    >>> rhythms = Episode(100, 200, "AFIB"), Episode(200, 300, "AFL")
    >>> record = Record("x", "1", Path("1"), 10.0, 300, ("I",), "1", rhythms=rhythms)
    >>> [(e.start, e.end, e.name) for e in asked(record, QUESTIONS[0])]
    [(0, 100, 'AFL'), (100, 200, 'AFIB'), (200, 300, 'AFL')]
    >>> [(e.start, e.end, e.name) for e in asked(record, QUESTIONS[1])]
    [(0, 100, 'AFL'), (100, 200, 'AFIB'), (200, 300, 'AFIB')]
    """
    named: list[Episode] = []
    at = 0
    for rhythm in sorted(record.rhythms, key=lambda e: e.start):
        if rhythm.start > at:
            named.append(Episode(at, rhythm.start, NEITHER))
        is_af, is_neutral = rhythm.name in question.positive, rhythm.name in question.neutral
        named.append(Episode(rhythm.start, rhythm.end, AF if is_af else NEITHER if is_neutral else "N"))
        at = max(at, rhythm.end)
    if at < record.n_samples:
        named.append(Episode(at, record.n_samples, NEITHER))
    return tuple(named)


def flutter(record: Record, of: Period) -> list[Span]:
    """Where the record says flutter."""
    return spans(record.rhythms, FLUTTER, of.start, of.end)
