"""A tab of the phone's browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from devtools import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own for each test."""
    fresh = Page(browser)
    yield fresh
    fresh.close()
