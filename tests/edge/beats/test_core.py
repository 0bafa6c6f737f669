"""The compiled beat detector and the one in numpy: the same bits, whatever signal, cuts and network."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.arithmetic.core import core
from ecgedge.beats.detector import BeatDetector, CoreDetector, bundled_net
from ecgedge.beats.net import (
    AROUND,
    DILATIONS,
    HOP,
    KERNEL,
    LENGTH,
    STRIDES,
    BeatNet,
    Runner,
    kernel,
    layer_shapes,
    pack,
    runner,
)
from ecgedge.beats.reference import NumpyDetector
from ecgedge.demo.synthetic import Segment as Made
from ecgedge.demo.synthetic import synthesize
from ecgedge.stream.ring import Ring

compiled = pytest.mark.skipif(core is None, reason="no compiled core here")
CHANNELS = (1, 3, 8, 16, 20)


@cache
def any_net(channels, seed, size=0.3, threshold=0.5, back=0.2):
    """A network of random weights: it sees beats anywhere."""
    rng = np.random.default_rng(seed)
    parts = [size * rng.standard_normal(n) for a, b in layer_shapes(channels) for n in (a * b, b)]
    return BeatNet(channels, pack(parts), threshold, back)


@cache
def in_core(net):
    return core.BeatNet(net.channels, net.values(), net.threshold, net.back)


def plain(net, x):
    """Probabilities by loops over outputs, taps and channels, each sum first to last."""
    *layers, (out, bias) = net.layers()
    x = x[np.newaxis]
    for (weights, biases), stride, dilation in zip(layers, STRIDES, DILATIONS, strict=True):
        n = (x.shape[1] - (KERNEL - 1) * dilation - 1) // stride + 1
        y = np.zeros((len(biases), n), np.float32)
        for k in range(KERNEL):
            for c in range(len(x)):
                at = x[c, k * dilation :][: (n - 1) * stride + 1 : stride]
                y += weights[k * len(x) + c][:, np.newaxis] * at
        x = np.maximum(y + biases[:, np.newaxis], np.float32(0))
    z = np.zeros((2, HOP // 2), np.float32)
    for c in range(len(x)):
        z += out[c][:, np.newaxis] * x[c]
    return z + bias[:, np.newaxis]


def signal(seed, n, kind, scale):
    rng = np.random.default_rng(seed)
    match kind:
        case "noise":
            x = rng.standard_normal(n)
        case "steps":
            x = np.repeat(rng.standard_normal(n // 37 + 1), 37)[:n]
        case "spikes":
            x = (rng.random(n) < 0.02) * rng.choice([-1.0, 1.0, 30.0], n)
        case "comb":
            x = 1.0 * (np.arange(n) % int(rng.integers(2, 120)) == 0)
        case "bursts":
            x = rng.standard_normal(n) * 10.0 ** rng.integers(-4, 4, n // 300 + 1).repeat(300)[:n]
        case _:
            x = np.zeros(n)
    return (scale * x).astype(np.float32)


signals = st.builds(
    signal,
    seed=st.integers(0, 2**32),
    n=st.integers(0, 3000),
    kind=st.sampled_from(["noise", "steps", "spikes", "comb", "bursts", "zeros"]),
    scale=st.sampled_from([1.0, 0.01, 1e-42, 1e12]),
)


@cache
def ecg():
    kinds = (("sinus", 60.0, 62.0), ("af", 60.0, 105.0), ("pvc", 60.0, 72.0), ("noise", 30.0, 70.0))
    return synthesize([Made(*kind) for kind in kinds], 100.0, seed=3).mv.astype(np.float32)


def worn(seed, n=9000):
    """Pulses whose distance and height wander, jump and pause, in noise that changes, with artefacts."""
    rng = np.random.default_rng(seed)
    x, at, height = np.zeros(n), 50.0, 1.0
    near, rr = np.arange(-6, 7), rng.uniform(40, 130)
    while at < n - 10:
        tall = height * rng.choice([1.0, 1.0, 1.0, 0.2, 0.4, -1.0]) * rng.uniform(0.8, 1.2)
        x[round(at) + near] += tall * np.exp(-0.5 * ((near + round(at) - at) / 1.5) ** 2)
        rr = np.clip(rr * rng.normal(1, 0.05), 30, 140)
        at += rr * rng.choice(
            [1.0, 1.0, 1.0, 1.0, 0.6, 1.5, 2.1, rng.uniform(1, 25)], p=[0.2] * 4 + [0.05] * 4
        )
        height *= np.exp(rng.normal(0, 0.05) + rng.choice([0.0, -2.0, 2.0], p=[0.95, 0.025, 0.025]))
        height = np.clip(height, 0.03, 30.0)
    levels = rng.choice([0.001, 0.01, 0.05, 0.3, 3.0], n // 500, p=[0.3, 0.3, 0.25, 0.1, 0.05])
    return (x + levels.repeat(500) * rng.standard_normal(n)).astype(np.float32)


def found(detector, x, cuts=(), capacity=None):
    """Beats of a segment that comes in pieces."""
    detector.reset()
    ring, beats = Ring(capacity or max(1, len(x))), []
    for start, end in pairwise([0, *np.minimum(np.cumsum(cuts, dtype=int), len(x)).tolist(), len(x)]):
        ring.write(x[start:end])
        beats += detector.advance(ring, False)
    return beats + detector.advance(ring, True)


@pytest.mark.parametrize("channels", CHANNELS)
def test_the_network_in_numpy_adds_in_order(channels):
    net = any_net(channels, 0)
    x = np.random.default_rng(1).normal(0, 1, LENGTH).astype(np.float32)
    p = Runner(net)(x)
    logits = plain(net, x).T.reshape(HOP).astype(np.float64)
    assert len(np.unique(p)) > HOP // 4
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-logits)), rtol=1e-6)  # to a digit of float32
    layer = Runner(net)
    layer(x)
    assert np.array_equal(layer._out.output, plain(net, x))


def test_the_kernel_gives_one_for_the_bump_that_was_trained():
    bump = np.exp(-0.5 * (np.arange(-AROUND, AROUND + 1) / 2.0) ** 2)
    assert kernel().dtype == np.float32
    assert (bump * kernel()).sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(kernel() / kernel().max(), np.hanning(2 * AROUND + 3)[1:-1], atol=1e-6)


@compiled
@settings(max_examples=100, deadline=None)
@given(
    x=st.integers(0, 2**32),
    scale=st.sampled_from([0.0, 1e-40, 1e-3, 1.0, 3.0]),
    channels=st.sampled_from(CHANNELS),
    size=st.sampled_from([0.05, 0.3, 3.0, 100.0]),
)
def test_the_compiled_network_has_the_same_bits(x, scale, channels, size):
    net = any_net(channels, channels, size)
    signal = (scale * np.random.default_rng(x).standard_normal(LENGTH)).astype(np.float32)
    assert in_core(net).run(signal) == runner(net)(signal).tobytes()


@compiled
@settings(max_examples=150, deadline=None)
@given(x=signals, cuts=st.lists(st.integers(1, 700), max_size=12))
def test_the_compiled_detector_finds_the_same_beats(x, cuts):
    net = bundled_net()
    assert found(CoreDetector(net), x, cuts) == found(NumpyDetector(net), x)


@compiled
@settings(max_examples=150, deadline=None)
@given(
    x=signals,
    channels=st.sampled_from(CHANNELS),
    threshold=st.floats(0.0, 4.0),
    back=st.floats(0.0, 4.0),
)
def test_with_any_network_and_thresholds_too(x, channels, threshold, back):
    """Candidates everywhere, beats by search-back, probabilities of exactly 0 and 1."""
    net = any_net(channels, channels, 1.0, threshold, back)
    assert found(CoreDetector(net), x) == found(NumpyDetector(net), x)


@compiled
@pytest.mark.parametrize("seed", range(4))
def test_the_same_beats_in_ecg_however_it_comes(seed):
    rng = np.random.default_rng(seed)
    x = ecg() * np.float32(rng.choice([-1.0, 0.1, 1.0, 20.0]))
    one, other = CoreDetector(bundled_net()), NumpyDetector(bundled_net())
    beats = found(other, x)
    assert len(beats) > 200
    assert found(one, x) == found(one, x, rng.integers(1, 300, 400)) == beats
    # With no more signal than a monitor keeps.
    assert found(one, x, [HOP] * (len(x) // HOP), capacity=1200) == beats


@compiled
@pytest.mark.parametrize("seed", range(30))
def test_the_same_beats_where_height_and_rhythm_jump(seed):
    x = worn(seed)
    beats = found(NumpyDetector(bundled_net()), x)
    assert len(beats) > 20
    assert found(CoreDetector(bundled_net()), x) == beats
    easy = any_net(8, seed, 0.5, 2.0, 0.1)
    assert found(CoreDetector(easy), x) == found(NumpyDetector(easy), x)


def pulses(at, heights):
    x, near = np.zeros(round(at[-1]) + 300, np.float32), np.arange(-6, 7)
    for place, height in zip(np.round(at).astype(int), heights, strict=True):
        x[place + near] += height * np.exp(-0.5 * (near / 1.5) ** 2)
    return x


@compiled
@pytest.mark.parametrize("seed", range(10))
def test_the_same_beats_where_intervals_are_nearly_pauses(seed):
    rng = np.random.default_rng(seed)
    x = pulses(np.cumsum(rng.uniform(285, 315, 40)), rng.choice([0.03, 0.1, 0.3, 1.0, 1.0], 40))
    assert found(CoreDetector(bundled_net()), x) == found(NumpyDetector(bundled_net()), x)


@compiled
@pytest.mark.parametrize("taller", range(56, 80, 4))
def test_the_same_beats_after_an_artefact_behind_beats_that_grew(taller):
    """Beats much taller than those before are followed slowly, until they count as the wearer's."""
    heights = [1.0] * 30 + [4.0] * taller + [100.0] + [4.0] * 10
    x = pulses(80.0 * np.arange(1, len(heights) + 1), heights)
    assert found(CoreDetector(bundled_net()), x) == found(NumpyDetector(bundled_net()), x)


