"""What a browser's chooser of devices is given: who is listed, and what may be reached of whom is chosen.

A browser lists no device that fits no filter, and hides every service that was not named before the choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecgedge_bridge.protocols.profiles import Profile
from ecgedge_bridge.protocols.standard.heart_rate import BATTERY_SERVICE, HEART_RATE_SERVICE

__all__ = ["chooser"]

# Bluetooth SIG, Assigned Numbers, 3.4: Device Information.
_INFORMATION_SERVICE = "0000180a-0000-1000-8000-00805f9b34fb"
# What is asked for besides the ECG; heart rate is a profile too.
_EXTRAS = (BATTERY_SERVICE, HEART_RATE_SERVICE, _INFORMATION_SERVICE)


def chooser(profiles: Iterable[Profile], *, everything: bool = False) -> dict[str, Any]:
    """Return what ``navigator.bluetooth.requestDevice`` takes.

    Parameters
    ----------
    profiles : iterable of Profile
        The kinds of wearable that may be chosen.
    everything : bool
        List every device that is near: for one that advertises neither its name nor its service.

    Returns
    -------
    dict
        ``filters``, by what a device's name begins with (capitals count) and by each service; or
        ``acceptAllDevices``; and ``optionalServices``. Ready for JSON.

    Examples
    --------
    >>> from ecgedge_bridge import PROFILES
    >>> given = chooser([PROFILES["polar"]])
    >>> given["filters"][:2]
    [{'namePrefix': 'Polar H10'}, {'namePrefix': 'Polar H9'}]
    """
    kinds = list(profiles)
    names = dict.fromkeys(name for kind in kinds for name in kind.names)
    services = dict.fromkeys(uuid for kind in kinds for uuid in sorted(kind.services))
    listed = [*({"namePrefix": name} for name in names), *({"services": [uuid]} for uuid in services)]
    reached = [*dict.fromkeys((*services, *_EXTRAS))]
    chosen = {"acceptAllDevices": True} if everything else {"filters": listed}
    return {**chosen, "optionalServices": reached}
