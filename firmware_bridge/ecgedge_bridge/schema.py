"""The one reader of JSON and TOML: from untrusted text to typed values, with errors that name the place.

Theory of operation: :func:`parse_json` and :func:`parse_toml` turn text into plain values and refuse at once
what no later check should have to think of (:func:`bounded`). A *decoder* takes such a value and its
:class:`Place` and returns a typed value or refuses it. :func:`build` makes a dataclass: the decoder of each
field follows from its type hint, or stands in the hint as ``Annotated[T, decoder]``. :class:`Table` does the
same by hand, where a value depends on another one. Whose fault an error is lies in the place: a damaged
artefact raises ModelError, a mistake in a user's file raises ConfigError.

Examples
--------
>>> from dataclasses import dataclass
>>> @dataclass
... class Strap:
...     fs: Annotated[float, number(above=0, below=1000)]
...     name: str = ""
>>> build(Strap, parse_toml("fs = 130", place := Place("strap.toml:")), place)
Strap(fs=130.0, name='')
>>> build(Strap, {"sf": 130}, place)
Traceback (most recent call last):
ecgedge_bridge.errors.ConfigError: strap.toml: has the unknown key 'sf' (did you mean 'fs'?): correct it
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from ecgedge_bridge.codes import Code
from ecgedge_bridge.errors import ConfigError, EcgEdgeError
from ecgedge_bridge.spelling import nearest

T = TypeVar("T")
Decoder = Callable[[Any, "Place"], T]

# Our own files are five levels deep. Python's parsers give up somewhere below a thousand levels; far below
# that, code that walks a value by recursion is safe.
MAX_DEPTH = 32
# Of a description: the largest of ours, a manifest with its report, has 30 kB. Golden vectors ask for more.
MAX_BYTES = 4 << 20
# Every integer of ours fits int64. Python's are endless: float(10**400) raises OverflowError far from here.
MAX_INTEGER = (1 << 63) - 1
# What an error shows of a value: a line of a terminal has room for it.
_SHOWN = 60


class Place(NamedTuple):
    """Where a value stands, and how to refuse it.

    Parameters
    ----------
    name : str
        Of the value: a document such as ``manifest``, or a file's name with a colon at its end, and what
        :meth:`key` and :meth:`item` add.
    error : type of EcgEdgeError
        ConfigError where a user can correct the text, ModelError where an artefact is damaged.
    remedy : str
        What to do about it: the end of every message.
    complete : bool
        Whether every key has to be there, whatever defaults the dataclass has: so for what a program wrote.
    """

    name: str
    error: type[EcgEdgeError] = ConfigError
    remedy: str = "correct it"
    complete: bool = False

    def key(self, key: str) -> Place:
        """Place of a value in an object."""
        # _replace() takes several times as long, and a day's recording has millions of values.
        between = " " if self.name.endswith(":") else "."
        return Place(f"{self.name}{between}{key}", self.error, self.remedy, self.complete)

    def item(self, index: int) -> Place:
        """Place of a value in a list."""
        return Place(f"{self.name}[{index}]", self.error, self.remedy, self.complete)

    def refuse(self, problem: str) -> NoReturn:
        """Raise the place's error: its name, the problem, the remedy."""
        raise self.error(f"{self.name} {problem}: {self.remedy}")

    def wrong(self, value: Any, wanted: str) -> NoReturn:
        """Refuse a value that is not what was wanted."""
        shown = repr(value)
        self.refuse(f"= {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'} is not {wanted}")


def hint(given: str, known: Iterable[str]) -> str:
    """Name the key that was probably meant, or all that there are.

    Examples
    --------
    >>> hint("epoch", ["epochs", "batch"]), hint("x", ["epochs", "batch"])
    ("did you mean 'epochs'?", 'use one of epochs, batch')
    """
    every = list(known)
    near = nearest(given, every)
    return f"did you mean {near!r}?" if near else f"use one of {', '.join(every)}"


