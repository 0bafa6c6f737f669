"""``ecgedge capture``: what a wearable sends, as it is, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgedge.cli.live.wires import refuse_wire
from ecgedge.cli.options import AsJson, Device, LinkOptions, with_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecgedge.sinks.sink import Item, Sink

__all__ = ["capture"]


@with_options(link=LinkOptions)
def capture(
    device: Device,
    path: Annotated[Path, typer.Argument(metavar="FILE.cap", help="A new file; it is never overwritten.")],
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="How long; without it until Ctrl-C.")
    ] = None,
    *,
    link: LinkOptions,
    as_json: AsJson = False,
) -> None:
    """Record everything that a wearable sends; the file is good at every moment, whatever happens.

    `ecgedge replay FILE.cap` gives the same values again as the live wearable.
    """
    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.output import apart, open_lines, print_json, say
    from ecgedge.recording import CAPTURE

    if path.suffix.lower() != CAPTURE:
        raise typer.BadParameter(f"the name has to end in {CAPTURE}, so that it is known for what it is")
    refuse_wire(device)
    options = link.checked()
    count = _Counted(apart(open_lines(as_json)))
    try:
        run_until_stopped(_record(device, path, seconds, count, options))
    finally:
        count.close()
        if as_json and count.any:
            print_json(count.summary(path))
        elif count.any:
            say(f"     end  {count.words()}; see: ecgedge replay {path}")


async def _record(
    device: str, path: Path, seconds: float | None, sink: Sink, options: dict[str, Any]
) -> None:
    from ecgedge_bridge.capture.record import record

    await record(device, path, seconds=seconds, on_event=lambda event: sink.take([event]), **options)


class _Counted:
    """A sink that counts the ECG, and passes on what is to be known of the link and the device."""

    def __init__(self, sink: Sink) -> None:
        self.samples = self.lost = self.others = 0
        self._sink = sink
        self._end: int | None = None

    def take(self, items: Iterable[Item]) -> None:
        """Count blocks and values."""
        from ecgedge_bridge.values import SampleBlock, Status

        for item in items:
            if isinstance(item, SampleBlock):
                self.lost += item.sample - self._end if self._end is not None else 0
                self.samples += len(item.samples)
                self._end = item.end_sample
            elif isinstance(item, Status):
                self._sink.take([item])
            else:
                self.others += 1

    def close(self) -> None:
        """Close the sink behind."""
        self._sink.close()

    @property
    def any(self) -> bool:
        """Whether anything was received."""
        return self.samples + self.others > 0

    def words(self) -> str:
        """Return what it came to, in words."""
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
