"""Who hears a free wearable best connects to it."""

from __future__ import annotations

from ecgedge_bridge.forwarding.roaming import Roaming


def asked(roaming: Roaming, begin_s: float, end_s: float, **rssi: int) -> list[str | None]:
    """What is said each half second, while nodes hear it so well."""
    said = []
    for step in range(round(2 * begin_s), round(2 * end_s)):
        for node, value in rssi.items():
            roaming.heard(node, value, step / 2)
        said.append(roaming.choice(step / 2))
    return said


def test_all_are_listened_to_for_a_moment_then_the_best_is_asked_for_as_long_as_it_takes() -> None:
    said = asked(Roaming(), 0.0, 15.0, far=-85, near=-55, middle=-70)
    assert said[:4] == [None] * 4
    assert set(said[4:]) == {"near"}


def test_one_that_does_not_make_it_is_passed_over_for_a_while() -> None:
    said = asked(Roaming(), 0.0, 70.0, far=-85, near=-55)
    order = [one for at, one in enumerate(said) if at == 0 or one != said[at - 1]]
    assert order == [None, "near", "far", "near"] or order == [None, "near", "far", "near", "far"]


def test_one_that_fails_alone_is_asked_again() -> None:
    assert set(asked(Roaming(), 0.0, 60.0, only=-90)[4:]) == {"only"}


def test_what_is_connected_and_free_again_begins_anew() -> None:
    roaming = Roaming()
    assert asked(roaming, 0.0, 5.0, near=-55)[-1] == "near"
    roaming.connected()
    assert roaming.choice(6.0) is None
    said = asked(roaming, 100.0, 104.0, far=-85)
    assert said[:4] == [None] * 4
    assert said[-1] == "far"


def test_what_was_heard_long_ago_is_not_heard_any_more() -> None:
    roaming = Roaming()
    roaming.heard("near", -55, 0.0)
    assert roaming.choice(10.0) is None
    roaming.heard("far", -85, 20.0)
    assert roaming.choice(20.5) is None
    assert asked(roaming, 21.0, 24.0, far=-85)[-1] == "far"