def parse_json(text: str | bytes, place: Place, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Parse a JSON object; refuse what Python lets through: a key that is there twice, NaN and infinity.

    Raises
    ------
    EcgEdgeError
        The place's error: this is no JSON object, or not within bounds.
    """
    return _parsed(json.loads, "JSON", text, place, max_bytes, object_pairs_hook=_once)


def parse_toml(text: str, place: Place, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Parse TOML; errors as in :func:`parse_json`."""
    import tomllib  # a strap and the models in the package need none

    return _parsed(tomllib.loads, "TOML", text, place, max_bytes)


def _parsed(
    parse: Callable[..., Any], form: str, text: str | bytes, place: Place, max_bytes: int, **how: Any
) -> dict[str, Any]:
    if len(text) > max_bytes:
        place.refuse(f"has {len(text)} bytes, more than the {max_bytes} that are read")
    try:
        raw = parse(text, **how)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and TOMLDecodeError are ValueErrors
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        name = place.name.removesuffix(":")
        raise place.error(f"{name} is not {form} ({why}): {place.remedy}") from error
    if not isinstance(raw, dict):
        place.refuse(f"is not a {form} object")
    bounded(raw, place)
    return raw


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):  # which of the two counts, parsers do not agree on
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(k for k in keys if keys.count(k) > 1)!r} is there twice")
    return made


def bounded(value: Any, place: Place) -> None:
    """Refuse nesting beyond MAX_DEPTH, integers beyond 64 bits, and numbers that are not finite."""
    left = [(value, place, 0)]
    while left:  # no recursion: the depth is what is in question
        value, here, depth = left.pop()
        if depth > MAX_DEPTH:
            place.refuse(f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, dict):
            left += [(inner, here.key(k), depth + 1) for k, inner in value.items() if not _good(inner)]
        elif isinstance(value, list):
            left += [(inner, here.item(i), depth + 1) for i, inner in enumerate(value) if not _good(inner)]
        elif isinstance(value, float) and not math.isfinite(value):
            here.wrong(value, "a finite number")
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            here.refuse("is an integer of more than 64 bits")


def _good(value: Any) -> bool:
    """Whether a value is plain and within bounds: the thousands of numbers in golden vectors get no place."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) in (str, NoneType) or (type(value) is int and abs(value) <= MAX_INTEGER)


def as_any(value: Any, _: Place) -> Any:
    """Return whatever it is."""
    return value


def as_text(value: Any, place: Place) -> str:
    """Return a string."""
    return value if isinstance(value, str) else place.wrong(value, "a text")


def as_flag(value: Any, place: Place) -> bool:
    """Return true or false."""
    return value if isinstance(value, bool) else place.wrong(value, "true or false")


def as_number(value: Any, place: Place) -> float:
    """Return a finite number as float."""
    # A bool is an int in Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        place.wrong(value, "a finite number")
    return float(value)


def as_integer(value: Any, place: Place) -> int:
    """Return an integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        place.wrong(value, "a whole number")
    return value


def as_object(value: Any, place: Place) -> dict[str, Any]:
    """Return an object (in TOML, a table) with whatever it holds."""
    return value if isinstance(value, dict) else place.wrong(value, "an object with keys")


def written(value: Any, place: Place) -> str:
    """Return a string that is not empty."""
    return as_text(value, place) or place.wrong(value, "a text that is not empty")


def number(*, above: float, below: float, zero: bool = True) -> Decoder[float]:
    """Decoder of a number between limits that are themselves excluded; ``zero`` says whether 0 is one."""

    def decode(value: Any, place: Place) -> float:
        if not above < as_number(value, place) < below or not (zero or value):
            place.wrong(value, f"a number between {above:g} and {below:g}{'' if zero else ', and not 0'}")
        return float(value)

    return decode


def integer(low: int, high: int) -> Decoder[int]:
    """Decoder of a whole number from ``low`` to ``high``."""

    def decode(value: Any, place: Place) -> int:
        inside = low <= as_integer(value, place) <= high
        return int(value) if inside else place.wrong(value, f"a whole number from {low} to {high}")

    return decode


def choice(*known: str) -> Decoder[str]:
    """Decoder of one of some texts."""

    def decode(value: Any, place: Place) -> str:
        if (text := as_text(value, place)) not in known:
            place.refuse(f"= {text!r} is unknown (use one of {', '.join(known)})")
        return text

    return decode


def converted(how: Callable[[str], T]) -> Decoder[T]:
    """Decoder of a text that ``how`` converts; its ValueError says what to write instead."""

    def decode(value: Any, place: Place) -> T:
        text = as_text(value, place)
        try:
            return how(text)
        except ValueError as error:
            place.refuse(f"= {text!r} cannot be read ({error})")

    return decode


def optional(decode: Decoder[T]) -> Decoder[T | None]:
    """Decoder that lets JSON's ``null`` through."""
    return lambda value, place: None if value is None else decode(value, place)


def list_of(decode: Decoder[T]) -> Decoder[tuple[T, ...]]:
    """Decoder of a list whose items are all alike."""

    def decode_list(value: Any, place: Place) -> tuple[T, ...]:
        if not isinstance(value, list):
            place.wrong(value, "a list")
        return tuple(decode(item, place.item(i)) for i, item in enumerate(value))

    return decode_list


