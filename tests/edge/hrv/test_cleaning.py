"""Which intervals the cleaner keeps: ectopic, missed and extra beats, breaks, even and wild rhythms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.hrv import RrCleaner
from ecgedge.hrv.cleaning import AHEAD, LONGEST_US, WARM_UP


def beats(n=60, seed=0, spread_s=0.02):
    rng = np.random.default_rng(seed)
    return np.cumsum(0.85 + 0.03 * np.sin(np.arange(n) / 4) + rng.normal(0, spread_s, n))


def cleaned(times):
    cleaner = RrCleaner()
    out = [i for t in times for i in cleaner.push(float(t))]
    return out + cleaner.end_run()


def odd(times):
    """Indices of the beats that end an interval left out."""
    return [i + 1 for i, interval in enumerate(cleaned(times)) if not interval.normal]


def test_a_clean_rhythm_keeps_every_interval():
    times = beats()
    out = cleaned(times)
    assert all(i.normal for i in out)
    np.testing.assert_allclose([i.rr_us * 1e-6 for i in out], np.diff(times), atol=5e-7)
    np.testing.assert_allclose([i.end_s for i in out], times[1:])
    assert [i.follows for i in out] == [False] + [True] * (len(out) - 1)


@pytest.mark.parametrize("shift_s", [-0.35, -0.25, 0.3])
def test_an_early_or_late_beat_takes_the_intervals_on_both_sides(shift_s):
    times = beats()
    times[30] += shift_s
    assert odd(times) == [30, 31]


def test_an_early_beat_that_resets_the_rhythm_takes_both_sides_too():
    times = beats()
    times[30:] -= 0.35
    assert odd(times) == [30, 31]


def test_a_missed_beat_takes_the_long_interval_alone():
    assert odd(np.delete(beats(), 30)) == [30]


@pytest.mark.parametrize("where", [0.3, 0.5, 0.7])
def test_an_extra_beat_takes_both_halves(where):
    times = beats()
    left_out = odd(np.insert(times, 31, times[30] + where * (times[31] - times[30])))
    # Two short intervals in a row may be a couplet as well: the interval after it is then left out, too.
    assert left_out in ([31, 32], [31, 32, 33])


def test_a_run_of_five_ectopic_beats_leaves_only_sinus_intervals():
    times = beats()
    times[30:35] = times[29] + 0.45 * np.arange(1, 6)
    times[35:] += times[34] + 1.1 - times[35]
    kept = [i.rr_us for i in cleaned(times) if i.normal]
    inside = [i for i in cleaned(times) if times[29] < i.end_s <= times[35]]
    assert not inside[0].normal
    assert not inside[-1].normal
    assert len(kept) >= 50


def test_slow_change_of_rate_is_kept():
    assert odd(np.cumsum(np.linspace(1.1, 0.5, 200))) == []


def test_deep_breathing_of_a_young_heart_is_kept():
    assert odd(np.cumsum(0.95 + 0.15 * np.sin(np.arange(120) * 2 * np.pi / 8))) == []


def test_an_interval_no_heart_makes_is_left_out():
    times = np.insert(beats(), 31, beats()[30] + 0.05)
    assert odd(times)[:2] == [31, 32]


def test_a_break_joins_nothing_and_the_first_interval_after_it_follows_none():
    times = beats()
    cleaner = RrCleaner()
    out = [i for t in times[:30] for i in cleaner.push(float(t))] + cleaner.end_run()
    out += [i for t in times[30:] for i in cleaner.push(float(t))] + cleaner.end_run()
    assert len(out) == len(times) - 2
    assert [k for k, i in enumerate(out) if not i.follows] == [0, 29]


def test_a_pause_longer_than_three_seconds_is_a_break():
    times = np.concatenate([beats(30), 60 + beats(30)])
    assert len(cleaned(times)) == 58
    assert max(i.rr_us for i in cleaned(times)) < LONGEST_US


def test_beats_out_of_order_are_refused():
    cleaner = RrCleaner()
    cleaner.push(1.0)
    with pytest.raises(ValueError, match="ascend"):
        cleaner.push(1.0)


def test_verdicts_come_two_intervals_behind_once_it_is_warm():
    times, cleaner = beats(), RrCleaner()
    given_out = [len(cleaner.push(float(t))) for t in times]
    assert sum(given_out[: WARM_UP - 1]) == 0
    assert sum(given_out) == len(times) - 1 - AHEAD
    assert set(given_out[WARM_UP + 1 :]) == {1}


@settings(max_examples=80, deadline=None)
@given(rr=st.lists(st.floats(0.002, 4.0), max_size=200))
def test_whatever_comes_every_interval_is_judged_once_and_in_order(rr):
    times = np.cumsum([1.0, *rr])
    out = cleaned(times)
    short = int(np.sum(np.round(np.diff(times) * 1e6) <= LONGEST_US))
    assert len(out) == short
    assert [i.end_s for i in out] == sorted({i.end_s for i in out})
    assert not any(i.normal for i in out if i.rr_us < 240_000)


def test_memory_does_not_grow():
    cleaner = RrCleaner()
    for t in beats(20_000):
        cleaner.push(float(t))
    held = [v for v in vars(cleaner).values() if isinstance(v, list)]
    assert held
    assert all(len(v) < 100 for v in held)
