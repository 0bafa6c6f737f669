"""What a line of ``--json`` may be, as JSON Schema made from the classes of the events."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import ecgedge.events  # noqa: F401  # all events are there once this is
from ecgedge_bridge.codes import Code
from ecgedge_bridge.values import ByFields, JsonEvent

FILE = "events.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {bool: "boolean", int: "integer", float: "number", str: "string", types.NoneType: "null"}
Schema = dict[str, Any]


def event_classes() -> list[type[JsonEvent]]:
    """Every class of an event, in the order of their names.

    Examples
    --------
    >>> [one.__name__ for one in event_classes()][:3]
    ['Battery', 'Beat', 'FrameLost']
    """

    def below(one: type[JsonEvent]) -> Iterator[type[JsonEvent]]:
        for child in one.__subclasses__():
            yield child
            yield from below(child)

    # Not tests' own, and not what a class was before it was given slots.
    ours = [
        one for one in below(JsonEvent) if getattr(sys.modules[one.__module__], one.__name__, None) is one
    ]
    found = {
        one.__name__: one for one in ours if one.__module__.split(".")[0] in ("ecgedge", "ecgedge_bridge")
    }
    return [found[name] for name in sorted(found)]


def event_schema() -> Schema:
    """JSON Schema, draft 2020-12, of one line.

    Examples
    --------
    >>> schema = event_schema()
    >>> schema["$defs"]["Beat"]["properties"]["rr_ms"]
    {'type': ['number', 'null']}
    """
    defined: dict[str, Schema] = {}
    classes = event_classes()
    for one in classes:
        _define(one, defined, one.__name__.lower())
    return {
        "$schema": _DIALECT,
        "$id": "urn:ecgedge:events",
        "title": "An event of ecgedge, as a line of JSON",
        "oneOf": [{"$ref": f"#/$defs/{one.__name__}"} for one in classes],
        "$defs": dict(sorted(defined.items())),
    }


def encoded() -> str:
    """The file: the schema with its names in a fixed order."""
    return json.dumps(event_schema(), indent=1, ensure_ascii=False) + "\n"


def _define(one: type[ByFields], defined: dict[str, Schema], kind: str | None = None) -> Schema:
    """Put a class into the definitions; a reference to it."""
    hints = typing.get_type_hints(one)
    properties: dict[str, Schema] = {} if kind is None else {"type": {"const": kind}}
    properties |= {each.name: _schema(hints[each.name], defined) for each in fields(one)}  # type: ignore[arg-type]
    required = list(properties)
    if kind is not None:
        properties["wearable"] = {"type": "string", "description": "Where several share the output."}
    defined[one.__name__] = {
        "description": (one.__doc__ or "").strip().splitlines()[0],
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"$ref": f"#/$defs/{one.__name__}"}


def _schema(hint: Any, defined: dict[str, Schema]) -> Schema:
    """What a type allows.

    Raises
    ------
    TypeError
        A type that no event had when this was written.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if origin in (types.UnionType, typing.Union):
        return _one_of([_schema(part, defined) for part in inner])
    if origin is tuple and inner[1:] == (...,):
        return {"type": "array", "items": _schema(inner[0], defined)}
    if origin is dict and inner[0] is str:
        return {"type": "object", "additionalProperties": _schema(inner[1], defined)}
    if isinstance(hint, type) and issubclass(hint, Code):
        return {"oneOf": [{"const": str(code), "description": code.sentence} for code in hint]}
    if isinstance(hint, type) and issubclass(hint, ByFields):
        return _define(hint, defined)
    raise TypeError(f"an event has a field of type {hint}: teach event_schema.py what it is in JSON")


def _one_of(parts: list[Schema]) -> Schema:
    if all(part.keys() == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": parts}
