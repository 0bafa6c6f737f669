"""``ecgedge table``: many recordings, a row for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import AsJson, Backend, Channel, Fs, Replace, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["table"]


def table(
    paths: Annotated[list[Path], typer.Argument(help="Recordings of any form, and folders of them.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The file: .csv or .parquet; without it a table here.")
    ] = None,
    force: Replace = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, max=256, help="Recordings at a time; default: all cores.")
    ] = None,
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    backend: Backend = "auto",
    as_json: AsJson = False,
) -> None:
    """Analyse many recordings: a row for each, with heart rate, rhythm, AF burden, ectopic beats and HRV.

    A recording that cannot be read does not stop the others: the column 'error' says why, and the exit status
    is 1.
    """
    from ecgedge.cli.output import print_json, say, warn
    from ecgedge.tables.files import check_table, write_rows
    from ecgedge.tables.recordings import COLUMNS, Wish, rows_of
    from ecgedge_bridge.errors import ConfigError

    if out is not None and out.exists() and not force:
        raise ConfigError(f"{out} is there already: choose another name, or replace it with --force")
    if out is not None:
        check_table(out)
    # The table of last time, in the folder of the recordings, is none of them.
    every = [file for file in _files(paths) if out is None or not _same(file, out)]
    if not every:
        raise ConfigError("there is no recording in these folders: name files")
    rows = []
    with _bar() as progress:
        for row in rows_of(every, Wish(fs, channel, unit, backend), jobs, progress):
            rows.append(row)
            if as_json:
                print_json({"type": "recording", **row})
    if out is not None:
        write_rows(rows, COLUMNS, out)
    elif not as_json:
        _show(rows)
    failed = [row for row in rows if row["error"]]
    if out is not None and not as_json:
        count = "1 recording" if len(rows) == 1 else f"{len(rows)} recordings"
        say(f"{out}: {count}" + (f", {len(failed)} with an error" if failed else ""))
    for row in failed:
        warn(row["error"])
    if failed:
        raise typer.Exit(1)


def _files(paths: list[Path]) -> Iterator[Path]:
    """Files by their names; of a folder those that may be recordings, its WFDB records once."""
    from ecgedge.recording.listing import recordings_among

    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(str(file) for file in path.iterdir() if file.is_file())
        yield from map(Path, recordings_among(inside))


def _same(file: Path, other: Path) -> bool:
    return file.exists() and other.exists() and file.samefile(other)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal's stderr."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from ecgedge.cli.bars import open_bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("recordings,"), TimeRemainingColumn(), TextColumn("left"),
    )  # fmt: skip
    with open_bar(*columns) as progress:
        task = progress.add_task("analysing", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _show(rows: list[dict[str, object]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ecgedge.sinks.plain import plain
    from ecgedge.sinks.words import clock

    shown = Table(box=box.SIMPLE_HEAD)
    shown.add_column("recording", overflow="fold")
    for heading in ("length", "usable", "rate", "AF", "VEB", "SVEB", "RMSSD"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        name = plain(Path(str(row["file"])).name)
        if row["duration_s"] is None:
            shown.add_row(name, "not read", *[""] * 6)
            continue
        shown.add_row(
            name,
            clock(float(str(row["duration_s"]))),
            _percent(row["usable"]),
            _number(row["heart_rate_bpm"], "/min"),
            _percent(row["af_burden"]),
            str(row["ventricular"]),
            str(row["supraventricular"]),
            _number(row["rmssd_ms"], " ms"),
        )
    Console(highlight=False, markup=False, emoji=False).print(shown)


def _percent(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, float) else "?"


def _number(value: object, unit: str) -> str:
    return f"{value:.0f}{unit}" if isinstance(value, float) else "?"
