"""``ecgedge report``: one page that reads like a Holter report."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import Age, AsJson, Backend, Channel, Fs, Replace, Sex, Unit, WithWaves
from ecgedge.cli.spans import From, To

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecgedge.cli.stretches import Read, Stored
    from ecgedge.monitor import Models
    from ecgedge.report.origin import Origin
    from ecgedge.report.written import Report

__all__ = ["report"]


def report(
    path: Annotated[
        Path,
        typer.Argument(
            help="Recording (.db) or a file of any form that 'replay' reads; - is standard input."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The page (.html) or PDF (.pdf); default: the source's name, here."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also as PDF, beside the page.")] = False,
    from_: From = None,
    to: To = None,
    again: Annotated[
        bool, typer.Option("--again", help="Of a recording (.db): find its events anew, not those recorded.")
    ] = False,
    twelve_leads: Annotated[
        bool, typer.Option("--twelve-leads", help="Also eleven leads guessed from lead I, with a warning.")
    ] = False,
    force: Replace = False,
    waves: WithWaves = False,
    age: Age = None,
    sex: Sex = None,
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    backend: Backend = "auto",
    as_json: AsJson = False,
) -> None:
    """Write one page on a recording, or on a stretch of it, as a Holter report reads; see docs/report.md.

    The page needs no network and no JavaScript, and prints on A4 with its ECG paper to scale. Of a recording
    (.db) the recorded events are shown; of other files they are found now. Of at most two minutes the page
    shows all of the ECG: 'ecgedge report night.db --from @03:12 --to @03:13'.
    """
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.cli.stretches import Read, Stored
    from ecgedge.monitor import Models
    from ecgedge.recording.database.store import is_recording
    from ecgedge.report.written import make, write
    from ecgedge.sinks.forms.fresh import FreshFiles

    html, printed = _targets(path, out, pdf)
    targets = [one for one in (printed, html) if one is not None]
    models = Models.load(backend)
    stream: Read | Stored
    if (fs, channel, unit) == (None,) * 3 and is_recording(path):
        stream = Stored(path, from_, to, (lambda: models) if again else None, lasting=True)
    else:
        stream = Read(
            path, fs, channel, unit, from_, to,
            partial(open_monitor, backend=backend, waves=waves, age=age, sex=sex),
        )  # fmt: skip
    with closing(stream):
        files = FreshFiles(targets, force=force, sources=[path])
        try:
            with _bar(stream.seconds) as progress:
                made = make(
                    stream,
                    _origin(path, stream, models, recorded=isinstance(stream, Stored) and not again),
                    targets[0].parent,
                    leads=twelve_leads,
                    progress=progress,
                )
            write(made, files, html, printed)
        finally:
            files.drop()
    _tell(targets, made, as_json=as_json)
    if stream.broken is not None:
        raise stream.broken


def _targets(path: Path, out: Path | None, pdf: bool) -> tuple[Path | None, Path | None]:
    """The page, the PDF: None for what is not wanted."""
    from ecgedge_bridge.errors import ConfigError

    if out is None:
        name = path.name.removesuffix(".gz") if path.name not in ("", "-") else "ecg"
        out = Path(Path(name).stem + ".html")
    out = out.expanduser()
    ending = out.suffix.lower()
    if ending == ".pdf":
        return None, out
    if ending not in (".html", ".htm"):
        raise ConfigError(f"nothing writes {out}: give a name that ends in .html or .pdf")
    return out, out.with_suffix(".pdf") if pdf else None


def _origin(path: Path, stream: Read | Stored, models: Models, *, recorded: bool) -> Origin:
    from ecgedge import __version__
    from ecgedge.report.origin import Origin

    name = "standard input" if str(path) == "-" else path.name
    return Origin(name, stream.channel, recorded, tuple(stream.sessions), models.digests(), __version__)


@contextmanager
def _bar(seconds: float | None) -> Iterator[Callable[[float], None]]:
    """Show on a terminal's stderr how much was read."""
    if not sys.stderr.isatty():
        yield lambda done_s: None
        return
    from rich.progress import BarColumn, TextColumn

    from ecgedge.cli.bars import open_bar
    from ecgedge.sinks.words import clock

    columns = TextColumn("reading"), BarColumn(), TextColumn("{task.fields[at]}")
    with open_bar(*columns) as progress:
        task = progress.add_task("", total=seconds, at="")
        yield lambda done_s: progress.update(task, completed=done_s, at=clock(done_s))


def _tell(targets: list[Path], made: Report, *, as_json: bool) -> None:
    from ecgedge.cli.output import print_json, say
    from ecgedge.report.page.plainly import sentences
    from ecgedge.report.page.telling import When

    found = made.findings
    if as_json:
        summary = {key: value for key, value in found.summary.to_json().items() if key != "type"}
        more = {
            "episodes": len(found.episodes),
            "marks": found.mark_count,
            "signal_s": round(found.signal_s, 3),
        }
        files = [{"file": str(one), "bytes": one.stat().st_size} for one in reversed(targets)]
        print_json({"type": "report", "files": files, **more, **summary})
        return
    for one in reversed(targets):
        say(f"{one}: {one.stat().st_size:,} bytes")
    for sentence in sentences(found, When(found.start, found.seconds)):
        if sentence:
            say(f"  {sentence}")
    say("Not a medical device.")
