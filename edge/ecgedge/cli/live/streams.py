"""Streams of ``ecgedge run``: one wearable, or several side by side, each with all that is its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ecgedge.cli.live.recorders import OpenRecorder
    from ecgedge.cli.live.web import OpenPage
    from ecgedge.cli.live.wires import Door
    from ecgedge.cli.options import RecordOptions, SendOptions
    from ecgedge.monitor import Monitor
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Sink
    from ecgedge_bridge.values import Acceleration, HeartRate, Status

__all__ = ["Outputs", "Stream", "in_name", "named", "open_stream", "stream_all"]

PLACE = "{device}"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a stream is written and sent."""

    recording: RecordOptions
    sending: SendOptions
    save: list[str] | None
    force: bool

    def of(self, device: str, several: bool) -> Outputs:
        """Return the same for one of several wearables: its name stands for ``{device}``.

        Raises
        ------
        typer.BadParameter
            Two wearables would write to one file.
        """
        record = self.recording.record
        files = {"--record": [str(record)] if record else [], "--save": self.save or []}
        for option, targets in files.items():
            if several and not all(PLACE in target for target in targets):
                raise typer.BadParameter(
                    f"each wearable needs a file of its own: put {PLACE} into the name", param_hint=option
                )
        return Outputs(
            replace(self.recording, record=record and Path(in_name(str(record), device))),
            replace(self.sending, send=[in_name(one, device) for one in self.sending.send or ()] or None),
            [in_name(one, device) for one in self.save or ()] or None,
            self.force,
        )


def in_name(text: str, device: str) -> str:
    """Put a device's name into that of a file; what would lead elsewhere becomes a dash."""
    return text.replace(PLACE, re.sub(r"[^\w.-]+", "-", device).strip("-.") or "wearable")


def named(device: str, beside: Sequence[str] | None) -> list[str]:
    """Return all wearables.

    Raises
    ------
    typer.BadParameter
        One is there twice.
    """
    every = [device, *(beside or ())]
    files = [in_name(PLACE, one).lower() for one in every]
    if len(set(files)) < len(files):
        raise typer.BadParameter("two have the same name: give addresses", param_hint="--beside")
    return every


@dataclass(frozen=True, slots=True)
class Stream:
    """One wearable, and where what comes from it goes."""

    device: str
    door: Door
    monitor: Monitor
    recorder: OpenRecorder
    ending: Ending
    sink: Sink

    async def run(self) -> None:
        """Take blocks and events until it ends or is stopped."""

        def told(event: Status | HeartRate | Acceleration) -> None:
            self.sink.take([self.recorder.place(event)])

        try:
            async with self.door(on_event=told) as wearable:
                async for block in wearable:
                    placed = self.recorder.place(block)
                    self.sink.take([placed, *self.monitor.feed(placed)])
        finally:
            self.sink.take(self.monitor.finish())


def open_stream(
    opened: ExitStack,
    device: str,
    door: Door,
    monitor: Monitor,
    outputs: Outputs,
    page: OpenPage,
    facts: Mapping[str, Any],
    *,
    as_json: bool,
    alone: bool,
) -> Stream:
    """Open all that a stream is written, sent and shown to; ``opened`` closes it."""
    from ecgedge.cli.live.marks import Marked, Marks
    from ecgedge.cli.live.recorders import open_recorder
    from ecgedge.cli.live.wires import keys_are_free
    from ecgedge.cli.output import apart, open_lines, open_outlets, open_savers, open_terminal
    from ecgedge.service.notify import Systemd
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Several

    def own(sinks: Iterable[Sink]) -> list[Sink]:
        return [opened.enter_context(closing(sink)) for sink in sinks]

    recorder = open_recorder(outputs.recording, monitor, {"device": device, **facts})
    ending = Ending()
    sinks = own([Systemd(), recorder])
    sinks += own(open_savers(outputs.save, force=outputs.force))
    sinks += own(open_outlets(outputs.sending, device))
    keyboard = alone and not as_json and keys_are_free(device)
    marks = opened.enter_context(closing(Marks(outputs.recording.record, keyboard=keyboard)))
    sinks += own(page.add(device, mark=marks.post, recorder=recorder))
    hint = " · ".join(filter(None, [marks.hint, page.hint]))
    shown = open_terminal(as_json, device, hint) if alone else open_lines(as_json, device)
    sinks += own([ending, apart(shown)])
    return Stream(device, door, monitor, recorder, ending, Marked(Several(sinks), marks))


async def stream_all(streams: Sequence[Stream]) -> None:
    """Run all streams; one that fails is told of, and the others go on.

    Raises
    ------
    EcgEdgeError
        The first one that failed, when all have ended.
    """
    from ecgedge.cli.output import warn
    from ecgedge_bridge.errors import EcgEdgeError

    failed: list[EcgEdgeError] = []

    async def guarded(stream: Stream) -> None:
        try:
            await stream.run()
        except EcgEdgeError as error:
            failed.append(error)
            if len(streams) > 1:
                warn(f"{stream.device}: {error}")

    await asyncio.gather(*map(guarded, streams))
    if failed:
        raise failed[0]
