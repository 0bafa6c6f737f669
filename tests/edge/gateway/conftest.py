"""What the tests of the ward share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own."""
    running = Broker(tmp_path)
    try:
        yield running
    finally:
        running.thaw()
        running.stop()
