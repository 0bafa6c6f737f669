"""Events are what ``@dataclass(frozen=True, slots=True)`` would have made of them."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, asdict, fields, make_dataclass, replace
from typing import Any, get_args

import pytest

import ecgedge_bridge
from ecgedge.events import Ectopy, Event, HrvMeasures
from ecgedge_bridge.values import ByFields, HeartRate

CLASSES = (*get_args(Event), HrvMeasures, Ectopy, HeartRate)


def made(cls: Any) -> Any:
    """A value with another content in every field."""
    return cls(**{field.name: at for at, field in enumerate(fields(cls))})


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_event_is_equal_hashed_and_shown_as_a_dataclass_is(cls: Any) -> None:
    assert issubclass(cls, ByFields)
    names = [field.name for field in fields(cls)]
    twin = made(make_dataclass(cls.__name__, names, frozen=True, slots=True))
    value = made(cls)
    assert repr(value) == repr(twin)
    assert hash(value) == hash(twin)
    assert value == made(cls)
    assert value != twin
    for name in names:
        assert value != replace(value, **{name: "other"})
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 0)
    assert not hasattr(value, "__dict__")
    assert pickle.loads(pickle.dumps(value)) == value
    assert asdict(value) == asdict(twin)


def test_events_of_two_classes_differ() -> None:
    note, lost = (made(getattr(ecgedge_bridge, name)) for name in ("Note", "FrameLost"))
    assert note != lost
    assert asdict(note) == asdict(lost)
