"""XML of hospitals: HL7 annotated ECG, and GE CardioSoft."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree

import numpy as np

from ecgedge.recording.blocks import Blocks, Wanted
from ecgedge.recording.held import Held, blocks_of
from ecgedge.recording.readers.forms.whole import everything
from ecgedge.recording.source import Source
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_xml", "read_xml"]

_MOST_BYTES = 64 << 20  # ten seconds of twelve leads have 1 MB
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


def is_xml(source: Source) -> bool:
    """Whether this begins as XML does."""
    head = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return re.match(rb"<\?xml|<!DOCTYPE|<[A-Za-z]", head) is not None


def read_xml(source: Source, wanted: Wanted) -> Blocks:
    """Read one lead."""
    data, where = everything(source, _MOST_BYTES), source.name
    # Entities can be made to grow without bounds, and none of these forms has any.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ConfigError(f"{where} has entities of its own: export it again without them")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise ConfigError(f"{where} is damaged XML: export it again") from error
    kind = root.tag.rpartition("}")[2]
    if kind == "AnnotatedECG":
        return blocks_of(list(_annotated(root, where)), wanted, where, _hl7_time(root))
    if kind == "CardiologyXML":
        return blocks_of(list(_cardiosoft(root, where)), wanted, where, _cardiosoft_time(root))
    raise ConfigError(f"{where} is XML of no known kind: use HL7 aECG or CardioSoft, or CSV")


def _annotated(root: ElementTree.Element, where: str) -> Iterator[Held]:
    """Leads of the first rhythm of an HL7 annotated ECG: a sequence of times, and one of values for each."""
    for sequences in root.iterfind(".//{*}series/{*}component/{*}sequenceSet"):
        step_s: float | None = None
        leads = []
        for sequence in sequences.iterfind("{*}component/{*}sequence"):
            code = sequence.find("{*}code")
            name = "" if code is None else code.get("code", "")
            value = sequence.find("{*}value")
            if value is None:
                continue
            if name.startswith("TIME_"):
                step_s = _quantity(value.find("{*}increment"), _SECONDS, where)
            else:
                leads.append((name.removeprefix("MDC_ECG_LEAD_"), value))
        if leads and step_s:
            for name, value in leads:
                yield _sequence(name, value, 1 / step_s, where)
            return
    raise ConfigError(f"{where} holds no rhythm with times and leads: export it again")


def _sequence(name: str, value: ElementTree.Element, fs: float, where: str) -> Held:
    scale, origin = value.find("{*}scale"), value.find("{*}origin")
    digits = value.findtext("{*}digits") or ""
    unit = "" if scale is None else scale.get("unit", "")
    factor = 1.0 if scale is None else _number(scale.get("value"), where)
    zero = 0.0 if origin is None else _number(origin.get("value"), where)
    return Held.of(name, unit, fs, _words(digits.split(), where) * factor + zero)


def _quantity(element: ElementTree.Element | None, units: dict[str, float], where: str) -> float:
    factor = units.get("" if element is None else element.get("unit", ""))
    if element is None or factor is None:
        raise ConfigError(f"{where} has a time without a known unit: export it again")
    value = _number(element.get("value"), where) * factor
    if not 0 < value < 10:
        raise ConfigError(f"{where} has an impossible time between samples: export it again")
    return value


def _hl7_time(root: ElementTree.Element) -> datetime | None:
    for place in ("{*}effectiveTime/{*}low", "{*}effectiveTime/{*}center"):
        found = root.find(place)
        try:
            return datetime.strptime("" if found is None else found.get("value", "")[:14], "%Y%m%d%H%M%S")
        except ValueError:
            continue
    return None


def _cardiosoft(root: ElementTree.Element, where: str) -> Iterator[Held]:
    """Leads of CardioSoft's strip: rate and resolution stand before them."""
    strip = root.find(".//StripData")
    if strip is None:
        raise ConfigError(f"{where} holds no strip: export it with its raw data")
    fs = _number(strip.findtext("SampleRate"), where)
    resolution = strip.find("Resolution")
    unit = "uV" if resolution is None else resolution.get("units", "uV")
    step = 1.0 if resolution is None else _number(resolution.text, where)
    unit = {"uVperLsb": "uV", "mVperLsb": "mV"}.get(unit, unit)
    for wave in strip.iterfind("WaveformData"):
        words = [word for word in (wave.text or "").replace(",", " ").split() if word]
        yield Held.of(wave.get("lead", ""), unit, fs, _words(words, where) * step)


def _cardiosoft_time(root: ElementTree.Element) -> datetime | None:
    when = root.find("ObservationDateTime")
    try:
        parts = [int((when.findtext(n) if when is not None else "") or "") for n in
                 ("Year", "Month", "Day", "Hour", "Minute", "Second")]  # fmt: skip
        return datetime(*parts)  # type: ignore[arg-type]
    except ValueError:
        return None


def _words(words: list[str], where: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    try:
        return np.array([float(word) for word in words], np.float64)
    except ValueError as error:
        raise ConfigError(f"{where} has a sample that is no number: export it again") from error


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError as error:
        raise ConfigError(f"{where} has {(text or '')[:20]!r} where a number should be") from error
    if not math.isfinite(value):
        raise ConfigError(f"{where} has {value} where a number should be")
    return value
