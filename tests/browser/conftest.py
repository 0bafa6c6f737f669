"""The browser of this folder's tests, started once; skipped with the reason where there is none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import Browser, Page, chromium
from live import Stream, ecg, serving

from ecgedge.monitor import Monitor
from ecgedge.report.pdf import find_chromium
from ecgedge.sinks.web.hub import Hub


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: make test-browser BROWSER=--install")
    profile = tempfile.mkdtemp(prefix="ecgedge-browser-")
    try:
        with chromium(program, Path(profile)) as running:
            yield running
    finally:
        shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own for each test."""
    fresh = Page(browser)
    yield fresh
    fresh.close()


@pytest.fixture
def hub() -> Hub:
    """A page that shows nobody yet."""
    return Hub("a test")


@pytest.fixture(scope="session")
def long_hub() -> Hub:
    """Five minutes with all that can happen: fibrillation, extra beats, noise, a gap and marks."""
    hub = Hub("a test")
    marks: list[str] = []
    mv = ecg(
        ("sinus", 80.0, 64.0), ("af", 80.0, 105.0), ("pvc", 80.0, 70.0), ("noise", 40.0, 70.0),
        ("sinus", 40.0, 60.0),
    )  # fmt: skip
    stream = Stream(hub.add("virtual strap", mark=marks.append), mv, monitor=Monitor())
    stream.play(200)
    stream.skip(6)
    stream.play()
    return hub


@pytest.fixture(scope="module")
def long_url(long_hub: Hub) -> Iterator[str]:
    """Where :func:`long_hub` is."""
    with serving(long_hub) as server:
        yield server.url
