"""Every stage from millivolts to events, written down: with it a port proves each of its stages alone.

The trace is what the runtime itself computes on a made signal that has all that is awkward: a rate that is no
whole number, a gap, values that are missing, noise, ectopic beats, atrial fibrillation. Nothing here computes
anything again; the models' own parts are wrapped, and write down what passes through them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.manifest import MANIFEST_NAME, Artefact
from ecgedge.artefacts.sealed import artefact_place
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Event
from ecgedge.gate.features import Beats, gate_features
from ecgedge.gate.model import Assessment, Gate
from ecgedge.gate.stage import QualityStage
from ecgedge.monitor import Models, default_stages
from ecgedge.rhythm.decision import probabilities
from ecgedge.rhythm.model import RhythmModel
from ecgedge.stream.filters import Filter
from ecgedge.stream.pipeline import Pipeline
from ecgedge.stream.segment import Part
from ecgedge.stream.segment import Segment as Stretch
from ecgedge.stream.stage import Stage
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import parse_json
from ecgedge_bridge.values import SampleBlock

TRACE = "trace.json"
FS = 128.7  # no strap has it: a port that resamples by a ratio of small numbers is found
# What is allowed between processors: sums in another order, and one step of an INT8 logit (0.05 at most).
# Samples are in mV, positions in samples, the rest are probabilities and logits.
TOLERANCES: Mapping[str, float] = {
    "filtered": 2e-6, "beats": 1e-3, "beat_classes": 0.06, "symbols": 0.0,
    "gate": 1e-3, "rhythm": 0.06, "events": 0.05,
}  # fmt: skip
_DIGITS = 6  # of everything: a nanovolt
Record = dict[str, Any]


class _Noted:
    """A backend that writes down what goes in and what comes out."""

    def __init__(self, inner: Backend, into: list[Record]) -> None:
        self._inner, self._into = inner, into
        self.name: str = inner.name
        self.artefact: Artefact = inner.artefact

    def run(self, window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        logits = self._inner.run(window)
        self._into.append({"input": _numbers(window.reshape(-1)), "logits": _numbers(logits)})
        return logits


class _NotedGate(Gate):
    """A gate that writes down the features of each stretch."""

    def __init__(self, stage: Gate, into: list[Record], models: Models) -> None:
        super().__init__(models.gate)
        self._into = into

    def assess(
        self, x: npt.NDArray[np.floating], beats: Beats, clipped: float = 0.0, before: float | None = None
    ) -> Assessment:
        found = super().assess(x, beats, clipped, before)
        by_rule = found.reasons in (("flat",), ("clipped",))
        self._into.append(
            {
                "samples": len(x),
                "clipped": round(clipped, _DIGITS),
                "features": [] if by_rule else _numbers(gate_features(x, beats, self._fs)),
                "log_odds": None if found.log_odds is None else round(found.log_odds, _DIGITS),
                "score": round(found.score, _DIGITS),
                "accepted": found.accepted,
                "morphology": found.morphology,
                "reasons": list(found.reasons),
            }
        )
        return found


class _NotedFilter:
    """Filters that write down what comes out, segment by segment."""

    def __init__(self, inner: Filter, into: list[list[float | None]]) -> None:
        self._inner, self._into = inner, into

    def reset(self) -> None:
        self._inner.reset()
        self._into.append([])

    def feed(self, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return self._note(self._inner.feed(x))

    def finish(self) -> npt.NDArray[np.float64]:
        return self._note(self._inner.finish())

    def _note(self, y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        self._into[-1] += _numbers(y)
        return y


class _BeatNotes:
    """The last stage: writes the segment's beats down once all others are through with them."""

    name, fs, latency_s, window_s = "notes", None, 0.0, 0.0
    reads: tuple[Part, ...] = ("beats", "classes")
    writes: tuple[Part, ...] = ()

    def __init__(self, beats: list[list[Record]], symbols: list[list[str | None]]) -> None:
        self._beats, self._symbols = beats, symbols

    def start(self, segment: Stretch) -> None:
        self._seen: list[Any] = []

    def reset(self) -> None:
        self._seen = []

    def advance(self, segment: Stretch) -> Sequence[Event]:
        self._seen += segment.beats_after(len(self._seen))
        if segment.ended:
            found = [(round(b.position, _DIGITS), round(b.confidence, _DIGITS)) for b in self._seen]
            self._beats.append([{"position": at, "confidence": sure} for at, sure in found])
            self._symbols.append([beat.symbol for beat in self._seen])
        return ()


def made_signal() -> list[SampleBlock]:
    """The blocks that the trace starts from: 128.7 Hz, a gap of 2 s, 5 missing values, four rhythms."""
    played = [
        Segment("sinus", 34.0, 63.0),
        Segment("pvc", 25.0, 75.0),
        Segment("noise", 12.0, 70.0),
        Segment("af", 40.0, 95.0),
    ]
    mv = np.round(synthesize(played, FS, seed=14).mv, 4).astype(np.float32)
    mv[5000:5005] = np.nan
    gap, lost = 7000, round(2 * FS)
    parts = (0, mv[:gap]), (gap + lost, mv[gap + lost :])
    return [SampleBlock(samples=samples, fs=FS, sample=start) for start, samples in parts]


