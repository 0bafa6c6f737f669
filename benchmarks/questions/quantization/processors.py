"""Whether other processors, emulated, give the same logits as this one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.machine import ROOT
from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.processes import last_line
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest

EMULATED = ROOT / "tests" / "emulated" / "run.py"


def processors(name: str) -> dict[str, Any]:
    """How far the runtimes of each processor are from LiteRT on this one, in steps of the logits.

    Raises
    ------
    NotMeasuredError
        The emulated machines cannot be run.
    """
    step = logit_step(Manifest.load(BUNDLED / name).backends["tflite"].output.scale)
    rows: dict[str, Any] = {}
    wanted = None
    try:
        for processor, found in emulated_check().everywhere(BUNDLED / name, install=False):
            if isinstance(found, Exception):
                rows[processor] = {"skipped": last_line(str(found))}
                continue
            wanted = found["litert"] if wanted is None else wanted
            off = {runtime: float(np.abs(logits - wanted).max()) / step for runtime, logits in found.items()}
            rows[processor] = {"windows": len(wanted), "steps": off}
    except (RuntimeError, subprocess.SubprocessError) as error:
        raise NotMeasuredError(last_line(str(error))) from error
    if vnni():
        return {"this machine, with VNNI": rows.pop("this machine"), **rows}
    return {**rows, "x86-64 with VNNI": {"skipped": "this machine has none, and it is not emulated"}}


def logit_step(scale: float | None) -> float:
    """The difference of two neighbouring INT8 logits."""
    assert scale is not None, "LiteRT's files are INT8 throughout"
    return scale


def emulated_check() -> Any:
    """The check of ``make test-emulated``, which is a script beside the tests, with a module beside it."""
    if str(EMULATED.parent) not in sys.path:
        sys.path.append(str(EMULATED.parent))
    spec = importlib.util.spec_from_file_location("emulated_run", EMULATED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vnni(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this is an x86 processor with instructions for sums of INT8 products."""
    return cpuinfo.is_file() and "vnni" in cpuinfo.read_text()
