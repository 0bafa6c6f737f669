"""Files that are read as a whole, within bounds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.recording.source import Source
from ecgedge_bridge.errors import ConfigError

__all__ = ["everything", "numbers", "parsed_json"]

# A day at 250 Hz as JSON has some 150 MB. What claims more is no recording of a wearable.
_MOST_BYTES = 512 << 20


def everything(source: Source, most: int = _MOST_BYTES) -> bytes:
    """Read a file, and close it.

    Raises
    ------
    ConfigError
        It cannot be read, or is larger than ``most`` bytes.
    """
    try:
        with source.errors():
            data = source.stream.read(most + 1)
    finally:
        source.close()
    if len(data) > most:
        raise ConfigError(f"{source.name} has more than {most >> 20} MB: cut it into parts")
    return data


def parsed_json(source: Source) -> Any:
    """Parse a JSON file; errors as in :func:`everything`, and for what is no JSON."""
    data = everything(source)
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its encoding or depth"
        raise ConfigError(f"{source.name} is damaged JSON ({where}): export it again") from error


def numbers(values: Any, where: str) -> npt.NDArray[np.float64]:
    """Return a list of numbers as an array, None as NaN.

    Raises
    ------
    ConfigError
        It is no list of numbers.
    """
    if not isinstance(values, list) or any(isinstance(v, bool | str | list | dict) for v in values):
        raise ConfigError(f"{where} holds no list of numbers: export the file again")
    with np.errstate(all="ignore"):
        try:
            return np.array(values, np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigError(f"{where} holds a number that is none: export the file again") from error
