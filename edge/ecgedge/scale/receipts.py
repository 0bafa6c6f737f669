"""Receipts: what was done with a recording, a small JSON file beside the tables.

A receipt is removed before the parts of its recording are touched, and written after all of them: where there
is one, the parts are those of one whole analysis, whoever was killed in between.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ecgedge.scale.fetch import beside
from ecgedge.scale.parts import Part, writing_to
from ecgedge.scale.places import Input, is_remote, state_of
from ecgedge.scale.plan import Plan
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_bridge.files import read_text
from ecgedge_bridge.schema import Place, build, parse_json

__all__ = ["FOLDER", "Failure", "Receipt", "SourceFile", "all_receipts", "done_before", "path_of"]

FOLDER = "receipts"
# What a second attempt may change although the recording is the same.
PASSING = frozenset(("fetch", "changed", "killed", "fault"))


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the recording, as it was read; ``state`` is cheap to compare, the digest is sure."""

    name: str
    bytes: int
    state: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a recording was not analysed, or not to its end.

    ``code`` is ``unreadable``, ``cut`` (its last line), ``fetch``, ``changed`` (while it was read),
    ``killed`` (its worker was) or ``fault`` (of ours).
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done with a recording.

    Parameters
    ----------
    input : str
    key : mapping
        See :meth:`ecgedge.scale.plan.Plan.key`.
    files : tuple of SourceFile
    parts : mapping of str to Part
        By table.
    ecg_s : float
        Seconds of ECG that were analysed, missing samples included.
    took_s : float
    error : Failure, optional
    """

    input: str
    key: Mapping[str, Any]
    files: tuple[SourceFile, ...] = ()
    parts: Mapping[str, Part] = field(default_factory=dict)
    ecg_s: float = 0.0
    took_s: float = 0.0
    error: Failure | None = None

    def write(self, out: Path, given: Input) -> None:
        """Put it into the folder of results, whole or not at all.

        Raises
        ------
        OutError
            It cannot be written.
        """
        path = path_of(out, given)
        with writing_to(out):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            # A name of its own: a worker that was given up may be writing the same.
            handle, fresh = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".part", dir=path.parent)
            with os.fdopen(handle, "w") as file:
                json.dump(asdict(self), file, allow_nan=False)
            Path(fresh).replace(path)

    @classmethod
    def read(cls, path: Path) -> Receipt:
        """Read one.

        Raises
        ------
        OSError, EcgEdgeError
            There is none, or it is damaged.
        """
        place = Place(f"{path}:", remedy="remove it, and its recording is analysed again", complete=True)
        return build(cls, parse_json(read_text(path), place), place)


def path_of(out: Path, given: Input) -> Path:
    """Return where the receipt of a recording is."""
    return out / FOLDER / f"{given.stem}.json"


def all_receipts(out: Path) -> Iterator[Receipt]:
    """Yield all receipts of a folder in the order of their names; damaged ones are passed over."""
    for path in sorted((out / FOLDER).glob("[!.]*.json")):
        try:
            yield Receipt.read(path)
        except (OSError, UnicodeDecodeError, EcgEdgeError):
            continue


def done_before(given: Input, plan: Plan) -> Receipt | None:
    """Return the receipt of a recording that need not be analysed again; None where it has to be.

    It need not where recording, package, models and options are the same and all parts are there. What failed
    for a reason that passes is tried again, and so is what could not be read at all: it fails fast, and what
    was missing (a file beside it, a library that reads it, a permission) may be there now.
    """
    out = Path(plan.out)
    try:
        receipt = Receipt.read(path_of(out, given))
    except (OSError, UnicodeDecodeError, EcgEdgeError):
        return None
    if receipt.input != given.name or receipt.key != plan.key():
        return None
    if receipt.error is not None and (receipt.error.code in PASSING or not receipt.ecg_s):
        return None
    same = _files_same(given, receipt) and _parts_there(out, receipt)
    return receipt if same else None


def _files_same(given: Input, receipt: Receipt) -> bool:
    def now(file: SourceFile) -> str:
        where = beside(given.path, file.name.rpartition("/")[2]) if is_remote(given.path) else file.name
        return state_of(where)

    try:
        return bool(receipt.files) and all(file.state and now(file) == file.state for file in receipt.files)
    except Exception:  # each store's library has its own: its task says what is wrong
        return False


def _parts_there(out: Path, receipt: Receipt) -> bool:
    try:
        return all((out / part.file).stat().st_size == part.bytes for part in receipt.parts.values())
    except OSError:
        return False
