"""The live page of the commands that people start: a virtual strap, and a recording."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools import Page
from live import FS, SHOWS_TRACE, ecg, shows, text

from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock


@contextmanager
def command(*words: str) -> Iterator[str]:
    """Run a command of the product, and return where its page is."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from ecgedge.cli import main; main()", *words, "--web-at", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"page: (http\S+)", line):
                yield found[1]
                return
        raise AssertionError(f"{words} told of no page")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_the_demonstration_has_a_page(page: Page) -> None:
    with command("demo", "--speed", "8") as url:
        page.open(url)
        shows(page, "link", "streaming")
        page.until(SHOWS_TRACE)
        shows(page, "log", "sinus rhythm")
        shows(page, "log", "atrial fibrillation")
        assert text(page, "battery") == "87 %"
        assert page.complaints() == []
    page.until("/trying again/.test(document.getElementById('banner').textContent)")


def test_a_recording_has_a_page_that_stays(page: Page, tmp_path: Path) -> None:
    with CsvWriter(tmp_path / "ecg.csv") as writer:
        writer.write(SampleBlock(ecg(("sinus", 200.0, 62.0), ("af", 120.0, 100.0)), fs=FS))
    with command("replay", str(tmp_path / "ecg.csv")) as url:
        page.open(url)
        shows(page, "link", "ended")
        shows(page, "rhythm", "atrial fibrillation")
        page.until("document.querySelector('[data-is=timeline]').ariaValueNow > 318")
        page.click("[data-is=timeline]", 0.3)
        page.until("!document.querySelector('[data-is=strip]').hidden")
        assert "sinus rhythm" in text(page, "strip-title")
        page.until(SHOWS_TRACE)
        assert page.complaints() == []
