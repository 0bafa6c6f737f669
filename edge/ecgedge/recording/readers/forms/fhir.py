"""FHIR: an Observation whose components are ``SampledData`` (HL7 FHIR R4 and R5, datatypes).

A value is ``origin + number * factor``; ``E``, ``U`` and ``L`` stand for an error and for what lies above or
below the range. R4 gives the ``period`` in ms, R5 ``interval`` and ``intervalUnit``.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np

from ecgedge.recording.held import Held
from ecgedge_bridge.errors import ConfigError

__all__ = ["LEADS", "is_fhir", "moment", "read_fhir"]

# Codes of ISO/IEEE 11073-10101 for the potentials of leads: 131328 is "any", 131329 lead I, and so on.
LEADS = {"131328": "ECG", "131329": "I", "131330": "II", "131331": "V1", "131332": "V2", "131333": "V3"}
LEADS |= {"131334": "V4", "131335": "V5", "131336": "V6", "131389": "III", "131390": "aVR"}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}
_MISSING = frozenset("EUL")


def is_fhir(raw: Any) -> bool:
    """Whether this is a resource of FHIR."""
    return isinstance(raw, dict) and isinstance(raw.get("resourceType"), str)


def read_fhir(raw: Any, where: str) -> tuple[list[Held], datetime | None]:
    """Return the signals of an Observation, or of the first one in a Bundle that has any, and their start.

    Raises
    ------
    ConfigError
        There is no sampled data, or a part of it makes no sense.
    """
    for observation in _observations(raw):
        parts = observation.get("component")
        parts = [*(parts if isinstance(parts, list) else []), observation]
        found = [
            _signal(part, part["valueSampledData"], where)
            for part in parts
            if isinstance(part, dict) and isinstance(part.get("valueSampledData"), dict)
        ]
        if found:
            return found, _start(observation)
    raise ConfigError(f"{where} has no valueSampledData: name a FHIR Observation with a waveform")


def _observations(raw: Any) -> list[dict[str, Any]]:
    if raw.get("resourceType") != "Bundle":
        return [raw]
    entries = raw.get("entry")
    entries = entries if isinstance(entries, list) else []
    resources = [entry.get("resource") for entry in entries if isinstance(entry, dict)]
    return [r for r in resources if isinstance(r, dict) and r.get("resourceType") == "Observation"]


def _signal(part: dict[str, Any], data: dict[str, Any], where: str) -> Held:
    if data.get("dimensions", 1) != 1:
        raise ConfigError(f"{where} mixes several signals in one sampled data: export them one by one")
    origin = data.get("origin")
    origin = origin if isinstance(origin, dict) else {}
    text = data.get("data")
    if not isinstance(text, str):
        raise ConfigError(f"{where} has sampled data without its data: export it again")
    factor, zero = _number(data.get("factor", 1), where), _number(origin.get("value", 0), where)
    words = text.split()
    try:
        counts = np.array([math.nan if word in _MISSING else float(word) for word in words])
    except ValueError as error:
        raise ConfigError(f"{where} has sampled data that is no number: export it again") from error
    unit = origin.get("code") or origin.get("unit") or ""
    return Held.of(_name(part), str(unit)[:64], 1 / _period_s(data, where), zero + counts * factor)


def _period_s(data: dict[str, Any], where: str) -> float:
    if "period" in data:
        period = _number(data["period"], where) * 1e-3
    else:
        unit = str(data.get("intervalUnit", "ms"))
        if unit == "Hz":
            period = 1 / max(_number(data.get("interval"), where), 1e-9)
        elif unit in _SECONDS:
            period = _number(data.get("interval"), where) * _SECONDS[unit]
        else:
            raise ConfigError(f"{where} has an interval in an unknown unit: use s, ms, us or Hz")
    if not 0 < period < 10:
        raise ConfigError(f"{where} has sampled data with an impossible period: export it again")
    return period


def _name(part: dict[str, Any]) -> str:
    code = part.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    for coding in codings if isinstance(codings, list) else []:
        if isinstance(coding, dict) and (name := LEADS.get(str(coding.get("code")))):
            return name
    return "ECG"


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{where} has sampled data with a factor, origin or period that is no number")
    return float(value)


def _start(observation: dict[str, Any]) -> datetime | None:
    period = observation.get("effectivePeriod")
    text = observation.get("effectiveDateTime") or (period.get("start") if isinstance(period, dict) else None)
    return moment(text)


def moment(text: Any) -> datetime | None:
    """Read a time in ISO 8601; None where it is none."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
