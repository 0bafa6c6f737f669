"""Whole recordings at once: each helper sends them through the streaming path, there is no second
implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ecgedge.beat_classes.stage import BeatClassStage
from ecgedge.beats.detector import bundled_net
from ecgedge.beats.stage import BeatStage
from ecgedge.events import Beat, Event, Quality, Rhythm
from ecgedge.gate.model import GateModel
from ecgedge.gate.stage import QualityStage
from ecgedge.hrv import heart_rate_bpm
from ecgedge.monitor import Models, Monitor
from ecgedge.stream.pipeline import Pipeline
from ecgedge_bridge.values import SampleBlock

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Classification:
    """Rhythm of a recording.

    ``label`` is one of N (normal sinus), A (atrial fibrillation), O (other rhythm), ~ (too noisy);
    ``probabilities`` maps each to its probability, ~ to 1.0 where the gate let no window through to the
    model; ``conclusive`` is False for ~ and where no class was probable enough; ``usable_fraction`` is the
    share of the recording that the gate accepted; ``heart_rate_bpm`` is None where there are fewer than two
    beats; ``af``: this is atrial fibrillation, None where neither is probable enough.
    """

    label: str
    probabilities: dict[str, float]
    usable_fraction: float
    heart_rate_bpm: float | None
    conclusive: bool
    af: bool | None


def classify(mv: npt.ArrayLike, fs: float, *, models: Models | None = None) -> Classification:
    """Name the rhythm of one lead.

    Parameters
    ----------
    mv : array, shape (n,)
        Signal in mV.
    fs : float
        Rate in Hz, 50 to 4000.
    models : Models, optional
        Others than those in the package, which are loaded once for all calls.

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
    monitor = Monitor(models or _bundled())
    events = _run(monitor, mv, fs)
    rhythms = _of(Rhythm, events)
    beats = [b.time_s for b in _of(Beat, events)]
    usable = _usable_fraction(_of(Quality, events))
    manifest = monitor.models.rhythm.manifest
    noise = next(iter(manifest.with_role("noise")), "noise")
    p = _joined(rhythms) if rhythms else {**dict.fromkeys(manifest.classes, 0.0), noise: 1.0}
    label = max(p, key=p.__getitem__)
    conclusive = label != noise and any(r.conclusive and r.window_label == label for r in rhythms)
    af = None if label == noise else monitor.af(p)
    return Classification(label, p, usable, heart_rate_bpm(beats), conclusive, af)


def detect_beats(mv: npt.ArrayLike, fs: float, *, models: Models | None = None) -> npt.NDArray[np.int64]:
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
    events = _run(Pipeline((BeatStage(net),), net.fs, net.front_end), mv, fs)
    return np.array([b.sample for b in _of(Beat, events)], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Beats of a recording.

    ``sample`` holds their R peaks, int64 of shape (n,), ascending; ``symbol`` their AAMI classes, of the same
    shape: N (normal, bundle branch block, escape), S (supraventricular ectopic), V (ventricular ectopic),
    F (fusion of V and N), Q (paced or unknown).
    """

    sample: npt.NDArray[np.int64]
    symbol: npt.NDArray[np.str_]


def classify_beats(mv: npt.ArrayLike, fs: float, *, models: Models | None = None) -> Beats:
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
    stages = BeatStage(models.beats, events=False), BeatClassStage(models.beat_classes)
    beats = _of(Beat, _run(Pipeline(stages, models.beats.fs, models.beats.front_end), mv, fs))
    unknown = next(iter(models.beat_classes.manifest.with_role("unknown")), "")
    symbols = [b.symbol or unknown for b in beats]
    return Beats(np.array([b.sample for b in beats], np.int64), np.array(symbols, np.str_))


def assess_quality(
    mv: npt.ArrayLike, fs: float, window_s: float = 10.0, *, models: Models | None = None
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
    return _of(Quality, _run(Pipeline(stages, net.fs, net.front_end), mv, fs))


@cache
def _bundled() -> Models:
    return Models.load()


@cache
def _bundled_gate() -> GateModel:
    return GateModel.load()


def _run(pipeline: Pipeline, mv: npt.ArrayLike, fs: float) -> list[Event]:
    block = SampleBlock(samples=np.asarray(mv), fs=fs)
    return pipeline.feed(block) + pipeline.finish()


def _of(kind: type[E], events: Sequence[Event]) -> list[E]:
    return [e for e in events if isinstance(e, kind)]


def _usable_fraction(quality: Sequence[Quality]) -> float:
    whole = sum(q.end_s - q.start_s for q in quality)
    return sum(q.end_s - q.start_s for q in quality if q.accepted) / whole if whole else 0.0


def _joined(rhythms: Sequence[Rhythm]) -> dict[str, float]:
    """Geometric mean of the probabilities of the longest windows: the first 10 s are known less surely than
    the 30 s after them."""
    longest = max(r.end_time_s - r.time_s for r in rhythms)
    chosen = [r for r in rhythms if r.end_time_s - r.time_s > 0.9 * longest]
    log_p = np.mean([np.log(np.maximum(list(r.probabilities.values()), 1e-9)) for r in chosen], axis=0)
    p = np.exp(log_p) / np.exp(log_p).sum()
    return dict(zip(chosen[0].probabilities, p.tolist(), strict=True))
