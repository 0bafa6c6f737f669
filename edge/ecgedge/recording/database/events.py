"""Events as JSON objects, and back."""

from __future__ import annotations

from typing import Any, get_args

from ecgedge.events import Event
from ecgedge_bridge.schema import Place, as_text, build
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["Stored", "event_of"]

Stored = SampleBlock | Acceleration | HeartRate | Event
"""What a recording keeps: all that a stream gives."""

_CLASSES = {cls.__name__.lower(): cls for cls in (*get_args(Event), HeartRate)}


def event_of(stored: dict[str, Any], place: Place) -> Event | HeartRate:
    """Make an event of what its ``to_json`` gave.

    Raises
    ------
    EcgEdgeError
        The place's error: its type is unknown, or a field is not what it should be.

    Examples
    --------
    >>> event_of({"type": "battery", "sample": 0, "time_s": 0.0, "percent": 87}, Place("event"))
    Battery(sample=0, time_s=0.0, percent=87, device='')
    """
    fields = dict(stored)
    kind = as_text(fields.pop("type", None), place.key("type"))
    if kind not in _CLASSES:
        place.refuse(f"has the unknown type {kind[:40]!r}")
    event: Event | HeartRate = build(_CLASSES[kind], fields, place)
    return event
