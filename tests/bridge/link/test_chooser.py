"""What a browser's chooser is given: it lists every kind of wearable, and hides nothing that is needed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ecgedge_bridge import (
    PROFILES,
    Profile,
    VirtualEcgEdge,
    VirtualGatt,
    VirtualH10,
    VirtualHeartRate,
    VirtualMovesense,
    VirtualMovesenseFirmware,
    VirtualWearable,
    load_profile,
)
from ecgedge_bridge.link.chooser import chooser
from ecgedge_bridge.protocols.described.profile import parse_profile
from ecgedge_bridge.protocols.profiles import described_profile

# What Web Bluetooth takes: 128 bits in lower case; a name prefix is a text that is not empty.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BATTERY, HEART_RATE, INFORMATION = (f"0000{n}-0000-1000-8000-00805f9b34fb" for n in ("180f", "180d", "180a"))
HOBBY = described_profile(
    parse_profile(
        """
name = "my AD8232"
service = "6E400001-b5a3-f393-e0a9-e50e24dcca9e"
characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
fs = 250
dtype = "int16"
scale_mv = 0.001
names = ["Hobby"]
"""
    )
)
VIRTUAL: dict[str, VirtualWearable] = {
    "polar": VirtualH10([0.0]),
    "movesense": VirtualMovesense([0.0]),
    "movesense_firmware": VirtualMovesenseFirmware([0.0]),
    "healthypi": VirtualGatt([0.0], load_profile("healthypi")),
    "healthypi5": VirtualGatt([0.0], load_profile("healthypi5")),
    "ecgedge": VirtualEcgEdge([0.0]),
    "heart_rate": VirtualHeartRate([60.0]),
}


def listed(given: dict[str, Any], name: str, advertised: tuple[str, ...]) -> bool:
    """Whether a browser lists a device: one filter has to fit in all that it says."""
    return any(
        name.startswith(one.get("namePrefix", "")) and set(one.get("services", ())) <= set(advertised)
        for one in given["filters"]
    )


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_each_kind_is_listed_and_all_of_it_can_be_reached(profile: Profile) -> None:
    given = chooser([profile])
    wearable = VIRTUAL[profile.name]
    assert listed(given, wearable.name, wearable.air.advertised)
    needed = {service.uuid for service in wearable.services()}
    assert needed | {BATTERY, HEART_RATE, INFORMATION} <= set(given["optionalServices"])
    assert not listed(given, "Headphones", ())


def test_all_kinds_together_are_what_a_browser_takes() -> None:
    given = chooser([HOBBY, *PROFILES.values()])
    assert given == json.loads(json.dumps(given))
    for wearable in VIRTUAL.values():
        assert listed(given, wearable.name, ()) or listed(given, "", wearable.air.advertised)
    assert listed(given, "Polar H10 12345678", ())
    assert listed(given, "Polar H7 12345678", (HEART_RATE,))
    assert listed(given, "Hobby 7", ())
    assert not listed(given, "Headphones", (BATTERY,))
    services = [uuid for one in given["filters"] for uuid in one.get("services", ())]
    assert all(UUID.fullmatch(uuid) for uuid in (*services, *given["optionalServices"]))
    assert all(one["namePrefix"] for one in given["filters"] if "namePrefix" in one)
    assert len(set(given["optionalServices"])) == len(given["optionalServices"])
    assert len({json.dumps(one) for one in given["filters"]}) == len(given["filters"])


def test_everything_that_is_near_can_be_listed_too() -> None:
    given = chooser([HOBBY], everything=True)
    assert set(given) == {"acceptAllDevices", "optionalServices"}
    assert given["acceptAllDevices"] is True
    assert "6e400001-b5a3-f393-e0a9-e50e24dcca9e" in given["optionalServices"]
