"""Whole recordings at once: each helper sends them through the streaming path, there is no second
implementation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.functions import exps, log
from ecgedge.arithmetic.sums import in_order
from ecgedge.beats.detector import bundled_net
from ecgedge.beats.stage import BeatStage
from ecgedge.events import Beat, Event, Gap, Quality, Rhythm, Summary, Waves
from ecgedge.gate.model import GateModel
from ecgedge.gate.stage import QualityStage
from ecgedge.hrv import heart_rate_bpm
from ecgedge.monitor import Models, Monitor
from ecgedge.rhythm.model import RhythmModel
from ecgedge.rhythm.sinus import rate_word
from ecgedge.rhythm.stage import SHORTEST_S
from ecgedge.rhythm.wearer import Wearer
from ecgedge.shown import Shown
from ecgedge.stream.pipeline import Pipeline
from ecgedge.stream.whole import Recorded, as_block, run_whole
from ecgedge.stretches import AcceptedBeats
from ecgedge.summary import Summarizer
from ecgedge.waves.model import WaveModel
from ecgedge.waves.stage import WaveStage
from ecgedge_bridge.values import SampleBlock

E = TypeVar("E", bound=Event)


Reason = Literal["too_short", "no_signal", "noise"]


@dataclass(frozen=True, slots=True)
class Classification(Shown):
    """Rhythm of a recording.

    Least lengths: a label needs 9 s without interruption and noise, ``af`` 10 s, a heart rate two beats.
    Below them there is no verdict: the label is ~, ``reason`` says why, ``conclusive`` is False, ``af`` None.
    A recording of less than 20 s with one window that the gate refused, but called more probably usable than
    not, is named all the same: its probabilities are lower by what the gate said.

    Parameters
    ----------
    label : str
        N (normal sinus), A (atrial fibrillation), O (other rhythm), ~ (none can be told).
    probabilities : dict
        Maps each to its probability. Where nothing reached the model: after the gate's scores if there was
        noise, the same for all if there was no signal.
    usable_fraction : float
        Share of the recording that the gate accepted; 0 for a doubtful one.
    heart_rate_bpm : float or None
        Beats over the time that they take, in accepted signal; None without two beats in a row.
    conclusive : bool
        False for ~ and where no class was probable enough.
    af : bool or None
        Atrial fibrillation; None where neither is probable enough, or known from less than 10 s. A diagnosis
        needs 30 s. Atrial flutter is not told apart: it may count as fibrillation, or not.
    reason : str or None
        ``"too_short"``, ``"no_signal"`` (missing or flat) or ``"noise"`` where the label is ~.
    rate : str or None
        ``"bradycardia"`` below 50, ``"tachycardia"`` from 100 a minute.
    sinus : bool or None
        Whether it is sinus rhythm whatever its rate: the class O covers that at such a rate. None for ~.
    """

    label: str
    probabilities: dict[str, float]
    usable_fraction: float
    heart_rate_bpm: float | None
    conclusive: bool
    af: bool | None
    reason: Reason | None = None
    rate: str | None = None
    sinus: bool | None = None


def classify(
    mv: npt.ArrayLike | Recorded,
    fs: float | None = None,
    *,
    models: Models | None = None,
    wearer: Wearer | None = None,
) -> Classification:
    """Name the rhythm of one lead.

    Parameters
    ----------
    mv : array, shape (n,), or Recording
        Signal in mV, NaN where samples are missing; or what :func:`ecgedge.load` gives.
    fs : float
        Rate in Hz, 50 to 4000; a Recording has its own.
    models : Models, optional
        Others than those in the package, which are loaded once for all calls.
    wearer : Wearer, optional
        Whose ECG it is; see :func:`ecgedge.monitor.default_stages`.

    Returns
    -------
    Classification

    Raises
    ------
    ConfigError
        An impossible rate.
    ValueError, TypeError
        ``mv`` is no one-dimensional array of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> classify(np.zeros(3000), fs=100).label
    '~'
    """
    monitor = Monitor(models or _bundled(), wearer=wearer)
    signal = as_block(mv, fs)
    events = run_whole(monitor, signal)
    rhythms, quality = _of(Rhythm, events), _of(Quality, events)
    model = monitor.models.rhythm
    noise = next(iter(model.manifest.with_role("noise")), "noise")
    p = _joined(rhythms) if rhythms else _unheard(model.manifest.classes, noise, quality)
    label = max(p, key=p.__getitem__) if rhythms else noise
    bpm = heart_rate_bpm(_stretches(events))
    agreeing = [r for r in rhythms if r.window_label == label]
    return Classification(
        label=label,
        probabilities=p,
        usable_fraction=_usable_fraction(quality),
        heart_rate_bpm=bpm,
        conclusive=label != noise and any(r.conclusive for r in agreeing),
        af=monitor.af(p, _longest_s(rhythms)) if label != noise else None,
        reason=(_why_not(signal, events) if not rhythms else "noise") if label == noise else None,
        rate=rate_word(bpm),
        sinus=None if label == noise else _sinus(model, label, [r for r in agreeing if r.label == label]),
    )


def detect_beats(
    mv: npt.ArrayLike | Recorded, fs: float | None = None, *, models: Models | None = None
) -> npt.NDArray[np.int64]:
    """Find R peaks: int64 sample indices, ascending.

    Parameters and errors as in :func:`classify`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros(1300); x[100::130] = 1.0
    >>> detect_beats(x, fs=130)[:3].tolist()
    [100, 230, 360]
    """
    net = models.beats if models else bundled_net()
    events = run_whole(Pipeline((BeatStage(net),), net.fs, net.front_end), as_block(mv, fs))
    return np.array([b.sample for b in _of(Beat, events)], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Beats(Shown):
    """Beats of a recording.

    ``sample`` holds their R peaks, int64 of shape (n,), ascending; ``symbol`` their AAMI classes, of the same
    shape: N (normal, bundle branch block, escape), S (supraventricular ectopic), V (ventricular ectopic),
    F (fusion of V and N), Q (paced or unknown).
    """

    sample: npt.NDArray[np.int64]
    symbol: npt.NDArray[np.str_]


def classify_beats(
    mv: npt.ArrayLike | Recorded, fs: float | None = None, *, models: Models | None = None
) -> Beats:
    """Find R peaks and name each beat's AAMI class.

    Parameters and errors as in :func:`classify`.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge.demo.synthetic import Segment, synthesize
    >>> beats = classify_beats(synthesize([Segment("sinus", 30.0, 70.0)], 130.0, seed=1).mv, fs=130)
    >>> set(beats.symbol.tolist())
    {'N'}
    """
    models = models or _bundled()
    beats = _of(Beat, run_whole(Monitor(models), as_block(mv, fs)))
    unknown = next(iter(models.beat_classes.manifest.with_role("unknown")), "")
    symbols = [b.symbol or unknown for b in beats]
    return Beats(np.array([b.sample for b in beats], np.int64), np.array(symbols, np.str_))


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave of one beat: ``kind`` is P, QRS or T; sample indices, None for a border that is not seen."""

    kind: Literal["P", "QRS", "T"]
    onset: int | None
    peak: int
    end: int | None


