"""A page as PDF: printed by Chromium where there is one, else by WeasyPrint.

Neither may fetch anything: a report has all that it shows, and whose heart it is about is nobody's business.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import write_atomically

__all__ = ["find_chromium", "write"]

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHOSEN = "ECGEDGE_CHROMIUM"
# A page of a day prints in 3 s on a laptop. A Pi is ten times as slow, and starts Chromium from an SD card.
_LIMIT_S = 120.0
_MODE = 0o600
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pdf-header-footer",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    # No machine is found, this one included.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def write(html: Path, pdf: Path, *, limit_s: float = _LIMIT_S) -> None:
    """Print a page into a PDF, which only its owner can read.

    Parameters
    ----------
    html : Path
        The page, complete in itself.
    pdf : Path
        Written whole or not at all; one that is there is replaced.
    limit_s : float
        Seconds that Chromium may take.

    Raises
    ------
    ConfigError
        There is neither Chromium nor WeasyPrint, or what there is failed.
    OSError
        The page cannot be read, or the PDF not be written.
    """
    page = html.read_bytes()
    chromium = find_chromium()
    data = _weasyprint(page) if chromium is None else _print(chromium, page, pdf, limit_s)
    write_atomically(pdf, data, _MODE)


def find_chromium() -> str | None:
    """Return the program that ``$ECGEDGE_CHROMIUM`` names, or the first Chromium in the path; None without.

    Raises
    ------
    ConfigError
        ``$ECGEDGE_CHROMIUM`` names no program.
    """
    if chosen := os.environ.get(_CHOSEN):
        if (found := shutil.which(chosen)) is None:
            raise ConfigError(f"{_CHOSEN}={plain(chosen)} is no program: correct it, or unset it")
        return found
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def _print(chromium: str, page: bytes, pdf: Path, limit_s: float) -> bytes:
    pdf.parent.mkdir(parents=True, exist_ok=True)
    # Beside the PDF, by a name without a dot: Chromium as a snap sees neither /tmp nor hidden folders. It has
    # its own profile, so that one that is open on the desktop does not print the page in its stead.
    with tempfile.TemporaryDirectory(
        prefix=f"{pdf.name}-", dir=pdf.parent, ignore_cleanup_errors=True
    ) as beside:
        folder = Path(beside).absolute()
        (folder / "page.html").write_bytes(page)
        command = [
            chromium,
            *_OPTIONS,
            # Chromium has no sandbox for root, and ends at once.
            *(("--no-sandbox",) if os.geteuid() == 0 else ()),
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={folder / 'page.pdf'}",
            (folder / "page.html").as_uri(),
        ]
        said = _run(command, limit_s)
        printed = folder / "page.pdf"
        data = printed.read_bytes() if printed.is_file() else b""
    if not data.startswith(b"%PDF-"):
        why = f" ({plain(said[-1][:200])})" if said else ""
        raise ConfigError(
            f"{plain(chromium)} printed no PDF{why}: set {_CHOSEN} to another, or print the page yourself"
        )
    return data


def _run(command: list[str], limit_s: float) -> list[str]:
    """Run a program that starts others, and leave none of them; return the lines that it said."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ConfigError(f"{plain(command[0])}: {error.strerror}: set {_CHOSEN} to another") from error
    try:
        _, said = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"{plain(command[0])} did not print within {limit_s:.0f} s: try again, or print the page yourself"
        ) from error
    finally:
        _end(process)
    return [line for line in said.splitlines() if line.strip()]


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _weasyprint(page: bytes) -> bytes:
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except ImportError as error:
        raise ConfigError(
            "a PDF takes Chromium or WeasyPrint: install chromium (Debian: apt install chromium), "
            "or pip install 'ecgedge[pdf]', or print the page from any browser"
        ) from error
    except OSError as error:  # it loads Pango at import
        raise ConfigError(
            "WeasyPrint does not find Pango: install it "
            "(Debian: apt install libpango-1.0-0 libpangoft2-1.0-0), or install chromium"
        ) from error
    data: bytes = HTML(string=page.decode(), url_fetcher=URLFetcher(allowed_protocols=("data",))).write_pdf()
    return data
