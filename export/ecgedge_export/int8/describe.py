"""What a model file says about itself: name, shape and quantization of its input and output."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from ecgedge.artefacts.backends import onnx as onnx_backend
from ecgedge.artefacts.backends.interpreter import describe, open_interpreter
from ecgedge.artefacts.manifest import Artefact
from ecgedge_bridge.errors import ModelError


def describe_file(path: str | Path) -> Artefact:
    """Manifest entry of a ``.onnx`` or ``.tflite`` file, read from the file itself.

    Raises
    ------
    ModelError
        Another suffix, a file that the runtime cannot load, or several inputs or outputs.

    Examples
    --------
    >>> describe_file("model.tflite").input.dtype  # doctest: +SKIP
    'int8'
    """
    source = Path(path)
    data = source.read_bytes()
    if source.suffix == ".onnx":
        session = onnx_backend.open_session(data)
        specs = onnx_backend.describe(session.get_inputs()), onnx_backend.describe(session.get_outputs())
    elif source.suffix == ".tflite":
        interpreter = open_interpreter(Interpreter, data)
        specs = describe(interpreter.get_input_details()), describe(interpreter.get_output_details())
    else:
        raise ModelError(f"{source.name} is neither .onnx nor .tflite: give one of the two")
    return Artefact(source.name, hashlib.sha256(data).hexdigest(), *specs)
