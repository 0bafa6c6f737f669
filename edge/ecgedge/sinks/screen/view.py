"""What a running stream looks like in a terminal of 80 by 24 characters or more.

The view only draws what it was given. It reads no clock and starts nothing: whoever runs the stream decides
when to draw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ecgedge.events import Battery, Beat, Event, FrameLost, Gap, Hrv, LinkState, Note, Quality, Rhythm
from ecgedge.sinks.screen.braille import braille
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import RHYTHMS, STATES, clock, describe, shown_at_s
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["LiveView"]

_SHOWN_S = 6.0
_LOG_LINES = 6
# What stands around the curve on the 24 lines of a small terminal.
_OTHER_LINES = 2 + 4 + 1 + _LOG_LINES + 1  # borders, status, space, log, footer
_BEATS = 8  # beats whose median is the heart rate shown
_STALE_S = 5.0  # without a beat for so long, 12 a minute, no heart rate is shown
_COLOURS = {"N": "bold green", "A": "bold red", "O": "bold yellow", "~": "bold magenta"}


class LogLine(NamedTuple):
    """A line of the log: when, what, and how it is drawn."""

    time: str
    words: str
    style: str


class LiveView:
    """State of the view: give it blocks and events, and print it with rich.

    Parameters
    ----------
    title : str
        Shown on the frame, for example the device's name.

    Examples
    --------
    >>> import io, numpy as np
    >>> view = LiveView("strap")
    >>> view.take([SampleBlock(np.zeros(130, np.float32), fs=130.0)])
    >>> out = Console(width=80, height=24, file=io.StringIO())
    >>> out.print(view)
    >>> out.file.getvalue()[:9]
    '╭─ strap '
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self.footer: RenderableType | None = None
        self._mv: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._now_s = 0.0
        self._end_sample = 0
        self._rr_ms: deque[float] = deque(maxlen=_BEATS)
        self._beat_s = -_STALE_S
        self._rhythm: Rhythm | None = None
        self._quality: Quality | None = None
        self._hrv: Hrv | None = None
        self._state = ""
        self._battery: int | None = None
        self._lost = 0
        self._log: deque[LogLine] = deque(maxlen=_LOG_LINES)

    def take(self, items: Iterable[Item]) -> None:
        """Take blocks and events, in the order of the stream."""
        for item in items:
            if isinstance(item, SampleBlock):
                self._take_block(item)
            elif not isinstance(item, Acceleration | HeartRate):
                self._take_event(item)

    def _take_block(self, block: SampleBlock) -> None:
        size = round(_SHOWN_S * block.fs)
        gap = np.full(min(max(block.sample - self._end_sample, 0), size), np.nan, dtype=np.float32)
        self._mv = np.concatenate([self._mv, gap, block.samples])[-size:]
        self._end_sample, self._now_s = block.end_sample, block.end_sample / block.fs
        if len(self._mv) < size:
            self._mv = np.concatenate([np.full(size - len(self._mv), np.nan, dtype=np.float32), self._mv])

    def _take_event(self, event: Event) -> None:
        match event:
            case Beat():
                self._beat_s = event.time_s
                self._rr_ms.extend([] if event.rr_ms is None else [event.rr_ms])
            case Rhythm():
                self._rhythm = event
            case Quality():
                self._quality = event
            case Hrv():
                self._hrv = event
                return  # shown beside the heart rate: once a minute in the log would push the rest out
            case Gap():
                self._lost += event.lost
                self._rr_ms.clear()
            case LinkState():
                self._state = event.state
            case Battery():
                self._battery = event.percent
        words = describe(event)
        # A line that repeats the one before would only push others out.
        if words is not None and not (self._log and self._log[-1].words == words):
            self._log.append(LogLine(clock(shown_at_s(event)), words, _log_style(event)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the view as large as the terminal is, 80 by 24 at its best."""
        width = min(options.max_width, 120)
        height = min(max(console.height - _OTHER_LINES - 1, 4), 14)
        wave = Text("\n".join(braille(self._mv, width - 4, height)) if len(self._mv) else "\n" * (height - 1))
        wave.stylize("bright_green" if self._trusted() else "yellow")
        yield Panel(wave, title=self._title, subtitle=f"{_SHOWN_S:.0f} s", title_align="left", width=width)
        yield self._status(width)
        yield self._log_table(width)
        if self.footer is not None:
            yield self.footer

    def _trusted(self) -> bool:
        return self._quality is None or self._quality.accepted

    def _status(self, width: int) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", width=9)
        table.add_column(width=width - 13, no_wrap=True, overflow="ellipsis")
        table.add_row(" Rhythm", self._rhythm_text())
        table.add_row(" Heart", self._heart_text())
        table.add_row(" Gate", self._gate_text())
        table.add_row(" Link", self._link_text())
        return table

    def _rhythm_text(self) -> Text:
        """The last rhythm; dimmed while the gate lets nothing through, since it is then not news."""
        if self._rhythm is None:
            return Text("not yet: 10 s of usable signal first", style="dim")
        rhythm = self._rhythm
        sure = rhythm.probabilities.get(rhythm.label, 0.0)
        style = _COLOURS.get(rhythm.label, "bold") if self._trusted() else "dim"
        text = Text(RHYTHMS.get(rhythm.label, rhythm.label), style=style)
        return text.append(
            f"  {sure:4.0%}  at {clock(rhythm.end_time_s)}", style="default" if self._trusted() else "dim"
        )

    def _heart_text(self) -> Text:
        if len(self._rr_ms) < 2 or self._now_s - self._beat_s > _STALE_S or not self._trusted():
            return Text("--", style="dim")
        text = Text(f"♥ {60_000 / float(np.median(self._rr_ms)):.0f} bpm", style="bold")
        return text.append(self._hrv_words(), style="default")

    def _hrv_words(self) -> str:
        if self._hrv is None or self._hrv.rmssd_ms is None:
            return ""
        minutes = (self._hrv.end_time_s - self._hrv.time_s) / 60
        return f"  RMSSD {self._hrv.rmssd_ms:.0f} ms over {minutes:.1f} min"

    def _gate_text(self) -> Text:
        if self._quality is None:
            return Text("--", style="dim")
        if self._quality.accepted:
            return Text("usable", style="green").append(f"  {self._quality.score:.0%}", style="default")
        why = ", ".join(reason.replace("_", " ") for reason in self._quality.reasons)
        return Text("noise: no model run", style="bold yellow").append(f"  {why}", style="default")

    def _link_text(self) -> Text:
        state = STATES.get(self._state, self._state)
        text = Text(state, style="green" if self._state == "streaming" else "yellow")
        text.append(f"  {clock(self._now_s)} received", style="default")
        text.append(f"  {self._lost} samples lost", style="bold red" if self._lost else "default")
        return text.append("" if self._battery is None else f"  battery {self._battery} %", style="default")

    def _log_table(self, width: int) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", width=9, justify="right")
        table.add_column(width=width - 13, no_wrap=True, overflow="ellipsis")
        table.add_row("", "")
        for time, words, style in self._log:
            table.add_row(time, Text(words, style=style))
        for _ in range(_LOG_LINES - len(self._log)):
            table.add_row("", "")
        return table


def _log_style(event: Event) -> str:
    match event:
        case Rhythm(label="A"):
            return "red"
        case Gap() | Quality():
            return "yellow"
        case LinkState() | Note() | FrameLost() | Battery():
            return "dim"
        case _:
            return "default"
