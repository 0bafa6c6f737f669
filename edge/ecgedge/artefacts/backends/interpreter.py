"""The part that LiteRT and its predecessor tflite-runtime have in common: int8 in, int8 out."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np

from ecgedge.artefacts.backends.base import Codes, Logits, Window, WindowCheck, check_tensor
from ecgedge.artefacts.backends.quiet import without_idle_talk
from ecgedge.artefacts.manifest import Artefact, TensorSpec
from ecgedge_bridge.errors import ModelError

_INT8 = (-128, 127)  # the codes there are


class Quantization(NamedTuple):
    """Scale and zero point of an int8 tensor: real = scale * (code - zero point)."""

    scale: np.float32
    zero_point: np.float32


class InterpreterBackend:
    """A TFLite model behind an ``Interpreter`` class.

    Parameters
    ----------
    name : str
        Name of the runtime.
    interpreter : type
        The runtime's ``Interpreter``.
    model : bytes
        The verified file.
    artefact : Artefact
        What the manifest has about it.

    Raises
    ------
    ModelError
        The bytes are no TFLite model, or one with other tensors than the manifest has.
    """

    def __init__(self, name: str, interpreter: Any, model: bytes, artefact: Artefact) -> None:
        self.name = name
        self.artefact = artefact
        self._interpreter, self._lock = open_interpreter(interpreter, model), threading.Lock()
        self._input = _index(self._interpreter.get_input_details(), artefact.input)
        self._output = _index(self._interpreter.get_output_details(), artefact.output)
        self._check = WindowCheck(artefact.input.shape)
        self._quantize = Quantizer(artefact.input)
        self._out_scale, self._out_zero = quantization(artefact.output)

    def run(self, window: Window) -> Logits:
        """Return the logits of one window; see :meth:`ecgedge.artefacts.backends.base.Backend.run`."""
        self._check(window)
        with self._lock:
            logits: Logits = self._invoke(self._quantize(window)).astype(np.float32)
        logits -= self._out_zero
        logits *= self._out_scale
        return logits

    def run_codes(self, codes: Codes) -> Codes:
        """Codes of the logits; see :meth:`ecgedge.artefacts.backends.base.CodesBackend.run_codes`."""
        with self._lock:
            return self._invoke(codes)

    def _invoke(self, codes: Codes) -> Codes:
        # Monitors share models: another thread's window must not come between the three steps.
        self._interpreter.set_tensor(self._input, codes)
        self._interpreter.invoke()
        logits: Codes = self._interpreter.get_tensor(self._output)[0]
        return logits


class Quantizer:
    """Float to int8 in arrays that are allocated once.

    Examples
    --------
    >>> quantize = Quantizer(TensorSpec("ecg", (1, 1, 2), "int8", scale=0.5, zero_point=-1))
    >>> quantize(np.array([[[1.0, 1e9]]], np.float32)).tolist()
    [[[1, 127]]]
    """

    def __init__(self, spec: TensorSpec) -> None:
        scale, zero = quantization(spec)
        # Arrays without a dimension: numpy takes a Python number in at twice the cost.
        self._scale, self._zero = np.array(scale), np.array(zero)
        self._low, self._high = (np.array(scale * (np.float32(code) - zero)) for code in _INT8)
        self._real = np.empty(spec.shape, np.float32)
        self._codes = np.empty(spec.shape, np.int8)

    def __call__(self, window: Window) -> np.ndarray[Any, np.dtype[np.int8]]:
        """Return the codes; the array is overwritten by the next call."""
        real = self._real
        np.minimum(window, self._high, out=real)  # as np.clip does, which looks longer at what it was given
        np.maximum(real, self._low, out=real)
        np.divide(real, self._scale, out=real)
        np.rint(real, out=real)  # to even, as QuantizeLinear does
        np.add(real, self._zero, out=real)
        np.copyto(self._codes, real, casting="unsafe")
        return self._codes


def quantization(spec: TensorSpec) -> Quantization:
    """Scale and zero point of an int8 tensor as float32.

    Raises
    ------
    ModelError
        The tensor is not int8.
    """
    if spec.dtype != "int8" or spec.scale is None or spec.zero_point is None:
        raise ModelError(
            f"{spec.name} is {spec.dtype}: a TFLite model must be int8 throughout, export it again"
        )
    return Quantization(np.float32(spec.scale), np.float32(spec.zero_point))


def describe(details: list[dict[str, Any]]) -> TensorSpec:
    """The only input or output of an interpreter as a TensorSpec.

    Raises
    ------
    ModelError
        There are several.
    """
    if len(details) != 1:
        raise ModelError("the TFLite model must have one input and one output: export it again")
    detail = details[0]
    scale, zero_point = detail["quantization"]
    shape = tuple(int(n) for n in detail["shape"])
    dtype = np.dtype(detail["dtype"]).name
    if scale == 0.0:  # TFLite's way to say "not quantized"
        return TensorSpec(detail["name"], shape, dtype)
    return TensorSpec(detail["name"], shape, dtype, float(np.float32(scale)), int(zero_point))


def _index(details: list[dict[str, Any]], expected: TensorSpec) -> int:
    found = describe(details)
    check_tensor("tensor", tensor_facts(found), tensor_facts(expected))
    return int(details[0]["index"])


def tensor_facts(spec: TensorSpec) -> tuple[object, ...]:
    """What must agree between file and manifest; scales as float32, as precise as the file has them."""
    scale = None if spec.scale is None else float(np.float32(spec.scale))
    return (spec.name, spec.shape, spec.dtype, scale, spec.zero_point)


def open_interpreter(interpreter: Any, model: bytes) -> Any:
    """Open a TFLite model with one thread.

    Raises
    ------
    ModelError
        The runtime cannot load the bytes.
    """
    try:
        with without_idle_talk():
            opened = interpreter(model_content=model, num_threads=1)
            opened.allocate_tensors()
    except Exception as error:  # the runtimes raise ValueError, RuntimeError and others for a bad file
        raise ModelError(f"the TFLite model cannot be loaded ({error}): export the model again") from error
    return opened
