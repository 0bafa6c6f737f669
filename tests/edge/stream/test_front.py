"""The compiled front end, ring and amplitude against their numpy twins: the same bits, whatever comes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.arithmetic.core import core
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.stream import intake
from ecgedge.stream.amplitude import FLOOR_MV, PIECE_S, scaled
from ecgedge.stream.filters import Chain, CompiledFront, Fir, FrontEnd, Resampler, resampler
from ecgedge.stream.intake import LIMIT
from ecgedge.stream.ring import append

pytestmark = pytest.mark.skipif(core is None, reason="no compiled core here")

FRONT = FrontEnd.default(100.0)
ECG = synthesize([Segment("sinus", 8.0, 70.0), Segment("af", 8.0, 110.0)], 130.0, 3).mv.astype(np.float64)
hostile = st.sampled_from([0.0, -0.0, 5e-324, -2.3e-308, 1e-30, 1.0, -3.7, 2.0**31, 1e12, -1e12])
rates = st.sampled_from([50.0, 99.7, 100.0, 125.0, 128.0, 130.0, 250.0, 497.3, 1000.0, 4000.0])
signals = st.one_of(
    st.lists(hostile, max_size=700).map(np.array),
    st.lists(st.floats(-5.0, 5.0), max_size=300).map(np.array),
    st.tuples(st.integers(0, 1500), st.integers(0, 2000)).map(lambda cut: ECG[cut[0] : cut[0] + cut[1]]),
)
cuts = st.lists(st.integers(0, 2000), max_size=12)


def both(fs, taps=FRONT.taps):
    """The compiled filters and the reference, for a stream at ``fs``."""
    filters = Resampler(fs, FRONT.fs, **FRONT.resampler), Fir(taps)
    return CompiledFront(*filters), Chain(*filters)


def fed(filters, x, at):
    """Everything that filters give for ``x`` cut at some places, piece by piece."""
    edges = [0, *sorted(min(place, len(x)) for place in at), len(x)]
    return [*(filters.feed(x[a:b]) for a, b in pairwise(edges)), filters.finish()]


@settings(deadline=None, max_examples=300)
@given(rates, signals, cuts, st.sampled_from([FRONT.taps, (1.0,), (0.25, 0.5, 0.25)]))
def test_every_piece_of_output_has_the_same_bits(fs, x, at, taps):
    compiled, reference = both(fs, taps)
    for _ in range(2):  # finish() begins a new segment
        pairs = zip(fed(compiled, x, at), fed(reference, x, at), strict=True)
        assert all(one.tobytes() == other.tobytes() for one, other in pairs)


@settings(deadline=None)
@given(rates, signals, cuts)
def test_reset_forgets_as_in_the_reference(fs, x, at):
    compiled, reference = both(fs)
    for filters in (compiled, reference):
        filters.feed(ECG[: len(x)])
        filters.reset()
    one, other = (np.concatenate(fed(filters, x, at)) for filters in (compiled, reference))
    assert one.tobytes() == other.tobytes()


def test_a_long_piece_passes_through_the_small_memory_of_the_filters():
    x = np.random.default_rng(0).standard_normal(100_000)
    compiled, reference = (np.concatenate(fed(filters, x, [])) for filters in both(130.0))
    assert compiled.tobytes() == reference.tobytes()


@pytest.mark.parametrize("x", [[1, 2, 3], np.arange(600, dtype=np.float32)[::2], np.ones(300, np.int16)])
def test_any_array_of_numbers_is_taken(x):
    compiled, reference = (np.concatenate(fed(filters, x, [2])) for filters in both(130.0))
    assert compiled.tobytes() == reference.tobytes()


GOOD = (1, 1, 4, np.ones(8), np.ones(12), np.ones(3))


@pytest.mark.parametrize(
    ("place", "bad", "error"),
    [
        (0, 0, ValueError),
        (1, -1, ValueError),
        (1, 7, ValueError),  # a step from one output to the next longer than the kernel
        (2, 1 << 30, ValueError),
        (2, 1 << 40, OverflowError),
        (3, np.ones(7), ValueError),
        (3, np.ones(8, np.float32), TypeError),
        (3, None, TypeError),
        (4, np.ones(13), ValueError),
        (4, np.ones(0), ValueError),
        (5, np.ones(2), ValueError),
        (5, np.ones(0), ValueError),
        (5, np.ones(6)[::2], (ValueError, BufferError)),
    ],
)
def test_what_is_no_design_is_refused(place, bad, error):
    core.Front(*GOOD)
    with pytest.raises(error):
        core.Front(*GOOD[:place], bad, *GOOD[place + 1 :])


@pytest.mark.parametrize("x", [None, [1.0], np.ones(3, np.float32), b"12345678", np.ones(6)[::2]])
def test_what_are_no_samples_is_refused(x):
    with pytest.raises((TypeError, ValueError, BufferError)):
        core.Front(*GOOD).feed(x)


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.lists(st.lists(hostile, max_size=90), max_size=8),
    st.sampled_from([0.0, 0.3, -1e12]),
)
def test_a_ring_is_written_as_by_numpy(capacity, pieces, less):
    ours, reference = np.zeros(2 * capacity, np.float32), np.zeros(2 * capacity, np.float32)
    written = 0
    for piece in pieces:
        x = np.array(piece)
        core.ring_write(ours, written, x, less)
        append(reference, written, x, less)
        written += len(x)
        assert ours.tobytes() == reference.tobytes()


@pytest.mark.parametrize(
    ("store", "written", "x"),
    [
        (np.zeros(1, np.float32), 0, np.zeros(2)),
        (np.zeros(4, np.float32), -1, np.zeros(2)),
        (np.zeros(4), 0, np.zeros(2)),
        (np.zeros(4, np.float32), 0, np.zeros(2, np.float32)),
        (bytes(16), 0, np.zeros(2)),
    ],
)
def test_what_is_no_ring_is_refused(store, written, x):
    with pytest.raises((TypeError, ValueError, BufferError)):
        core.ring_write(store, written, x, 0.0)


@given(st.lists(st.one_of(hostile, st.sampled_from([np.nan, np.inf, np.nextafter(1e12, 2e12)])), max_size=40))
def test_what_is_within_the_limit(x):
    x = np.array(x, np.float64)
    assert core.within(x, LIMIT) == intake.within(x, LIMIT) == all(abs(value) <= LIMIT for value in x)


@settings(deadline=None)
@given(
    st.lists(st.floats(-(2.0**40), 2.0**40, width=32), max_size=900),
    st.integers(1, 1000),
    st.sampled_from([0.5, 1.0, 20.0, 100.0]),
    st.sampled_from([0.0, 1.5, 4.0]),
)
def test_a_models_input_has_the_same_bits(x, n, fs, clip):
    x, size = np.array(x, np.float32), round(PIECE_S * fs)
    n = min(n, 64 * size)
    ours = core.model_input(x, size, FLOOR_MV, n, clip)
    assert ours == scaled(x[-n:], fs, n, clip).tobytes()


@pytest.mark.parametrize(
    ("size", "floor", "n", "clip"),
    [
        (0, 0.02, 4, 1.0),
        (2, 0.0, 4, 1.0),
        (2, np.nan, 4, 1.0),
        (2, 0.02, 0, 1.0),
        (2, 0.02, 4, -1.0),
        (1, 0.02, 90, 1.0),
    ],
)
def test_an_input_without_meaning_is_refused(size, floor, n, clip):
    with pytest.raises(ValueError, match=r"above 0|pieces"):
        core.model_input(np.ones(100, np.float32), size, floor, n, clip)


@settings(deadline=None)
@given(st.sampled_from([(100.0, 250.0), (250.0, 130.0), (500.0, 100.0), (100.0, 497.3)]), signals, cuts)
def test_a_resampler_alone_has_the_same_bits(ratio, x, at):
    reference = Resampler(*ratio, **FRONT.resampler)
    one, other = (np.concatenate(fed(f, x, at)) for f in (resampler(*ratio, **FRONT.resampler), reference))
    assert one.tobytes() == other.tobytes()
