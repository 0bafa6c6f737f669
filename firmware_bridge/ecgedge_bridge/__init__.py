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

from ecgedge_bridge.errors import ConfigError, EcgEdgeError, FrameError, LinkError, ModelError

if TYPE_CHECKING:
    from ecgedge_bridge.capture.file import CaptureWriter, read_capture
    from ecgedge_bridge.capture.record import record
    from ecgedge_bridge.capture.replay import replay
    from ecgedge_bridge.checkup.findings import Checkup, findings
    from ecgedge_bridge.checkup.measure import examine
    from ecgedge_bridge.link.bleak_radio import Backend, connect, scan
    from ecgedge_bridge.link.conversation import OnNotification
    from ecgedge_bridge.link.radio import Found
    from ecgedge_bridge.link.states import LinkTiming
    from ecgedge_bridge.link.wearable import OnEvent, OnStatus, Wearable
    from ecgedge_bridge.protocols.described.profile import GattProfile, load_profile
    from ecgedge_bridge.protocols.movesense.firmware import MovesenseFirmwareDecoder
    from ecgedge_bridge.protocols.movesense.sensor_data import MovesenseDecoder
    from ecgedge_bridge.protocols.own.frames import FrameDecoder
    from ecgedge_bridge.protocols.polar.decoder import PolarAccDecoder, PolarEcgDecoder
    from ecgedge_bridge.protocols.profiles import PROFILES, Profile, find_profile, profile_for
    from ecgedge_bridge.protocols.session import Offered, Session, WearableEvent
    from ecgedge_bridge.simulation.engine import Air, VirtualCharacteristic, VirtualService, VirtualWearable
    from ecgedge_bridge.simulation.faults import Fault, Ledger, Lost
    from ecgedge_bridge.simulation.h10 import VirtualH10
    from ecgedge_bridge.simulation.movesense import VirtualMovesense, VirtualMovesenseFirmware
    from ecgedge_bridge.simulation.on_air import WearableServer, virtual_strap, virtual_wearable
    from ecgedge_bridge.simulation.sensors import VirtualEcgEdge, VirtualGatt, VirtualHeartRate
    from ecgedge_bridge.simulation.time import run_simulated
    from ecgedge_bridge.stream.clock import ClockSegment, HostClock
    from ecgedge_bridge.stream.decoder import BlockDecoder, DecoderStats, Event
    from ecgedge_bridge.values import (
        Acceleration,
        Battery,
        DeviceStatus,
        HeartRate,
        JsonEvent,
        SampleBlock,
        Samples,
    )

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
    "FrameDecoder": ".protocols.own.frames",
    "MovesenseDecoder": ".protocols.movesense.sensor_data",
    "MovesenseFirmwareDecoder": ".protocols.movesense.firmware",
    "HostClock": ".stream.clock",
    "ClockSegment": ".stream.clock",
    "CaptureWriter": ".capture.file",
    "read_capture": ".capture.file",
    "record": ".capture.record",
    "replay": ".capture.replay",
    "Checkup": ".checkup.findings",
    "findings": ".checkup.findings",
    "examine": ".checkup.measure",
    "OnNotification": ".link.conversation",
    "BlockDecoder": ".stream.decoder",
    "DecoderStats": ".stream.decoder",
    "Event": ".stream.decoder",
    "PolarAccDecoder": ".protocols.polar.decoder",
    "PolarEcgDecoder": ".protocols.polar.decoder",
    "GattProfile": ".protocols.described.profile",
    "load_profile": ".protocols.described.profile",
    "Backend": ".link.bleak_radio",
    "connect": ".link.bleak_radio",
    "scan": ".link.bleak_radio",
    "WearableServer": ".simulation.on_air",
    "virtual_strap": ".simulation.on_air",
    "virtual_wearable": ".simulation.on_air",
    "PROFILES": ".protocols.profiles",
    "Profile": ".protocols.profiles",
    "find_profile": ".protocols.profiles",
    "profile_for": ".protocols.profiles",
    "Found": ".link.radio",
    "Offered": ".protocols.session",
    "Session": ".protocols.session",
    "WearableEvent": ".protocols.session",
    "LinkTiming": ".link.states",
    "Acceleration": ".values",
    "Battery": ".values",
    "DeviceStatus": ".values",
    "HeartRate": ".values",
    "JsonEvent": ".values",
    "SampleBlock": ".values",
    "Samples": ".values",
    "Air": ".simulation.engine",
    "VirtualCharacteristic": ".simulation.engine",
    "VirtualService": ".simulation.engine",
    "VirtualWearable": ".simulation.engine",
    "Fault": ".simulation.faults",
    "Ledger": ".simulation.faults",
    "Lost": ".simulation.faults",
    "VirtualH10": ".simulation.h10",
    "VirtualMovesense": ".simulation.movesense",
    "VirtualMovesenseFirmware": ".simulation.movesense",
    "VirtualEcgEdge": ".simulation.sensors",
    "VirtualGatt": ".simulation.sensors",
    "VirtualHeartRate": ".simulation.sensors",
    "run_simulated": ".simulation.time",
    "OnEvent": ".link.wearable",
    "OnStatus": ".link.wearable",
    "Wearable": ".link.wearable",
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
