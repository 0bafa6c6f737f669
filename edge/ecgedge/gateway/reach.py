"""The radios of a gateway: adapters of this computer and ESPHome proxies, and a link for each wearable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ecgedge.gateway.source import Here, Tell
from ecgedge.sinks.saving import expanded
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text

if TYPE_CHECKING:
    from ecgedge.gateway.member import Member
    from ecgedge.gateway.ward import Bed, Proxy, Ward
    from ecgedge_bridge.link.adapters import Adapters

__all__ = ["link_of", "links_of", "open_adapters"]

_MOST_KEY = 4096  # bytes of a key's file


@asynccontextmanager
async def open_adapters(ward: Ward, tell: Tell) -> AsyncIterator[Adapters | None]:
    """Open what a ward's file names, None where it names no radio.

    Raises
    ------
    ConfigError
        The extra is not installed, or a key cannot be read.
    LinkError
        An adapter of this computer cannot be used.
    """
    if not ward.over_bluetooth:
        yield None
        return
    from ecgedge_bridge.link.adapters import Adapters
    from ecgedge_bridge.link.proxies import Proxy as OpenProxy
    from ecgedge_bridge.link.turns import LINKS, STAGGER_S

    local = ward.bluetooth
    shape = (None, LINKS, STAGGER_S) if local is None else (local.adapters, local.links, local.stagger_s)
    async with AsyncExitStack() as opened:
        adapters = await opened.enter_async_context(Adapters(*shape))
        for one in ward.proxy:
            proxy = OpenProxy(adapters, one.host, one.port, _key(one), tell)
            await opened.enter_async_context(proxy)
        yield adapters


def _key(proxy: Proxy) -> str | None:
    if proxy.key_file is None:
        return None
    try:
        return read_text(expanded(proxy.key_file), _MOST_KEY).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text"
        raise ConfigError(f"key file {proxy.key_file}: {why}: check the path") from error


def link_of(bed: Bed, member: Member, adapters: Adapters, tell: Tell) -> Here:
    """Return the link of a wearable, to be run.

    Raises
    ------
    ConfigError
        Its profile, rate or extras cannot be used.
    """
    from ecgedge_bridge.link.adapters import connect_over
    from ecgedge_bridge.link.options import ConnectOptions, Listeners
    from ecgedge_bridge.protocols.profiles import find_profile

    try:
        profile = None if bed.profile is None else find_profile(bed.profile)
        options = ConnectOptions(bed.device, profile, bed.extras, bed.fs)
    except ValueError as error:
        raise ConfigError(f"wearable {bed.name!r}: {error}") from error

    def door(_device: str, **hooks: Any) -> Any:
        return connect_over(adapters, options, Listeners(**hooks))

    path = bed.profile or ""
    toml = read_text(path) if path.endswith(".toml") else ""
    return Here(member, bed.device, door, tell, extras=tuple(bed.extras), fs=bed.fs, profile_toml=toml)


def links_of(members: Iterable[tuple[Bed, Member]], adapters: Adapters, tell: Tell) -> list[Here]:
    """Return the links of all wearables that may be reached from here."""
    reach = partial(link_of, adapters=adapters, tell=tell)
    return [reach(bed, member) for bed, member in members if bed.reach != "forwarded"]
