"""``ecgedge capture``: what a wearable sends, as it is, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgedge.cli.options import Adapter, AsJson, DeviceFs, Extras, Pair, Profile, link_options

if TYPE_CHECKING:
    from ecgedge.cli.output import Sink
    from ecgedge_bridge.values import SampleBlock

__all__ = ["capture"]


def capture(
    device: Annotated[str, typer.Argument(help="Name or address of the wearable, for example 'Polar H10'.")],
    path: Annotated[Path, typer.Argument(metavar="FILE.cap", help="A new file; it is never overwritten.")],
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="How long; without it until Ctrl-C.")
    ] = None,
    as_json: AsJson = False,
    profile: Profile = None,
    extras: Extras = None,
    fs: DeviceFs = None,
    adapter: Adapter = None,
    pair: Pair = False,
) -> None:
    """Record everything that a wearable sends; the file is good at every moment, whatever happens.

    `ecgedge replay FILE.cap` gives the same values again as the live wearable.
    """
    from ecgedge.cli.output import JsonLines, TextLines, print_json
    from ecgedge.cli.running import run_until_told
    from ecgedge.recording import CAPTURE

    if path.suffix.lower() != CAPTURE:
        raise typer.BadParameter(f"the name has to end in {CAPTURE}, so that it is known for what it is")
    count = _Counted(JsonLines() if as_json else TextLines())
    options = link_options(profile, fs, adapter, pair, extras)
    try:
        run_until_told(_record(device, path, seconds, count, options))
    finally:
        if as_json and count.any:
            print_json(count.summary(path))
        elif count.any:
            print(f"     end  {count.words()}; see: ecgedge replay {path}")


async def _record(
    device: str, path: Path, seconds: float | None, count: _Counted, options: dict[str, Any]
) -> None:
    from ecgedge_bridge.capture.record import record

    await record(device, path, seconds=seconds, on_event=count.take, **options)


class _Counted:
    """Counts the ECG, and passes on what a person wants to know of."""

    def __init__(self, sink: Sink) -> None:
        self.samples = self.lost = self.others = 0
        self._sink = sink
        self._end: int | None = None

    def take(self, event: Any) -> None:
        """Take anything that the wearable gave."""
        from ecgedge_bridge.values import SampleBlock, Status

        if isinstance(event, SampleBlock):
            self._count(event)
        elif isinstance(event, Status):
            self._sink.take(event)
        else:
            self.others += 1

    def _count(self, block: SampleBlock) -> None:
        self.lost += block.sample - self._end if self._end is not None else 0
        self.samples += len(block.samples)
        self._end = block.end_sample

    @property
    def any(self) -> bool:
        """Whether anything was received."""
        return self.samples + self.others > 0

    def words(self) -> str:
        """Say what it came to."""
        return f"{self.samples} samples, {self.lost} missing; {self.others} other values"

    def summary(self, path: Path) -> dict[str, Any]:
        """Return what it came to."""
        return {
            "type": "capture",
            "path": str(path),
            "samples": self.samples,
            "lost": self.lost,
            "others": self.others,
        }
