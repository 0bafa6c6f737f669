"""Pictures of the documentation, made from the product as it is: all of them on synthetic ECG.

Usage: make pictures, or PYTHONPATH=tests/browser:tests/phone python docs/site/pictures.py NAME ... for some.
That of the phone app needs it built: make phone
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import phone_shown
import played_page
import terminal
from devtools import Browser, Page, chromium
from handset import Handset
from rich.text import Text

from ecgedge.cli.commands.demo import _Announcer
from ecgedge.demo.play import play
from ecgedge.demo.programme import FS, Programme, own_programme
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.report.pdf import find_chromium
from ecgedge.sinks.screen.view import LiveView
from ecgedge.sinks.sink import Item, Several
from ecgedge_bridge.values import SampleBlock

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
WIDTH = 92  # of the terminal: what a page shows without making it smaller
# In the part with extra beats, after one of them was named; the log holds every rhythm of the play by then.
MOMENT_S = 225.0
# A night for the report: kind of rhythm, minutes, beats a minute.
NIGHT = (
    ("sinus", 22.0, 61.0), ("pvc", 6.0, 66.0), ("sinus", 12.0, 58.0), ("af", 19.0, 104.0), ("af", 6.0, 88.0),
    ("sinus", 14.0, 67.0), ("noise", 2.5, 70.0), ("sinus", 28.0, 59.0), ("pvc", 1.5, 63.0),
    ("sinus", 9.0, 64.0),
)  # fmt: skip
NIGHT_BEGAN = datetime(2026, 11, 28, 22, 30, tzinfo=UTC)
QUALITY = 82  # of WebP: below it the grid of the ECG paper is smeared


class _Watched:
    """A sink that draws the live view as it is at a moment."""

    def __init__(self, title: str, moment_s: float) -> None:
        self._view, self._moment_s = LiveView(title), moment_s
        self.svg = ""

    def take(self, items: Iterable[Item]) -> None:
        """Draw the first view after the moment."""
        items = list(items)
        self._view.take(items)
        reached = any(
            isinstance(item, SampleBlock) and item.sample / item.fs >= self._moment_s for item in items
        )
        if reached and not self.svg:
            self.svg = terminal.picture(self._view, "ecgedge demo", width=WIDTH, height=30)

    def show_below(self, footer: str) -> None:
        """Show a line below the view, as on the screen."""
        self._view.footer = Text(footer, no_wrap=True, overflow="ellipsis")

    def close(self) -> None:
        """Do nothing."""


def live_view() -> str:
    """The terminal while the demonstration plays."""
    whole = own_programme()
    assert isinstance(whole.mv, np.ndarray)
    screen = _Watched("ecgedge demo: a virtual Polar H10 plays synthetic ECG", MOMENT_S)
    begin = Programme(whole.mv[: round(FS * (MOMENT_S + 2))], whole.parts, ())
    # Slower than the demonstration can be: a machine that is busy loses no connection, which would show.
    asyncio.run(play(Several([_Announcer(screen, whole.parts), screen]), programme=begin, speed=40))
    return screen.svg


def ending() -> str:
    """What the demonstration says at its end, but for the time that this machine took."""
    command = [sys.executable, "-c", "from ecgedge.cli import main; main()", "demo"]
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout[done.stdout.index("Summary of") :].splitlines()
    kept = lines[: next(i for i, line in enumerate(lines) if " samples in " in line)]
    shown = Text.from_ansi("\n".join(["$ ecgedge demo", "…", *kept]))
    return terminal.picture(shown, "ecgedge demo", width=WIDTH, height=len(kept))


@cache
def night_report(folder: Path) -> Path:
    """The report of a synthetic night, whose clock is UTC."""
    ecg = synthesize([Segment(kind, 60 * minutes, bpm) for kind, minutes, bpm in NIGHT], FS, seed=3)
    began_ns = int(NIGHT_BEGAN.timestamp() * 1e9)
    with (folder / "night.csv").open("w") as file:
        file.write("time_ns,ecg_uV\n")
        file.writelines(
            f"{began_ns + round(i * 1e9 / FS)},{1000 * mv:.0f}\n" for i, mv in enumerate(ecg.mv.tolist())
        )
    command = [sys.executable, "-c", "from ecgedge.cli import main; main()", "report", "night.csv"]
    subprocess.run(command, cwd=folder, env=os.environ | {"TZ": "UTC"}, capture_output=True, check=True)
    return folder / "night.html"


def report(browser: Page, folder: Path) -> bytes:
    """The beginning of the report."""
    return stretch(browser, night_report(folder), "ECG report", "By the hour")


def report_strips(browser: Page, folder: Path) -> bytes:
    """The report on atrial fibrillation and on ventricular beats."""
    return stretch(browser, night_report(folder), "Atrial fibrillation", "Supraventricular, by the hour")


def live_page(browser: Page, folder: Path) -> bytes:
    """The live page on a desk."""
    return live_shot(browser, 1440, 1170, 1)


def live_page_phone(browser: Page, folder: Path) -> bytes:
    """The live page on a phone."""
    return live_shot(browser, 390, 844, 2)


def live_shot(browser: Page, width: int, height: int, dots: int) -> bytes:
    """The live page on a screen with so many dots a pixel."""
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=dots,
        mobile=width < 600,
    )  # fmt: skip
    browser.call("Emulation.setScrollbarsHidden", hidden=True)
    with played_page.shown(browser):
        taken = browser.call("Page.captureScreenshot", format="webp", quality=QUALITY)
    return base64.b64decode(taken["data"])


def stretch(browser: Page, file: Path, first: str, behind: str) -> bytes:
    """A page from one heading to another."""
    browser.screen(960, 1200)
    browser.open(file)
    top, end = (browser.evaluate(f"({TOP_OF})({json.dumps(head)})") for head in (first, behind))
    return shot(browser, top - 24, end - top + 12)


# Where a heading is, on the page.
TOP_OF = """head => [...document.querySelectorAll('h1, h2, h3, text')].find(e => e.textContent == head)
    .getBoundingClientRect().top + scrollY"""


def shot(browser: Page, top: float, height: float) -> bytes:
    """A stretch of what the page shows, over its whole width, a half larger than on the screen."""
    width = browser.evaluate("document.documentElement.clientWidth")
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1.5}
    taken = browser.call(
        "Page.captureScreenshot", format="webp", quality=QUALITY, clip=clip, captureBeyondViewport=True
    )
    return base64.b64decode(taken["data"])


# What is made of text, and what a browser takes.
DRAWN: dict[str, Callable[[], str]] = {"terminal.svg": live_view, "ending.svg": ending}
TAKEN: dict[str, Callable[[Page, Path], bytes]] = {
    "report.webp": report,
    "report-strips.webp": report_strips,
    "live-page.webp": live_page,
    "live-page-phone.webp": live_page_phone,
}


# What takes a browser with a radio.
WITH_RADIO: dict[str, Callable[[Browser], bytes]] = {
    "phone.webp": lambda browser: phone_shown.phone(browser, QUALITY),
}


@contextmanager
def fresh() -> Iterator[Browser]:
    """A fresh browser, with emulated Bluetooth."""
    program = find_chromium()
    if program is None:
        sys.exit("no Chromium here: python tests/browser/run.py --install")
    with (
        tempfile.TemporaryDirectory(prefix="ecgedge-pictures-", ignore_cleanup_errors=True) as profile,
        chromium(program, Path(profile), *Handset.FLAGS) as running,
    ):
        yield running


@contextmanager
def tab() -> Iterator[Page]:
    """A tab of one."""
    with fresh() as running:
        yield Page(running)


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in (name for name in DRAWN if name in names or not names):
        (FOLDER / name).write_text(DRAWN[name](), "utf-8")
    if not names or set(names) & set(TAKEN):
        with tab() as browser, tempfile.TemporaryDirectory(prefix="ecgedge-pictures-") as folder:
            for name in (name for name in TAKEN if name in names or not names):
                (FOLDER / name).write_bytes(TAKEN[name](browser, Path(folder)))
    for name in (name for name in WITH_RADIO if name in names or not names):
        if not phone_shown.BUILT.is_dir():
            sys.exit(f"{name} is a picture of the phone app: make phone")
        with fresh() as running:
            (FOLDER / name).write_bytes(WITH_RADIO[name](running))


if __name__ == "__main__":
    main(sys.argv[1:])
