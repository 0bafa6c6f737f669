"""What Home Assistant has to be told so that a wearable appears there by itself.

One retained message for each figure, at ``PREFIX/COMPONENT/ID/FIGURE/config``; every version of Home
Assistant that has MQTT discovery takes this form, and openHAB does too. Source:
https://www.home-assistant.io/integrations/mqtt (discovery, sensor, binary sensor) and
``homeassistant/components/mqtt/{schemas,sensor,binary_sensor}.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ecgedge.sinks.words import RHYTHMS

__all__ = ["RHYTHM_STATES", "discovery", "slug"]

RHYTHM_STATES = (*RHYTHMS.values(), "too noisy")
"""Every text that the rhythm's topic may have."""

# A window comes every few seconds. After two minutes without one the last rate is history.
_EXPIRES_S = 120
# The retained link topic holds the state's own name; everybody else reads it as it is.
_LINK_UP = "{{ 'ON' if value == 'streaming' else 'OFF' }}"
_HAS_SIGNAL = "{{ 'online' if value == 'streaming' else 'offline' }}"


def slug(text: str) -> str:
    """Return text as part of a topic or an identifier, where only ``a-z``, ``0-9`` and ``_`` are safe.

    Examples
    --------
    >>> slug("Polar H10 A1B2")
    'polar_h10_a1b2'
    """
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "wearable"


def discovery(
    base: str, device: str, version: str, prefix: str = "homeassistant", status: str | None = None
) -> Iterator[tuple[str, str]]:
    """Yield topics and messages.

    Parameters
    ----------
    base : str
        Topic below which the figures are; it identifies the wearable.
    device : str
        What a person calls it.
    version : str
        Of this package.
    prefix : str
        Home Assistant's discovery prefix.
    status : str, optional
        Topic that says whether this program runs; ``BASE/status`` by default.

    Examples
    --------
    >>> [topic for topic, _ in discovery("ecgedge/strap", "Strap", "1.0")][0]
    'homeassistant/sensor/ecgedge_strap/heart_rate/config'
    """
    identity = slug(base)
    shared: dict[str, Any] = {
        "device": {
            "identifiers": [identity], "name": device, "manufacturer": "ecgedge", "sw_version": version
        },
        "origin": {"name": "ecgedge", "sw_version": version},
    }  # fmt: skip
    running = {"topic": status or f"{base}/status"}
    streaming = {"topic": f"{base}/link", "value_template": _HAS_SIGNAL}
    for component, figure, facts in _figures():
        of_signal = figure in ("heart_rate", "rhythm")
        message = {
            "unique_id": f"{identity}_{figure}",
            "state_topic": f"{base}/{figure}",
            "availability": [running, streaming] if of_signal else [running],
            "availability_mode": "all",
            **facts,
            **shared,
        }
        yield f"{prefix}/{component}/{identity}/{figure}/config", json.dumps(message)


def _figures() -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield (
        "sensor",
        "heart_rate",
        {
            "name": "Heart rate",
            "unit_of_measurement": "bpm",
            "state_class": "measurement",
            "icon": "mdi:heart-pulse",
            "expire_after": _EXPIRES_S,
        },
    )
    # An enumeration has neither a unit nor a state class.
    yield (
        "sensor",
        "rhythm",
        {
            "name": "Rhythm",
            "device_class": "enum",
            "options": list(RHYTHM_STATES),
            "icon": "mdi:heart-flash",
            "expire_after": _EXPIRES_S,
        },
    )
    yield (
        "sensor",
        "battery",
        {
            "name": "Battery",
            "device_class": "battery",
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "entity_category": "diagnostic",
        },
    )
    yield (
        "binary_sensor",
        "link",
        {
            "name": "Link",
            "device_class": "connectivity",
            "value_template": _LINK_UP,
            "entity_category": "diagnostic",
        },
    )
