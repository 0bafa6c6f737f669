"""The memory that TFLite Micro needs for a model, measured with its own interpreter (``tflite-micro``)."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from ecgedge_bridge.errors import ModelError

# TFLite Micro says on stderr, from C++, what it allocated; a process of its own is the way to read that.
_PROGRAM = """
import sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime
interpreter = runtime.Interpreter.from_file(sys.argv[1])
details = interpreter.get_input_details(0)
interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
interpreter.invoke()
interpreter.print_allocations()
"""
_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")
_LIMIT_S = 120


def installed() -> bool:
    """Whether ``tflite-micro`` is here; it has wheels for few platforms."""
    return importlib.util.find_spec("tflite_micro") is not None


def arena_bytes(tflite: str | Path) -> int | None:
    """Bytes of arena that TFLite Micro takes for a model on this machine, ``None`` where it is not installed.

    Pointers are 64 bits wide here: a 32-bit microcontroller needs somewhat less.

    Raises
    ------
    ModelError
        TFLite Micro cannot run the model.

    Examples
    --------
    >>> arena_bytes("model.tflite")  # doctest: +SKIP
    172464
    """
    if not installed():
        return None
    command = [sys.executable, "-c", _PROGRAM, str(tflite)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    found = _TOTAL.search(done.stderr)
    if done.returncode != 0 or found is None:
        last = (done.stderr.strip() or "no output").splitlines()[-1]
        raise ModelError(
            f"TFLite Micro cannot run {tflite} ({last}): build the network from the operators it has"
        )
    return int(found[1])
