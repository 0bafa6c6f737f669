"""A page as PDF: by the real Chromium and the real WeasyPrint, and by programs that fail."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from ecgedge.report import pdf
from ecgedge.report.drawing.paper import rows
from ecgedge_bridge.errors import ConfigError

CHROMIUM = pdf.find_chromium()
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: make test-browser BROWSER=--install"
)
PAGE = "<!doctype html><meta charset=utf-8><style>@page{size:A4;margin:10mm}</style><title>Möglich</title>"


@pytest.fixture
def seen() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and what it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def html(tmp_path: Path, seen: tuple[str, list[str]]) -> Path:
    """A page with a strip, which asks for things that it must not get."""
    file = tmp_path / "page.html"
    strip = rows(np.sin(np.arange(1300) / 20), 130.0, label="Ein Streifen")
    wants = f'<img src="{seen[0]}/img.png"><link rel=stylesheet href="{seen[0]}/a.css">'
    file.write_text(f"{PAGE}{wants}{strip}", "utf-8")
    return file


def no_chromium(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.delenv("ECGEDGE_CHROMIUM", raising=False)


def program(tmp_path: Path, lines: str) -> Path:
    file = tmp_path / "browser"
    prints = (
        "def printed(text):\n"
        "    option = '--print-to-pdf='\n"
        "    path = [a for a in sys.argv if a.startswith(option)][0].removeprefix(option)\n"
        "    open(path, 'w').write(text)"
    )
    file.write_text(f"#!{sys.executable}\nimport os, subprocess, sys, time\n{prints}\n{lines}\n")
    file.chmod(0o755)
    return file


@needs_chromium
def test_chromium_prints_a4_and_fetches_nothing(
    html: Path, tmp_path: Path, seen: tuple[str, list[str]]
) -> None:
    target = tmp_path / "out" / "report.pdf"
    pdf.write(html, target)
    data = target.read_bytes()
    assert data.startswith(b"%PDF-")
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert len(boxes) == 1
    assert [float(n) / 72 * 25.4 for n in boxes[0]] == pytest.approx([210, 297], abs=0.5)
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(target.parent) == ["report.pdf"]  # noqa: PTH208
    assert seen[1] == []


def test_without_chromium_weasyprint_prints_it(
    html: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: tuple[str, list[str]]
) -> None:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"WeasyPrint does not run here: {error}")
    no_chromium(monkeypatch, tmp_path)
    pdf.write(html, tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(data) > 5000
    assert seen[1] == []


def test_without_both_the_error_says_what_to_install(
    html: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_chromium(monkeypatch, tmp_path)
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ConfigError, match=r"install chromium.*ecgedge\[pdf\]"):
        pdf.write(html, tmp_path / "report.pdf")
    assert not (tmp_path / "report.pdf").exists()


def test_a_program_that_is_none_is_named(html: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGEDGE_CHROMIUM", "/no/such/\x1b[2Jbrowser")
    with pytest.raises(ConfigError, match="correct it, or unset it") as raised:
        pdf.write(html, tmp_path / "report.pdf")
    assert "\x1b" not in str(raised.value)


def test_a_browser_that_hangs_is_ended_with_all_that_it_started(
    html: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "child"
    hangs = (
        f"c = subprocess.Popen(['sleep', '60']); open({str(note)!r}, 'w').write(str(c.pid)); time.sleep(60)"
    )
    monkeypatch.setenv("ECGEDGE_CHROMIUM", str(program(tmp_path, hangs)))
    before = b"the one of yesterday"
    (tmp_path / "report.pdf").write_bytes(before)
    began = time.monotonic()
    with pytest.raises(ConfigError, match="within 1 s"):
        pdf.write(html, tmp_path / "report.pdf", limit_s=1.0)
    assert time.monotonic() - began < 10
    assert (tmp_path / "report.pdf").read_bytes() == before
    child = Path("/proc") / note.read_text()
    for _ in range(50):  # until its new parent has taken notice
        if not child.exists() or "Z" in (child / "stat").read_text().split()[2]:
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process is left")


@pytest.mark.parametrize("lines", [
    "sys.exit('cannot open display')",
    "print('cannot open display', file=sys.stderr)",
    "printed('<html>'); sys.exit('cannot open display')",
])  # fmt: skip
def test_a_browser_that_prints_nothing_is_told(
    html: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    monkeypatch.setenv("ECGEDGE_CHROMIUM", str(program(tmp_path, lines)))
    with pytest.raises(ConfigError, match="cannot open display"):
        pdf.write(html, tmp_path / "report.pdf")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["browser", "page.html"]


def test_the_sandbox_stays_for_all_but_root(
    html: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "arguments"
    lines = f"open({str(said)!r}, 'w').write('\\n'.join(sys.argv[1:]))\nprinted('%PDF-')"
    monkeypatch.setenv("ECGEDGE_CHROMIUM", str(program(tmp_path, lines)))
    pdf.write(html, tmp_path / "report.pdf")
    arguments = said.read_text().splitlines()
    assert ("--no-sandbox" in arguments) == (os.geteuid() == 0)
    profile = next(a for a in arguments if a.startswith("--user-data-dir="))
    assert profile.startswith(f"--user-data-dir={tmp_path}/report.pdf-")
    assert shutil.which("browser") is None
