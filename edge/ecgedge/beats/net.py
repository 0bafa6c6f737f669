"""The network behind the beat detector: some thousand weights, run on one second at a time.

Every run has the same shapes, so that a stretch of signal gives the same bits however the stream was cut, and
adds in a written order, so that every processor gives the same bits, and the compiled core does
(``edge/core/beat_net.c``).
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

from ecgedge.arithmetic.functions import exps, turn
from ecgedge.arithmetic.sums import in_order, rows_in_order
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
AROUND = 8
"""Half width, in samples, of the stretch over which probability is summed."""
WIDTH = 2.0
"""Standard deviation, in samples, of the bump that the network was trained to give around a beat."""
CORE_CHANNELS = 20
"""What the compiled core has room for; a wider network runs in numpy."""
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

    def values(self) -> Floats:
        """Return all weights and biases in a row.

        Raises
        ------
        ModelError
            Their number is not what the shapes need.
        """
        try:
            values = np.frombuffer(base64.b64decode(self.weights), np.float16).astype(np.float32)
        except ValueError as error:  # what is no base64, or half a number
            raise ModelError(f"the weights of the beat detector cannot be read ({error}): {FIX}") from error
        wanted = sum(n * m + m for n, m in layer_shapes(self.channels))
        if len(values) != wanted or not np.isfinite(values).all():
            raise ModelError(
                f"the beat detector has {len(values)} weights of the wrong number or kind: {FIX}"
            )
        return values

    def layers(self) -> list[Layer]:
        """Return the layers, from the first to the last.

        Raises
        ------
        ModelError
            The number of weights is not what the shapes need.
        """
        values, shapes = self.values(), layer_shapes(self.channels)
        parts = np.split(values, np.cumsum([size for n, m in shapes for size in (n * m, m)])[:-1])
        pairs = zip(parts[::2], parts[1::2], shapes, strict=True)
        return [Layer(weights.reshape(n, m), bias) for weights, bias, (n, m) in pairs]


def layer_shapes(channels: int) -> list[tuple[int, int]]:
    """Inputs of each output, and outputs, of the layers."""
    return [(KERNEL, channels), *[(KERNEL * channels, channels)] * (len(STRIDES) - 1), (channels, 2)]


def pack(parts: list[npt.NDArray[np.floating]]) -> str:
    """Spell weights and biases, layer by layer, for :attr:`BeatNet.weights`."""
    return base64.b64encode(np.concatenate([p.ravel() for p in parts]).astype(np.float16).tobytes()).decode()


def kernel() -> Floats:
    """What probability is summed with: a Hann window, without its zeros.

    Scaled so that the sum is 1 where the network gives the very bump that it was trained to give.
    """
    off = range(-AROUND, AROUND + 1)
    window = np.array([0.5 + 0.5 * turn(i / (2.0 * (AROUND + 1)))[0] for i in off]).astype(np.float32)
    ideal = exps([-0.5 * ((i / WIDTH) * (i / WIDTH)) for i in off])
    scaled: Floats = window / np.float32(in_order(ideal * window))
    return scaled


# Numpy takes a Python number in at twice the cost.
_ZERO = np.zeros((), np.float32)


class Runner:
    """Runs a network in numpy; all memory that it needs is taken once. Threads may share it.

    Examples
    --------
    >>> import numpy as np
    >>> run = Runner(BeatNet.load())
    >>> run(np.zeros(LENGTH, np.float32)).shape
    (100,)
    """

    def __init__(self, net: BeatNet) -> None:
        *convolutions, out = net.layers()
        self._lock = threading.Lock()
        self._input = np.zeros((1, LENGTH), np.float32)
        self._steps = []
        room = np.empty(KERNEL * net.channels**2 * LENGTH // 2, np.float32)  # for the products of any layer
        x = self._input
        for layer, stride, dilation in zip(convolutions, STRIDES, DILATIONS, strict=True):
            step = _Convolution(x, layer, room, stride, dilation)
            self._steps.append(step)
            x = step.output
        self._out = _Convolution(x, out, room, 1, 1)

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
            self._input[0] = x
            for step in self._steps:
                step.run()
                np.maximum(step.output, _ZERO, out=step.output)
            self._out.run()
            logits = self._out.output.T.reshape(HOP).astype(np.float64)
        p: Floats = (1.0 / (1.0 + exps(-logits))).astype(np.float32)
        return p


@lru_cache(maxsize=8)  # a process has one network; whoever compares some makes a runner of 1.7 MB for each
def runner(net: BeatNet) -> Runner:
    """The runner of a network: all who run the same one share it, for a run leaves nothing behind.

    Examples
    --------
    >>> runner(BeatNet.load()) is runner(BeatNet.load())
    True
    """
    return Runner(net)


class _Convolution:
    """All products of inputs and weights, then their sums over tap and channel, first to last."""

    def __init__(self, x: Floats, layer: Layer, room: Floats, stride: int, dilation: int) -> None:
        channels, length = x.shape
        taps, outputs = len(layer.weights) // channels, len(layer.bias)
        n = (length - (taps - 1) * dilation - 1) // stride + 1
        across, along = x.strides
        shape, strides = (taps, channels, 1, n), (dilation * along, across, 0, stride * along)
        self._source = np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
        self._weights = layer.weights.reshape(taps, channels, outputs, 1)
        self._columns = room[: taps * channels * outputs * n].reshape(taps * channels, outputs * n)
        self._products = self._columns.reshape(taps, channels, outputs, n)
        self._bias = layer.bias[:, np.newaxis]
        self.output = np.empty((outputs, n), np.float32)

    def run(self) -> None:
        np.multiply(self._source, self._weights, out=self._products)
        sums = rows_in_order(self._columns).reshape(self.output.shape)
        np.add(sums, self._bias, out=self.output)