def dict_of(decode: Decoder[T]) -> Decoder[dict[str, T]]:
    """Decoder of an object with free keys whose values are all alike."""
    return lambda value, place: {k: decode(v, place.key(k)) for k, v in as_object(value, place).items()}


def nested(cls: Callable[..., T]) -> Decoder[T]:
    """Decoder of an object that becomes a dataclass, see :func:`build`."""
    return lambda value, place: build(cls, value, place)


def build(cls: Callable[..., T], value: Any, place: Place) -> T:
    """Make a dataclass from an object that has its fields for keys; unknown and missing ones are refused.

    Raises
    ------
    EcgEdgeError
        The place's error, with the name of the key.
    TypeError
        A field's type has no decoder: write ``Annotated[T, decoder]``.
    """
    decoders = _decoders(cls)
    raw = as_object(value, place)
    refuse_unknown(raw, decoders, place)
    if missing := [k for k in decoders if k not in raw and (place.complete or k not in _optional(cls))]:
        place.refuse(f"lacks {', '.join(missing)}")
    return cls(**{key: decode(raw[key], place.key(key)) for key, decode in decoders.items() if key in raw})


@cache
def _optional(cls: Any) -> frozenset[str]:
    return frozenset(f.name for f in fields(cls) if not f.default is f.default_factory is MISSING)


@cache
def _decoders(cls: Any) -> Mapping[str, Decoder[Any]]:
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: decoder_of(hints[f.name]) for f in fields(cls) if f.init}


_PLAIN: Mapping[Any, Decoder[Any]] = {
    Any: as_any,
    str: as_text,
    bool: as_flag,
    int: as_integer,
    float: as_number,
}


def decoder_of(kind: Any) -> Decoder[Any]:
    """Return the decoder that a type hint asks for.

    Examples
    --------
    >>> decoder_of(tuple[float, float])([3, 24.0], Place("snr_db"))
    (3.0, 24.0)
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and is_dataclass(kind):
        return nested(kind)
    if isinstance(kind, type) and issubclass(kind, Code):
        return lambda value, place: kind.of(as_text(value, place))
    if origin is Annotated:
        return next((d for d in inner[1:] if callable(d)), None) or decoder_of(inner[0])
    if origin in (Union, UnionType) and len(inner) == 2 and NoneType in inner:
        return optional(decoder_of(next(each for each in inner if each is not NoneType)))
    if origin is tuple and inner[-1] is Ellipsis:
        return list_of(decoder_of(inner[0]))
    if origin is tuple:
        return _tuple_of([decoder_of(each) for each in inner])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict_of(decoder_of(inner[1]))
    raise TypeError(f"{kind} has no decoder: write Annotated[T, decoder]")


def _tuple_of(decoders: list[Decoder[Any]]) -> Decoder[tuple[Any, ...]]:
    def decode(value: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(decoders):
            place.wrong(value, f"a list of {len(decoders)}")
        return tuple(d(item, place.item(i)) for i, (d, item) in enumerate(zip(decoders, value, strict=True)))

    return decode


def table_of(read: Callable[[Table], T]) -> Decoder[T]:
    """Decoder of an object that ``read`` takes key by key; what it leaves is refused."""

    def decode(value: Any, place: Place) -> T:
        table = Table(value, place)
        made = read(table)
        table.finish()
        return made

    return decode


class Table:
    """An object whose keys are taken one by one; every key that was asked for is known."""

    def __init__(self, value: Any, place: Place) -> None:
        self._values = as_object(value, place)
        self._known: list[str] = []
        self.place = place

    def take(self, key: str, decode: Decoder[T], default: Any = MISSING) -> T:
        """Take a key's value; ``default`` stands for a key that is not there, without one it is refused."""
        self._known.append(key)
        if key in self._values:
            return decode(self._values[key], self.place.key(key))
        if default is MISSING:
            meant = [other for other in self._values if other not in self._known]
            near = nearest(key, meant)
            self.place.refuse(f"lacks {key}{f' (is {near!r} meant to be it?)' if near else ''}")
        found: T = default
        return found

    def finish(self) -> None:
        """Refuse keys that nobody took."""
        refuse_unknown(self._values, self._known, self.place)


def refuse_unknown(raw: Mapping[str, Any], known: Collection[str], place: Place) -> None:
    """Refuse keys other than these, with the nearest one."""
    for key in raw:
        if key not in known:
            place.refuse(f"has the unknown key {key!r} ({hint(key, known)})")