def trace(models: Models, blocks: Sequence[SampleBlock] | None = None) -> Record:
    """Run the stages on blocks and return what each of them made, as plain values for JSON.

    Examples
    --------
    >>> sorted(trace(Models.load()))
    ['beat_classes', 'beats', 'events', 'filtered', 'gate', 'input', 'rhythm', 'symbols', 'units']
    """
    blocks = made_signal() if blocks is None else blocks
    found: Record = {"filtered": [], "beats": [], "beat_classes": [], "symbols": [], "gate": [], "rhythm": []}
    rhythm = RhythmModel(models.rhythm.manifest, _Noted(models.rhythm.backend, found["rhythm"]))
    classes = BeatClassModel(
        models.beat_classes.manifest,
        _Noted(models.beat_classes.backend, found["beat_classes"]),
    )
    noted = replace(models, rhythm=rhythm, beat_classes=classes)
    stages: list[Stage] = [*default_stages(noted), _BeatNotes(found["beats"], found["symbols"])]
    for stage in stages:
        if isinstance(stage, QualityStage):
            stage._gate = _NotedGate(stage._gate, found["gate"], models)
    front = models.rhythm.front_end
    pipeline = Pipeline(stages, front.fs, lambda fs: _NotedFilter(front(fs), found["filtered"]))
    events = [event for block in blocks for event in pipeline.feed(block)] + pipeline.finish()
    manifest = models.rhythm.manifest
    for window in found["rhythm"]:
        p = probabilities(np.array(window["logits"]), manifest.temperature)
        window["probabilities"] = dict(zip(manifest.classes, _numbers(p), strict=True))
    return {
        "units": "mV; positions in samples of the filtered signal since the segment's start",
        "input": [{"fs": b.fs, "sample": b.sample, "mv": _numbers(b.samples)} for b in blocks],
        **found,
        "events": [_rounded(event.to_json()) for event in events],
    }


def encoded(models: Models) -> bytes:
    """The file of the trace, for a bundle."""
    return json.dumps(trace(models), allow_nan=False, separators=(",", ":")).encode("ascii")


def models_of(folder: Path) -> Models | None:
    """The models of a folder of model folders, those in the package for what is not in it; None without a
    rhythm model."""
    present = {
        task: folder / task
        for task in ("rhythm", "beat_classes", "gate", "beats")
        if (folder / task / MANIFEST_NAME).is_file()
    }
    return Models.load(**present) if "rhythm" in present else None  # type: ignore[arg-type]


def verify_trace(data: bytes, models: Models) -> None:
    """Run a trace's input again, and compare every stage with it.

    Raises
    ------
    ModelError
        A stage gives other values; the message names the first one and the place.
    """
    place = artefact_place(TRACE)
    said = parse_json(data, place, len(data))
    try:
        blocks = [
            SampleBlock(
                samples=np.array([np.nan if v is None else v for v in b["mv"]], np.float32),
                fs=b["fs"],
                sample=b["sample"],
            )
            for b in said["input"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{TRACE} holds no input that can be played ({error}): get the bundle again"
        ) from error
    found = trace(models, blocks)
    for stage, tolerance in TOLERANCES.items():
        if (where := difference(found[stage], said.get(stage), tolerance)) is not None:
            raise ModelError(
                f"the stage {stage!r} gives other values than {TRACE} at {stage}{where}: bundle again"
            )


def difference(found: Any, said: Any, tolerance: float) -> str | None:
    """Place of the first value that differs by more than the tolerance, None where there is none.

    Examples
    --------
    >>> difference({"a": [1.0, 2.0]}, {"a": [1.0, 2.1]}, 0.05)
    '.a[1]'
    """
    if isinstance(found, dict) and isinstance(said, dict):
        if found.keys() != said.keys():
            return f" (keys {sorted(found.keys() ^ said.keys())})"
        inner = ((f".{key}", found[key], said[key]) for key in found)
    elif isinstance(found, list) and isinstance(said, list):
        if len(found) != len(said):
            return f" ({len(said)} values, found {len(found)})"
        inner = ((f"[{i}]", *pair) for i, pair in enumerate(zip(found, said, strict=True)))
    else:
        return None if _alike(found, said, tolerance) else ""
    return next(
        (name + rest for name, a, b in inner if (rest := difference(a, b, tolerance)) is not None), None
    )


def _alike(found: Any, said: Any, tolerance: float) -> bool:
    if isinstance(found, float) and isinstance(said, int | float) and not isinstance(said, bool):
        return abs(found - said) <= tolerance
    return type(found) is type(said) and found == said


def _numbers(values: npt.NDArray[Any]) -> list[float | None]:
    return [None if v != v else round(float(v), _DIGITS) for v in np.asarray(values).tolist()]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
