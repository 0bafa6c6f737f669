"""Which record may teach and which may only judge. Splits are hashes, so that everybody gets the same
ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

# The same recording under two names (found by comparing the samples): a pair stays on one side.
SAME_RECORDING = {"A01176": "A00227", "A03123": "A02656"}
VALIDATION_PERCENT = 15

# De Chazal, O'Dwyer and Reilly, IEEE Trans Biomed Eng 51(7), 2004: no patient is on both sides, except that
# 201 and 202 are
# one person; the paced records are left out.
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())


def is_validation(record_id: str) -> bool:
    """Tell whether a CinC 2017 record belongs to the validation split ``val-1``.

    CinC 2017 has no patient identifiers: this split is by record.

    Examples
    --------
    >>> is_validation("A01176") == is_validation("A00227")
    True
    """
    return _number("val-1", record_id) % 100 < VALIDATION_PERCENT


def fold(record_id: str, folds: int) -> int:
    """Tell which of so many teachers may not see a CinC 2017 record, and answers for it: ``fold-1``.

    Examples
    --------
    >>> fold("A01176", 3) == fold("A00227", 3)
    True
    """
    return _number("fold-1", record_id) % folds


def _number(split: str, record_id: str) -> int:
    name = SAME_RECORDING.get(record_id, record_id)
    return int(hashlib.sha256(f"{split}:{name}".encode()).hexdigest(), 16)


def split_hash(record_ids: Iterable[str]) -> str:
    """Sha256 of the sorted record ids: the name of a split."""
    return hashlib.sha256("\n".join(sorted(record_ids)).encode()).hexdigest()
