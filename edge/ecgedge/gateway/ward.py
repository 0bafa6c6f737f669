"""What a ward's file says: which wearables, how they are reached, and where what comes of them goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text
from ecgedge_bridge.schema import Place, build, choice, integer, number, optional, parse_toml, written

__all__ = ["Bed", "Bluetooth", "Proxy", "Ward", "read_ward"]

MOST_WEARABLES = 1000
"""In one process; a core of a server is full before (``python -m benchmarks fleet``)."""
MOST_SHOWN = 256
"""Where there is a page, which numbers them in a byte."""


@dataclass(frozen=True, slots=True)
class Bed:
    """One wearable.

    Parameters
    ----------
    name : str
        What a person calls it: the wearer's bed, for example.
    device : str
        Its Bluetooth address, or its whole name.
    reach : str
        ``any`` takes it from whoever forwards it, and over Bluetooth where this computer has that; or one of
        ``forwarded`` and ``bluetooth``.
    profile, extras, fs
        As the options of ``ecgedge run``, for Bluetooth.
    age, sex
        The wearer's.
    """

    name: Annotated[str, written]
    device: Annotated[str, written]
    reach: Annotated[str, choice("any", "forwarded", "bluetooth")] = "any"
    profile: str | None = None
    extras: tuple[str, ...] = ("battery",)
    fs: float | None = None
    age: float | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class Bluetooth:
    """The adapters of this computer.

    Parameters
    ----------
    adapters : tuple of str
        Such as ``hci0``; none for those that there are.
    links : int
        Links that an adapter holds at a time. A Raspberry Pi's own holds seven.
    stagger_s : float
        Pause in seconds between two attempts to connect over one adapter.
    """

    adapters: tuple[str, ...] = ()
    links: Annotated[int, integer(1, 100)] = 7
    stagger_s: Annotated[float, number(above=-1, below=3600)] = 1.0


@dataclass(frozen=True, slots=True)
class Proxy:
    """An ESP32 with ESPHome's Bluetooth proxy.

    Parameters
    ----------
    host : str
    port : int
    key_file : str, optional
        Holds its encryption key, as ESPHome's ``api: encryption: key:``.
    """

    host: Annotated[str, written]
    port: Annotated[int, integer(1, 65535)] = 6053
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward's file.

    Parameters
    ----------
    wearable : tuple of Bed
    title : str
        Of the page.
    mqtt : str, optional
        The broker where nodes forward: ``mqtt://USER@HOST:PORT/TOPIC``, options as for ``ecgedge forward``.
    others : bool
        Whether wearables that are forwarded and not listed are taken, under their own names.
    bluetooth, proxy
        How wearables are reached from here.
    commit_s : float
        How often each recording is committed, in seconds of signal: what a crash may lose.
    record, daily, keep_days, keep_mb, send, web, web_at, web_token, waves, model, backend
        As the options of ``ecgedge run``; ``{device}`` in the name of a file is each wearable's.
    """

    wearable: tuple[Bed, ...] = ()
    title: str = "ward"
    mqtt: str | None = None
    others: bool = False
    bluetooth: Bluetooth | None = None
    proxy: tuple[Proxy, ...] = ()
    record: str | None = None
    daily: bool = False
    keep_days: Annotated[int | None, optional(integer(1, 100_000))] = None
    keep_mb: Annotated[float | None, optional(number(above=0, below=1e9))] = None
    commit_s: Annotated[float, number(above=0, below=3600)] = 5.0
    send: tuple[str, ...] = ()
    web: bool = False
    web_at: str | None = None
    web_token: str | None = None
    waves: bool = False
    model: str | None = None
    backend: str = "auto"

    @property
    def over_bluetooth(self) -> bool:
        """Whether there is a radio to use from here."""
        return self.bluetooth is not None or bool(self.proxy)

    @property
    def most(self) -> int:
        """Wearables that one process takes."""
        has_page = self.web or self.web_at is not None or self.web_token is not None
        return MOST_SHOWN if has_page else MOST_WEARABLES


def read_ward(path: Path) -> Ward:
    """Read a ward's file.

    Raises
    ------
    ConfigError
        It cannot be read, or does not make sense: the message names the place and what to do.
    """
    place = Place(f"{path.name}:")
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text in UTF-8"
        raise ConfigError(f"{path}: {why}: check the path") from error
    ward = build(Ward, parse_toml(text, place), place)
    _check(ward, place)
    return ward


def _check(ward: Ward, place: Place) -> None:
    if ward.mqtt is None and not ward.over_bluetooth:
        place.refuse("reaches nobody: give mqtt, a table [bluetooth] or a [[proxy]]")
    if not ward.wearable and not ward.others:
        place.refuse(
            "has no wearable: list each as [[wearable]], or take all that are forwarded: others = true"
        )
    if ward.others and ward.mqtt is None:
        place.refuse("takes others, and they come over mqtt alone: give mqtt")
    if len(ward.wearable) > ward.most:
        kind = "a gateway" if ward.most == MOST_WEARABLES else "a gateway with a page"
        place.refuse(f"has {len(ward.wearable)} wearables, and {kind} has {ward.most}: start another")
    for what in ("name", "device"):
        seen: set[str] = set()
        for bed in ward.wearable:
            value = getattr(bed, what).casefold()
            if value in seen:
                place.refuse(f"has two wearables with the {what} {getattr(bed, what)!r}")
            seen.add(value)
    files = [re.sub(r"[^\w.-]+", "-", bed.name.casefold()).strip("-.") for bed in ward.wearable]
    if len(set(files)) < len(files) and ward.record is not None:
        place.refuse("has two wearables whose files would have one name: give them other names")
    for bed in ward.wearable:
        if bed.reach == "forwarded" and ward.mqtt is None:
            place.refuse(f"has {bed.name!r} forwarded, and no mqtt to come over")
        if bed.reach == "bluetooth" and not ward.over_bluetooth:
            place.refuse(f"has {bed.name!r} over Bluetooth, and neither [bluetooth] nor a [[proxy]]")
    if ward.daily and ward.record is None:
        place.refuse("has daily, and no record to split")
    if not ward.daily and (ward.keep_days or ward.keep_mb):
        place.refuse("deletes old files with daily alone: set daily = true")
    if ward.record is not None and "{device}" not in ward.record:
        place.refuse("records all wearables to one file: put {device} into the name")
