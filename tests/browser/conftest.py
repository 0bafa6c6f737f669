"""The browser of this folder's tests, started once; skipped with the reason where there is none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import Browser, Page, chromium

from ecgedge.report.pdf import find_chromium


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
