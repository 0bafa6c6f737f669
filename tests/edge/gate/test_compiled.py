"""The compiled gate gives the bits of the numpy code, and refuses what it cannot take."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecgedge.arithmetic.core import core
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.gate import clipping, features, units
from ecgedge.gate.features import Beats
from ecgedge.gate.model import CompiledJudge, GateModel, NumpyJudge, flat_share, flat_share_in_numpy

pytestmark = pytest.mark.skipif(core is None, reason="no compiled core here")

KINDS = ("noise", "steps", "flat", "spikes", "ecg", "wander")


@st.composite
def windows(draw, shortest=10):
    """A window of any length and size, with the rate it is taken for."""
    n = draw(st.integers(shortest, 1300))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x = made(draw(st.sampled_from(KINDS)), n, rng)
    scale = draw(st.sampled_from([0.0, 1e-40, 1e-6, 0.3, 1.0, 50.0, 1e6, 1e12]))
    offset = draw(st.sampled_from([0.0, 1.0, -1e5]))
    return (scale * x + offset).astype(np.float32), draw(st.sampled_from([25.0, 100.0, 128.0, 360.0]))


def made(kind, n, rng):
    if kind == "ecg":
        mv = synthesize([Segment("pvc", n / 100 + 1, 80.0)], 100.0, seed=int(rng.integers(99))).mv
        return mv[:n]
    noise = rng.standard_normal(n)
    if kind == "wander":
        return np.clip(3.0 * np.sin(np.arange(n) * rng.uniform(0.001, 0.1)), -1.0, 2.0) + 0.001 * noise
    if kind == "spikes":
        return noise * (rng.random(n) > 0.97)
    return {"noise": noise, "steps": np.round(2.0 * noise) / 2.0, "flat": np.zeros(n)}[kind]


@st.composite
def beats_in(draw, n):
    k = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    at = np.sort(rng.uniform(0.0, n, k))
    if draw(st.booleans()):
        at = np.arange(draw(st.integers(0, 40)), n, 77.25)
    return Beats(at, rng.uniform(0.5, 1.0, len(at)))


@given(st.data())
def test_features_have_the_same_bits(data):
    x, fs = data.draw(windows())
    beats = data.draw(beats_in(len(x)))
    ours, theirs = features.gate_features(x, beats, fs), features.in_numpy(x, beats, fs)
    assert ours.tobytes() == theirs.tobytes()
    assert np.isfinite(ours).all()


@given(st.data())
def test_verdicts_have_the_same_bits(data):
    x, _ = data.draw(windows())
    assume(np.abs(x).max() < 1e5)
    beats = data.draw(beats_in(len(x)))
    before = data.draw(st.none() | st.floats(-1e6, 1e6))
    model = GateModel.load()
    assert CompiledJudge(model)(x, beats, before) == NumpyJudge(model)(x, beats, before)


def test_one_gate_takes_windows_of_any_length_in_turn():
    rng = np.random.default_rng(0)
    judge, reference = CompiledJudge(GateModel.load()), NumpyJudge(GateModel.load())
    for n, k in ((1000, 12), (997, 3), (3000, 137), (200, 0), (1000, 40), (999, 500)):
        x = rng.standard_normal(n).astype(np.float32)
        beats = Beats(np.sort(rng.uniform(0.0, n, k)), rng.random(k))
        assert judge(x, beats, 0.5) == reference(x, beats, 0.5)


@given(windows(shortest=1), st.sampled_from([None, 7, 255, 4000]))
def test_rails_flat_pieces_and_ranges_are_the_same(window, steps):
    x, fs = window
    if steps and np.ptp(x) > 1e-9:
        x = np.round((x - x.min()) * np.float32(steps / np.ptp(x))).astype(np.float32)
    assert clipping.clipping(x, fs) == clipping.in_numpy(x, fs)
    assert flat_share(x, fs) == flat_share_in_numpy(x, fs)
    size = max(1, len(x) // 7)
    pieces = x[: len(x) // size * size].reshape(-1, size)
    assert units.ranges(x, size) == (pieces.max(axis=1) - pieces.min(axis=1)).tolist()


def test_nothing_has_no_rails():
    nothing = np.empty(0, np.float32)
    assert clipping.clipping(nothing, 130.0) == clipping.in_numpy(nothing, 130.0)
    assert flat_share(nothing, 100.0) == flat_share_in_numpy(nothing, 100.0) == 1.0
    assert units.ranges(nothing, 5) == []


@pytest.mark.parametrize("at", [-0.1, 1000.1, np.nan, np.inf, 1e300])
def test_beats_outside_of_the_window_are_refused(at):
    gate = core.Gate(100.0, np.zeros(106))
    with pytest.raises(ValueError, match="outside"):
        gate.features(np.zeros(1000, np.float32), np.array([at]), np.ones(1))


def test_what_is_no_window_is_refused():
    gate, x, none = core.Gate(100.0, np.zeros(106)), np.zeros(1000, np.float32), np.zeros(0)
    for n in (0, 9, 131_073):
        with pytest.raises(ValueError, match="is none"):
            gate.features(np.zeros(n, np.float32), none, none)
    with pytest.raises(ValueError, match="is none"):
        gate.features(x, np.zeros(4097), np.zeros(4097))
    with pytest.raises(ValueError, match="of 0 values"):
        gate.features(x, none, np.zeros(1))
    for bad in (x.astype(np.float64), b"", x[::2], 3, None):
        with pytest.raises((TypeError, ValueError, BufferError)):
            gate.features(bad, none, none)
    with pytest.raises(TypeError):
        gate.assess(x, none, none, "before")
    for fs in (0.0, np.nan, 1e9):
        with pytest.raises(ValueError, match="rate"):
            core.Gate(fs, np.zeros(106))
    with pytest.raises(ValueError, match="106 values"):
        core.Gate(100.0, np.zeros(105))
    with pytest.raises(ValueError, match="not initialised"):
        core.Gate.__new__(core.Gate).features(x, none, none)
    with pytest.raises(ValueError, match="pieces"):
        core.ranges(x, 0)
