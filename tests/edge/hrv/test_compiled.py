"""The compiled way from beats to measures has the bits of the Python code, and refuses nonsense."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.arithmetic.core import core
from ecgedge.hrv import spectrum
from ecgedge.hrv.intervals import CompiledIntervals, PythonIntervals
from ecgedge.hrv.measures import entropy_in_numpy, sample_entropy

pytestmark = pytest.mark.skipif(core is None, reason="no compiled core here")


def both(steps, window_s, hop_s, normal):
    """Take beats through both as the stage does, a verdict every 10 s; what can be asked, side by side."""
    pair = CompiledIntervals(), PythonIntervals(window_s, by_class=True)
    found = [], []
    for one, out in zip(pair, found, strict=True):
        now, due = 0.0, hop_s
        for i, step in enumerate(steps):
            now += step
            one.push(now, normal[i % len(normal)])
            out.append((one.waiting_s, one.silent_s(now + 1.0), one.fresh))
            if i % 97 == 96:
                one.end_run()
            if i % 12 == 0:
                while (next_s := one.keep(due)) is not None or due < now - 5.0:
                    out.append((next_s, one.measured(max(0.0, due - window_s), due), one.fresh))
                    due += hop_s
        one.end_run()
        out.append((one.keep(1e9), one.measured(now - window_s, now), one.fresh, one.waiting_s))
    return found


@settings(deadline=None)
@given(
    seed=st.integers(0, 999),
    n=st.integers(0, 900),
    rr_s=st.floats(0.25, 1.5),
    spread=st.sampled_from([0.0, 0.01, 0.3]),
    window_s=st.sampled_from([10.0, 60.0, 300.0, 600.0]),
    hop_s=st.sampled_from([10.0, 60.0]),
    odd=st.sampled_from([0.0, 0.02, 0.5]),
)
def test_measures_have_the_same_bits(seed, n, rr_s, spread, window_s, hop_s, odd):
    rng = np.random.default_rng(seed)
    steps = rr_s * (1.0 + spread * rng.standard_normal(n)).clip(0.1) + 0.1 * (rng.random(n) < odd)
    steps[rng.random(n) < odd / 10] += 5.0
    compiled, python = both(steps.tolist(), window_s, hop_s, (rng.random(n) >= odd).tolist())
    assert compiled == python


@given(st.lists(st.sampled_from([1e-9, 4e-7, 0.2, 0.25, 0.5, 0.8, 3.0, 3.0000004, 1e6]), max_size=80))
def test_intervals_at_the_limits_are_judged_alike(steps):
    compiled, python = both(steps, 60.0, 1e5, [True])
    assert compiled == python


@given(st.integers(0, 999), st.integers(30, 400), st.sampled_from([1e-6, 1.0, 40.0, 1e6]))
def test_spectra_have_the_same_bits(seed, n, size):
    rng = np.random.default_rng(seed)
    t = 86_400.0 * rng.random() + np.cumsum(rng.uniform(0.9, 1.4, n))
    x = 800.0 + size * rng.standard_normal(n)
    assert spectrum.band_powers(t, x) == spectrum.in_numpy(t, x)


@given(st.lists(st.integers(-(2**30), 2**30), max_size=60), st.integers(0, 2**31 - 1), st.integers(0, 99))
def test_entropies_have_the_same_bits(values, r, seed):
    rng = np.random.default_rng(seed)
    for x in (np.array(values, np.int32), rng.integers(0, 5, len(values)).astype(np.int32)):
        joined = rng.random(len(x)) > 0.1
        for tolerance in (r, 0, 1):
            expected = entropy_in_numpy(x.astype(np.int64), joined, tolerance) if len(x) > 2 else None
            assert sample_entropy(x, joined, tolerance) == expected


def test_what_makes_no_sense_is_refused():
    one = core.Intervals()
    one.push(1.0, True)
    for beat_s in (1.0, 0.5, np.nan, np.inf, 1e300):
        with pytest.raises(ValueError, match=r"ascend|within"):
            one.push(beat_s, True)
    for wrong in ((), (1.0,), ("2", True), (None, True)):
        with pytest.raises(TypeError):
            one.push(*wrong)
    for ask in (one.keep, one.silent_s):
        with pytest.raises(ValueError, match="within"):
            ask(np.nan)
        with pytest.raises(TypeError):
            ask("now")
    with pytest.raises(TypeError):
        core.Intervals(3)
    assert one.measured(0.0, np.nan) is None


def test_arrays_that_make_no_sense_are_refused():
    t, x = np.arange(100.0), np.ones(100)
    for bad in (t[::-1].copy(), t * np.nan, t * 1e15, t + np.inf):
        with pytest.raises(ValueError, match="one after the other"):
            core.band_powers(bad, x)
    with pytest.raises(ValueError, match="too far apart"):
        core.band_powers(t * 1e9, x)
    for wrong in ((t, x[:-1]), (t, x.astype(np.float32)), (t, None), ([1.0], x)):
        with pytest.raises((TypeError, ValueError)):
            core.band_powers(*wrong)
    values, flags = np.zeros(9, np.int32), np.zeros(9, np.uint8)
    for wrong in ((values, flags[1:], 1), (values, flags, -1), (values, flags, 2**31), (flags, flags, 1)):
        with pytest.raises((TypeError, ValueError, OverflowError)):
            core.sample_entropy(*wrong)
