"""The network behind the beat detector: some thousand weights, run in plain numpy on one second at a time.

Every run has the same shapes, so that a stretch of signal gives the same bits however the stream was cut.
It was trained by ``ecgedge-export train beats``.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.folder import front_end, load_weights
from ecgedge.artefacts.sealed import FIX
from ecgedge.stream.filters import FrontEnd
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import integer

Floats = npt.NDArray[np.float32]

FS = 100.0
HOP = 100
"""Samples that one run speaks about."""
# The first layer halves the rate; nine taps behind it span 0.18 s, a broad QRS, and the dilations of the last
# two widen that until an output depends on 0.6 s on either side (REACH).
KERNEL = 9
STRIDES = (2, 1, 1, 1)
DILATIONS = (1, 1, 2, 4)
REACH = 60
"""Samples on either side that a run looks at: half a kernel at full rate, and 28 steps at half of it."""
LENGTH = HOP + 2 * REACH
FRONT_END = FrontEnd.default(FS)


class Layer(NamedTuple):
    """Weights as a matrix (kernel * channels in, channels out), and biases (channels out)."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class _Weights:
    """Content of the weights file."""

    channels: Annotated[int, integer(1, 1024)]
    weights: str


@dataclass(frozen=True, slots=True)
class BeatNet:
    """Weights of the network.

    Four convolutions over time, each followed by a ReLU, the first of which halves the rate; then two
    logits for each of its outputs, one for each sample.

    Parameters
    ----------
    channels : int
        Width of the convolutions.
    weights : str
        Base64 of float16 values, layer by layer: weights (kernel, channels in, channels out), then biases.
    threshold, back : float
        Least sum of probability for a beat, and for one that search-back finds where a beat is overdue.
    front_end : FrontEnd
        The filters that it was trained behind.
    """

    channels: int
    weights: str
    threshold: float
    back: float
    front_end: FrontEnd = FRONT_END

    @property
    def fs(self) -> float:
        """Rate of the filtered signal in Hz."""
        return self.front_end.fs

    @property
    def thresholds(self) -> dict[str, float]:
        """The thresholds, as a manifest has them."""
        return {"beat": self.threshold, "search_back": self.back}

    def encoded(self) -> bytes:
        """Everything but the thresholds, as the weights file has it."""
        return (json.dumps({"channels": self.channels, "weights": self.weights}, indent=1) + "\n").encode()

    @classmethod
    def load(cls, folder: str | Path | None = None) -> BeatNet:
        """Read a model folder, the one in the package where none is given.

        Raises
        ------
        ModelError
            A file is missing, changed, or made for another version; the message names it.
        """
        manifest, w, place = load_weights(folder, "beats", _Weights, ("beat", "search_back"))
        if manifest.fs != FS:
            place.refuse(f"is for {manifest.fs:g} Hz, this version finds beats at {FS:g} Hz")
        beat, back = manifest.thresholds["beat"], manifest.thresholds["search_back"]
        net = cls(w.channels, w.weights, beat, back, front_end(manifest))
        net.layers()
        return net

    def layers(self) -> list[Layer]:
        """Return the layers, from the first to the last.

        Raises
        ------
        ModelError
            The number of weights is not what the shapes need.
        """
        try:
            values = np.frombuffer(base64.b64decode(self.weights), np.float16).astype(np.float32)
        except ValueError as error:  # what is no base64, or half a number
            raise ModelError(f"the weights of the beat detector cannot be read ({error}): {FIX}") from error
        shapes = layer_shapes(self.channels)
        if len(values) != sum(n * m + m for n, m in shapes) or not np.isfinite(values).all():
            raise ModelError(
                f"the beat detector has {len(values)} weights of the wrong number or kind: {FIX}"
            )
        parts = np.split(values, np.cumsum([size for n, m in shapes for size in (n * m, m)])[:-1])
        pairs = zip(parts[::2], parts[1::2], shapes, strict=True)
        return [Layer(weights.reshape(n, m), bias) for weights, bias, (n, m) in pairs]


def layer_shapes(channels: int) -> list[tuple[int, int]]:
    """Inputs of each output, and outputs, of the layers."""
    return [(KERNEL, channels), *[(KERNEL * channels, channels)] * (len(STRIDES) - 1), (channels, 2)]


def pack(parts: list[npt.NDArray[np.floating]]) -> str:
    """Spell weights and biases, layer by layer, for :attr:`BeatNet.weights`."""
    return base64.b64encode(np.concatenate([p.ravel() for p in parts]).astype(np.float16).tobytes()).decode()


# Numpy takes a Python number in at twice the cost.
_ZERO, _ONE = np.zeros((), np.float32), np.ones((), np.float32)


class Runner:
    """Runs a network; all memory that it needs is taken once. Threads may share it.

    Examples
    --------
    >>> import numpy as np
    >>> run = Runner(BeatNet.load())
    >>> run(np.zeros(LENGTH, np.float32)).shape
    (100,)
    """

    def __init__(self, net: BeatNet) -> None:
        *convolutions, (self._out, self._out_bias) = net.layers()
        self._lock = threading.Lock()
        self._input = np.zeros((LENGTH, 1), np.float32)
        self._steps = []
        x = self._input
        for (weights, bias), stride, dilation in zip(convolutions, STRIDES, DILATIONS, strict=True):
            step = _Convolution(x, weights, bias, stride, dilation)
            self._steps.append(step)
            x = step.output

    def __call__(self, x: Floats) -> Floats:
        """Return the probability of a beat at each of the :data:`HOP` samples in the middle of ``x``.

        Parameters
        ----------
        x : ndarray of float32, shape (LENGTH,)
            Signal in heights of a typical QRS.
        """
        # Every step writes in place: no array is made for each second of a stream. Another thread's signal
        # must not come between the steps.
        with self._lock:
            self._input[:, 0] = x
            for step in self._steps:
                step.run()
            p: Floats = self._steps[-1].output @ self._out
        p += self._out_bias
        np.negative(p, out=p)
        np.exp(p, out=p)
        p += _ONE
        np.reciprocal(p, out=p)
        return p.reshape(HOP)


@lru_cache(maxsize=8)  # a process has one network; whoever compares some makes a runner of 215 kB for each
def runner(net: BeatNet) -> Runner:
    """The runner of a network: all who run the same one share it, for a run leaves nothing behind.

    Examples
    --------
    >>> runner(BeatNet.load()) is runner(BeatNet.load())
    True
    """
    return Runner(net)


class _Convolution:
    """Each output's inputs, and a one for the bias, are gathered in a row; then one product of matrices."""

    def __init__(self, x: Floats, weights: Floats, bias: Floats, stride: int, dilation: int) -> None:
        channels = x.shape[1]
        n = (len(x) - (KERNEL - 1) * dilation - 1) // stride + 1
        along, across = x.strides
        strides = (stride * along, dilation * along, across)
        self._source = np.lib.stride_tricks.as_strided(x, (n, KERNEL, channels), strides, writeable=False)
        self._rows = np.ones((n, KERNEL * channels + 1), np.float32)
        places = (self._rows.strides[0], channels * across, across)
        self._gathered = np.lib.stride_tricks.as_strided(self._rows, (n, KERNEL, channels), places)
        self._weights = np.vstack([weights, bias])
        self.output = np.empty((n, weights.shape[1]), np.float32)

    def run(self) -> None:
        self._gathered[...] = self._source
        np.matmul(self._rows, self._weights, out=self.output)
        np.maximum(self.output, _ZERO, out=self.output)
