"""Every kind of wearable: found, chosen, started, recorded to the byte and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from handset import Handset
from strap import Strap
from straps import BOARD, STRAPS, notified


@pytest.mark.parametrize("kind", STRAPS)
def test_it_streams(handset: Handset, kind: str, tmp_path: Path) -> None:
    if kind == "my board":
        described = tmp_path / "board.toml"
        described.write_text(BOARD)
        handset.put(described, "#describe")
        handset.page.until("document.getElementById('described').childElementCount")
    strap = Strap(handset.page, STRAPS[kind]())
    handset.connect(strap)
    handset.play(strap)
    handset.page.until("/^[0-9]+$/.test(document.querySelector('[data-is=rate]').textContent)")
    if kind == "heart_rate":
        handset.page.until("document.querySelector('[data-is=rate]').textContent === '65'")
    handset.disconnect()
    assert strap.wearable.ledger.sent > 100
    assert strap.wearable.ledger.lost == []
    assert not strap.wearable.running
    name = handset.newest()
    for uuid in {uuid for uuid, _ in strap.sent}:
        assert notified(handset.capture(name), uuid)[-5:] == [d for u, d in strap.sent if u == uuid][-5:]
    lines = [json.loads(line) for line in handset.events(name).splitlines()]
    kinds = {line["type"] for line in lines}
    # The other values of a strap without ECG have no event of their own.
    assert kinds >= ({"linkstate"} if kind == "heart_rate" else {"beat", "quality", "rhythm"})
    assert handset.complaints() == []
