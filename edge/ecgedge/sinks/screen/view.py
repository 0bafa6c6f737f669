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
from ecgedge.sinks.news import News
from ecgedge.sinks.plain import plain
from ecgedge.sinks.pulse import Pulse
from ecgedge.sinks.screen.braille import braille
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import STATES, clock, reasons, verdict
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["LiveView"]

# At 80 columns 6 s of signal: 25 dots a second still show a narrow QRS. A wider terminal shows more time.
_SHOWN_S, _SHOWN_WIDTH = 6.0, 76
_MOST_S = 30.0
_LOG_LINES = 6
# What stands around the curve on the 24 lines of a small terminal.
_OTHER_LINES = 2 + 1 + 4 + 1 + _LOG_LINES + 1  # borders, beats, status, space, log, footer
_MOST_LINES = 24  # of the curve: it is not clearer in more
_MOST_MARKS = round(_MOST_S * 5)  # 300 beats a minute
_COLOURS = {"N": "bold green", "A": "bold red", "O": "bold yellow", "~": "bold magenta"}
# How each class of beat is marked above the curve, and drawn on it. Normal ones stay in the background.
_MARKS = {"N": "dim", "S": "bold cyan", "V": "bold red", "F": "bold magenta", "Q": "bold white"}
_REST = "not bold default"  # what stands behind a word in bold
_UNNAMED = "·"  # a beat that no model named


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
        self._title = Text(plain(title))
        self.footer: RenderableType | None = None
        self.hint = ""
        self._mv: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._now_s = 0.0
        self._end_sample = 0
        self._fs = 1.0
        self._marks: deque[Beat] = deque(maxlen=_MOST_MARKS)
        self._pulse = Pulse()
        self._news = News()
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
        size = round(_MOST_S * block.fs)
        gap = np.full(min(max(block.sample - self._end_sample, 0), size), np.nan, dtype=np.float32)
        self._mv = np.concatenate([self._mv, gap, block.samples])[-size:]
        self._fs = block.fs
        self._end_sample, self._now_s = block.end_sample, block.end_sample / block.fs
        if len(self._mv) < size:
            self._mv = np.concatenate([np.full(size - len(self._mv), np.nan, dtype=np.float32), self._mv])

    def _take_event(self, event: Event) -> None:
        self._pulse.take(event)
        match event:
            case Beat():
                self._marks.append(event)
            case Rhythm():
                self._rhythm = event
            case Quality():
                self._quality = event
            case Hrv():
                self._hrv = event
            case Gap():
                self._lost += event.lost
            case LinkState():
                self._state = event.state
            case Battery():
                self._battery = event.percent
        if (line := self._news.of(event)) is not None:
            self._log.append(LogLine(clock(line.at_s), line.words, _log_style(event)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the view as large as the terminal is."""
        width = options.max_width
        height = min(max(console.height - _OTHER_LINES - 1, 3), _MOST_LINES)
        shown_s = min(_SHOWN_S * (width - 4) / _SHOWN_WIDTH, _MOST_S)
        yield Panel(
            self._wave(width - 4, height, shown_s),
            title=self._title,
            subtitle=f"{self.hint} · {shown_s:.0f} s" if self.hint else f"{shown_s:.0f} s",
            title_align="left",
            width=width,
        )
        yield self._status(width)
        yield self._log_table(width)
        if self.footer is not None:
            yield self.footer

    def _wave(self, width: int, height: int, shown_s: float) -> Text:
        """The curve, with its beats above it and in colour: a row for the classes, then the signal."""
        shown = self._mv[-max(1, round(shown_s * self._fs)) :]
        lines = braille(shown, width, height) if len(shown) else [" " * width] * height
        rows = [Text(line, style="bright_green" if self._trusted() else "yellow") for line in lines]
        marks = Text(" " * width)
        for beat in self._marks:
            x = int((beat.sample - self._end_sample + len(shown)) / max(len(shown), 1) * width)
            if 0 <= x < width:
                style = _MARKS.get(beat.symbol or "", "dim")
                marks = Text.assemble(marks[:x], (beat.symbol or _UNNAMED, style), marks[x + 1 :])
                if beat.symbol not in (None, "N"):
                    for row in rows:
                        row.stylize(style, max(x - 1, 0), x + 3)
        return Text("\n").join([marks, *rows])

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
        """The last rhythm, or that the signal is too noisy to tell one."""
        if self._quality is not None and not self._quality.accepted:
            return Text("too noisy", style="bold yellow").append(f"  {reasons(self._quality)}", style=_REST)
        if self._rhythm is None:
            return Text("not yet: 10 s of usable signal first", style="dim")
        rhythm = self._rhythm
        sure = rhythm.probabilities.get(rhythm.label, 0.0)
        style = _COLOURS["N" if rhythm.sinus else rhythm.label] if rhythm.label in _COLOURS else "bold"
        text = Text(plain(verdict(rhythm)), style=style)
        what = ", neither normal sinus nor AF" if rhythm.label == "O" and not rhythm.sinus else ""
        return text.append(f"{what}  {sure:4.0%}  at {clock(rhythm.end_time_s)}", style=_REST)

    def _heart_text(self) -> Text:
        rate = self._pulse.bpm(self._now_s)
        if rate is None:
            return Text("--", style="dim")
        text = Text(f"♥ {rate:.0f} bpm", style="bold")
        return text.append(self._hrv_words(), style=_REST)

    def _hrv_words(self) -> str:
        if self._hrv is None or self._hrv.rmssd_ms is None:
            return ""
        minutes = (self._hrv.end_time_s - self._hrv.time_s) / 60
        return f"  RMSSD {self._hrv.rmssd_ms:.0f} ms over {minutes:.1f} min"

    def _gate_text(self) -> Text:
        if self._quality is None:
            return Text("--", style="dim")
        if self._quality.accepted:
            return Text("usable", style="green").append(f"  {self._quality.score:.0%}", style=_REST)
        return Text("refused: no model run", style="bold yellow")

    def _link_text(self) -> Text:
        state = plain(STATES.get(self._state, self._state))
        text = Text(state, style="green" if self._state == "streaming" else "yellow")
        text.append(f"  {clock(self._now_s)} received", style=_REST)
        text.append(f"  {self._lost} samples lost", style="bold red" if self._lost else "default")
        return text.append("" if self._battery is None else f"  battery {self._battery} %", style=_REST)

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
