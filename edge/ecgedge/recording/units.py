"""Units of a signal in any spelling, and what an unnamed one is by the size of its heartbeats."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ConfigError

__all__ = [
    "COUNTS",
    "PER_MV",
    "Scale",
    "guess_scale",
    "name_and_unit",
    "parse_unit",
    "scale_of",
    "units_per_mv",
]

Float = npt.NDArray[np.float64]

COUNTS = "counts"
PER_MV = {
    "uV": 1000.0,
    "mV": 1.0,
    "V": 1e-3,
    "nV": 1e6,
}  # divided by: 123 uV is the float nearest to 0.123 mV

_SPELLINGS = {
    "uV": "uv μv microv microvolt microvolts mikrovolt microvoltio microvoltios мкв микровольт 微伏",
    "mV": "mv milliv millivolt millivolts milivolt millivoltio milivoltio милливольт мв 毫伏 ミリボルト",
    "V": "v volt volts voltio вольт 伏 伏特",
    "nV": "nv nanovolt nanovolts нв",
    COUNTS: "counts count adu adc lsb raw digit digits na n/a nu au a.u. code codes ticks",
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()}
# The micro sign of UTF-8 read as Latin-1, of Latin-1 read as UTF-8, and of both in turn.
_MOJIBAKE = re.compile("Âµ|Î¼|Âμ|\ufffd|ï¿½|Ã\x82Âµ")

# Counts that make a mV, which the gain of the front end and the converter's step give.
_COUNTS_PER_MV = re.compile(
    r"(\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})\s*(?:counts)?/mv", re.IGNORECASE | re.ASCII
)
_LARGEST_PER_MV = 1e9  # a converter of 32 bits on 2 mV

# Size of a heartbeat in mV, peak to peak. Wearables see 0.3 to 3 mV; small hearts and high electrodes 0.05,
# drifting dry electrodes 20. So a factor of a thousand between units leaves no doubt.
_SMALLEST_MV, _LARGEST_MV = 0.02, 20.0
_DOUBTFUL_MV = 50.0  # said to be mV, and no body gives that
_WINDOW_S = 2.0  # holds one beat at least from 30 per minute on
_COUNTS_MV = 1.0  # counts are scaled as if a heartbeat had this: what the median lead I has, near enough


@dataclass(frozen=True, slots=True)
class Scale:
    """``mV = (value - offset) / per_mv``; ``note`` says what was assumed, if anything."""

    unit: str
    per_mv: float
    offset: float = 0.0
    note: str = ""


def parse_unit(text: str) -> str | None:
    """Give the unit that a text names: "uV", "mV", "V", "nV" or "counts"; None for any other.

    Examples
    --------
    >>> parse_unit("µV"), parse_unit("MilliVolts"), parse_unit("mmHg")
    ('uV', 'mV', None)
    """
    plain = unicodedata.normalize("NFKC", _MOJIBAKE.sub("μ", text[:64])).casefold().strip(" .\t'\"")
    return _UNITS.get(plain)


class Named(NamedTuple):
    """A column's name, and the unit that stood behind it."""

    name: str
    unit: str | None


def name_and_unit(name: str) -> Named:
    """Split the unit off a column's name.

    Examples
    --------
    >>> [tuple(name_and_unit(name)) for name in ("ecg_uV", "ECG (µV)", "V5", "mV")]
    [('ecg', 'uV'), ('ECG', 'uV'), ('V5', None), ('mV', 'mV')]
    """
    name = name[:256].strip()
    if parse_unit(name) not in (None, COUNTS):
        return Named(name, parse_unit(name))
    bracket = re.search(r"[\[(]([^\[\]()]{1,32})[\])]", name)
    if bracket and (unit := parse_unit(bracket[1])):
        return Named(name[: bracket.start()].strip(), unit)
    words = re.split(r"([\s_/,:-]+)", name)
    if len(words) >= 3 and (unit := parse_unit(words[-1])) and (len(words[-1]) > 1 or "g" in name.casefold()):
        return Named("".join(words[:-2]).strip(), unit)
    glued = re.fullmatch(r"(.*[A-Za-z])([mun\u00b5\u03bc]V|Mv|Uv)", name)
    return Named(glued[1], parse_unit(glued[2])) if glued else Named(name, None)


