"""JSON of makers: Fitbit's Web API, Movesense's data logger, Samsung Health."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np

from ecgedge.recording.blocks import ReadNote
from ecgedge.recording.held import Held
from ecgedge.recording.readers.forms.fhir import moment
from ecgedge.recording.readers.forms.whole import numbers
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_fitbit", "is_movesense", "is_samsung", "read_fitbit", "read_movesense", "read_samsung"]

Found = tuple[list[Held], datetime | None, list[ReadNote]]

# The key of a message names the signal's unit; Movesense's plain ECG counts in microvolts.
_MOVESENSE = {"MeasECG": "uV", "MeasEcg": "uV", "MeasEcguV": "uV", "MeasECGmV": "mV", "MeasEcgmV": "mV"}
# Samsung Health measures for 30 s at 500 Hz, in mV; the file beside the signal says so, the signal does not.
_SAMSUNG_FS, _SAMSUNG_S = 500.0, 30.0


def is_fitbit(raw: Any) -> bool:
    """Whether this is Fitbit's "ECG log list"."""
    return isinstance(raw, dict) and isinstance(raw.get("ecgReadings"), list)


def read_fitbit(raw: Any, where: str) -> Found:
    """Return the newest recording of the list, which comes first; a note where there are more."""
    readings = [r for r in raw["ecgReadings"] if isinstance(r, dict)]
    if not readings:
        raise ConfigError(f"{where} lists no recording: export the days with one")
    first = readings[0]
    fs, per_mv = (_number(first.get(key), where) for key in ("samplingFrequencyHz", "scalingFactor"))
    if not per_mv:
        raise ConfigError(f"{where} has a scaling factor of 0: export it again")
    values = numbers(first.get("waveformSamples"), where) / per_mv
    more = f"{len(readings)} recordings are in the file: the first one was read"
    notes = [ReadNote(NoteCode.OTHER, more)] if len(readings) > 1 else []
    return [Held.of("I", "mV", fs, values)], moment(first.get("startTime")), notes


def is_movesense(raw: Any) -> bool:
    """Whether this is a log of Movesense's Showcase app or data logger converter."""
    samples = raw.get("Samples") if isinstance(raw, dict) else raw
    first = samples[0] if isinstance(samples, list) and samples else None
    return isinstance(first, dict) and any(str(key).startswith("Meas") for key in first)


def read_movesense(raw: Any, where: str) -> Found:
    """Return the ECG; the stamp of a message, in ms, is that of its samples, and shows what was lost."""
    samples = raw["Samples"] if isinstance(raw, dict) else raw
    messages = [
        (key, message[key])
        for message in samples
        if isinstance(message, dict)
        for key in message
        if key in _MOVESENSE and isinstance(message[key], dict)
    ]
    if not messages:
        raise ConfigError(f"{where} holds no ECG: log MeasECG, or name another file")
    key = messages[0][0]
    values, stamps = [], []
    for own, message in messages:
        if own != key:
            raise ConfigError(f"{where} mixes {key} and {own[:20]}: split the file")
        batch = numbers(message.get("Samples"), where)
        stamp = _number(message.get("Timestamp"), where)
        values.append(batch)
        stamps.append(np.full(len(batch), round(stamp * 1e6), np.int64))
    whole = np.concatenate(values)
    return [Held.stamped("ECG", _MOVESENSE[key], whole, np.concatenate(stamps), where)], None, []


def is_samsung(raw: Any) -> bool:
    """Whether this is the chart of a recording of Samsung Health: a bare list of numbers, or of lists."""
    return isinstance(raw, list) and bool(raw) and not isinstance(raw[0], dict | str)


def read_samsung(raw: Any, where: str) -> Found:
    """Return the signal, whose rate is that of the app: 500 Hz, where it is as long as the app measures."""
    flat = list(chain.from_iterable(v if isinstance(v, list) else [v] for v in raw))
    values = numbers(flat, where)
    if len(values) != round(_SAMSUNG_FS * _SAMSUNG_S):
        raise ConfigError(
            f"{where} is a list of {len(values)} numbers without a rate: write one number a line, and give fs"
        )
    words = "the file names no rate: 500 Hz was assumed, that of Samsung Health's recordings of 30 s"
    return [Held.of("I", "", _SAMSUNG_FS, values)], None, [ReadNote(NoteCode.RATE_ASSUMED, words)]


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where} has no number where one should be: export it again") from error
    if not np.isfinite(number) or abs(number) > 1e15:
        raise ConfigError(f"{where} has {number:g} where a time or a rate should be: export it again")
    return number
