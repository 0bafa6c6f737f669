"""Which door a source of ``ecgedge run`` has: Bluetooth, or one of the others, each with its own options."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ecgedge.cli.options import LinkOptions
    from ecgedge_bridge.values import SampleBlock
    from ecgedge_bridge.wired.numbers import Scaling

__all__ = ["Door", "find_door", "keys_are_free", "refuse_wire"]

Door = Callable[..., "AbstractAsyncContextManager[AsyncIterator[SampleBlock]]"]

_HOLD_S = 8.0  # holds several heartbeats, from which the unit is told


def keys_are_free(device: str) -> bool:
    """Whether standard input may be read for keys."""
    from ecgedge_bridge.wired.address import STDIN

    return device != STDIN


def refuse_wire(device: str) -> None:
    """Refuse a source that is no Bluetooth device, where only such will do.

    Raises
    ------
    typer.BadParameter
        It is none.
    """
    from ecgedge_bridge.wired.address import is_wire

    if is_wire(device):
        raise typer.BadParameter("this is for Bluetooth devices alone: use 'ecgedge run' with --record")


def find_door(device: str, link: LinkOptions, unit: str | None, channel: str | None) -> Door:
    """Return what to open for a source, its options checked before anything is looked for.

    Raises
    ------
    typer.BadParameter
        An option that makes no sense for the source.
    ConfigError
        The source, the rate or the unit cannot be.
    """
    from ecgedge_bridge.wired.address import is_wire

    if not is_wire(device):
        for option, value in (("--unit", unit), ("--channel", channel)):
            if value is not None:
                raise typer.BadParameter(
                    "a Bluetooth device says that itself: leave it out", param_hint=option
                )
        from ecgedge_bridge import connect

        return partial(connect, device, **link.checked())
    return partial(_attach, device, **_checked(device, link, unit, channel))


def _attach(device: str, **options: Any) -> AbstractAsyncContextManager[AsyncIterator[SampleBlock]]:
    from ecgedge_bridge import attach

    return attach(device, **options)


def _checked(device: str, link: LinkOptions, unit: str | None, channel: str | None) -> dict[str, Any]:
    from ecgedge.recording.rates import check_fs
    from ecgedge_bridge.wired.address import Address

    for option, given in (
        ("--profile", link.profile is not None),
        ("--extra", bool(link.extras)),
        ("--adapter", link.adapter is not None),
        ("--pair", link.pair),
    ):
        if given:
            raise typer.BadParameter("it is for Bluetooth devices alone: leave it out", param_hint=option)
    address = Address.parse(device)
    fs = None if link.fs is None else check_fs(link.fs, "--fs")
    # What an LSL stream names its unit counts, where the user names none.
    scaling = None if unit is None and address.scheme == "lsl" else _scaling(unit)
    return {"fs": fs, "channel": channel, "scaling": scaling}


def _scaling(unit: str | None) -> Scaling:
    """How numbers become mV: by the unit that is named, else by the size of the first heartbeats."""
    import numpy as np

    from ecgedge.recording.units import COUNTS, guess_scale, parse_unit, scale_of
    from ecgedge_bridge.wired.numbers import Scaling

    if unit is None:
        return Scaling(guess_scale, _HOLD_S)
    scale_of(unit, np.empty(0), 1.0)  # an unknown unit is told before anything is looked for
    return Scaling(partial(scale_of, unit), _HOLD_S if parse_unit(unit) == COUNTS else 0.0)
