"""A virtual wearable and our own client in one process, with the real packets of Bluetooth between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any

from ecgedge_bridge.values import SampleBlock

if TYPE_CHECKING:
    from ecgedge_bridge import VirtualWearable

__all__ = ["received"]

_LINGER_S = 0.2  # after the last frame was sent, for it to come through; less than any watchdog waits


async def received(wearable: VirtualWearable, **options: Any) -> AsyncGenerator[SampleBlock, None]:
    """Play a virtual wearable to our own client, and yield what arrives until all is played.

    Close it where it may end early (:func:`contextlib.aclosing`).

    Parameters
    ----------
    wearable : VirtualWearable
        What plays.
    **options
        Those of :func:`ecgedge_bridge.connect`; the time limits fit the speed of the play.

    Yields
    ------
    SampleBlock
        In mV.

    Raises
    ------
    ConfigError
        When the extra ``sim`` is not installed, or the recording that is played proves broken.
    LinkError
        When the wearable refuses, or stays away for longer than ``find_timeout_s``.

    Examples
    --------
    ::

        async with aclosing(received(VirtualH10(mv, speed=100))) as blocks:
            async for block in blocks:
                ...
    """
    from ecgedge_bridge import LinkTiming, connect, virtual_wearable

    timing = LinkTiming().scaled(wearable.speed)
    async with (
        virtual_wearable(wearable) as radio,
        connect(wearable.name, backend=radio, timing=timing, **options) as link,
    ):
        played = asyncio.ensure_future(wearable.finished.wait())
        try:
            while (block := await _next(link, played)) is not None:
                yield block
        finally:
            played.cancel()


async def _next(link: AsyncIterator[SampleBlock], played: asyncio.Future[Any]) -> SampleBlock | None:
    """Return the next block, or None when all is played and has arrived."""
    coming = asyncio.ensure_future(anext(link))
    try:
        await asyncio.wait([coming, played], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([coming], timeout=_LINGER_S)
        return coming.result() if coming.done() else None
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
