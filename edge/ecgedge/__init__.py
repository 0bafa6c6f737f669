"""ecgedge: single-lead ECG intelligence on the wearer's own hardware.

>>> import numpy as np
>>> import ecgedge
>>> ecgedge.classify(np.zeros(3000), fs=100).label
'~'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecgedge.events import Battery, Beat, DeviceStatus, Event, Gap, Quality, Rhythm
from ecgedge.helpers import Classification, assess_quality, classify, detect_beats
from ecgedge.monitor import Monitor
from ecgedge.recording import read
from ecgedge_bridge.errors import ConfigError, EcgEdgeError, FrameError, LinkError, ModelError
from ecgedge_bridge.types import SampleBlock

if TYPE_CHECKING:
    from ecgedge_bridge.link import connect, scan

__version__ = "0.1.0"
__all__ = [
    "Battery",
    "Beat",
    "Classification",
    "ConfigError",
    "DeviceStatus",
    "EcgEdgeError",
    "Event",
    "FrameError",
    "Gap",
    "LinkError",
    "ModelError",
    "Monitor",
    "Quality",
    "Rhythm",
    "SampleBlock",
    "assess_quality",
    "classify",
    "connect",
    "detect_beats",
    "read",
    "scan",
]


def __getattr__(name: str) -> Any:
    """Import the Bluetooth side only when it is used: replaying a file needs no bleak."""
    if name in ("connect", "scan"):
        from ecgedge_bridge import link

        return getattr(link, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
