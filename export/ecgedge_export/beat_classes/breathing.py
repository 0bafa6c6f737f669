"""How often breathing is taken for ectopy: respiratory sinus arrhythmia on real beats.

Young and trained hearts speed up and slow down by a quarter with each breath, and nothing of that is ectopic.
Public recordings hold little of it, so it is made: sinus beats of CinC 2017 that train nothing, with their P
waves, are played for minutes while breathing moves their intervals. What is called S is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ecgedge.beat_classes.features import Row, new_history
from ecgedge.beat_classes.layout import LONGEST_RR_S, P_BASE, P_WAVE, QRS
from ecgedge_export import prepare, splits
from ecgedge_export.beat_classes.gather import MARGIN, alike, detect, observe, qrs
from ecgedge_export.beat_classes.long_recordings import BeatSequence, in_sinus_arrhythmia
from ecgedge_export.rhythm.scores import interval

Floats = npt.NDArray[np.float32]

DEPTHS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)  # of the interval, to either side
BEATS_PER_MIN = (45, 50, 55, 60, 65, 75)
BREATHS_HZ = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35)
MINUTES = 3
UNEVEN = 0.015  # standard deviation of the log of an interval beside breathing
# A recording joins if it is as slow as that, at rest (interval in samples), if its beats are alike, and if it
# shows P waves: their mean correlation with the median beat's, and their height over that of the QRS.
SLOW, STEADY, ALIKE, P_ALIKE, P_HEIGHT = (60, 125), 0.12, 0.95, 0.7, 0.04
RECORDINGS = 80


class Namer(Protocol):
    """What is used of a :class:`ecgedge.beat_classes.model.BeatClassModel`."""

    @property
    def form(self) -> tuple[float, ...]:
        """What the history takes after a beat."""

    def symbol(self, row: Row) -> str:
        """Class of a beat."""


class Breathing(NamedTuple):
    """One case: the depth of the arrhythmia, heart rate, breaths, and the beats of whom."""

    depth: float
    beats_per_min: int
    breaths_hz: float
    record: str
    beats: BeatSequence


def cases(every: int = 1) -> Iterator[Breathing]:
    """Every depth, rate and breath, each on one recording in turn; ``every`` second or third of them."""
    people = list(sinus_beats())
    rng = np.random.default_rng(0)
    for i, (depth, rate, hz) in enumerate(product(DEPTHS, BEATS_PER_MIN, BREATHS_HZ)):
        if i % every:
            continue
        name, waves = people[7 * i % len(people)]
        n = MINUTES * rate
        played = np.resize(waves, (n, waves.shape[1]))
        rr_s = 60 / rate * np.exp(rng.normal(0.0, UNEVEN, n))
        beats = in_sinus_arrhythmia(BeatSequence(played, rr_s, np.full(n, "N")), depth, hz, rng)
        yield Breathing(depth, rate, hz, name, beats)


def sinus_beats() -> Iterator[tuple[str, Floats]]:
    """Slow sinus rhythm with P waves, of CinC 2017's validation: name, waves (k, 100) in mV."""
    every = prepare.cinc2017(100.0)
    found = 0
    for name, label, signal in zip(every.ids, every.labels, every.signals, strict=True):
        if label == "N" and splits.is_validation(name) and found < RECORDINGS:
            waves = _waves(signal, name)
            if waves is not None:
                found += 1
                yield name, waves


def _waves(signal: Floats, name: str) -> Floats | None:
    peaks = detect(signal)
    if len(peaks) < 15:
        return None
    rr = np.diff(peaks)
    steady = rr.std() <= STEADY * rr.mean() and SLOW[0] < rr.mean() < SLOW[1]
    if not steady or np.mean(alike([qrs(signal, at) for at in peaks]) > 0.9) < ALIKE:
        return None
    waves = observe(signal, peaks, ["N"] * len(peaks), "breathing", name).waves[1:-1]
    return waves if _has_p_waves(waves[:, MARGIN:-MARGIN]) else None


def _has_p_waves(waves: Floats) -> bool:
    median = np.median(waves, axis=0)
    p_wave = median[P_WAVE]
    height = (p_wave - p_wave[-P_BASE:].mean()).max() / np.ptp(median[QRS])
    return bool(
        height > P_HEIGHT and np.mean([np.corrcoef(w[P_WAVE], p_wave)[0, 1] for w in waves]) > P_ALIKE
    )


def called(model: Namer, beats: BeatSequence) -> list[str]:
    """Classes of beats as the stage gives them; ``model`` names those that are not plain."""
    history, names = new_history(), []
    rr_s: list[float] = beats.rr_s.tolist()
    for k, wave in enumerate(beats.waves[:, MARGIN:-MARGIN]):
        beat = wave, rr_s[k] if k else None, rr_s[k + 1] if k + 1 < len(rr_s) else LONGEST_RR_S
        if history.take_if_template(*beat):
            names.append("N")
        else:
            names.append(model.symbol(history.inputs(*beat, *model.form)))
            history.learn(*beat)
    return names


def shares(model: Namer, those: Sequence[Breathing]) -> dict[str, Any]:
    """Share of sinus beats called S, in %: all, 95 % interval over recordings, the worst case, by depth."""
    wrong = np.array([called(model, one.beats).count("S") for one in those])
    n = np.array([len(one.beats.rr_s) for one in those])
    records = np.array([one.record for one in those])
    of_record = [records == name for name in np.unique(records)]
    by_record = np.array([(wrong[here].sum(), n[here].sum()) for here in of_record])
    low, high = interval(len(by_record), lambda drawn: float(np.divide(*by_record[drawn].sum(axis=0))))
    by_depth = {depth: np.array([one.depth == depth for one in those]) for depth in DEPTHS}
    return {
        "beats": int(n.sum()),
        "recordings": len(by_record),
        "S": _percent(wrong.sum() / n.sum()),
        "S_95": [_percent(low), _percent(high)],
        "worst": _percent((wrong / n).max()),
        "by_depth": {
            f"{100 * d:.0f}": _percent(wrong[h].sum() / n[h].sum()) for d, h in by_depth.items() if h.any()
        },
    }


def _percent(share: float) -> float:
    return round(100 * float(share), 2)
