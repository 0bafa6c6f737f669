"""What a phone does to a page: no internet, no memory left, an hour of ECG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from devtools import Browser
from handset import Handset
from site_of_app import Site
from strap import Strap
from straps import STRAPS, ecg, notified, records

from ecgedge_bridge.capture.file import Damaged
from ecgedge_bridge.protocols.polar.control import PMD_DATA
from ecgedge_bridge.simulation.h10 import VirtualH10

# In an hour nothing may grow but what is shown: an hour of samples to look back on, a day of the timeline.
_MOST_GROWTH_MB = 40.0


def test_it_works_without_its_server(browser: Browser, app_folder: Path) -> None:
    with Site(app_folder) as site:
        handset = Handset(browser, site.url)
        handset.open()
        assert "Works without internet" in handset.page.evaluate(
            "document.getElementById('offline').textContent"
        )
    try:
        handset.open()
        strap = Strap(handset.page, STRAPS["polar"]())
        handset.connect(strap)
        handset.play(strap, 100)
        handset.disconnect()
        assert notified(handset.capture(handset.newest()), PMD_DATA) == [
            data for uuid, data in strap.sent if uuid == PMD_DATA
        ]
    finally:
        handset.close()


def test_nothing_that_was_written_is_lost_when_the_browser_is_killed(
    own_browser: Callable[[], Browser], site: Site
) -> None:
    first = own_browser()
    handset = Handset(first, site.url, kept=True)
    handset.open()
    strap = Strap(handset.page, VirtualH10(np.resize(ecg(130.0), 73 * 3000)))
    handset.connect(strap)
    handset.play(strap, 200)
    # From here on they come without end, and the browser dies in the middle of it.
    strap.start_sending(1000)
    begun = handset.recordings()[-1]["bytes"]
    handset.until(lambda: handset.recordings()[-1]["bytes"] > begun + 20_000)
    acknowledged = handset.recordings()[-1]["bytes"]
    name = handset.newest()
    first.kill()
    sent = [data for uuid, data in strap.sent if uuid == PMD_DATA]

    again = Handset(own_browser(), site.url, kept=True)
    again.open()
    assert [one["name"] for one in again.recordings()] == [name]
    data = again.capture(name)
    assert len(data) >= acknowledged
    held = notified(data, PMD_DATA)
    assert 200 < len(held) <= len(sent)
    assert held == sent[: len(held)]
    assert [one for one in records(data) if isinstance(one, Damaged) and not one.torn] == []
    assert '"beat"' in again.events(name)
    again.page.click("#saved [data-is=replay]")
    again.page.until("document.querySelector('.letters')?.childElementCount > 2")


def test_memory_stays_where_it_is_for_an_hour(handset: Handset) -> None:
    # To read for each notification takes minutes, and tests nothing more.
    strap = Strap(handset.page, VirtualH10(np.resize(ecg(130.0), 3600 * 130)), straight=True)
    handset.connect(strap)
    tenth = round(360 * 130 / 73)
    handset.play(strap, 2 * tenth)
    before = handset.memory()
    handset.play(strap)
    after = handset.memory()
    assert strap.wearable.ledger.sent == 3600 * 130
    assert strap.wearable.ledger.lost == []
    assert after.wasm_mb - before.wasm_mb < 8.0
    assert after.pss_mb - before.pss_mb < _MOST_GROWTH_MB
    handset.disconnect()
    assert handset.complaints() == []
