"""tflite-runtime 2.14: the only runtime with wheels for 32-bit ARM (CPython 3.11, numpy below 2)."""

from __future__ import annotations

from tflite_runtime.interpreter import Interpreter

from ecgedge.artefacts.backends.interpreter import InterpreterBackend
from ecgedge.artefacts.manifest import Artefact


def open_model(model: bytes, artefact: Artefact) -> InterpreterBackend:
    """Load a verified TFLite model into tflite-runtime with one thread.

    Raises
    ------
    ModelError
        See :class:`ecgedge.artefacts.backends.interpreter.InterpreterBackend`.
    """
    return InterpreterBackend("tflite", Interpreter, model, artefact)
