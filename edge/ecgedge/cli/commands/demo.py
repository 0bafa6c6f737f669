"""``ecgedge demo``: the whole chain on a virtual wearable."""

from __future__ import annotations

import math
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.live.web import WebOptions
from ecgedge.cli.options import AsJson, Backend, Force, RecordOptions, Save, SendOptions, with_options
from ecgedge.sinks.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from ecgedge.demo.play import DemoReport, Percentiles
    from ecgedge.demo.programme import Part
    from ecgedge.sinks.sink import Item, Sink

__all__ = ["demo"]

_WATCHABLE, _QUICK = 12.0, 100.0  # speeds: 380 s of ECG in half a minute for a person, in 4 s for a program

Speed = Annotated[
    float | None, typer.Option("--speed", help="Times real time: 12 on a screen, 1 with --web, else 100.")
]
Play = Annotated[Path | None, typer.Option("--play", help="Play this recording (WFDB, CSV) instead.")]


@with_options(recording=RecordOptions, sending=SendOptions, web=WebOptions)
def demo(
    recording: RecordOptions,
    sending: SendOptions,
    web: WebOptions,
    as_json: AsJson = False,
    speed: Speed = None,
    play: Play = None,
    save: Save = None,
    force: Force = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the synthetic ECG.")] = 0,
    backend: Backend = "auto",
) -> None:
    """Show the whole chain on a virtual wearable: no hardware, no data set, no network."""
    from ecgedge.cli.live.marks import Marked, Marks
    from ecgedge.cli.live.recorders import open_recorder
    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.live.web import open_page
    from ecgedge.cli.monitors import open_monitor, wants_words
    from ecgedge.cli.output import open_outlets, open_savers, open_terminal, print_ending, print_json
    from ecgedge.demo.play import play as play_to
    from ecgedge.demo.programme import own_programme, recorded_programme
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Several

    monitor = open_monitor(backend=backend, tokens=wants_words(save), timer=time.perf_counter)
    programme = recorded_programme(play) if play else own_programme(seed)
    what = play.name if play else "synthetic ECG"
    savers = open_savers(save, force=force, source=play)
    facts = {"device": "virtual Polar H10", "tokens": wants_words(save)}
    recorder = open_recorder(recording, monitor, facts, new=True)
    savers += open_outlets(sending, "virtual Polar H10")
    speed = _speed(as_json, web) if speed is None else speed
    ending, marks = Ending(), Marks(recording.record)
    title = f"ecgedge demo: a virtual Polar H10 plays {what}"
    with closing(marks), open_page(web, title, speed=speed) as page:
        shown = page.add("virtual Polar H10", mark=marks.post, recorder=recorder)
        terminal = open_terminal(as_json, title, page.hint)
        announced: list[Sink] = [] if as_json else [_Announcer(terminal, programme.parts)]
        sinks = Several([recorder, *savers, *shown, ending, *announced, terminal])
        try:
            with closing(Marked(sinks, marks)) as sink:
                report = run_until_stopped(play_to(sink, programme=programme, speed=speed, monitor=monitor))
        except BaseException:  # Ctrl-C leaves a summary too
            print_ending(ending, monitor.stats, as_json)
            raise
        if as_json:
            print_json(ending.summary().to_json() | report.to_json())
        else:
            print_ending(ending, monitor.stats, as_json)
            _print_summary(report, save or (), synthetic=play is None)
        page.stay(as_json)


def _speed(as_json: bool, web: WebOptions) -> float:
    """How fast to play where nobody said: for a page as in life, for a person at a terminal quicker."""
    from ecgedge.cli.output import shows_a_view

    if web.asked:
        return 1.0
    return _WATCHABLE if not as_json and shows_a_view() else _QUICK


class _Announcer:
    """A sink that announces which part of the play is on: below the live view, or as a line of text."""

    def __init__(self, terminal: Sink, parts: Sequence[Part]) -> None:
        self._show_below = getattr(terminal, "show_below", None)
        self._parts = parts
        self._on = -1

    def take(self, items: Iterable[Item]) -> None:
        """Announce the part that a block belongs to."""
        from ecgedge_bridge.values import SampleBlock

        for item in items:
            if isinstance(item, SampleBlock):
                self._announce(item.sample / item.fs)

    def close(self) -> None:
        """Do nothing."""

    def _announce(self, now_s: float) -> None:
        from ecgedge.cli.output import say
        from ecgedge.sinks.words import clock

        on = min(sum(now_s >= part.end_s for part in self._parts), len(self._parts) - 1)
        name, end_s = self._parts[on].name, self._parts[on].end_s
        # How long a recording is shows when it ends.
        until = "" if math.isinf(end_s) else f", until {clock(end_s)}"
        if self._show_below is not None:
            done = round(30 * min(now_s / self._parts[-1].end_s, 1.0))
            bar = "━" * done + "╌" * (30 - done) if until else ""
            self._show_below(f" Playing   {name}{until}".ljust(48) + bar)
        elif on != self._on:
            say(f"{clock(now_s):>8}  -- playing: {name}{until}")
        self._on = on


def _print_summary(report: DemoReport, saved: Iterable[str], *, synthetic: bool) -> None:
    from rich.console import Console

    # Names of files and parts are not ours: nothing in them is markup, or an emoji.
    console = Console(highlight=False, markup=False, emoji=False)
    console.print(_parts_table(report))
    console.print(_facts(report), soft_wrap=True)
    console.print(_latency_table(report))
    for path in saved:
        console.print(plain(f"Saved what was received: {path}"), soft_wrap=True)
    if synthetic:
        console.print("Synthetic ECG shows that the chain works, not how well.")


def _parts_table(report: DemoReport) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("played", "expected", "found", "gate ok/noise", "runs", ""):
        table.add_column(heading, no_wrap=True)
    for part in report.parts:
        known = part.expected != "?"
        gate = f"{part.gate_accepted}/{part.gate_rejected}"
        mark = (Text("ok", "green") if part.as_expected else Text("not so", "red")) if known else ""
        expected = {"rejected": "noise"}.get(part.expected, part.expected)
        found = ", ".join(f"{label} {count}x" for label, count in sorted(part.labels.items())) or "nothing"
        table.add_row(plain(part.name), expected, found, gate, str(part.model_runs), mark)
    return table


def _facts(report: DemoReport) -> str:
    """Gap, recovery, gate and memory in words."""
    recovered = report.recovered_after_s
    again = "no rhythm after it" if recovered is None else f"rhythm again {recovered:.0f} s later"
    lost = f"Lost connection: {report.lost_expected} samples lost, {report.lost_reported} reported; {again}\n"
    return (
        f"{lost if report.lost_expected or report.lost_reported else ''}"
        f"Gate: {report.gate_rejected} of {report.windows} windows kept from the model, "
        f"{report.model_runs} model runs\n"
        f"{report.samples} samples in {report.wall_s:.1f} s ({report.speed:g}x); "
        f"peak memory {report.peak_memory_mb:.0f} MB"
    )


def _latency_table(report: DemoReport) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("time on this machine, ms", "p50", "p99", "max", "count"):
        table.add_column(heading, justify="left" if heading.startswith("time") else "right")
    for stage, times in report.latency.items():
        _add_times(table, f"stage {stage}", times)
    _add_times(table, "notification to event", report.notification_to_event)
    return table


def _add_times(table: Table, name: str, times: Percentiles) -> None:
    table.add_row(name, f"{times.p50_ms:.3f}", f"{times.p99_ms:.3f}", f"{times.max_ms:.3f}", str(times.count))
