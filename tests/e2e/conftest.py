"""The command line on a virtual strap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

# The command line as it is; only the radio is another one, and at the end it says what the strap was told.
RADIO = """
import contextlib, itertools, sys
import ecgedge_bridge.link.bleak_radio as link
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge import LinkError, LinkTiming, VirtualH10, virtual_strap
real_connect = link.connect

@contextlib.asynccontextmanager
async def connect(name, **options):
    if name == "away":
        raise LinkError("away was not found: put it on")
    ecg = synthesize([Segment("sinus", 60)], seed=1).mv
    strap = VirtualH10(itertools.repeat(ecg), speed=50, name=f"{name} 1")
    options["timing"] = LinkTiming().scaled(50)
    try:
        async with virtual_strap(strap) as radio, real_connect(name, backend=radio, **options) as wearable:
            yield wearable
    finally:
        print("told", *[command[:2].hex() for command in strap.commands], file=sys.stderr)

link.connect = connect
"""


@pytest.fixture
def on_strap(program: Any) -> Callable[..., Any]:
    """What makes the command line, by its first arguments, with a strap that streams for ever."""
    pytest.importorskip("bumble", reason="the extra sim is not installed")

    def make(*arguments: str) -> Any:
        return program.cli(*arguments, before=RADIO)

    return make
