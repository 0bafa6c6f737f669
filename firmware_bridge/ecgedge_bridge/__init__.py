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

from ecgedge_bridge.lazy import LazyNames

# Every public name, by the module that it lives in. For type checkers `python tests/packaging/stubs.py`
# writes the same into __init__.pyi.
_names = LazyNames(
    __name__,
    {
        "ecgedge_bridge": "connect",
        "ecgedge_bridge.capture.file": "CaptureWriter read_capture",
        "ecgedge_bridge.capture.record": "record",
        "ecgedge_bridge.capture.records": "RecordWriter",
        "ecgedge_bridge.capture.replay": "replay",
        "ecgedge_bridge.checkup.findings": "Checkup findings",
        "ecgedge_bridge.checkup.measure": "examine",
        "ecgedge_bridge.codes": "FrameCode LinkCode NoteCode",
        "ecgedge_bridge.errors": "ConfigError EcgEdgeError FrameError LinkError ModelError",
        "ecgedge_bridge.link.bleak_radio": "Backend connect scan",
        "ecgedge_bridge.link.conversation": "OnNotification",
        "ecgedge_bridge.link.options": "OnEvent OnStatus",
        "ecgedge_bridge.link.radio": "Found",
        "ecgedge_bridge.link.states": "LinkTiming",
        "ecgedge_bridge.link.wearable": "Wearable",
        "ecgedge_bridge.protocols.described.profile": "GattProfile load_profile",
        "ecgedge_bridge.protocols.movesense.firmware": "MovesenseFirmwareDecoder",
        "ecgedge_bridge.protocols.movesense.sensor_data": "MovesenseDecoder",
        "ecgedge_bridge.protocols.own.frames": "FrameDecoder",
        "ecgedge_bridge.protocols.polar.decoder": "PolarAccDecoder PolarEcgDecoder",
        "ecgedge_bridge.protocols.profiles": "PROFILES Profile find_profile profile_for",
        "ecgedge_bridge.protocols.session": "Offered Session WearableEvent",
        "ecgedge_bridge.simulation.engine": "Air VirtualCharacteristic VirtualService VirtualWearable",
        "ecgedge_bridge.simulation.faults": "Fault Ledger Lost",
        "ecgedge_bridge.simulation.h10": "VirtualH10",
        "ecgedge_bridge.simulation.movesense": "VirtualMovesense VirtualMovesenseFirmware",
        "ecgedge_bridge.simulation.on_air": "WearableServer virtual_strap virtual_wearable",
        "ecgedge_bridge.simulation.sensors": "VirtualEcgEdge VirtualGatt VirtualHeartRate",
        "ecgedge_bridge.simulation.time": "run_simulated",
        "ecgedge_bridge.stream.clock": "ClockSegment HostClock",
        "ecgedge_bridge.stream.decoder": "BlockDecoder DecoderStats Event",
        "ecgedge_bridge.values": (
            "Acceleration Battery FrameLost HeartRate JsonEvent LinkState Mark Note Place SampleBlock Samples"
        ),
        "ecgedge_bridge.wired.door": "Wired attach",
        "ecgedge_bridge.wired.numbers": "Scaling",
    },
)
__all__ = _names.all
__getattr__ = _names.load
__dir__ = _names.dir
