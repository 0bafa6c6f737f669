"""The link's table and its times."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge import LinkTiming
from ecgedge_bridge.link.states import TRANSITIONS, Outcome, State


def test_every_state_but_the_last_has_a_way_on() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.STOPPED}
    assert set(TRANSITIONS.values()) == set(State) - {State.STOPPED}


def test_whatever_is_lost_leads_over_a_pause_to_a_fresh_scan() -> None:
    lost = {state: to for (state, outcome), to in TRANSITIONS.items() if outcome is Outcome.LOST}
    assert set(lost) == set(State) - {State.STOPPED, State.BACKING_OFF}
    assert set(lost.values()) == {State.BACKING_OFF}
    assert TRANSITIONS[State.BACKING_OFF, Outcome.DONE] is State.SCANNING


def test_streaming_is_reached_in_this_order() -> None:
    way = [State.SCANNING]
    while way[-1] is not State.STREAMING:
        way.append(TRANSITIONS[way[-1], Outcome.DONE])
    assert [state.value for state in way] == ["scanning", "connecting", "setting_up", "waiting", "streaming"]


def test_pauses_double_up_to_the_limit() -> None:
    timing = LinkTiming()
    assert [timing.back_off(i, 0.0) for i in range(7)] == [1, 2, 4, 8, 16, 30, 30]


@given(st.integers(0, 10**9), st.floats(-1, 1))
def test_pauses_are_bounded_and_spread(attempt: int, spread: float) -> None:
    timing = LinkTiming()
    middle = timing.back_off(attempt, 0.0)
    assert 0 < middle <= 30
    assert middle * 0.75 <= timing.back_off(attempt, spread) <= middle * 1.25


@pytest.mark.parametrize(("name", "value"), list(product(LinkTiming.__slots__, [-1.0, float("nan")])))
def test_times_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        LinkTiming(**{name: value})


def test_scaled_times_follow_the_wearables_clock_but_not_the_radios() -> None:
    plain, fast = LinkTiming(), LinkTiming().scaled(2)
    assert (fast.first_frame_s, fast.no_data_s, fast.back_off_s, fast.back_off_max_s) == (20, 1.5, 0.5, 15)
    assert (fast.connect_s, fast.command_s, fast.find_s) == (plain.connect_s, plain.command_s, plain.find_s)
    assert LinkTiming().scaled(1e6).no_data_s == 0.3