def delineate(
    mv: npt.ArrayLike | Recorded, fs: float | None = None, *, models: Models | None = None
) -> list[Wave]:
    """Find P, QRS and T of each beat, in their order; a beat without P, as in AF, has none.

    Parameters and errors as in :func:`classify`.

    Examples
    --------
    >>> from ecgedge.demo.synthetic import Segment, synthesize
    >>> waves = delineate(synthesize([Segment("sinus", 10.0, 70.0)], 130.0, seed=1).mv, fs=130)
    >>> [wave.kind for wave in waves][3:9]
    ['P', 'QRS', 'T', 'P', 'QRS', 'T']
    """
    model = (models and models.waves) or _bundled_waves()
    net = models.beats if models else bundled_net()
    stages = BeatStage(net, events=False), WaveStage(model)
    found = _of(Waves, run_whole(Pipeline(stages, net.fs, net.front_end), as_block(mv, fs)))
    waves = [wave for beat in found for wave in _waves_of(beat)]
    return sorted(waves, key=lambda wave: wave.peak)


def _waves_of(beat: Waves) -> Iterator[Wave]:
    if beat.p_peak is not None:
        yield Wave("P", beat.p_onset, beat.p_peak, beat.p_end)
    yield Wave("QRS", beat.qrs_onset, beat.sample, beat.qrs_end)
    if beat.t_peak is not None:
        yield Wave("T", beat.t_onset, beat.t_peak, beat.t_end)


