"""What does a stream take on a microcontroller: flash, memory, instructions for each second of ECG?

The C project of ``ecgedge-export firmware`` on a Cortex-M4F with -O2, emulated by QEMU, which counts
instructions; a real one takes 1.2 to 1.5 cycles for each. Its events are compared with this machine's in
``make test-emulated``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import targets
from benchmarks.harness.not_measured import NotMeasuredError, or_skipped, skipped
from benchmarks.harness.processes import last_line
from benchmarks.questions.quantization.processors import emulated_check

# A recording for each rate, sinus rhythm, fibrillation, extrasystoles and noise.
RECORDINGS = {"130 Hz": "made/every kind", "250 Hz": "made/fibrillation at 250 Hz"}
TARGETS = {"memory_kb": 256.0}


def cost(name: str, rhythm: bool) -> dict[str, Any]:
    """What a stream of a recording takes.

    Raises
    ------
    NotMeasuredError
        The microcontroller cannot be emulated.
    """
    boards = emulated_check().boards
    try:
        with TemporaryDirectory() as folder:
            (recording,) = boards.recordings([name])
            project = boards.project(Path(folder), recording.fs, rhythm=rhythm)
            found: dict[str, Any] = boards.cost(boards.cortex_m4f(install=False), project, recording)
            return found
    except (RuntimeError, boards.CannotRunError) as error:
        raise NotMeasuredError(last_line(str(error))) from error


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    rows = {
        f"{rate}{'' if rhythm else ', without rhythm'}": partial(cost, name, rhythm)
        for rate, name in list(RECORDINGS.items())[: 1 if quick else None]
        for rhythm in (True, False)
    }
    found = {name: or_skipped(row) for name, row in rows.items()}
    most = max((row["ram_bytes"] for row in found.values() if not skipped(row)), default=None)
    return {"targets": targets({"memory_kb": most and most / 1000}, TARGETS), "streams": found}


def show(found: dict[str, Any]) -> None:
    """Print every figure."""
    for name, row in found["streams"].items():
        print(f"{name}: {row['skipped'] if skipped(row) else row}")


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "firmware", measure, show, arguments)
