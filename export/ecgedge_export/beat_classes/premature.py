"""Supraventricular ectopic beats made from sinus rhythm: beats that come too early, with another P wave.

Public recordings hold such beats of few people; sinus rhythm there is of thousands. A beat is moved forward
by cutting diastole out in front of it (its P wave with it, where it meets the T wave before), the pause
behind it is made longer, and its P wave is scaled, down to upside down. Singles, couplets, bigeminy,
runs, a rhythm that is ectopic for the most part, and the same with a slow sinus node (as in sick sinus
syndrome). Against the last stands sinus rhythm with pauses, as in second-degree block: there the beats
between the pauses are as quick, and are no ectopic ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

FS = 100.0
EARLY = (0.12, 0.45)  # shares of the sinus interval by which a beat comes too early
SHORTEST = 30  # samples of an interval
T_END = 12  # samples after the R peak before which nothing is cut out
P_START = (18, 27)  # samples before the R peak: where the cut ends, so that the P wave stays with its beat
PR_LEAST = 9  # samples before the R peak that are never cut: the PR segment and the upstroke
P_WAVE = (24, 7)  # samples before the R peak: where the P wave starts and ends
FADE = 25  # samples over which the step at a cut fades out
PAUSES = (0.0, 0.15, 0.3, 1.0)  # share of the time won that the pause afterwards gives back
SLOW = (0.3, 1.3)  # shares of the sinus interval by which a slow sinus node or a block delays a beat
# Share of recordings by pattern: half single beats and couplets or bigeminy, the rest sustained.
PATTERNS = {
    "single": 0.3,
    "couplet": 0.12,
    "bigeminy": 0.1,
    "run": 0.15,
    "mostly": 0.13,
    "slow sinus": 0.12,
    "pauses": 0.08,
}
# By pattern: fewest and most ectopic beats in a row, and sinus beats until the next; one more is never drawn
LENGTHS = {"couplet": (2, 3), "run": (3, 25), "mostly": (2, 12), "slow sinus": (1, 12)}
REST = {"bigeminy": (1, 2), "mostly": (1, 4), "slow sinus": (1, 3), "pauses": (1, 9)}


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What happens to each beat: ``earlier`` by some samples, ``p_wave`` times what, ``ectopic`` or not."""

    earlier: Floats
    p_wave: Floats
    ectopic: npt.NDArray[np.bool_]


def premature(
    signal: Signal, peaks: Floats, rng: np.random.Generator
) -> tuple[Signal, Floats, npt.NDArray[np.bool_]]:
    """Make some beats of a sinus rhythm premature.

    Parameters
    ----------
    signal : array, shape (n,)
        Filtered, at 100 Hz.
    peaks : array, shape (k,)
        Its R peaks in samples.
    rng : numpy.random.Generator

    Returns
    -------
    signal : array, shape (m,)
    peaks : array, shape (k,)
    ectopic : array of bool, shape (k,)
        Which beats were made premature.

    Examples
    --------
    >>> x = np.convolve(np.arange(3000) % 80 == 50, np.hanning(9), "same").astype(np.float32)
    >>> y, peaks, ectopic = premature(x, np.arange(50.0, 3000, 80), np.random.default_rng(0))
    >>> bool(np.diff(peaks)[ectopic[1:]].max() < 80 <= np.diff(peaks)[~ectopic[1:]].min())
    True
    """
    plan = _plan(peaks, rng)
    source = np.asarray(signal, np.float64).copy()
    for k in np.flatnonzero(plan.ectopic):
        _scale_p_wave(source, round(peaks[k]), plan.p_wave[k])
    moved, places = _move(source, peaks, plan.earlier, rng)
    return moved.astype(np.float32), places, plan.ectopic