def assess_quality(
    mv: npt.ArrayLike | Recorded,
    fs: float | None = None,
    window_s: float = 10.0,
    *,
    models: Models | None = None,
) -> list[Quality]:
    """Assess successive windows of ``window_s`` seconds (5 to 30) with the noise gate.

    Parameters and errors as in :func:`classify`. What is left at the end, less than
    2 s, is not assessed.

    Examples
    --------
    >>> import numpy as np
    >>> [(q.start_s, q.end_s, q.reasons) for q in assess_quality(np.zeros(1000), fs=100)]
    [(0.0, 10.0, ('flat',))]
    """
    if not 5.0 <= window_s <= 30.0:
        raise ValueError(f"window_s is {window_s:g}: the gate assesses windows of 5 to 30 s")
    net, gate = (models.beats, models.gate) if models else (bundled_net(), _bundled_gate())
    stages = BeatStage(net, events=False), QualityStage(gate, window_s)
    return _of(Quality, run_whole(Pipeline(stages, net.fs, net.front_end), as_block(mv, fs)))


def summarize(
    mv: npt.ArrayLike | Recorded, fs: float | None = None, *, models: Models | None = None
) -> Summary:
    """Sum up a recording: usable signal, heart rate, AF, ectopic beats, pauses, HRV.

    Parameters and errors as in :func:`classify`.

    Examples
    --------
    >>> from ecgedge.demo.synthetic import Segment, synthesize
    >>> found = summarize(synthesize([Segment("sinus", 60.0, 70.0)], 130.0, seed=1).mv, fs=130)
    >>> round(found.heart_rate_bpm), found.af, found.ventricular.beats
    (70, False, 0)
    """
    summarizer = Summarizer()
    summarizer.take(run_whole(Monitor(models or _bundled()), as_block(mv, fs)))
    return summarizer.summary()


@cache
def _bundled() -> Models:
    return Models.load()


@cache
def _bundled_waves() -> WaveModel:
    return WaveModel.load()


@cache
def _bundled_gate() -> GateModel:
    return GateModel.load()


def _stretches(events: Sequence[Event]) -> list[list[float]]:
    """Times of beats in uninterrupted, accepted signal."""
    stretches: list[list[float]] = []
    for beat, begins in AcceptedBeats().take(events):
        if begins:
            stretches.append([])
        stretches[-1].append(beat.time_s)
    return stretches


def _unheard(classes: Sequence[str], noise: str, quality: Sequence[Quality]) -> dict[str, float]:
    """Probabilities where the model saw nothing: what the gate said of noise, all the same without it."""
    scores = [q.score for q in quality if not q.accepted and q.reasons != ("flat",)]
    names = [*classes] if noise in classes else [*classes, noise]
    noisy = 1 - float(np.mean(scores)) if scores else 1 / len(names)
    return {name: noisy if name == noise else (1 - noisy) / (len(names) - 1) for name in names}


def _why_not(signal: SampleBlock, events: Sequence[Event]) -> Reason:
    """Why the model saw nothing."""
    quality = _of(Quality, events)
    if len(signal.samples) < SHORTEST_S * signal.fs:
        return "too_short"
    missing = sum(gap.lost for gap in _of(Gap, events)) == len(signal.samples)
    if missing or (quality and all(q.reasons == ("flat",) for q in quality)):
        return "no_signal"
    return "too_short" if all(q.accepted for q in quality) else "noise"


def _longest_s(rhythms: Sequence[Rhythm]) -> float:
    return max((r.end_time_s - r.time_s for r in rhythms), default=0.0)


def _sinus(model: RhythmModel, label: str, agreeing: Sequence[Rhythm]) -> bool | None:
    """Whether most windows of this label show sinus rhythm; None where none of them can tell."""
    if model.manifest.roles[label] != "other":
        return model.manifest.roles[label] == "normal"
    told = [r.sinus for r in agreeing if r.sinus is not None]
    return 2 * sum(told) > len(told) if told else None


def _of(kind: type[E], events: Sequence[Event]) -> list[E]:
    return [e for e in events if isinstance(e, kind)]


def _usable_fraction(quality: Sequence[Quality]) -> float:
    # Not sum(), which adds floats in another way from Python 3.12 on.
    whole = fsum(q.end_s - q.start_s for q in quality)
    return fsum(q.end_s - q.start_s for q in quality if q.accepted) / whole if whole else 0.0


def _joined(rhythms: Sequence[Rhythm]) -> dict[str, float]:
    """Geometric mean of the probabilities of the longest windows: the first 10 s are known less surely than
    the 30 s after them."""
    longest = max(r.end_time_s - r.time_s for r in rhythms)
    chosen = [r for r in rhythms if r.end_time_s - r.time_s > 0.9 * longest]
    logs = np.array([[log(max(p, 1e-9)) for p in r.probabilities.values()] for r in chosen])
    together = exps(in_order(logs, axis=0) / len(chosen))
    return dict(zip(chosen[0].probabilities, (together / in_order(together)).tolist(), strict=True))
