"""Processes of their own: modules of this package that are run with ``-m`` and answer in JSON.

Imports the standard library only, since it runs in the rivals' environments too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.machine import ROOT
from benchmarks.harness.not_measured import NotMeasuredError

# One thread each: what is compared is the work, not how many cores it spreads over.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# The longest child streams a day of ECG in some minutes; one that takes an hour hangs.
_CHILD_S = 3600


def child(
    module: str,
    *arguments: object,
    python: Path | None = None,
    ours: bool = True,
    variables: Mapping[str, str] | None = None,
) -> Any:
    """Run a module of this package in a fresh process, and return the JSON of its last line.

    Parameters
    ----------
    module : str
        Its name below ``benchmarks``, such as ``children.live``.
    arguments : object
        Its arguments, as text.
    python : Path, optional
        Another interpreter than this one.
    ours : bool
        Whether it imports ecgedge: another interpreter is then shown where it is.
    variables : mapping, optional
        More environment variables.

    Raises
    ------
    NotMeasuredError
        It ended with an error, whose last line is the reason.
    """
    command = [python or sys.executable, "-m", f"benchmarks.{module}", *arguments]
    output = run(command, {**surroundings(python is not None, ours), **(variables or {})}, _CHILD_S)
    return json.loads(output.splitlines()[-1])


def wall_s(module: str, *arguments: object, python: Path | None = None, ours: bool = True) -> float:
    """Seconds from the start of a :func:`child` to its end."""
    begun = time.perf_counter()
    child(module, *arguments, python=python, ours=ours)
    return time.perf_counter() - begun


def surroundings(foreign: bool = False, ours: bool = True) -> dict[str, str]:
    """Environment variables of a child: one thread, and for another interpreter none of our packages but
    this one and, where it is asked for, ecgedge."""
    env = {**os.environ, **_ONE_THREAD, "MPLBACKEND": "Agg"}
    shown = [ROOT]
    if foreign:
        env.pop("PYTHONPATH", None)
        shown += [ROOT / part for part in ("edge", "firmware_bridge")] if ours else []
    paths = [*map(str, shown), *filter(None, [env.get("PYTHONPATH")])]
    return env | {"PYTHONPATH": os.pathsep.join(paths)}


def run(command: Sequence[object], env: Mapping[str, str], limit_s: float, cwd: Path | None = None) -> str:
    """What a command prints.

    Raises
    ------
    NotMeasuredError
        It failed, or took too long.
    """
    try:
        done = subprocess.run(
            list(map(str, command)), env=env, cwd=cwd, capture_output=True, text=True, timeout=limit_s,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotMeasuredError(f"not done after {limit_s:g} s") from None
    if done.returncode:
        raise NotMeasuredError(last_line(done.stderr) or f"ended with status {done.returncode}")
    return done.stdout


def last_line(text: str) -> str:
    """The last line that is not empty."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def serve(tasks: Mapping[str, Callable[..., Any]]) -> None:
    """Be a child: run the task that the arguments name, and print its result as a line of JSON."""
    name, *arguments = sys.argv[1:]
    print("\n" + json.dumps(tasks[name](*arguments)))
