"""The package's own int8 networks: LiteRT's and ONNX Runtime's integers, and in C those of numpy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.arithmetic.core import core
from ecgedge.artefacts.backends import load_backend
from ecgedge.artefacts.backends.core import CoreBackend, compiled
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.artefacts.net8.flat import read_flat
from ecgedge.artefacts.net8.layers import INPUT, NUMBERS, OUTPUT, Kind, Layer, Net8, net8
from ecgedge.artefacts.net8.plain import PlainNet
from ecgedge_bridge.errors import ModelError

TASKS = ("rhythm", "beat_classes", "waves", "tokens", "leads")
needs_core = pytest.mark.skipif(core is None, reason="needs the compiled core")


def network(task: str) -> Net8:
    return net8(read_flat((BUNDLED / task / "model.tflite").read_bytes()))


def windows(task: str, count: int) -> Iterator[npt.NDArray[np.float32]]:
    """Noise, codes next to a half, waves, pulses, wander: of small and of too large amplitude."""
    manifest, rng = Manifest.load(BUNDLED / task), np.random.default_rng(7)
    n, scale = manifest.n_inputs, manifest.backends["tflite"].input.scale
    assert scale is not None
    for i in range(count):
        size = 10 ** rng.uniform(-2, 1)
        pulses = np.zeros(n)
        pulses[:: rng.integers(20, 120)] = rng.uniform(-1.5, 1.5)
        kinds = (
            size * rng.standard_normal(n),
            (rng.integers(-140, 140, n) + 0.5) * scale,
            size * np.sin(np.arange(n) * rng.uniform(0.001, 1)),
            np.convolve(pulses, np.hanning(rng.integers(3, 15)), "same"),
            np.cumsum(rng.standard_normal(n)) * 0.02 * size,
        )
        yield kinds[i % len(kinds)].astype(np.float32).reshape(1, 1, -1)


@pytest.mark.parametrize("task", TASKS)
def test_bundled_models_give_the_logits_of_litert_and_onnx_runtime_bit_for_bit(task: str) -> None:
    litert, onnx, own = (load_backend(BUNDLED / task, name) for name in ("litert", "onnx", "core"))
    seen = set()
    for window in windows(task, 40 if task == "rhythm" else 200):
        logits = own.run(window)
        seen.add(logits.tobytes())
        np.testing.assert_array_equal(logits, litert.run(window))
        np.testing.assert_array_equal(logits, onnx.run(window))
    assert len(seen) > 30


@needs_core
@pytest.mark.parametrize("task", TASKS)
def test_numpy_gives_the_integers_of_the_compiled_core(task: str) -> None:
    net = network(task)
    fast, plain = compiled(net), PlainNet(net)
    for window in windows(task, 10):
        one, other = np.empty(net.n_outputs, np.float32), np.empty(net.n_outputs, np.float32)
        fast.run(window, one)
        plain.run(window, other)
        np.testing.assert_array_equal(one, other)
    codes = np.random.default_rng(1).integers(-128, 128, net.n_inputs).astype(np.int8)
    assert fast.run_codes(codes) == plain.run_codes(codes).tobytes()


small = st.integers(1, 12)
code = st.integers(-128, 127)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """A layer from input to output that could be: sizes up to some dozens, every code."""
    kind = draw(st.sampled_from(Kind))
    length, channels = draw(small), draw(st.sampled_from((1, 2, 5, 16, 17, 33)))
    outputs, filters, taps = draw(small), draw(st.sampled_from((1, 3, 8, 9, 16, 25))), draw(small)
    low, high = sorted((draw(code), draw(code)))
    numbers: dict[str, Any] = {"zero_in": draw(code), "zero_other": draw(code), "zero_out": draw(code)}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    numbers |= {"taps": taps, "stride": draw(small), "dilation": draw(small), "pad": draw(st.integers(0, 20))}
    if kind in (Kind.ADD, Kind.RELU):
        outputs, filters = length, channels
        numbers |= {"first": draw(st.integers(0, 1 << 21)), "second": draw(st.integers(0, 1 << 21))}
        numbers |= {"shift": draw(st.integers(0, 30)), "low": low, "high": high}
        if kind == Kind.RELU:
            numbers |= {"first": draw(st.integers(0, 20)), "second": draw(st.integers(0, 2**31 - 1))}
    if kind in (Kind.DEPTHWISE, Kind.MAX_POOL):
        filters = channels
    if kind == Kind.PAD:
        numbers |= {"pad": draw(small), "left": draw(small)}
        outputs, filters = length + numbers["pad"] + draw(small), channels + numbers["left"] + draw(small)
    if kind in (Kind.DENSE, Kind.DEPTHWISE):
        shape = (filters, taps * channels) if kind == Kind.DENSE else (taps, channels)
        weights = rng.integers(-128, 128, shape).astype(np.int8)
        filled = ((0, 0), (0, -weights.shape[1] % 16 if kind == Kind.DENSE else 0))
        numbers |= {
            "weights": np.pad(weights, filled),
            "bias": rng.integers(-(2**20), 2**20, filters).astype(np.int32),
            "factors": (10 ** rng.uniform(-7, 1, filters)).astype(np.float32),
        }
    return Layer(
        kind=kind, source=INPUT, other=INPUT, target=OUTPUT, length=length, channels=channels,
        outputs=outputs, filters=filters, **numbers,
    )  # fmt: skip


def alone(layer: Layer) -> Net8:
    n_inputs, n_outputs = layer.length * layer.channels, layer.outputs * layer.filters
    return Net8((layer,), n_inputs, n_outputs, 0, np.float32(0.1), 3, np.float32(0.2), -4)


@needs_core
@settings(max_examples=400, deadline=None)
@given(layers(), st.integers(0, 2**32 - 1))
def test_any_layer_gives_the_same_integers_in_numpy_and_in_the_core(layer: Layer, seed: int) -> None:
    net = alone(layer)
    fast, plain = compiled(net), PlainNet(net)
    for _ in range(2):
        codes = np.random.default_rng(seed).integers(-128, 128, net.n_inputs).astype(np.int8)
        assert fast.run_codes(codes) == plain.run_codes(codes).tobytes()


HOSTILE = (
    -(2**31),
    -129,
    -3,
    -2,
    -1,
    0,
    1,
    2,
    127,
    128,
    255,
    4096,
    65536,
    2**20,
    2**20 + 1,
    2**26,
    2**31 - 1,
)


@needs_core
@settings(max_examples=400, deadline=None)
@given(layers(), st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from(HOSTILE), min_size=1, max_size=3))
def test_a_layer_that_reaches_outside_is_refused_and_any_other_runs(
    layer: Layer, changes: dict[str, int]
) -> None:
    changed = layer._replace(**changes)
    if changed.outputs * changed.taps * changed.filters * changed.channels > 2**24:
        changed = changed._replace(outputs=layer.outputs, filters=layer.filters, taps=layer.taps)
    net = alone(layer)._replace(layers=(changed,), memory=64)
    try:
        made = compiled(net)
    except ModelError:
        return
    assert len(made.run_codes(np.zeros(net.n_inputs, np.int8))) == net.n_outputs


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(("tokens", "beat_classes")),
    st.lists(
        st.tuples(st.integers(0, 10_000), st.sampled_from((0, 1, 2, 4, 127, 128, 254, 255))), max_size=4
    ),
    st.integers(0, 30_000),
)
def test_a_damaged_file_runs_or_is_refused(task: str, changes: list[tuple[int, int]], cut: int) -> None:
    """Offsets and sizes lie at both ends of a file; weights between them may be any."""
    manifest, data = Manifest.load(BUNDLED / task), bytearray((BUNDLED / task / "model.tflite").read_bytes())
    for at, value in changes:
        data[at if at < 5_000 else -1 - (at - 5_000)] = value
    damaged = bytes(data[:cut] if cut % 7 == 0 else data)
    try:
        backend = CoreBackend(damaged, manifest.backends["tflite"])
    except ModelError:
        return
    window = np.zeros((1, 1, manifest.n_inputs), np.float32)
    assert backend.run(window).shape == (manifest.n_outputs,)


@needs_core
def test_what_the_core_is_given_is_checked() -> None:
    net = network("tokens")
    made = compiled(net)
    with pytest.raises(TypeError):
        made.run_codes(np.zeros(net.n_inputs, np.float32))
    with pytest.raises(ValueError, match="96 values"):
        made.run_codes(np.zeros(3, np.int8))
    with pytest.raises(ValueError, match="NaN"):
        made.run(np.full(net.n_inputs, np.nan, np.float32), np.empty(net.n_outputs, np.float32))
    assert core is not None  # the mark says so
    for parts in ((b"",) * 4, (b"x" * 91,) * 4, (bytes(92), b"", bytes(4), bytes(8))):
        with pytest.raises(ValueError, match="do not fit together"):
            core.Net8(*parts, (1, 1, 0, 0, 0), (1.0, 0), (1.0, 0))
    with pytest.raises(TypeError):
        core.Net8()


def test_without_the_compiled_core_numpy_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    (window,) = windows("beat_classes", 1)
    wanted = load_backend(BUNDLED / "beat_classes", "core").run(window)
    monkeypatch.setattr("ecgedge.artefacts.backends.core.core", None)
    backend = load_backend(BUNDLED / "beat_classes", "core")
    np.testing.assert_array_equal(backend.run(window), wanted)
    with pytest.raises(ValueError, match="treat that stretch as a gap"):
        backend.run(np.full_like(window, np.inf))
