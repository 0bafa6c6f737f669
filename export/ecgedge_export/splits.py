"""Which record may train and which may only validate or test, and proof that nobody is on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from ecgedge_export.data import DATASETS, SAME_RECORDING, Record, dataset
from ecgedge_export.data.databases.cinc2017 import is_validation
from ecgedge_export.data.databases.mitdb import DS1, DS2
from ecgedge_export.data.split import Side, Split, number, percent

__all__ = ["DS1", "DS2", "SPLITS", "Side", "Split", "check_disjoint", "divide", "fold", "is_validation",
           "percent", "side", "split_hash"]  # fmt: skip

SPLITS: Mapping[str, Split] = {name: row.split for name, row in DATASETS.items()}


def fold(record_id: str, folds: int) -> int:
    """Fold of a CinC 2017 record (``fold-1``): the teacher of that number never sees it, and answers for it.

    Examples
    --------
    >>> fold("A01176", 3) == fold("A00227", 3)
    True
    """
    return number(f"fold-1:{SAME_RECORDING.get(record_id, record_id)}") % folds


def split_hash(record_ids: Iterable[str]) -> str:
    """Sha256 of the sorted record ids: the name of a split."""
    return hashlib.sha256("\n".join(sorted(record_ids)).encode()).hexdigest()


def side(record: Record) -> Side:
    """Side of a record in its data set's split; "none" where it is on neither.

    Raises
    ------
    ConfigError
        There is no such data set.
    """
    return dataset(record.dataset).split.side(record)


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
