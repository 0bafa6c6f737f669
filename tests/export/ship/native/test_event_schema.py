"""The schema of events is that of their classes, fresh in the repository, and says which lines are none."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest
from event_schema import PATH
from jsonschema import Draft202012Validator

import ecgedge
from ecgedge.events import Event, Mark
from ecgedge.sinks.ending import Ending
from ecgedge.sinks.lines import json_line
from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.values import Battery, JsonEvent, LinkState, SampleBlock
from ecgedge_export.ship.native.event_schema import encoded, event_classes, event_schema
from ecgedge_export.ship.native.golden import CASES, played

sys.path.append(str(Path(__file__).parents[3] / "e2e"))
from event_digests import MADE, made


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = event_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def lines() -> Iterator[str]:
    """Lines of every kind: of all wearables, of a monitor that is asked for everything, the rest by hand."""
    models = ecgedge.Models.load()
    for name in CASES:
        yield from (json_line(event.to_json()) for event in played(name, models).events)
    monitor, ending = ecgedge.Monitor(models, waves=True, tokens=True), Ending()
    recipe = MADE["made/every kind"]
    events = monitor.feed(SampleBlock(made(recipe), recipe.fs)) + monitor.finish()
    ending.take(events)
    yield from (json_line(event.to_json()) for event in events)
    yield ending.line(monitor.stats)
    lost = LinkState(650, 5.0, "backing_off", "gone", "strap", LinkCode.LOST, 1.5)
    yield from (json_line(event.to_json()) for event in (lost, Battery(0, 0.0, 87), Mark(3, 0.1, "dizzy")))


def test_every_line_is_what_the_schema_says(validator: Draft202012Validator) -> None:
    kinds = set()
    for line in lines():
        event = json.loads(line)
        validator.validate(event)
        validator.validate(event | {"wearable": "left"})
        kinds.add(event["type"])
    assert kinds == {one.__name__.lower() for one in event_classes()}


def test_the_file_in_the_repository_is_fresh() -> None:
    assert PATH.read_text("utf-8") == encoded()


def test_no_event_is_forgotten() -> None:
    named = set(event_classes())
    assert named >= set(get_args(Event))
    assert {f"#/$defs/{one.__name__}" for one in named} == {each["$ref"] for each in event_schema()["oneOf"]}


def test_an_event_that_is_new_comes_into_it_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, slots=True, eq=False, repr=False)
    class Novelty(JsonEvent):
        """Something new."""

        sample: int
        words: tuple[str, ...] = ()

    module = ModuleType("ecgedge.novelty")
    module.Novelty = Novelty  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ecgedge.novelty", module)
    monkeypatch.setattr(Novelty, "__module__", "ecgedge.novelty")
    found = event_schema()["$defs"]["Novelty"]
    assert found["properties"]["words"] == {"type": "array", "items": {"type": "string"}}
    assert found["required"] == ["type", "sample", "words"]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "beats"}, {"rr_ms": "1"}, {"sample": 1.5}, {"sample": None}, {"more": 1}, {"symbol": 3},
        {"wearable": 1},
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(validator: Draft202012Validator, change: dict[str, Any]) -> None:
    beat = ecgedge.Beat(51, 0.392, None, "N").to_json()
    assert validator.is_valid(beat)
    assert not validator.is_valid(beat | change)
    assert not validator.is_valid({key: value for key, value in beat.items() if key != "time_s"})


def test_codes_are_those_that_there_are(validator: Draft202012Validator) -> None:
    note = ecgedge.Monitor(fs=130.0).feed(SampleBlock(np.zeros(10, np.float32), 130.0, 0))
    assert note == []
    state = LinkState(0, 0.0, "stopped", code=LinkCode.ENDED)
    assert validator.is_valid(state.to_json())
    assert validator.is_valid(replace(state, code=None).to_json())
    assert not validator.is_valid(state.to_json() | {"code": "vanished"})
