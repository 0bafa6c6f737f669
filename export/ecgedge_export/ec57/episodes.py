"""Episodes of atrial fibrillation by ANSI/AAMI EC57:2012, as PhysioNet's ``epicmp`` compares them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ecgedge_export.data import Episode

Span = tuple[int, int]
# PhysioNet's names of the rhythms; to epicmp, flutter is neither AF nor its absence.
AF, FLUTTER = "AFIB", "AFL"


@dataclass(frozen=True, slots=True)
class AfCounts:
    """Episodes of AF and how long they are, of one record or, by adding, of several.

    Parameters
    ----------
    detected, missed : int
        Reference episodes that some test episode overlaps, and others.
    right, false : int
        Test episodes that overlap some reference episode, and others.
    reference_s, test_s, overlap_s : float
        Length of all reference episodes, of all test episodes, and of what they have in common, in seconds.
    """

    detected: int = 0
    missed: int = 0
    right: int = 0
    false: int = 0
    reference_s: float = 0.0
    test_s: float = 0.0
    overlap_s: float = 0.0

    def ratios(self) -> dict[str, tuple[float, float]]:
        """Sensitivity and positive predictivity of episodes and of their duration, as (part, whole)."""
        return {
            "episode Se": (self.detected, self.detected + self.missed),
            "episode P+": (self.right, self.right + self.false),
            "duration Se": (self.overlap_s, self.reference_s),
            "duration P+": (self.overlap_s, self.test_s),
        }


def compare_af(
    reference: Iterable[Episode], test: Iterable[Episode], fs: float, start: int, end: int
) -> AfCounts:
    """Compare episodes of atrial fibrillation.

    An episode counts as found where any of it is overlapped. What lies outside of the test period is cut
    off. Where the reference has atrial flutter no answer is wrong: test episodes are cut there, and do
    not count where nothing is left of them.

    Parameters
    ----------
    reference, test : iterable of Episode
        Rhythms of a record. AF is what is called AFIB; episodes that touch or overlap are one.
    fs : float
        Rate in Hz.
    start, end : int
        The test period in samples: from the end of the learning time up to, not including, the end of the
        record.

    Examples
    --------
    >>> truth = [Episode(100, 200, "AFIB"), Episode(300, 400, "AFIB")]
    >>> compare_af(truth, [Episode(150, 250, "AFIB")], 10.0, 0, 1000).ratios()
    {'episode Se': (1, 2), 'episode P+': (1, 1), 'duration Se': (5.0, 20.0), 'duration P+': (5.0, 10.0)}
    """
    rhythms = list(reference)
    truth = spans(rhythms, AF, start, end)
    flutter = spans(rhythms, FLUTTER, start, end)
    # What is left of each test episode outside of flutter: several spans, but still one episode
    called = [left for span in spans(test, AF, start, end) if (left := _without(span, flutter))]
    true_in_called = [sum(overlap(span, truth) for span in left) for left in called]
    called_in_true = [sum(overlap(span, left) for left in called) for span in truth]
    return AfCounts(
        detected=sum(n > 0 for n in called_in_true),
        missed=sum(n == 0 for n in called_in_true),
        right=sum(n > 0 for n in true_in_called),
        false=sum(n == 0 for n in true_in_called),
        reference_s=_length(truth) / fs,
        test_s=sum(_length(left) for left in called) / fs,
        overlap_s=sum(called_in_true) / fs,
    )


def spans(rhythms: Iterable[Episode], name: str, start: int, end: int) -> list[Span]:
    """Where a rhythm holds within ``[start, end)``: (start, end) in samples, ascending, apart of each other.

    Examples
    --------
    >>> spans([Episode(0, 20, "AFIB"), Episode(20, 30, "AFIB"), Episode(40, 50, "N")], "AFIB", 10, 100)
    [(10, 30)]
    """
    found: list[Span] = []
    for e in sorted((e for e in rhythms if e.name == name), key=lambda e: e.start):
        low, high = max(e.start, start), min(e.end, end)
        if low >= high:
            continue
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def _without(span: Span, holes: Sequence[Span]) -> list[Span]:
    """Parts of a span outside of ``holes``, which are ascending."""
    left, low = [], span[0]
    for start, end in holes:
        if low < min(start, span[1]):
            left.append((low, min(start, span[1])))
        low = max(low, end)
    return [*left, (low, span[1])] if low < span[1] else left


def overlap(span: Span, others: Iterable[Span]) -> int:
    """Samples of a span that lie in others, which are apart of each other."""
    return sum(max(0, min(span[1], end) - max(span[0], start)) for start, end in others)


def _length(of: Iterable[Span]) -> int:
    return sum(end - start for start, end in of)
