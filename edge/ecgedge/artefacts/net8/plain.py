"""The network in numpy: the same integers as the compiled core, which is tested against it, and slower.

Sums of products of integers are exact in any order, so matrix products of integers are used as they come.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.net8.layers import INPUT, OUTPUT, Kind, Layer, Net8

Codes = npt.NDArray[np.int8]
Wide = npt.NDArray[np.int32]


class PlainNet:
    """Runs a network in numpy; threads may share it.

    Parameters
    ----------
    net : Net8
    """

    def __init__(self, net: Net8) -> None:
        self._net = net

    def run(self, window: npt.NDArray[np.float32], logits: npt.NDArray[np.float32]) -> None:
        """Fill ``logits`` with what the network says of ``window``.

        Raises
        ------
        ValueError
            A value of the window is NaN or infinite.
        """
        net = self._net
        if not np.isfinite(window).all():
            raise ValueError("window holds NaN or infinity")
        low, high = (net.scale_in * (np.float32(code) - np.float32(net.zero_in)) for code in (-128, 127))
        real = np.minimum(np.maximum(window.reshape(-1), low), high) / net.scale_in
        codes = self.run_codes((np.rint(real) + np.float32(net.zero_in)).astype(np.int8))
        logits.reshape(-1)[:] = (codes.astype(np.float32) - np.float32(net.zero_out)) * net.scale_out

    def run_codes(self, codes: Codes) -> Codes:
        """Codes of the output for codes of the input."""
        memory = np.zeros(self._net.memory, np.int8)
        ends = {INPUT: codes.reshape(-1), OUTPUT: np.zeros(self._net.n_outputs, np.int8)}
        for layer in self._net.layers:
            size = layer.outputs * layer.filters
            source, other = (_view(ends, memory, at, layer.length * layer.channels)
                             for at in (layer.source, layer.other))  # fmt: skip
            found = _KERNELS[layer.kind](layer, source.reshape(layer.length, layer.channels), other)
            _view(ends, memory, layer.target, size)[:] = found.reshape(-1)
        return ends[OUTPUT]


def _view(ends: dict[int, Codes], memory: Codes, place: int, size: int) -> Codes:
    return ends[place] if place in ends else memory[place : place + size]


def _finished(layer: Layer, sums: Wide) -> Codes:
    """Codes of sums without bias."""
    scaled = (sums + layer.bias).astype(np.float32) * layer.factors
    low, high = np.float32(layer.low - layer.zero_out), np.float32(layer.high - layer.zero_out)
    limited = np.minimum(np.maximum(scaled, low), high)
    codes: Codes = (np.rint(limited).astype(np.int32) + layer.zero_out).astype(np.int8)
    return codes


def _patches(layer: Layer, x: Codes) -> Wide:
    """What each output sees, of shape (outputs, taps, channels), without the zero point."""
    padded = np.vstack([x.astype(np.int32) - layer.zero_in, np.zeros((1, layer.channels), np.int32)])
    at = np.arange(layer.outputs)[:, None] * layer.stride - layer.pad
    at = at + np.arange(layer.taps) * layer.dilation
    return padded[np.where((at < 0) | (at >= layer.length), layer.length, at)]


def _dense(layer: Layer, x: Codes, other: Codes) -> Codes:
    patches = _patches(layer, x).reshape(layer.outputs, -1)
    return _finished(layer, patches @ layer.weights[:, : patches.shape[1]].T.astype(np.int32))


def _depthwise(layer: Layer, x: Codes, other: Codes) -> Codes:
    return _finished(layer, (_patches(layer, x) * layer.weights).sum(axis=1, dtype=np.int32))


def _add(layer: Layer, x: Codes, other: Codes) -> Codes:
    a, b = x.reshape(-1).astype(np.int32) - layer.zero_in, other.astype(np.int32) - layer.zero_other
    half = (1 << layer.shift) >> 1
    return _limited(layer, ((a * layer.first + b * layer.second + half) >> layer.shift) + layer.zero_out)


def _relu(layer: Layer, x: Codes, other: Codes) -> Codes:
    wide = (x.astype(np.int64) - layer.zero_in) << layer.first
    high = (wide * layer.second + (1 << 30)) >> 31
    half = (1 << layer.shift) >> 1
    return _limited(layer, ((high + half - ((high < 0) & (layer.shift > 0))) >> layer.shift) + layer.zero_out)


def _limited(layer: Layer, x: npt.NDArray[Any]) -> Codes:
    codes: Codes = np.minimum(np.maximum(x, layer.low), layer.high).astype(np.int8)
    return codes


def _max_pool(layer: Layer, x: Codes, other: Codes) -> Codes:
    at = np.arange(layer.outputs)[:, None] * layer.stride - layer.pad + np.arange(layer.taps)
    padded = np.vstack([x, np.full((1, layer.channels), -128, np.int8)])
    highest: Codes = padded[np.where((at < 0) | (at >= layer.length), layer.length, at)].max(axis=1)
    return highest


def _pad(layer: Layer, x: Codes, other: Codes) -> Codes:
    padded = np.full((layer.outputs, layer.filters), layer.zero_out, np.int8)
    rows, columns = slice(layer.pad, layer.pad + layer.length), slice(layer.left, layer.left + layer.channels)
    padded[rows, columns] = x
    return padded


_KERNELS = {
    Kind.DENSE: _dense,
    Kind.DEPTHWISE: _depthwise,
    Kind.ADD: _add,
    Kind.RELU: _relu,
    Kind.MAX_POOL: _max_pool,
    Kind.PAD: _pad,
}
