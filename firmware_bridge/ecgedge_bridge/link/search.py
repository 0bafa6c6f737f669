"""Which device is the wanted one, and what to do when it is not there."""

from __future__ import annotations

from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import LinkError
from ecgedge_bridge.link.errors import Reason
from ecgedge_bridge.link.radio import Found
from ecgedge_bridge.link.states import LinkTiming


def is_wanted(device: Found, asked: str) -> bool:
    """Whether a device has the address, the name, or the beginning of the name that was asked for."""
    wanted, name = asked.casefold(), device.name.casefold()
    return wanted in (device.address.casefold(), name) or name.startswith(wanted + " ")


def is_again(device: Found, address: str, name: str, *, missed: bool) -> bool:
    """Whether a device is the one that was lost.

    A random address may be another one after a while, or after the battery was out: a device that a whole
    search has ``missed`` is known by its full name too.
    """
    if device.address.casefold() == address.casefold():
        return True
    return missed and device.name.casefold() == name.casefold() != ""


def search_limit_s(
    patience_s: float | None, timing: LinkTiming, away_s: float | None, name: str, why: Reason
) -> float:
    """How long to search now; ``away_s`` is how long a device that was up is away, None for a first search.

    A lost device is searched in turns, until the caller's patience ends.

    Raises
    ------
    LinkError
        If it has ended.
    """
    if away_s is None:
        return timing.first_find_s if patience_s is None else patience_s
    if patience_s is None:
        return timing.find_s
    if away_s >= patience_s:
        raise stayed_away(name, away_s, why)
    return min(timing.find_s, patience_s - away_s)


def not_found(name: str, limit_s: float) -> LinkError:
    """Return the error of a first search."""
    return LinkError(
        f"{name} was not found in {limit_s:g} s: put the strap on with wet electrodes, "
        "move closer, end any phone app that holds it, and see `ecgedge scan` for what is near",
        LinkCode.NOT_FOUND,
    )


def stayed_away(name: str, away_s: float, why: Reason) -> LinkError:
    """Return the error of a search for a device that was lost."""
    return LinkError(
        f"{name} stayed away for {away_s:.0f} s ({why.text}): put it on, move closer, and start again",
        why.code,
    )


def unreachable(name: str, tries: int, why: Reason) -> LinkError:
    """Return the error of a device that was found and could not be connected to."""
    return LinkError(
        f"could not connect to {name} in {tries} tries ({why.text}): "
        "move closer, wet the electrodes, and end any phone app that holds the connection",
        LinkCode.UNREACHABLE,
    )
