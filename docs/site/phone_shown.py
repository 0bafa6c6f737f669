"""The phone app in a browser while a virtual Polar H10 plays over emulated Bluetooth: for a picture of it."""

from __future__ import annotations

import base64
import time

import numpy as np
from devtools import Browser
from handset import Handset
from site_of_app import BUILT, Site
from strap import Strap

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.simulation.h10 import VirtualH10

__all__ = ["BUILT", "phone"]

FS = 130.0
# What the strap plays: kind of rhythm, seconds, beats a minute. The last one is on the trace.
PLAY = (("sinus", 90.0, 64.0), ("pvc", 60.0, 70.0), ("noise", 30.0, 70.0), ("sinus", 80.0, 66.0),
        ("af", 110.0, 98.0))  # fmt: skip
# Notifications: what comes before at once, in pieces that the app's inbox holds, and what comes as in life.
BURST_S = 73 / FS
BEFORE, PIECE, LIVE = 600, 200, 24


def phone(browser: Browser, quality: int) -> bytes:
    """The page on a phone, as WebP; the browser was started with ``Handset.FLAGS``."""
    mv = np.round(synthesize([Segment(*part) for part in PLAY], FS, seed=0).mv.astype(np.float64), 3)
    with Site(BUILT) as site:
        shown = Handset(browser, site.url)
        try:
            shown.page.screen(390, 844, dots=2)
            shown.page.call("Emulation.setScrollbarsHidden", hidden=True)
            shown.page.call("Emulation.setTimezoneOverride", timezoneId="UTC")
            shown.open()
            strap = Strap(shown.page, VirtualH10(mv))
            shown.connect(strap)
            for _ in range(BEFORE // PIECE):
                strap.play(PIECE)
                shown.browser.pump(1.0)
            began_s = time.monotonic()
            for burst in range(LIVE):
                shown.browser.pump(max(0.0, began_s + burst * BURST_S - time.monotonic()))
                strap.play(1)
            taken = shown.page.call("Page.captureScreenshot", format="webp", quality=quality)
        finally:
            shown.close()
    return base64.b64decode(taken["data"])
