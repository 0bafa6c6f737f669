"""The trace replays on the runtime, and a change of any stage's constants is seen in that stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import ecgedge
from ecgedge.arithmetic import design
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.monitor import Models
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ModelError
from ecgedge_export.ship import trace as traces


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.load()


@pytest.fixture(scope="module")
def data(models: Models) -> bytes:
    return traces.encoded(models)


def test_the_trace_holds_all_that_is_awkward(data: bytes) -> None:
    said = json.loads(data)
    assert said["input"][0]["fs"] == 128.7
    assert None in said["input"][0]["mv"]
    assert len(said["filtered"]) == len(said["beats"]) == 3  # a missing stretch and a gap
    assert {gate["accepted"] for gate in said["gate"]} == {True, False}
    assert {symbol for segment in said["symbols"] for symbol in segment} >= {"N", "V"}
    assert {event["type"] for event in said["events"]} == {"beat", "quality", "rhythm", "hrv", "gap"}
    assert {e["label"] for e in said["events"] if e["type"] == "rhythm"} >= {"N", "A"}


def test_events_are_those_of_a_monitor_that_nobody_listens_to(data: bytes, models: Models) -> None:
    monitor = ecgedge.Monitor(models)
    events = [e for b in traces.made_signal() for e in monitor.feed(b)] + monitor.finish()
    said = json.loads(data)["events"]
    assert traces.difference(json.loads(json.dumps([e.to_json() for e in events])), said, 1e-6) is None


def test_it_replays(data: bytes, models: Models) -> None:
    traces.verify_trace(data, models)
    traces.verify_trace(data, Models.load("onnx"))


def rhythm(models: Models, **changes: Any) -> Models:
    changed = replace(models.rhythm.manifest, **changes)
    return replace(models, rhythm=RhythmModel(changed, models.rhythm.backend))


def other_class_scale(models: Models) -> Models:
    manifest = models.beat_classes.manifest
    values = {**manifest.normalisation.values, "clip": manifest.normalisation.values["clip"] / 4}
    changed = replace(manifest, normalisation=replace(manifest.normalisation, values=values))
    return replace(models, beat_classes=BeatClassModel(changed, models.beat_classes.backend))


CHANGES: dict[str, Callable[[Models], Models]] = {
    "beats": lambda m: replace(m, beats=replace(m.beats, threshold=0.99)),
    "beat_classes": other_class_scale,
    "gate": lambda m: replace(m, gate=replace(m.gate, bias=m.gate.bias + 0.1)),
    "rhythm": lambda m: rhythm(m, temperature=m.rhythm.manifest.temperature * 1.3),
    "events": lambda m: rhythm(m, thresholds={**m.rhythm.manifest.thresholds, "conclusive": 0.999}),
}


@pytest.mark.parametrize("stage", CHANGES)
def test_a_changed_constant_is_seen_in_its_stage(stage: str, data: bytes, models: Models) -> None:
    with pytest.raises(ModelError, match=f"the stage '{stage}' gives other values"):
        traces.verify_trace(data, CHANGES[stage](models))


def test_a_changed_filter_is_seen(data: bytes, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(design, "EDGE_S", 0.1)
    design.resampler_design.cache_clear()
    with pytest.raises(ModelError, match="the stage 'filtered' gives other values"):
        traces.verify_trace(data, models)
    design.resampler_design.cache_clear()


@pytest.mark.parametrize("stage", [stage for stage, most in traces.TOLERANCES.items() if most])
def test_a_changed_value_is_seen(stage: str, data: bytes, models: Models) -> None:
    said = json.loads(data)

    def shift(value: Any) -> bool:
        """Change the first number with a fraction by more than is allowed."""
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(items):
            if isinstance(inner, dict | list):
                if shift(inner):
                    return True
            elif isinstance(inner, float):
                value[key] = inner + 2 * traces.TOLERANCES[stage]
                return True
        return False

    assert shift(said[stage])
    with pytest.raises(ModelError, match=f"the stage '{stage}' gives other values"):
        traces.verify_trace(json.dumps(said).encode(), models)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"input": 3}', '{"input": [{"fs": 1}]}', "[" * 100_000])
def test_a_strange_trace_is_one_line(text: str, models: Models) -> None:
    with pytest.raises(ModelError) as caught:
        traces.verify_trace(text.encode(), models)
    assert "\n" not in str(caught.value)


def test_numbers_that_are_none_are_null() -> None:
    assert traces._numbers(np.array([np.nan, 1.0])) == [None, 1.0]
