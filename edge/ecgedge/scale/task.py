"""What a worker does with one recording. Errors are values: nothing is raised through the scheduler."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

from ecgedge.scale.analysis import Found, analyse
from ecgedge.scale.fetch import FetchError, Local, local_files
from ecgedge.scale.parts import OutError, Parts, digest_of
from ecgedge.scale.places import Input, is_remote, state_of
from ecgedge.scale.plan import Plan
from ecgedge.scale.receipts import Failure, Receipt, SourceFile, path_of
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import EcgEdgeError

__all__ = ["Outcome", "do", "fail"]


class Outcome(NamedTuple):
    """All that the scheduler and the driver are sent of a recording.

    Parameters
    ----------
    name : str
    ecg_s, took_s : float
    rows : dict of str to int
        By table.
    error : Failure, optional
    stop : str
        Why no recording of the run can be done; "" where this is about one alone.
    """

    name: str
    ecg_s: float = 0.0
    took_s: float = 0.0
    rows: dict[str, int] = {}  # noqa: RUF012  # never changed
    error: Failure | None = None
    stop: str = ""

    @classmethod
    def of(cls, receipt: Receipt) -> Outcome:
        """Shorten a receipt."""
        rows = {table: part.rows for table, part in receipt.parts.items()}
        return cls(receipt.input, receipt.ecg_s, receipt.took_s, rows, receipt.error)


def do(given: Input, plan: Plan) -> Outcome:
    """Analyse a recording, and write its parts and its receipt.

    Parameters
    ----------
    given : Input
    plan : Plan
    """
    try:
        if problem := _differs(plan):
            return Outcome(given.name, stop=problem)
        return Outcome.of(_done(given, plan))
    except OutError as error:
        return Outcome(given.name, stop=f"{error}: make room or give another folder, and go on with --resume")
    except Exception as error:  # a fault of ours, or too little memory: other recordings are not to blame
        return _failed(given, plan, Failure("fault", _unexpected(given.name, error)))


def fail(given: Input, plan: Plan, failure: Failure) -> Outcome:
    """Write the receipt and the row of a recording that could not be analysed at all.

    Raises
    ------
    OutError
        The folder of results cannot be written.
    """
    out = Path(plan.out)
    path_of(out, given).unlink(missing_ok=True)
    parts = Parts(out, given.stem, _about(given, plan))
    try:
        parts.add("errors", _error_row(given, Found(0.0, failure)))
        receipt = Receipt(given.name, plan.key(), parts=parts.keep(), error=failure)
    finally:
        parts.drop()
    receipt.write(out, given)
    return Outcome.of(receipt)


def _failed(given: Input, plan: Plan, failure: Failure) -> Outcome:
    try:
        return fail(given, plan, failure)
    except Exception as error:
        return Outcome(given.name, stop=f"cannot write to {plan.out}: {plain(str(error))}: check the folder")


def _differs(plan: Plan) -> str:
    """Say what of this worker is not as the run wants it."""
    from ecgedge import __version__

    if __version__ != plan.package:
        return f"a worker has ecgedge {__version__}, not {plan.package}: install the same version everywhere"
    try:
        models = plan.options.models().digests()
    except EcgEdgeError as error:
        return f"a worker cannot load the models: {error}"
    other = [name for name, digest in plan.models.items() if models.get(name) != digest]
    return f"a worker has another model for {', '.join(other)}: give all the same" if other else ""


def _done(given: Input, plan: Plan) -> Receipt:
    out, began = Path(plan.out), time.monotonic()
    if not out.is_dir():
        raise OutError(f"a worker does not see {out}, the folder of results")
    path_of(out, given).unlink(missing_ok=True)
    parts = Parts(out, given.stem, _about(given, plan))
    try:
        sources, found = _analysed(given, plan, parts)
        kept = parts.keep()
    finally:
        parts.drop()
    took_s = round(time.monotonic() - began, 3)
    receipt = Receipt(given.name, plan.key(), sources, kept, found.ecg_s, took_s, found.error)
    receipt.write(out, given)
    return receipt


def _analysed(given: Input, plan: Plan, parts: Parts) -> tuple[tuple[SourceFile, ...], Found]:
    """Read and analyse a recording; what is wrong with it becomes its row in the table of errors."""
    sources: tuple[SourceFile, ...] = ()
    try:
        with local_files(given, plan.most_bytes, _scratch()) as local:
            sources = tuple(_sources(local))
            found = analyse(local.path, given.name, plan.options, parts)
            if not is_remote(given.path) and _changed(local):
                why = f"{given.name} changed while it was read: analyse it again with --resume"
                found = Found(found.ecg_s, Failure("changed", why))
    except FetchError as error:
        found = Found(0.0, Failure("fetch", str(error)))
    except (EcgEdgeError, OSError) as error:
        found = Found(0.0, Failure("unreadable", str(error)))
    if found.error is not None:
        # A reader may name a file by bytes that are no text, which no table takes.
        found = Found(found.ecg_s, Failure(found.error.code, plain(found.error.message)))
        parts.add("errors", _error_row(given, found))
    return sources, found


def _error_row(given: Input, found: Found) -> dict[str, Any]:
    assert found.error is not None
    return {
        "input": given.name,
        "code": found.error.code,
        "message": found.error.message,
        "analysed_s": found.ecg_s,
    }


def _sources(local: Local) -> list[SourceFile]:
    return [
        SourceFile(name, file.stat().st_size, local.states[name], digest_of(file))
        for name, file in local.files.items()
        if file.is_file()
    ]


def _changed(local: Local) -> bool:
    return any(Path(name).is_file() and state_of(name) != state for name, state in local.states.items())


def _scratch() -> Path | None:
    """Return the worker's own folder, which Dask removes also after the worker was killed."""
    try:
        from distributed import get_worker

        return Path(get_worker().local_directory)
    except (ImportError, ValueError):  # no worker
        return None


def _about(given: Input, plan: Plan) -> dict[str, Any]:
    return {"input": given.name, **plan.key()}


def _unexpected(name: str, error: Exception) -> str:
    return f"{name}: {type(error).__name__}: analyse it alone with 'ecgedge replay' to see more"
