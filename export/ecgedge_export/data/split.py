"""Rules that divide a data set. They are hashes, so that everybody gets the same sides without a list of ids.

A rule never changes once a model is published with it: the keys carry a version (``split-1``) for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ecgedge_export.data.record import Record

Side = Literal["train", "validation", "test", "none"]

# Of patients. Of the 7,240 records of CinC 2017 at hand 1,106 validate, and 100 of those show AF: fewer would
# leave intervals too wide to compare models with.
VALIDATION_PERCENT = 15
TEST_PERCENT = 15  # so that 70 % train
# Each fold of the 59 records of svdb at hand has 745 beats of class S or more, and 929 of class V.
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Split:
    """How a data set is divided.

    Parameters
    ----------
    statement : str
        For reports: what decides, and whether it keeps patients apart.
    side : callable
        The side of a record.
    fold : callable, optional
        For sets without a test side: the fold of a record, 0 to 4. Each fold is tested by a model that was
        trained on the others.
    """

    statement: str
    side: Callable[[Record], Side]
    fold: Callable[[Record], int] | None = None


def number(key: str) -> int:
    """SHA-256 of a key, as a number."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)


def percent(key: str) -> int:
    """Place of a key between 0 and 99, evenly spread: its SHA-256 modulo 100.

    Examples
    --------
    >>> percent("val-1:A00001")
    11
    """
    return number(key) % 100


def by_patient(record: Record) -> Side:
    """Side by a hash of the patient, who is the record where no patients are known."""
    place = percent(f"split-1:{record.dataset}:{record.patient}")
    if place < VALIDATION_PERCENT:
        return "validation"
    return "test" if place < VALIDATION_PERCENT + TEST_PERCENT else "train"


_RULE = "sha256('split-1:' data set ':' {}) modulo 100; below 15 validates, 15 to 29 tests, the rest trains."
HASHED_BY_PATIENT = Split("By patient: " + _RULE.format("patient"), by_patient)
HASHED_BY_RECORD = Split("By record, since no patients are known: " + _RULE.format("id"), by_patient)
FOLDED_BY_RECORD = Split(
    "By record, which is a person as far as is known, in folds: sha256('fold-1:' data set ':' id) modulo 5; "
    "each fold is tested by what the others trained.",
    lambda record: "train",
    lambda record: number(f"fold-1:{record.dataset}:{record.id}") % FOLDS,
)
