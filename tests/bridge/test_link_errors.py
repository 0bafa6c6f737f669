"""What the link finds and what it refuses, each with a message that says what to do."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bumble.att import ATT_Error, ErrorCode

from ecgedge_bridge import (
    LinkError,
    LinkTiming,
    VirtualH10,
    connect,
    peripheral,
    scan,
    virtual_strap,
)
from ecgedge_bridge.polar import GET_ECG_SETTINGS, START_ECG, STOP_ECG

FAST = LinkTiming(find_s=0.5, no_data_s=0.4, back_off_s=0.01, back_off_max_s=0.05, disconnect_s=1.0)


def ecg(seconds: float) -> np.ndarray:
    return np.random.default_rng(5).integers(-4000, 4000, round(seconds * 130)) / 1000


async def test_scan_lists_what_is_near() -> None:
    strap = VirtualH10(ecg(1), name="Polar H10 11223344", address="F1:00:00:00:00:02")
    async with virtual_strap(strap) as backend:
        (found,) = await scan(0.1, backend=backend)
    assert (found.name, found.address) == ("Polar H10 11223344", "F1:00:00:00:00:02")
    assert found.rssi < 0


@pytest.mark.parametrize("wanted", ["polar h10 0a1b2c3d", "Polar H10", "Polar", "f0:f1:f2:0a:1b:2c"])
async def test_a_strap_is_found_by_name_beginning_or_address(wanted: str) -> None:
    strap = VirtualH10(ecg(2), speed=math.inf)
    async with virtual_strap(strap) as backend, connect(wanted, backend=backend) as wearable:
        assert (wearable.name, wearable.address) == (strap.name, strap.address)


@pytest.mark.parametrize("wanted", ["Polar H1", "H10", "F0:F1:F2:0A:1B:2D"])
async def test_a_strap_that_is_not_there_is_an_error_with_advice(wanted: str) -> None:
    async with virtual_strap(VirtualH10(ecg(1))) as backend:
        with pytest.raises(LinkError, match=r"not found in 0.1 s: put the strap on"):
            async with connect(wanted, backend=backend, find_timeout_s=0.1):
                pass


async def test_a_strap_that_stays_away_ends_the_callers_patience() -> None:
    strap = VirtualH10(ecg(60), speed=50)
    stack = virtual_strap(strap)
    backend = await stack.__aenter__()
    async with connect(strap.name, backend=backend, timing=FAST, find_timeout_s=0.3) as wearable:
        await anext(wearable)
        await stack.__aexit__(None, None, None)
        with pytest.raises(LinkError, match="stayed away"):
            async with asyncio.timeout(20):
                _ = [block async for block in wearable]


async def test_a_stack_without_an_mtu_exchange_is_refused_with_advice() -> None:
    strap = VirtualH10(ecg(5))
    async with virtual_strap(strap, mtu=23) as backend:
        with pytest.raises(LinkError, match="MTU of 232"):
            async with connect(strap.name, backend=backend):
                pass
    assert strap.commands == [GET_ECG_SETTINGS, START_ECG, STOP_ECG]


def changed_server(monkeypatch: pytest.MonkeyPatch, name: str, method: Callable[..., Any]) -> None:
    monkeypatch.setattr(peripheral, "StrapServer", type("Changed", (peripheral.StrapServer,), {name: method}))


async def test_a_device_without_the_service_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = peripheral.StrapServer._services
    changed_server(monkeypatch, "_services", lambda self: whole(self)[1:])
    async with virtual_strap(VirtualH10(ecg(1))) as backend:
        with pytest.raises(LinkError, match="use a Polar H10"):
            async with connect("Polar H10", backend=backend):
                pass


async def test_a_device_that_wants_pairing_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise ATT_Error(error_code=ErrorCode.INSUFFICIENT_AUTHENTICATION)

    changed_server(monkeypatch, "_on_command", refuse)
    async with virtual_strap(VirtualH10(ecg(1))) as backend:
        with pytest.raises(LinkError, match="pair=True"):
            async with connect("Polar H10", backend=backend):
                pass


async def test_a_device_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_server(monkeypatch, "_on_command", lambda *_arguments: None)
    timing = LinkTiming(command_s=0.1, back_off_s=0.01)
    async with virtual_strap(VirtualH10(ecg(1))) as backend:
        with pytest.raises(LinkError, match=r"in 3 tries \(no answer in time\)"):
            async with connect("Polar H10", backend=backend, timing=timing):
                pass


async def test_options_that_bleak_does_not_have_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        async with connect("Polar H10", colour="red"):
            pass
