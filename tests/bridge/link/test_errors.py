"""What the link finds and what it refuses, each with a message that says what to do."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import (
    ConfigError,
    Fault,
    LinkError,
    LinkTiming,
    VirtualH10,
    VirtualHeartRate,
    VirtualService,
    connect,
    scan,
    virtual_strap,
)
from ecgedge_bridge.link.bleak_radio import _BleakRadio
from ecgedge_bridge.protocols.polar.control import GET_ECG_SETTINGS, START_ECG, STOP_ECG

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


async def test_a_device_without_a_known_service_is_refused_with_advice() -> None:
    class Battery(VirtualHeartRate):
        def services(self) -> Sequence[VirtualService]:
            return super().services()[1:]

    strap = Battery([60.0], name="Polar H7 1")
    async with virtual_strap(strap) as backend:
        with pytest.raises(LinkError, match=r"no service that is known: .*TOML"):
            async with connect("Polar H7", backend=backend):
                pass


async def test_a_device_without_the_profiles_characteristic_is_refused_with_advice() -> None:
    async with virtual_strap(VirtualHeartRate([60.0])) as backend:
        with pytest.raises(LinkError, match="no characteristic fb005c81"):
            async with connect("HRM", backend=backend, profile="polar"):
                pass


async def test_a_device_that_wants_pairing_is_refused_with_advice() -> None:
    async with virtual_strap(VirtualH10(ecg(1), needs_pairing=True)) as backend:
        with pytest.raises(LinkError, match="pair=True"):
            async with connect("Polar H10", backend=backend):
                pass


async def test_a_device_that_wants_pairing_streams_once_paired() -> None:
    mv = ecg(2)
    strap = VirtualH10(mv, speed=100, needs_pairing=True)
    async with (
        virtual_strap(strap) as backend,
        connect("Polar H10", backend=backend, pair=True) as wearable,
        asyncio.timeout(20),
    ):
        async for block in wearable:
            if block.end_sample == len(mv):
                break
    assert strap.commands[-1] == STOP_ECG
    assert wearable.stats.samples == len(mv)


async def test_a_device_that_never_answers_is_given_up() -> None:
    timing = LinkTiming(command_s=0.1, back_off_s=0.01)
    strap = VirtualH10(ecg(1), faults=[Fault(0.0, "no_answer") for _ in range(3)])
    async with virtual_strap(strap) as backend:
        with pytest.raises(LinkError, match=r"in 3 tries \(no answer in time\)"):
            async with connect("Polar H10", backend=backend, timing=timing):
                pass


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"profile": "garmin"}, "unknown profile 'garmin': use one of polar, movesense"),
        ({"extras": ["ppg"]}, "unknown extras"),
    ],
)
async def test_what_nobody_offers_is_refused_before_anything_is_searched(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        async with connect("Polar H10", **wrong):
            pass


async def test_a_rate_that_the_profile_does_not_have_is_refused() -> None:
    async with virtual_strap(VirtualH10(ecg(1))) as backend:
        with pytest.raises(ConfigError, match="polar has no rate of 250 Hz: use one of 130"):
            async with connect("Polar H10", backend=backend, fs=250):
                pass


async def test_the_adapter_is_passed_on_to_both_sides_of_the_stack() -> None:
    radio = _BleakRadio(None, "hci1", {"pair": True}, 1.0)
    assert radio._scanner == {"bluez": {"adapter": "hci1"}}
    assert radio._client == {"bluez": {"adapter": "hci1"}, "pair": True}


async def test_options_that_bleak_does_not_have_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        async with connect("Polar H10", colour="red"):
            pass
