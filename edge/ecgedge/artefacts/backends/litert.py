"""LiteRT (``ai-edge-litert``): the smallest and fastest runtime, with XNNPACK kernels on x86-64 and arm64."""

from __future__ import annotations

from ai_edge_litert.interpreter import Interpreter

from ecgedge.artefacts.backends.interpreter import InterpreterBackend
from ecgedge.artefacts.manifest import Artefact


def open_model(model: bytes, artefact: Artefact) -> InterpreterBackend:
    """Load a verified TFLite model into LiteRT with one thread.

    Raises
    ------
    ModelError
        See :class:`ecgedge.artefacts.backends.interpreter.InterpreterBackend`.
    """
    return InterpreterBackend("litert", Interpreter, model, artefact)
