"""Whose turn it is to connect: fair, within what adapters hold, one at a time."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.link.turns import Path, Turns


def near(*paths: Path):
    return lambda _who: paths


def test_who_has_waited_longest_connects_next_and_a_failure_goes_to_the_end() -> None:
    turns = Turns(stagger_s=0.0)
    for at, who in enumerate("abc"):
        turns.wait(who, at)
    one = near(Path("hci0", -50))
    order = []
    for now in range(10, 16):
        [(who, _)] = turns.next(now, one)
        order.append(who)
        assert turns.next(now, one) == []  # one attempt at a time
        turns.failed(who, now)
    assert order == list("abcabc")


def test_attempts_of_an_adapter_are_staggered_and_links_are_limited() -> None:
    turns = Turns(links=2, stagger_s=1.0)
    for who in "abcd":
        turns.wait(who, 0.0)
    one = near(Path("hci0", -50))
    assert [turn.who for turn in turns.next(0.0, one)] == ["a"]
    turns.connected("a", "hci0")
    assert turns.next(0.5, one) == []
    assert [turn.who for turn in turns.next(1.0, one)] == ["b"]
    turns.connected("b", "hci0")
    assert turns.next(5.0, one) == []
    assert turns.held == Counter(hci0=2)
    turns.leave("a")
    assert [turn.who for turn in turns.next(6.0, one)] == ["c"]


def test_who_is_not_heard_keeps_nobody_waiting() -> None:
    turns = Turns()
    turns.wait("away", 0.0)
    turns.wait("here", 1.0)
    heard = {"here": [Path("hci0", -90)]}
    assert [turn.who for turn in turns.next(2.0, lambda who: heard.get(who, ()))] == ["here"]


def test_the_adapter_that_hears_best_among_those_with_room() -> None:
    turns = Turns(links=1)
    for who in "abc":
        turns.wait(who, 0.0)
    both = near(Path("hci0", -50), Path("esp", -70))
    assert turns.next(0.0, both) == [("a", "hci0"), ("b", "esp")]
    turns.connected("a", "hci0")
    turns.connected("b", "esp")
    assert turns.next(9.0, near(Path("hci0", -50), Path("esp", -70), Path("esp2", -99, False))) == []
    assert turns.next(9.0, near(Path("esp2", -99))) == [("c", "esp2")]


@given(st.data())
def test_nobody_starves_and_no_adapter_holds_too_much(data: st.DataObject) -> None:
    turns, names = Turns(links=3, stagger_s=1.0), [f"bed {n}" for n in range(12)]
    adapters = ("hci0", "hci1", "esp")
    for who in names:
        turns.wait(who, 0.0)
    tries: Counter[str] = Counter()
    every = near(*(Path(adapter, -50 - n) for n, adapter in enumerate(adapters)))
    for now in range(1, 40):
        for who, adapter in turns.next(float(now), every):
            tries[who] += 1
            if data.draw(st.booleans()):
                turns.connected(who, adapter)
            else:
                turns.failed(who, float(now))
        assert max(turns.held.values(), default=0) <= 3
        if data.draw(st.integers(0, 5)) == 0 and turns.held:
            gone = data.draw(st.sampled_from(sorted(turns._held)))
            turns.wait(gone, float(now))
    if sum(turns.held.values()) < 9:
        assert min(tries[who] for who in names) >= 1