def units_per_mv(record: Path, unit: str) -> float:
    """How many of a signal's units make a mV.

    Raises
    ------
    ConfigError
        The unit is not one of voltage.

    Examples
    --------
    >>> units_per_mv(Path("100"), "uV")
    1000.0
    """
    per_mv = PER_MV.get(parse_unit(unit) or "")
    if per_mv is None:
        raise ConfigError(
            f"{record} has a signal in {unit[:20]!r}, not a voltage: choose another with channel"
        )
    return per_mv


def scale_of(unit: str, values: Float, fs: float) -> Scale:
    """Give the scale of a named unit; counts are scaled by the first values, or by how many make a mV.

    Raises
    ------
    ConfigError
        No such unit.

    Examples
    --------
    >>> scale_of("341/mV", np.array([512.0, 853.0]), 250.0).per_mv
    341.0
    """
    if (per_mv := _COUNTS_PER_MV.fullmatch(unit[:64])) and 0 < float(per_mv[1]) < _LARGEST_PER_MV:
        return Scale(COUNTS, float(per_mv[1]))
    known = parse_unit(unit)
    if known is None:
        raise ConfigError(
            f"unit {unit[:20]!r} is not known: choose mV, uV, V, nV, counts, or counts in a mV as 341/mV"
        )
    if known == COUNTS:
        return _scale_of_counts(values, fs)
    scale = Scale(known, PER_MV[known])
    size = _beat_size(values, fs) / scale.per_mv
    return scale if size <= _DOUBTFUL_MV else Scale(
        known, scale.per_mv, note=f"heartbeats of {size:.3g} mV: is the unit {known}? choose with --unit"
    )  # fmt: skip


def guess_scale(values: Float, fs: float) -> Scale:
    """Find the unit that makes a heartbeat of the first values as large as hearts are; mV where none shows.

    Examples
    --------
    >>> beats = np.zeros(1300)
    >>> beats[::100] = 900
    >>> guess_scale(beats - 40, 130.0).unit
    'uV'
    """
    size = _beat_size(values, fs)
    if size == 0 or _SMALLEST_MV <= size <= _LARGEST_MV:
        return Scale("mV", 1.0)
    if _looks_like_counts(values, size):
        return _scale_of_counts(values, fs)
    for unit in ("uV", "V", "nV"):
        if _SMALLEST_MV <= size / PER_MV[unit] <= _LARGEST_MV:
            note = f"no unit is named; heartbeats of {size:.3g} are taken for {unit}: else choose --unit"
            return Scale(unit, PER_MV[unit], note=note)
    return _scale_of_counts(values, fs)


def _looks_like_counts(values: Float, size: float) -> bool:
    """Whole numbers that never go below zero, around a middle that heartbeats do not reach down from.

    A converter whose input is biased to half of its supply gives that; microvolts swing around zero.
    """
    known = values[np.isfinite(values)]
    return bool(np.all(known == np.rint(known)) and np.min(known) > 0 and np.median(known) > 0.75 * size)


def _scale_of_counts(values: Float, fs: float) -> Scale:
    known = values[np.isfinite(values)]
    size = _beat_size(values, fs)
    note = "counts without a scale: sizes are shown as if a heartbeat had 1 mV: else choose --unit"
    middle = float(np.median(known)) if len(known) else 0.0
    return Scale(COUNTS, size / _COUNTS_MV if size else 1.0, middle, note)


def _beat_size(values: Float, fs: float) -> float:
    """Median over windows of two seconds of what the signal spans, 0 where there is nothing."""
    window = max(2, round(_WINDOW_S * fs))
    parts = [values[at : at + window] for at in range(0, max(1, len(values) - window // 2), window)]
    finite = [part[np.isfinite(part)] for part in parts]
    spans = [float(np.ptp(part)) for part in finite if len(part)]
    spans = [span for span in spans if span > 0]
    return float(np.median(spans)) if spans else 0.0
