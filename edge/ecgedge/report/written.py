"""A report of a stream: read once, its signal kept on disk for the strips, then written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ecgedge.report import pdf
from ecgedge.report.document import page
from ecgedge.report.findings.collector import Collector
from ecgedge.report.findings.values import Findings
from ecgedge.report.origin import Origin
from ecgedge.report.strips import Strips
from ecgedge.sinks.forms.fresh import FreshFiles
from ecgedge.sinks.forms.spool import Spool
from ecgedge.sinks.sink import Item
from ecgedge_bridge.values import SampleBlock

__all__ = ["Report", "Stream", "make", "write"]

_TELL_S = 60.0  # of signal between two words on how far it is


class Stream(Protocol):
    """What is reported: blocks and events in their order, from the start of the stretch."""

    @property
    def start(self) -> datetime | None:
        """Time of the first sample."""

    def items(self) -> Iterator[Item]:
        """Yield blocks and events."""


@dataclass(frozen=True, slots=True)
class Report:
    """The page, and what it says."""

    html: str
    findings: Findings


def make(
    stream: Stream,
    origin: Origin,
    folder: Path,
    *,
    leads: bool = False,
    progress: Callable[[float], None] = lambda done_s: None,
) -> Report:
    """Read a stream to its end and write its page.

    Parameters
    ----------
    stream : Stream
    origin : Origin
    folder : Path
        On a disk with room for the signal: four bytes a sample, which are gone afterwards.
    leads : bool
        Whether twelve leads are guessed from the one.
    progress : callable
        Is told the seconds of signal that were read.
    """
    # Its own zone is that of the machine: as --from reads times.
    start = stream.start.astimezone() if stream.start and stream.start.tzinfo else stream.start
    collector = Collector(start)
    with closing(Spool(folder)) as spool:
        told_s = 0.0
        for item in stream.items():
            if isinstance(item, SampleBlock):
                spool.add(item)
                if item.end_sample / item.fs >= told_s:
                    progress(item.end_sample / item.fs)
                    told_s = item.end_sample / item.fs + _TELL_S
            collector.take([item])
        findings = collector.findings()
        return Report(page(findings, Strips(spool, findings), origin, leads=leads), findings)


def write(report: Report, files: FreshFiles, html: Path | None, pdf_path: Path | None) -> None:
    """Write a page, as PDF too where that is wanted; into names that were taken before.

    Raises
    ------
    ConfigError
        A file cannot be written, or nothing here prints a PDF.
    """
    data = report.html.encode()
    if pdf_path is not None:
        # By a name without a dot, see ``pdf``; nothing is in its place before all is written.
        with tempfile.TemporaryDirectory(prefix="ecgedge-report-", dir=pdf_path.parent) as beside:
            source, printed = Path(beside) / "page.html", Path(beside) / "page.pdf"
            source.write_bytes(data)
            pdf.write(source, printed)
            files.open(pdf_path).write(printed.read_bytes())
    if html is not None:
        files.open(html).write(data)
    files.keep()
