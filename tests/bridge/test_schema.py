"""The reader of JSON and TOML: what is refused, where, and whose fault it is."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest

from ecgedge_bridge import schema
from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_bridge.schema import Place

FILE = Place("strap.toml:")
ARTEFACT = Place("manifest", ModelError, "export again", complete=True)


@dataclass(frozen=True)
class Clock:
    bits: Annotated[int, schema.integer(8, 64)]
    unit: Annotated[str, schema.choice("ms", "s")] = "ms"


@dataclass(frozen=True)
class Strap:
    name: str
    fs: Annotated[float, schema.number(above=0, below=1000)]
    leads: tuple[str, ...] = ()
    band: tuple[float, float] = (0.5, 40.0)
    clock: Clock | None = None
    gains: Mapping[str, float] = field(default_factory=dict)
    dry: bool = False
    extra: Any = None
    start: Annotated[bytes, schema.converted(bytes.fromhex)] = b""


WHOLE = """
name = "mine"
fs = 130
leads = ["I", "II"]
band = [1, 30.5]
clock = { bits = 16, unit = "s" }
gains = { I = 2 }
dry = true
start = "01 02"
"""


def read(text: str, place: Place = FILE) -> Strap:
    return schema.build(Strap, schema.parse_toml(text, place), place)


def test_types_come_from_the_hints() -> None:
    assert read(WHOLE) == Strap(
        "mine", 130.0, ("I", "II"), (1.0, 30.5), Clock(16, "s"), {"I": 2.0}, True, None, b"\1\2"
    )
    assert read('name = ""\nfs = 1') == Strap("", 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("fs = 130", 'fs = "130"'), "strap.toml: fs = '130' is not a finite number: correct it"),
        (("fs = 130", "fs = true"), "fs = True is not a finite number"),
        (("fs = 130", "fs = 1000"), "fs = 1000 is not a number between 0 and 1000"),
        (("fs = 130", "fs = nan"), "fs = nan is not a finite number"),
        (("fs = 130", ""), "strap.toml: lacks fs"),
        (('"mine"', "1979-05-27"), r"name = datetime.date\(1979, 5, 27\) is not a text"),
        (('"II"', "2"), r"leads\[1\] = 2 is not a text"),
        (("[1, 30.5]", "[1]"), r"band = \[1\] is not a list of 2"),
        (("bits = 16", "bits = 7"), "clock.bits = 7 is not a whole number from 8 to 64"),
        (("bits = 16", "bits = 16.0"), "clock.bits = 16.0 is not a whole number"),
        (("bits", "bit"), "clock has the unknown key 'bit' .did you mean 'bits'"),
        (('"s"', '"h"'), "clock.unit = 'h' is unknown .use one of ms, s"),
        (("{ I = 2 }", "2"), "gains = 2 is not an object"),
        (("dry = true", "dry = 1"), "dry = 1 is not true or false"),
        (('"01 02"', '"0"'), "start = '0' cannot be read .non-hexadecimal"),
        (("fs", "fz"), "unknown key 'fz' .did you mean 'fs'"),
        (("name =", "name"), "strap.toml is not TOML"),
        (("fs = 130", f"fs = {10**30}"), "fs is an integer of more than 64 bits"),
        (("fs = 130", f"fs = {'9' * 5000}"), "is not TOML"),
        (('"mine"', f"'{'x' * 500}'\nname = 1"), "is not TOML"),
        (("gains = { I = 2 }", "gains = " + "{ a = " * 40 + "1" + "}" * 40), "more than 32 levels"),
        (("leads = [", "leads = " + "[" * 10_000), "nested too deeply"),
    ],
)
def test_a_mistake_is_named_by_its_place(change: tuple[str, str], message: str) -> None:
    assert change[0] in WHOLE
    with pytest.raises(ConfigError, match=message):
        read(WHOLE.replace(*change))


JSON = '{"bits": 16, "unit": "s"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "manifest is not JSON"),
        ("[]", "manifest is not a JSON object: export again"),
        ("[" * 10_000, "nested too deeply"),
        ('{"a": ' * 40 + "1" + "}" * 40, "more than 32 levels"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "more than 32 levels"),
        ('{"bits": 16, "unit": "s", "bits": 8}', "key 'bits' is there twice"),
        ('{"bits": NaN, "unit": "s"}', "manifest.bits = nan is not a finite number"),
        ('{"bits": -Infinity, "unit": "s"}', "manifest.bits = -inf is not a finite number"),
        ('{"bits": [1.0, 1e999], "unit": "s"}', r"manifest.bits\[1\] = inf is not a finite number"),
        (f'{{"bits": {10**400}, "unit": "s"}}', "manifest.bits is an integer of more than 64 bits"),
        (f'{{"bits": {-(2**64)}, "unit": "s"}}', "manifest.bits is an integer of more than 64 bits"),
        (b"\xff\xfe{", "manifest is not JSON"),
        ('{"bits": 16}', "manifest lacks unit: export again"),  # complete: the default does not count
        (f'{{"bits": "{"x" * 500}", "unit": "s"}}', r"x\.\.\. is not a whole number"),
    ],
)
def test_a_damaged_artefact_is_a_model_error(text: str | bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        schema.build(Clock, schema.parse_json(text, ARTEFACT), ARTEFACT)
    assert len(str(caught.value)) < 200


def test_size_is_bounded() -> None:
    with pytest.raises(ModelError, match=f"has {len(JSON)} bytes, more than the {len(JSON) - 1}"):
        schema.parse_json(JSON, ARTEFACT, len(JSON) - 1)
    assert schema.parse_json(JSON, ARTEFACT, len(JSON)) == {"bits": 16, "unit": "s"}


def test_integers_of_64_bits_pass() -> None:
    at = 2**63 - 1
    assert schema.parse_json(f'{{"a": {at}, "b": {-at}}}', FILE) == {"a": at, "b": -at}


def test_null_is_for_what_is_optional() -> None:
    @dataclass
    class Both:
        may: float | None
        must: float

    assert schema.build(Both, {"may": None, "must": 1}, FILE) == Both(None, 1.0)
    with pytest.raises(ConfigError, match="must = None"):
        schema.build(Both, {"may": None, "must": None}, FILE)


def test_a_type_without_a_decoder_is_the_programmers_mistake() -> None:
    with pytest.raises(TypeError, match="Annotated"):
        schema.decoder_of(set[str])


def test_keys_are_taken_one_by_one_and_none_is_left() -> None:
    def read(table: schema.Table) -> tuple[float, str]:
        return table.take("fs", schema.as_number), table.take("name", schema.as_text, "none")

    decode = schema.table_of(read)
    assert decode({"fs": 2}, FILE) == (2.0, "none")
    with pytest.raises(ConfigError, match=r"unknown key 'nam' .did you mean 'name'"):
        decode({"fs": 2, "nam": "x"}, FILE)
    with pytest.raises(ConfigError, match=r"lacks fs .is 'fz' meant to be it"):
        decode({"fz": 2}, FILE)
    with pytest.raises(ConfigError, match=r"strap.toml: = 3 is not an object"):
        decode(3, FILE)


@pytest.mark.parametrize("n", range(0, len(WHOLE), 3))
def test_every_beginning_of_a_file_is_read_or_refused(n: int) -> None:
    with contextlib.suppress(ConfigError):
        assert read(WHOLE[:n]).name == "mine"
