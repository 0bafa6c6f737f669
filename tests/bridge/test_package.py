"""The package as a whole: light to import, complete, and with examples that run."""

from __future__ import annotations

from typing import Any

import pytest

import ecgedge_bridge

ALIASES = {"Event", "OnEvent", "OnNotification", "OnStatus", "Samples", "WearableEvent"}
HEAVY = ("asyncio", "bleak", "bleak_retry_connector", "bumble", "dbus_fast")


def loaded_after(program: Any, code: str) -> set[str]:
    show = f"{code}; import sys; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = program(show).run()
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import ecgedge_bridge", set()),
        ("from ecgedge_bridge import PolarEcgDecoder, SampleBlock, LinkTiming", set()),
        ("from ecgedge_bridge import VirtualH10, virtual_strap, Wearable", {"asyncio"}),
    ],
)
def test_importing_needs_no_radio(program: Any, code: str, expected: set[str]) -> None:
    assert loaded_after(program, code) == expected


def test_connecting_does_not_need_bumble(program: Any) -> None:
    assert loaded_after(program, "from ecgedge_bridge import connect") & {"bleak", "bumble"} == {"bleak"}


def test_every_public_name_is_there_and_documented() -> None:
    for name in ecgedge_bridge.__all__:
        assert name in dir(ecgedge_bridge)
        value = getattr(ecgedge_bridge, name)
        assert name in ALIASES or value.__doc__


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ecgedge_bridge.nothing
