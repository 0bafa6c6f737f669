"""Words of headers in the languages of the loggers: what a column or a line of a preamble is about."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ecgedge.recording.units import parse_unit

__all__ = ["Facts", "facts_in", "is_arrival_name", "is_generic_name", "is_time_name"]

_TIME = re.compile(
    "time|uhrzeit|zeit|temps|horodat|tiempo|tempo|marca|hora|heure|czas|čas|cas$|tijd|tid$|aika|idő|ido$|время|"
    "час$|时间|時間|时刻|時刻|시간|시각|zaman|waktu|ώρα|χρόνος|thời gian|الوقت|زمن|"
    "समय|เวลา|epoch|millis|micros|"
    "elapsed|date|datum|fecha|^t$|^ts$|^t[ _\\[(]|seconds$|sekunden$|^sec$|^ms$|^us$|^ns$|^µs$|^μs$"
)
_NO_TIME = re.compile("ecg|ekg|rate|interval|duration|rr|zone|offset|meantime|formatted\\)$")
_ARRIVAL = re.compile("phone|host|receiv|arriv|system|local|computer|handy|smartphone|telefon")
_GENERIC = re.compile(
    "values?|signal|voltage|amplitude|adc|raw|samples?|data|analog|wert|messwert|spannung|signalwert|valeur|"
    "tension|valor|voltaje|señal|sinal|valore|segnale|waarde|wartość|sygnał|значение|сигнал|напряжение|值|数值|"
    "电压|信号|値|電圧|信號|신호|전압|값|değer|sinyal|exgchannel\\d*|channel\\d+|ch\\d+|a\\d|sensor|sensorvalue"
)
_RATE = re.compile(r"([0-9]{1,6}(?:[.,][0-9]{1,6})?)\s*(?:hertz|hz|samples/s|sps)\b", re.IGNORECASE)
_RATE_KEY = re.compile(
    r"(?:sampl\w{0,10}|abtast\w{0,10}|mess|muestreo|amostragem|échantillonnage)[ _-]{0,3}"
    r"(?:rate|freq\w{0,10}|frequenz)?\s*[\]):=,;\t \"]{1,4}([0-9]{1,6}(?:[.,][0-9]{1,6})?)",
    re.IGNORECASE,
)
_UNIT_KEY = re.compile(
    r"(?:units?|einheit|unité|unidade?|unidad|unità|eenheid)\s{0,8}[:=,;\t ]{1,8}\"?([^\s\",;]{1,16})",
    re.IGNORECASE,
)
_LOOKED_AT = 4000  # characters of a line of a preamble: OpenSignals puts all that it knows into one
_BITS = re.compile(r'"resolution": ?\[(?:[0-9]{1,2}, ?){0,31}([0-9]{1,2})\]')
# Supply in V over the sensor's gain (PLUX data sheets): what an ECG sensor's full scale is, in mV.
_FULL_SCALE_MV = {"bitalino": 3.3 / 1100 * 1e3, "biosignalsplux": 3.0 / 1000 * 1e3}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a preamble says: rate in Hz and unit, None where it does not.

    ``counts_per_mv`` is that of a converter whose middle is 0 mV, at ``middle`` counts.
    """

    fs: float | None = None
    unit: str | None = None
    counts_per_mv: float | None = None
    middle: float = 0.0


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name[:128]).casefold().strip(" '\"#%")


def is_time_name(name: str) -> bool:
    """Whether a column's name says that it holds times.

    Examples
    --------
    >>> [is_time_name(name) for name in ("Timestamp [ms]", "Zeit (s)", "время", "ecg_uV", "RR interval")]
    [True, True, True, False, False]
    """
    folded = _folded(name)
    if not _TIME.search(folded):
        return False
    return not _NO_TIME.search(folded) or folded.startswith(("time", "ecg_time", "ecg time", "ecgtime"))


def is_arrival_name(name: str) -> bool:
    """Whether a column of times is that of the phone or computer, beside the device's own."""
    return _ARRIVAL.search(_folded(name)) is not None


def is_generic_name(name: str) -> bool:
    """Whether a name says "measured value" and no more."""
    return _GENERIC.fullmatch(re.sub(r"[\s_\-]+", "", _folded(name))) is not None


def facts_in(lines: list[str]) -> Facts:
    """Find rate and unit in the lines before a table.

    Examples
    --------
    >>> facts_in(["Messrate,511,562 Hertz", "Einheit,µV"])
    Facts(fs=511.562, unit='uV', counts_per_mv=None, middle=0.0)
    """
    fs = unit = None
    converter: tuple[float | None, float] = (None, 0.0)
    for line in lines:
        text = unicodedata.normalize("NFKC", line[:_LOOKED_AT])
        if len(line) > _LOOKED_AT:
            text = text.rstrip("0123456789.,")  # a number that is cut is another one
        rate = _RATE.search(text) or _RATE_KEY.search(text)
        if rate and fs is None:
            fs = float(rate[1].replace(",", "."))
        named = _UNIT_KEY.search(text)
        if named and unit is None:
            unit = parse_unit(named[1])
        converter = _converter(text) or converter
    return Facts(fs, unit, *converter)


def _converter(text: str) -> tuple[float, float] | None:
    """Counts of a millivolt and of 0 mV, from OpenSignals' line; the last column is the signal."""
    bits = _BITS.search(text)
    full_mv = next((mv for device, mv in _FULL_SCALE_MV.items() if f'"device": "{device}' in text), None)
    if bits is None or full_mv is None or "ECG" not in text:
        return None
    counts = 2.0 ** min(int(bits[1]), 32)
    return counts / full_mv, counts / 2
