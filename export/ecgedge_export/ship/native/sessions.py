"""What an app says to each kind of wearable, as data: our own sessions, spoken to virtual wearables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from ecgedge_bridge.protocols.profiles import PROFILES, Profile
from ecgedge_bridge.protocols.session import Session
from ecgedge_bridge.simulation.engine import VirtualWearable
from ecgedge_export.ship.native.golden import CASES, MAKERS
from ecgedge_export.ship.native.spoken import MTU, Step, Talk, offered_by

FILE = "sessions.json"
_EXTRAS = ("battery", "heart_rate", "acc", "information")
_SECOND = np.zeros(130)
_ABOUT = (
    "What to do on a GATT connection, in this order: subscribe (enable notifications or indications, "
    "whichever the characteristic has), read, write (with_response: as a request, else as a command), wait "
    "until a notification came on that characteristic (got: what a virtual wearable answers; PROTOCOL.md "
    "says what else may come, and what each status means). One operation at a time. optional: a refusal is "
    "no trouble. hex is the whole value."
)


def sessions() -> dict[str, Any]:
    """How each profile is known, started and stopped.

    Examples
    --------
    >>> [step["do"] for step in sessions()["profiles"]["heart_rate"]["start"]]
    ['subscribe']
    """
    return {
        "about": _ABOUT,
        "mtu": MTU,
        "profiles": {name: _profile(profile) for name, profile in PROFILES.items()},
    }


def encoded() -> str:
    """The file."""
    return json.dumps(sessions(), indent=1) + "\n"


def _profile(profile: Profile) -> dict[str, Any]:
    plain = _steps(profile)
    case = CASES.get(profile.name)
    return {
        "names_begin_with": list(profile.names),
        "services": sorted(profile.services),
        "fs": profile.fs,
        "rates": list(profile.rates),
        "data_uuid": case.data_uuid if case else plain["start"][-1]["uuid"],
        **plain,
        "start_with": dict(_with_extras(profile, plain["start"])),
    }


def _with_extras(profile: Profile, plain: list[Step]) -> Iterator[tuple[str, list[Step]]]:
    """What is said where more is asked for, if it is not the same."""
    for extra in _EXTRAS:
        steps = _steps(profile, extra)["start"]
        if steps != plain:
            yield extra, steps


def _steps(profile: Profile, *extras: str) -> dict[str, list[Step]]:
    wearable = _wearable(profile)
    session: Session = profile.make_session(extras=extras)
    talk = Talk(wearable, session)
    for _ in talk.connect():
        pass
    start, talk.steps = talk.steps, []
    for _ in talk.carry_out(session.stop()):
        pass
    assert offered_by(wearable).characteristics
    return {"start": start, "stop": talk.steps}


def _wearable(profile: Profile) -> VirtualWearable:
    return MAKERS[profile.name](_SECOND)
