"""Which record may teach and which may only judge. Splits are hashes of patients, so that everybody gets the
same ones and nobody is on two sides; where no patients are known they are by record, and say so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import SAME_RECORDING, Record

Side = Literal["train", "validation", "test", "none"]

VALIDATION_PERCENT = 15
TEST_PERCENT = 15

# De Chazal, O'Dwyer and Reilly, IEEE Trans Biomed Eng 51(7), 2004: no patient is on both sides, except that
# 201 and 202 are one person; the paced records are left out.
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())


@dataclass(frozen=True, slots=True)
class Split:
    """How a data set is divided.

    Parameters
    ----------
    statement : str
        For reports: what decides, and whether it keeps patients apart.
    side : callable
        The side of a record.
    """

    statement: str
    side: Callable[[Record], Side]


def is_validation(record_id: str) -> bool:
    """Tell whether a CinC 2017 record belongs to the validation split ``val-1``.

    CinC 2017 has no patient identifiers: this split is by record.

    Examples
    --------
    >>> is_validation("A01176") == is_validation("A00227")
    True
    """
    return percent(f"val-1:{SAME_RECORDING.get(record_id, record_id)}") < VALIDATION_PERCENT


def fold(record_id: str, folds: int) -> int:
    """Tell which of so many teachers may not see a CinC 2017 record, and answers for it: ``fold-1``.

    Examples
    --------
    >>> fold("A01176", 3) == fold("A00227", 3)
    True
    """
    return _number(f"fold-1:{SAME_RECORDING.get(record_id, record_id)}") % folds


def percent(key: str) -> int:
    """Place of a key between 0 and 99, evenly spread: its SHA-256 modulo 100.

    Examples
    --------
    >>> percent("val-1:A00001")
    11
    """
    return _number(key) % 100


def _number(key: str) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)


def split_hash(record_ids: Iterable[str]) -> str:
    """Sha256 of the sorted record ids: the name of a split."""
    return hashlib.sha256("\n".join(sorted(record_ids)).encode()).hexdigest()


def side(record: Record) -> Side:
    """Side of a record in its data set's split; "none" where it is on neither.

    Raises
    ------
    ConfigError
        The data set has no split.
    """
    if record.dataset not in SPLITS:
        raise ConfigError(f"{record.dataset!r} has no split: choose one of {', '.join(SPLITS)}")
    return SPLITS[record.dataset].side(record)


def divide(records: Iterable[Record]) -> dict[Side, list[Record]]:
    """Sort records by side, and make sure that nobody is on two.

    Raises
    ------
    ValueError
        A record or a patient is on two sides.
    """
    sides: dict[Side, list[Record]] = {"train": [], "validation": [], "test": []}
    for record in records:
        if (where := side(record)) != "none":
            sides[where].append(record)
    check_disjoint(sides)
    return sides


def check_disjoint(sides: Mapping[Side, Iterable[Record]]) -> None:
    """Make sure that no record and no patient is on two sides.

    Raises
    ------
    ValueError
        One is; the message has its name.
    """
    seen: dict[tuple[str, str, str], Side] = {}
    for where, records in sides.items():
        for record in records:
            for kind, name in (("record", record.id), ("patient", record.patient)):
                before = seen.setdefault((record.dataset, kind, name), where)
                if before != where:
                    raise ValueError(
                        f"{record.dataset}: {kind} {name} is in {before} and in {where}: split by patient"
                    )


def _by_patient(record: Record) -> Side:
    place = percent(f"split-1:{record.dataset}:{record.patient}")
    if place < VALIDATION_PERCENT:
        return "validation"
    return "test" if place < VALIDATION_PERCENT + TEST_PERCENT else "train"


def _mitdb(record: Record) -> Side:
    if record.id in DS2:
        return "test"
    return "train" if record.id in DS1 and record.id != "201" else "none"


def _ptbxl(record: Record) -> Side:
    if record.fold is None:
        return "none"
    return "train" if record.fold <= 8 else "validation" if record.fold == 9 else "test"


_RULE = "sha256('split-1:' data set ':' {}) modulo 100; below 15 validates, 15 to 29 tests, the rest trains."
_HASHED = Split("By patient: " + _RULE.format("patient"), _by_patient)
SPLITS: Mapping[str, Split] = {
    "cinc2017": Split(
        "By record, since no patients are known: sha256('val-1:' id) modulo 100 below 15 validates, the rest "
        "trains; the two recordings that occur twice count once.",
        lambda record: "validation" if is_validation(record.id) else "train",
    ),
    "mitdb": Split(
        "By patient: de Chazal's DS1 trains but for 201, who is also 202 of DS2; DS2 tests; the paced "
        "records are in neither.",
        _mitdb,
    ),
    "nstdb": Split(
        "By time, not by record: the first half of each noise recording trains, the second tests. The ones "
        "with beats are MIT-BIH 118 and 119, which train.",
        lambda record: "none",
    ),
    "ptb-xl": Split(
        "By patient, the release's own folds: 1 to 8 train, 9 validates, 10 tests.",
        _ptbxl,
    ),
    "afdb": _HASHED,
    "ltafdb": _HASHED,
    "icentia11k": _HASHED,
    "cpsc2021": _HASHED,
    "shdb-af": Split("External test only: all of it tests.", lambda record: "test"),
    "cinc2011": Split("By record, since no patients are known: " + _RULE.format("id"), _by_patient),
}
