"""The heart rate, wherever one is shown: beats per minute over uninterrupted, accepted signal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def heart_rate_bpm(stretches: Iterable[Sequence[float]]) -> float | None:
    """Beats per minute, from the times of the beats of uninterrupted stretches.

    All intervals over the time that they take. The median interval would not do: in bigeminy half of the
    intervals are short, and 70 beats a minute would read 114.

    Parameters
    ----------
    stretches : iterable of sequences of float
        Times of the beats in s, ascending. No gap and no refused signal lies within a stretch.

    Returns
    -------
    float or None
        None where no stretch has two beats.

    Examples
    --------
    >>> heart_rate_bpm([[0.0, 0.5, 1.6, 2.1, 3.2]])  # bigeminy
    75.0
    >>> heart_rate_bpm([[0.0, 1.0], [30.0, 30.5]]), heart_rate_bpm([[1.0]])
    (80.0, None)
    """
    intervals, seconds = 0, 0.0
    for beats in stretches:
        if len(beats) > 1:
            intervals += len(beats) - 1
            seconds += beats[-1] - beats[0]
    return 60 * intervals / seconds if seconds > 0 else None
