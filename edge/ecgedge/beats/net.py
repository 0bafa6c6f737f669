"""The network behind the beat detector: some thousand weights, run in plain numpy on one second at a time.

Every run has the same shapes, so that a stretch of signal gives the same bits however the stream was cut.
It was trained by ``ecgedge-export train recipes/beats.toml``.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.sealed import FIX, artefact_place, read_sealed, write_sealed
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import build

Floats = npt.NDArray[np.float32]
SCHEMA = 1

FS = 100.0
HOP = 100
"""Samples that one run speaks about."""
KERNEL = 9
STRIDES = (2, 1, 1, 1)
DILATIONS = (1, 1, 2, 4)
REACH = 60
"""Samples on either side that a run looks at: half a kernel at full rate, and 28 steps at half of it."""
LENGTH = HOP + 2 * REACH


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
        How sure a beat must be, and how sure when a beat is overdue.
    metrics, command : mapping, str
        What it was measured to do, and what made it.
    """

    channels: int
    weights: str
    threshold: float
    back: float
    metrics: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    fs: ClassVar[float] = FS

    def save(self, path: Path) -> None:
        """Write as JSON, with a digest of the content."""
        write_sealed(path, SCHEMA, asdict(self))

    @classmethod
    def load(cls, path: str | Path | None = None) -> BeatNet:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ModelError
            The file is missing, changed, or made for another version.
        """
        path = Path(path or BUNDLED / "beats" / "beats.json")
        net = build(cls, read_sealed(path, SCHEMA, "the beat detector"), artefact_place("beats"))
        net.layers()
        return net

    def layers(self) -> list[tuple[Floats, Floats]]:
        """Weights as matrices (kernel * channels in, channels out), and biases, of each layer.

        Raises
        ------
        ModelError
            The number of weights is not what the shapes need.
        """
        values = np.frombuffer(base64.b64decode(self.weights), np.float16).astype(np.float32)
        shapes = layer_shapes(self.channels)
        if len(values) != sum(n * m + m for n, m in shapes) or not np.isfinite(values).all():
            raise ModelError(
                f"the beat detector has {len(values)} weights of the wrong number or kind: {FIX}"
            )
        parts = np.split(values, np.cumsum([size for n, m in shapes for size in (n * m, m)])[:-1])
        return [(w.reshape(n, m), b) for w, b, (n, m) in zip(parts[::2], parts[1::2], shapes, strict=True)]


def layer_shapes(channels: int) -> list[tuple[int, int]]:
    """Inputs of each output, and outputs, of the layers."""
    return [(KERNEL, channels), *[(KERNEL * channels, channels)] * (len(STRIDES) - 1), (channels, 2)]


def pack(parts: list[npt.NDArray[np.floating]]) -> str:
    """Spell weights and biases, layer by layer, for :attr:`BeatNet.weights`."""
    return base64.b64encode(np.concatenate([p.ravel() for p in parts]).astype(np.float16).tobytes()).decode()


# Numpy takes a Python number in at twice the cost.
_ZERO, _ONE = np.zeros((), np.float32), np.ones((), np.float32)


class Runner:
    """Runs a network; all memory that it needs is taken once.

    Examples
    --------
    >>> import numpy as np
    >>> run = Runner(BeatNet.load())
    >>> run(np.zeros(LENGTH, np.float32)).shape
    (100,)
    """

    def __init__(self, net: BeatNet) -> None:
        *convolutions, (self._out, self._out_bias) = net.layers()
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
            Signal in heights of a usual QRS.
        """
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