@compiled
@pytest.mark.parametrize("n", [1, 49, 50, 51, 99, 100, 101, 160, 219, 220, 221])
def test_the_same_beats_in_a_shred(n):
    x = ecg()[40 : 40 + n]
    for net in (bundled_net(), any_net(20, 1, 0.5, 0.3, 0.1)):
        assert found(CoreDetector(net), x) == found(NumpyDetector(net), x)


@compiled
def test_what_is_not_kept_any_more_is_an_error():
    ring = Ring(150)
    ring.write(np.ones(1000, np.float32))
    for detector in (CoreDetector(bundled_net()), NumpyDetector(bundled_net())):
        with pytest.raises(IndexError):
            detector.advance(ring, False)


@compiled
def test_a_wider_network_runs_in_numpy():
    assert isinstance(BeatDetector(any_net(21, 0))._finder, NumpyDetector)
    assert isinstance(BeatDetector(any_net(20, 0))._finder, CoreDetector)


@compiled
def test_what_the_compiled_core_refuses():
    net, values = in_core(bundled_net()), np.zeros(10 + 10 * 3 + 4, np.float32)
    core.BeatNet(1, values, 0.5, 0.2)
    for channels in (0, -1, 2, 21, 2**30):
        with pytest.raises(ValueError, match="wanted"):
            core.BeatNet(channels, values, 0.5, 0.2)
    with pytest.raises(ValueError, match="finite"):
        core.BeatNet(1, values, np.nan, 0.2)
    with pytest.raises(TypeError):
        core.BeatNet(1, values.astype(float), 0.5, 0.2)
    with pytest.raises(ValueError, match="220"):
        net.run(np.zeros(219, np.float32))
    with pytest.raises(TypeError):
        core.Detector(bundled_net())
    detector, ring = core.Detector(net), np.zeros(400, np.float32)
    assert detector.advance(ring, 100, False) == []
    for wrong in (ring[:0], ring[:399]):
        with pytest.raises(ValueError, match="twice"):
            detector.advance(wrong, 0, False)
    for written in (-1, 2**50 + 1):
        with pytest.raises(ValueError, match="samples"):
            detector.advance(ring, written, False)
    with pytest.raises(OverflowError):
        detector.advance(ring, 2**64, False)
