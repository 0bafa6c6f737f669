"""Which of several signals is the ECG: by name and unit, never by place alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ecgedge.recording.units import PER_MV, parse_unit

__all__ = ["Signal", "best_ecg", "is_ecg_name", "is_other_name", "plain"]

# A wearable's lead first, then what is nearest to it.
_PREFERRED = (
    "i",
    "leadi",
    "ecgi",
    "ecgleadi",
    "d1",
    "di",
    "mlii",
    "ii",
    "leadii",
    "ecgii",
    "ecgleadii",
    "d2",
)
_LEAD = re.compile(
    r"(lead|ecg|ekg|mod\.?)*(i{1,3}|iv|av[rlf]|-?avr|v[1-9]?r?|v1[0-2]|d[1-3]|di{1,3}|ml(i{1,3}|[1-6])|mv[1-6]|"
    r"mcl?[1-6]|c[mcsb][1-6]|cs12|m[lx]?[1-5]|v\d?-v\d|es|as|ai|nasa)"
)
# The word in the alphabets of the loggers' makers.
_ECG = re.compile("e[ck]g|electrocard|elektrokard|экг|електрокард|электрокард|ηκγ|心电|心電|심전|ecg|تخطيط")
# What else stands beside an ECG: whole words, and beginnings of words.
_OTHER_WORDS = frozenset(
    "art bp cvp pap icp hr rr rri ibi bpm seq acc gyr gyro mag temp peak beat index counter marker event "
    "flag flags status battery flow sound cls class label leadoff off detected x y z".split()
)
_OTHER_STARTS = (
    "resp", "abp", "press", "pleth", "ppg", "spo", "sao", "co2", "etco", "eeg", "emg", "eog", "eda", "gsr",
    "accel", "qual", "impedance", "heart", "annot", "interval", "atrib", "snr", "time",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal of a file: its name and its unit as the file spells it."""

    name: str
    unit: str = ""


def plain(name: str) -> str:
    """Fold a name for comparison: no case, no spaces, one spelling for each letter."""
    return re.sub(r"[\s_\-.:]+", "", unicodedata.normalize("NFKC", name[:256]).casefold())


def is_ecg_name(name: str) -> bool:
    """Whether a name is that of an ECG or of one of its leads.

    Examples
    --------
    >>> [is_ecg_name(name) for name in ("ECG", "MLII", "V5", "心电图", "RESP", "ecg_quality")]
    [True, True, True, True, False, False]
    """
    folded = plain(name)
    if _LEAD.fullmatch(folded):
        return True
    return _ECG.search(folded) is not None and not is_other_name(name)


def is_other_name(name: str) -> bool:
    """Whether a name is that of a signal or a value that is no ECG, be it made of one."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name[:256]).casefold()
    words = re.findall(r"[^\W\d_]+|co2|spo2", apart)
    return any(word in _OTHER_WORDS or word.startswith(_OTHER_STARTS) for word in words)


def best_ecg(signals: Sequence[Signal]) -> int | None:
    """Index of the best ECG, or None where no signal is one.

    An ECG has the name of a lead, or a unit of voltage and no name that says it is something else.

    Examples
    --------
    >>> best_ecg([Signal("RESP", "mV"), Signal("ABP", "mmHg"), Signal("V5", "mV"), Signal("II", "mV")])
    3
    >>> best_ecg([Signal("RESP", "mV")]) is None
    True
    """
    ranks = [_rank(signal) for signal in signals]
    best = min(ranks, default=None, key=lambda rank: (rank is None, rank or 0))
    return None if best is None else ranks.index(best)


def _rank(signal: Signal) -> int | None:
    folded = plain(signal.name)
    voltage = parse_unit(signal.unit) in PER_MV
    named = is_ecg_name(signal.name)
    if signal.unit and parse_unit(signal.unit) is None:
        return None  # a physical unit that is no voltage
    if folded in _PREFERRED and voltage:
        return _PREFERRED.index(folded)
    if named:
        return len(_PREFERRED) + (0 if voltage else 1)
    return len(_PREFERRED) + 2 if voltage and not is_other_name(signal.name) else None