def _plan(peaks: Floats, rng: np.random.Generator) -> Plan:
    """Choose one pattern for a recording, and where it happens."""
    n = len(peaks)
    plan = Plan(np.zeros(n), np.ones(n), np.zeros(n, np.bool_))
    pattern = str(rng.choice(list(PATTERNS), p=list(PATTERNS.values())))
    k = int(rng.integers(2, 8))
    while k < n - 1:
        end = min(n - 1, k + int(rng.integers(*LENGTHS.get(pattern, (1, 2)))))
        if pattern != "pauses":
            _plan_episode(plan, peaks, k, end, rng)
        k = end + int(rng.integers(*REST.get(pattern, (3, 14))))
        if pattern in ("slow sinus", "pauses"):
            _delay(plan, peaks, end, min(k, n) if pattern == "slow sinus" else end + 1, rng)
    return plan


def _delay(plan: Plan, peaks: Floats, start: int, end: int, rng: np.random.Generator) -> None:
    """Beats ``start`` to ``end`` come late, all about as much."""
    share = rng.uniform(*SLOW)
    for k in range(start, end):
        plan.earlier[k] = -(share + rng.normal(0.0, 0.05)) * (peaks[k] - peaks[k - 1])


def _plan_episode(plan: Plan, peaks: Floats, start: int, end: int, rng: np.random.Generator) -> None:
    """Beats ``start`` to ``end`` come early: the first by its own share, the rest all by another."""
    first, rest, p_wave = rng.uniform(*EARLY), rng.uniform(*EARLY), rng.uniform(-1.0, 0.8)
    for k in range(start, end):
        rr = peaks[k] - peaks[k - 1]
        share = first if k == start else rest + rng.normal(0.0, 0.02)
        earlier = min(share * rr, rr - SHORTEST)
        if earlier >= 0.08 * rr:
            plan.earlier[k], plan.p_wave[k], plan.ectopic[k] = earlier, p_wave, True
    if plan.ectopic[end - 1]:
        plan.earlier[end] = -float(rng.choice(PAUSES)) * plan.earlier[start]


def _scale_p_wave(signal: Floats, peak: int, factor: float) -> None:
    """Scale what stands above the line between both ends of the P wave, in place."""
    low, high = peak - P_WAVE[0], peak - P_WAVE[1]
    if low >= 0:
        line = np.linspace(signal[low], signal[high], high - low)
        inside = np.sqrt(np.hanning(high - low + 2)[1:-1])
        signal[low:high] = line + (signal[low:high] - line) * (1 + (factor - 1) * inside)


def _move(signal: Floats, peaks: Floats, earlier: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Cut out or insert diastole in front of every beat that moves."""
    pieces: list[Floats] = []
    places = peaks.copy()
    done = 0
    for k in range(1, len(peaks)):
        n, peak, before = round(earlier[k]), round(peaks[k]), round(peaks[k - 1])
        if n > 0:
            low, high = _cut_before(peak, before, n, int(rng.integers(*P_START)))
            pieces.append(signal[done:low])
            _fade(signal, low, high, peak)
            done, n = high, high - low
        elif n < 0 and peak - P_START[1] > before + FADE:
            at = peak - P_START[1]
            pieces += [signal[done:at], _diastole(signal[before + T_END : at], -n)]
            done = at
        else:
            n = 0
        places[k:] -= n
    return np.concatenate([*pieces, signal[done:]]), places


def _diastole(signal: Floats, n: int) -> Floats:
    """``n`` samples that go on from the end of a diastole: its last third, back and forth."""
    last = signal[-max(2, len(signal) // 3) :]
    return np.resize(np.concatenate([last[::-1], last]), n)


def _cut_before(peak: int, before: int, n: int, p_start: int) -> tuple[int, int]:
    """Where ``n`` samples are cut out: diastole if there is enough of it, else the P wave goes too."""
    low = max(peak - p_start - n, before + T_END)
    return low, max(low, min(low + n, peak - PR_LEAST))


def _fade(signal: Floats, low: int, high: int, peak: int) -> None:
    """Take the step between ``low`` and ``high`` out of what follows, in place, less and less."""
    n = min(FADE, peak - PR_LEAST - high)
    if n > 0:
        signal[high : high + n] -= (signal[high] - signal[low - 1]) * np.linspace(1.0, 0.0, n)
