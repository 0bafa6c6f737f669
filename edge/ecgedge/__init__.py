"""ecgedge: single-lead ECG intelligence on the wearer's own hardware.

Names are imported when they are first used, so that ``ecgedge --help`` answers at once and replaying a file
needs no Bluetooth.

>>> import numpy as np
>>> import ecgedge
>>> ecgedge.classify(np.zeros(3000), fs=100).label
'~'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecgedge.events import Battery, Beat, DeviceStatus, Event, Gap, Hrv, Quality, Rhythm
    from ecgedge.monitor import Models, Monitor
    from ecgedge.recording import Recording, load, read
    from ecgedge.whole_recording import (
        Beats,
        Classification,
        assess_quality,
        classify,
        classify_beats,
        detect_beats,
    )
    from ecgedge_bridge.errors import ConfigError, EcgEdgeError, FrameError, LinkError, ModelError
    from ecgedge_bridge.link.bleak_radio import connect, scan
    from ecgedge_bridge.values import SampleBlock

__version__ = "0.1.0"

_HOME = {
    "ecgedge.events": ("Battery", "Beat", "DeviceStatus", "Event", "Gap", "Hrv", "Quality", "Rhythm"),
    "ecgedge.whole_recording": (
        "Beats",
        "Classification",
        "assess_quality",
        "classify",
        "classify_beats",
        "detect_beats",
    ),
    "ecgedge.monitor": ("Models", "Monitor"),
    "ecgedge.recording": ("Recording", "load", "read"),
    "ecgedge_bridge.errors": ("ConfigError", "EcgEdgeError", "FrameError", "LinkError", "ModelError"),
    "ecgedge_bridge.link.bleak_radio": ("connect", "scan"),
    "ecgedge_bridge.values": ("SampleBlock",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Battery",
    "Beat",
    "Beats",
    "Classification",
    "ConfigError",
    "DeviceStatus",
    "EcgEdgeError",
    "Event",
    "FrameError",
    "Gap",
    "Hrv",
    "LinkError",
    "ModelError",
    "Models",
    "Monitor",
    "Quality",
    "Recording",
    "Rhythm",
    "SampleBlock",
    "assess_quality",
    "classify",
    "classify_beats",
    "connect",
    "detect_beats",
    "load",
    "read",
    "scan",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
