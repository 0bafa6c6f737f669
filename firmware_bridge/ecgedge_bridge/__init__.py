"""The wearable's side: from Bluetooth LE to blocks of ECG samples.

Importing this package imports neither bleak nor bumble: every name is loaded when it is
first used.

Examples
--------
::

    from ecgedge_bridge import connect

    async with connect("Polar H10") as wearable:
        async for block in wearable:
            print(block.sample, block.samples)  # mV
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, EcgEdgeError, FrameError, LinkError, ModelError

if TYPE_CHECKING:
    from .capture import CaptureWriter, read_capture
    from .clock import ClockSegment, HostClock
    from .conversation import OnNotification
    from .decoder import BlockDecoder, DecoderStats, Event, PolarAccDecoder, PolarEcgDecoder
    from .doctor import Checkup, findings
    from .examination import examine
    from .frames import FrameDecoder
    from .gatt_profile import GattProfile, load_profile
    from .link import Backend, connect, scan
    from .movesense import MovesenseDecoder
    from .movesense_firmware import MovesenseFirmwareDecoder
    from .peripheral import WearableServer, virtual_strap, virtual_wearable
    from .profiles import PROFILES, Profile, find_profile, profile_for
    from .radio import Found
    from .recorder import record
    from .replay import replay
    from .session import Offered, Session, WearableEvent
    from .states import LinkTiming
    from .types import Acceleration, Battery, DeviceStatus, HeartRate, JsonEvent, SampleBlock, Samples
    from .virtual_engine import Air, VirtualCharacteristic, VirtualService, VirtualWearable
    from .virtual_faults import Fault, Ledger, Lost
    from .virtual_h10 import VirtualH10
    from .virtual_movesense import VirtualMovesense, VirtualMovesenseFirmware
    from .virtual_sensors import VirtualEcgEdge, VirtualGatt, VirtualHeartRate
    from .virtual_time import run_simulated
    from .wearable import OnEvent, OnStatus, Wearable

__all__ = [
    "PROFILES",
    "Acceleration",
    "Air",
    "Backend",
    "Battery",
    "BlockDecoder",
    "CaptureWriter",
    "Checkup",
    "ClockSegment",
    "ConfigError",
    "DecoderStats",
    "DeviceStatus",
    "EcgEdgeError",
    "Event",
    "Fault",
    "Found",
    "FrameDecoder",
    "FrameError",
    "GattProfile",
    "HeartRate",
    "HostClock",
    "JsonEvent",
    "Ledger",
    "LinkError",
    "LinkTiming",
    "Lost",
    "ModelError",
    "MovesenseDecoder",
    "MovesenseFirmwareDecoder",
    "Offered",
    "OnEvent",
    "OnNotification",
    "OnStatus",
    "PolarAccDecoder",
    "PolarEcgDecoder",
    "Profile",
    "SampleBlock",
    "Samples",
    "Session",
    "VirtualCharacteristic",
    "VirtualEcgEdge",
    "VirtualGatt",
    "VirtualH10",
    "VirtualHeartRate",
    "VirtualMovesense",
    "VirtualMovesenseFirmware",
    "VirtualService",
    "VirtualWearable",
    "Wearable",
    "WearableEvent",
    "WearableServer",
    "connect",
    "examine",
    "find_profile",
    "findings",
    "load_profile",
    "profile_for",
    "read_capture",
    "record",
    "replay",
    "run_simulated",
    "scan",
    "virtual_strap",
    "virtual_wearable",
]

_LAZY = {
    "FrameDecoder": ".frames",
    "MovesenseDecoder": ".movesense",
    "MovesenseFirmwareDecoder": ".movesense_firmware",
    "HostClock": ".clock",
    "ClockSegment": ".clock",
    "CaptureWriter": ".capture",
    "read_capture": ".capture",
    "record": ".recorder",
    "replay": ".replay",
    "Checkup": ".doctor",
    "findings": ".doctor",
    "examine": ".examination",
    "OnNotification": ".conversation",
    "BlockDecoder": ".decoder",
    "DecoderStats": ".decoder",
    "Event": ".decoder",
    "PolarAccDecoder": ".decoder",
    "PolarEcgDecoder": ".decoder",
    "GattProfile": ".gatt_profile",
    "load_profile": ".gatt_profile",
    "Backend": ".link",
    "connect": ".link",
    "scan": ".link",
    "WearableServer": ".peripheral",
    "virtual_strap": ".peripheral",
    "virtual_wearable": ".peripheral",
    "PROFILES": ".profiles",
    "Profile": ".profiles",
    "find_profile": ".profiles",
    "profile_for": ".profiles",
    "Found": ".radio",
    "Offered": ".session",
    "Session": ".session",
    "WearableEvent": ".session",
    "LinkTiming": ".states",
    "Acceleration": ".types",
    "Battery": ".types",
    "DeviceStatus": ".types",
    "HeartRate": ".types",
    "JsonEvent": ".types",
    "SampleBlock": ".types",
    "Samples": ".types",
    "Air": ".virtual_engine",
    "VirtualCharacteristic": ".virtual_engine",
    "VirtualService": ".virtual_engine",
    "VirtualWearable": ".virtual_engine",
    "Fault": ".virtual_faults",
    "Ledger": ".virtual_faults",
    "Lost": ".virtual_faults",
    "VirtualH10": ".virtual_h10",
    "VirtualMovesense": ".virtual_movesense",
    "VirtualMovesenseFirmware": ".virtual_movesense",
    "VirtualEcgEdge": ".virtual_sensors",
    "VirtualGatt": ".virtual_sensors",
    "VirtualHeartRate": ".virtual_sensors",
    "run_simulated": ".virtual_time",
    "OnEvent": ".wearable",
    "OnStatus": ".wearable",
    "Wearable": ".wearable",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List also what is not loaded yet."""
    return sorted(set(globals()) | set(_LAZY))
