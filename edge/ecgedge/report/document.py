"""The page as a whole: one HTML file that needs nothing else, and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from ecgedge.report.drawing.style import CSS
from ecgedge.report.findings.values import Findings
from ecgedge.report.origin import Origin
from ecgedge.report.page.markup import Html, items, paragraph, section, words
from ecgedge.report.page.plainly import sentences
from ecgedge.report.page.telling import When, length
from ecgedge.report.sections.ectopy import ectopy
from ecgedge.report.sections.examples import MOST_WHOLE_S, example, whole
from ecgedge.report.sections.fibrillation import fibrillation
from ecgedge.report.sections.figures import figures
from ecgedge.report.sections.leads import twelve_leads
from ecgedge.report.sections.marks import marks
from ecgedge.report.sections.method import method
from ecgedge.report.sections.overview import by_the_hour, overview
from ecgedge.report.sections.pauses import extremes, pauses
from ecgedge.report.sections.quality import quality
from ecgedge.report.sections.variability import variability
from ecgedge.report.strips import Strips

__all__ = ["page"]

# Nothing is loaded, run or sent, whatever a file has in its names.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_NOT_A_DEVICE = (
    "Not a medical device. Made by software alone, for information: no diagnosis follows from it. "
    "Whoever feels unwell should call a doctor, whatever this page says."
)


def page(found: Findings, strips: Strips, origin: Origin, *, leads: bool = False) -> str:
    """Write the page.

    Parameters
    ----------
    found : Findings
    strips : Strips
    origin : Origin
    leads : bool
        Whether twelve leads are guessed from the one.

    Returns
    -------
    str
        HTML: the same findings give the same text.
    """
    when = When(found.start, found.seconds)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{words(f'ECG report: {origin.name}')}</title>\n"
        f"<style>\n{_style()}</style>\n</head>\n<body>\n"
        f"{_head(found, origin, when)}<main>\n"
        f"{''.join(_sections(found, strips, origin, when, leads))}"
        f"</main>\n<footer>{paragraph(_NOT_A_DEVICE)}</footer>\n</body>\n</html>\n"
    )


def _style() -> str:
    return CSS + files("ecgedge.report.page").joinpath("page.css").read_text("utf-8")


def _head(found: Findings, origin: Origin, when: When) -> str:
    parts = [origin.name, *([origin.channel] if origin.channel else [])]
    parts += dict.fromkeys((*found.devices, *origin.said("device")))
    times = length(found.seconds)
    if found.start is not None:
        zone = f" {found.start:%Z}".rstrip()
        times = f"{found.start:%A, %d %B %Y}, {found.start:%H:%M:%S}{zone}, {times}"
    return (
        f"<header>\n<h1>ECG report</h1>\n{paragraph(' · '.join(parts), 'source')}{paragraph(times, 'source')}"
        f"{paragraph(_NOT_A_DEVICE, 'warning')}</header>\n"
    )


def _sections(found: Findings, strips: Strips, origin: Origin, when: When, leads: bool) -> Iterator[Html]:
    yield section("summary", "In short", items(sentences(found, when), "short"))
    yield figures(found, when)
    yield overview(found)
    short = found.seconds <= MOST_WHOLE_S
    if short:
        yield whole(found, strips)
    yield by_the_hour(found, when)
    yield marks(found, strips, when, shown=not short)
    if not short:
        yield example(found, strips, when)
        yield fibrillation(found, strips, when)
        yield ectopy(found, strips, when)
        yield pauses(found, strips, when)
        yield extremes(found, strips, when)
    yield variability(found)
    if leads:
        yield twelve_leads(found, strips)
    yield quality(found, when)
    yield method(found, origin)
