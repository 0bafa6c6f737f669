"""TFLite's reference kernels: what TFLite Micro and CMSIS-NN compute, on this machine."""

from __future__ import annotations

import functools
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ecgedge.artefacts.backends.interpreter import InterpreterBackend
from ecgedge_export.int8.describe import describe_file

_PLAIN = functools.partial(Interpreter, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)


def open_reference(tflite: str | Path) -> InterpreterBackend:
    """Load a TFLite model into the reference kernels: slow, and the same integers on every processor.

    Raises
    ------
    ModelError
        See :class:`ecgedge.artefacts.backends.interpreter.InterpreterBackend`.

    Examples
    --------
    >>> open_reference("model.tflite").run(window).shape  # doctest: +SKIP
    (4,)
    """
    return InterpreterBackend("reference", _PLAIN, Path(tflite).read_bytes(), describe_file(tflite))
