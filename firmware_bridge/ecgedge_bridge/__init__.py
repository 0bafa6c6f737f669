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
    from .decoder import DecoderStats, PolarEcgDecoder
    from .link import Backend, connect, scan
    from .peripheral import StrapServer, virtual_strap
    from .states import LinkTiming
    from .types import Battery, DeviceStatus, JsonEvent, SampleBlock, Samples
    from .virtual_h10 import Fault, Ledger, Lost, VirtualH10
    from .wearable import Found, Wearable

__all__ = [
    "Backend",
    "Battery",
    "ConfigError",
    "DecoderStats",
    "DeviceStatus",
    "EcgEdgeError",
    "Fault",
    "Found",
    "FrameError",
    "JsonEvent",
    "Ledger",
    "LinkError",
    "LinkTiming",
    "Lost",
    "ModelError",
    "PolarEcgDecoder",
    "SampleBlock",
    "Samples",
    "StrapServer",
    "VirtualH10",
    "Wearable",
    "connect",
    "scan",
    "virtual_strap",
]

_LAZY = {
    "DecoderStats": ".decoder",
    "PolarEcgDecoder": ".decoder",
    "LinkTiming": ".states",
    "Battery": ".types",
    "DeviceStatus": ".types",
    "JsonEvent": ".types",
    "SampleBlock": ".types",
    "Samples": ".types",
    "Backend": ".link",
    "connect": ".link",
    "scan": ".link",
    "Found": ".wearable",
    "Wearable": ".wearable",
    "StrapServer": ".peripheral",
    "virtual_strap": ".peripheral",
    "Fault": ".virtual_h10",
    "Ledger": ".virtual_h10",
    "Lost": ".virtual_h10",
    "VirtualH10": ".virtual_h10",
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
