"""Long recordings made from short ones, and recordings in another tempo: what half an hour teaches of rhythm.

Figures of the last five minutes need recordings of five minutes, and those with labels are of eighty people.
Beats and their intervals are enough here, since the model sees no signal between them: short recordings are
looped, and intervals are stretched as exercise, rest and breathing would, while waves and labels stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ecgedge.beat_classes.layout import LONGEST_RR_S

Floats = npt.NDArray[np.float32]
Symbols = npt.NDArray[np.str_]

LOOPED_S = (120.0, 480.0)  # up to more than the time constant of the longest mean
UNEVEN = 0.01  # standard deviation of the log of an interval that is looped, or it would repeat exactly
# Exercise and rest: every so many seconds the tempo turns; in two of three stretches it stays, in the third
# the log of the interval changes by a draw of this standard deviation, within limits: 70 beats a minute
# become 50 to 140.
TURN_S, STAYS, RAMP, TEMPO = (40.0, 300.0), 2 / 3, 0.45, (-0.7, 0.35)
# Respiratory sinus arrhythmia: no breath is as long or as deep as the one before (standard deviations of the
# logs), and the heart does not speed up as fast as it slows down.
BREATH_LENGTH, BREATH_DEPTH, MOST_SKEW = 0.1, 0.15, 0.5
# Hearts that breathing moves are at rest: beats a minute, depths, breaths.
RESTING_BPM, DEPTHS, BREATHS_HZ = (42.0, 85.0), (0.03, 0.35), (0.08, 0.38)


@dataclass(frozen=True, slots=True, eq=False)
class BeatSequence:
    """Beats without the signal between them.

    ``waves`` (k, 100) in mV, ``rr_s`` (k,) the interval before each, the first one made up; ``symbols`` (k,).
    """

    waves: Floats
    rr_s: npt.NDArray[np.float64]
    symbols: Symbols


def looped(beats: BeatSequence, rng: np.random.Generator) -> BeatSequence:
    """Play a recording again and again for two to eight minutes, each time from its beginning.

    Examples
    --------
    >>> once = BeatSequence(np.zeros((3, 100), np.float32), np.full(3, 0.8), np.array(["N", "S", "N"]))
    >>> again = looped(once, np.random.default_rng(1))
    >>> bool(again.rr_s.sum() >= 120), again.symbols[-3:].tolist()
    (True, ['N', 'S', 'N'])
    """
    n = int(np.ceil(rng.uniform(*LOOPED_S) / beats.rr_s.sum()))
    rr_s = np.tile(beats.rr_s, n)
    rr_s = rr_s * np.exp(rng.normal(0.0, UNEVEN, len(rr_s)))
    return BeatSequence(np.tile(beats.waves, (n, 1)), rr_s, np.tile(beats.symbols, n))


def in_other_tempo(beats: BeatSequence, rng: np.random.Generator) -> BeatSequence:
    """Stretch intervals by a tempo that changes over minutes; what is early stays early.

    Examples
    --------
    >>> rest = BeatSequence(np.zeros((900, 100), np.float32), np.full(900, 0.8), np.full(900, "N"))
    >>> ratio = in_other_tempo(rest, np.random.default_rng(1)).rr_s / 0.8
    >>> bool(0.49 < ratio.min() < ratio.max() < 1.42)
    True
    """
    at = np.cumsum(np.minimum(beats.rr_s, LONGEST_RR_S))
    turns, logs = [0.0], [rng.uniform(-0.15, 0.15)]
    while turns[-1] < at[-1]:
        turns.append(turns[-1] + rng.uniform(*TURN_S))
        change = 0.0 if rng.random() < STAYS else rng.normal(0.0, RAMP)
        logs.append(float(np.clip(logs[-1] + change, *TEMPO)))
    return replace(beats, rr_s=beats.rr_s * np.exp(np.interp(at, turns, logs)))


def in_sinus_arrhythmia(
    beats: BeatSequence, depth: float, breaths_hz: float, rng: np.random.Generator
) -> BeatSequence:
    """Let breathing shorten and lengthen intervals by about ``depth`` of them; what is early stays early.

    Examples
    --------
    >>> still = BeatSequence(np.zeros((300, 100), np.float32), np.ones(300), np.full(300, "N"))
    >>> rr_s = in_sinus_arrhythmia(still, 0.2, 0.25, np.random.default_rng(1)).rr_s
    >>> bool(0.5 < rr_s.min() < 0.85 and 1.15 < rr_s.max() < 1.5)
    True
    """
    rr_s = beats.rr_s.copy()
    skew, phase = rng.uniform(-MOST_SKEW, MOST_SKEW), rng.uniform(0.0, 2 * np.pi)
    hz, deep = breaths_hz, depth
    for k, rr in enumerate(beats.rr_s):
        rr_s[k] = rr * (1 + deep * np.sin(phase + skew * np.sin(phase)))
        phase += 2 * np.pi * hz * min(rr_s[k], LONGEST_RR_S)
        if phase >= 2 * np.pi:
            phase %= 2 * np.pi
            hz = breaths_hz * np.exp(rng.normal(0.0, BREATH_LENGTH))
            deep = depth * np.exp(rng.normal(0.0, BREATH_DEPTH))
    return replace(beats, rr_s=rr_s)


def at_rest(beats: BeatSequence, rng: np.random.Generator) -> BeatSequence:
    """Slow a recording down, or speed it up, to a heart at rest, and let it breathe.

    Examples
    --------
    >>> busy = BeatSequence(np.zeros((60, 100), np.float32), np.full(60, 0.6), np.full(60, "N"))
    >>> bool(0.65 < at_rest(busy, np.random.default_rng(1)).rr_s.mean() < 1.5)
    True
    """
    resting = replace(beats, rr_s=beats.rr_s * (60 / rng.uniform(*RESTING_BPM) / beats.rr_s.mean()))
    return in_sinus_arrhythmia(resting, rng.uniform(*DEPTHS), rng.uniform(*BREATHS_HZ), rng)
