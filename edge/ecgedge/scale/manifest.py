"""``manifest.json``: what a folder of results holds, with digests of all that went in and came out."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ecgedge.scale.parts import SCHEMA, writing_to
from ecgedge.scale.plan import Plan
from ecgedge.scale.receipts import Receipt, all_receipts
from ecgedge_bridge.files import atomic_file

__all__ = ["MANIFEST", "Totals", "write_manifest"]

MANIFEST = "manifest.json"
_LIBRARIES = ("numpy", "pyarrow", "dask", "distributed", "fsspec")
_OWNER_ALONE = 0o600


class Totals:
    """What receipts add up to."""

    def __init__(self) -> None:
        self.recordings = self.errors = 0
        self.ecg_s = 0.0
        self.rows: Counter[str] = Counter()

    def add(self, receipt: Receipt) -> Receipt:
        """Count one, and give it back."""
        self.recordings += 1
        self.errors += receipt.error is not None
        self.ecg_s += receipt.ecg_s
        self.rows.update({table: part.rows for table, part in receipt.parts.items()})
        return receipt

    def to_json(self) -> dict[str, Any]:
        """Return what a manifest says of them."""
        return {
            "recordings": self.recordings,
            "errors": self.errors,
            "hours_of_ecg": round(self.ecg_s / 3600, 4),
            "rows": dict(sorted(self.rows.items())),
        }


def write_manifest(plan: Plan, state: str, began: datetime) -> Totals:
    """Write the manifest anew, from the receipts; one that is there stays until the new one is whole.

    Parameters
    ----------
    plan : Plan
    state : str
        ``running``, ``done`` or ``interrupted``.
    began : datetime
        When the last run began, in UTC.

    Raises
    ------
    OutError
        It cannot be written.
    """
    out, totals = Path(plan.out), Totals()
    head = {
        "schema": SCHEMA,
        "state": state,
        "began": began.isoformat(),
        "written": datetime.now(UTC).isoformat(),
        **plan.key(),
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
        "note": "not a medical device",
    }
    with writing_to(out), atomic_file(out / MANIFEST, _OWNER_ALONE) as file:
        # One recording a line, so that ten thousand of them are neither held nor hard to read.
        file.write(f"{json.dumps(head, allow_nan=False)[:-1]},\n".encode())
        file.write(b'"recordings": [')
        for number, line in enumerate(_lines(plan, totals)):
            file.write(f"{',' if number else ''}\n{line}".encode())
        file.write(f'\n],\n"counts": {json.dumps(totals.to_json())}}}\n'.encode())
    return totals


def _lines(plan: Plan, totals: Totals) -> Iterator[str]:
    for receipt in all_receipts(Path(plan.out)):
        said = asdict(totals.add(receipt))
        # Of an earlier run whose recording was not among those of this one.
        if plan.key() == receipt.key:
            del said["key"]
        yield json.dumps(said)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
