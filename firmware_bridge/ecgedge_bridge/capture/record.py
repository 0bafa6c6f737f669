"""Recording a wearable into a capture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgedge_bridge.capture.file import CaptureHeader, CaptureWriter
from ecgedge_bridge.capture.recorder import Recorder, describe
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text

if TYPE_CHECKING:
    from ecgedge_bridge.link.wearable import Wearable
    from ecgedge_bridge.stream.decoder import Event

__all__ = ["record"]


async def record(
    name_or_address: str,
    path: str | Path,
    *,
    seconds: float | None = None,
    on_event: Callable[[Event], None] | None = None,
    **options: Any,
) -> int:
    """Record everything that a wearable sends, until cancelled or for some seconds.

    Parameters
    ----------
    name_or_address : str
        As for :func:`~ecgedge_bridge.connect`.
    path : str or Path
        A file that is not there yet. It is good at every moment, also if this program is killed.
    seconds : float, optional
        How long to record from the connection on; without it until cancelled.
    on_event : callable, optional
        Called with everything decoded meanwhile, blocks of ECG too.
    **options
        Those of :func:`~ecgedge_bridge.connect`.

    Returns
    -------
    int
        How many notifications were recorded.

    Raises
    ------
    LinkError
        As for :func:`~ecgedge_bridge.connect`.
    ConfigError
        If the file is there already, or cannot be written.

    Examples
    --------
    ::

        await record("Polar H10", "strap.cap", seconds=60, extras=["heart_rate", "acc"])
        for event in replay("strap.cap"):
            ...
    """
    from ecgedge_bridge.link.bleak_radio import connect

    options.setdefault("extras", ("battery",))
    file, recorder = _new(Path(path)), Recorder()

    def take(event: Event) -> None:
        recorder.on_event(event)
        if on_event is not None:
            on_event(event)

    with ExitStack() as opened:
        # The file has what comes until the device has stopped, so `on_event` hears it too.
        link = connect(
            name_or_address,
            on_event=take,
            on_notification=recorder.on_notification,
            on_rest=on_event,
            **options,
        )
        async with link as wearable:
            recorder.begin(opened.enter_context(CaptureWriter(file, _header(wearable, options))))
            try:
                async with nullcontext() if seconds is None else asyncio.timeout(seconds):
                    async for block in wearable:
                        if on_event is not None:
                            on_event(block)
            except TimeoutError:
                if seconds is None:
                    raise
    return recorder.notifications


def _new(path: Path) -> Path:
    """Refuse to overwrite, before anything is looked for."""
    if path.exists():
        raise ConfigError(f"{path} is there already, and a capture is not overwritten: choose another file")
    return path


def _header(wearable: Wearable, options: dict[str, Any]) -> CaptureHeader:
    chosen = options.get("profile")
    toml = read_text(str(chosen)) if str(chosen).endswith(".toml") else ""
    return describe(wearable, tuple(options["extras"]), options.get("fs"), toml)
