"""Choosing a strap, connecting, losing it and getting it back: a virtual H10 in emulated Bluetooth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from handset import Handset
from strap import UNLIKELY_ERROR, Strap
from straps import notified

from ecgedge_bridge.protocols.polar.control import PMD_CONTROL, PMD_DATA, START_ECG, STOP_ECG, Status
from ecgedge_bridge.protocols.polar.frames import FRAME_SAMPLES
from ecgedge_bridge.simulation.faults import Fault
from ecgedge_bridge.simulation.h10 import VirtualH10


def h10(frames: int = 2000, **options: Any) -> VirtualH10:
    """A strap whose samples can be told apart."""
    return VirtualH10(np.arange(frames * FRAME_SAMPLES) % 1999 / 1000, **options)


def data_of(handset: Handset) -> list[bytes]:
    """Frames in the newest recording."""
    return notified(handset.capture(handset.newest()), PMD_DATA)


def test_the_chooser_lists_the_strap_and_connects_to_it(handset: Handset) -> None:
    strap = Strap(handset.page, h10())
    handset.connect(strap)
    assert handset.offered == [[strap.address]]
    assert strap.connections == 1
    assert strap.wearable.running
    assert handset.page.evaluate("document.querySelector('.card h2').textContent") == strap.wearable.name


def test_the_settings_are_asked_for_and_then_the_ecg(handset: Handset) -> None:
    strap = Strap(handset.page, h10())
    handset.connect(strap)
    assert [uuid for uuid, _ in strap.told] == [PMD_CONTROL] * len(strap.told)
    assert [data[:2].hex() for _, data in strap.told] == ["0100", "0200"]
    assert strap.told[-1][1] == START_ECG
    handset.disconnect()
    assert strap.told[-1][1] == STOP_ECG
    assert not strap.wearable.running


def test_a_cancelled_chooser_changes_nothing(handset: Handset) -> None:
    strap = Strap(handset.page, h10())
    handset.tap_connect(None)
    handset.browser.pump(0.5)
    assert handset.said() == ""
    assert handset.page.evaluate("document.body.dataset.view") == "start"
    assert strap.connections == 0
    handset.connect(strap)
    assert strap.connections == 1


def test_a_thousand_frames_come_in_order(handset: Handset) -> None:
    strap = Strap(handset.page, h10(1000))
    handset.connect(strap)
    assert handset.play(strap) == 1000
    sent = [data for uuid, data in strap.sent if uuid == PMD_DATA]
    assert len(sent) == 1000
    assert data_of(handset) == sent
    handset.disconnect()
    assert handset.complaints() == []


def test_a_lost_link_comes_back_without_a_tap(handset: Handset) -> None:
    strap = Strap(handset.page, h10(60, faults=[Fault(at_s=10.0, kind="disconnect", seconds=5.0)]))
    handset.connect(strap)
    handset.play(strap)
    handset.until(lambda: strap.connections == 2)
    handset.measures(strap)
    assert [data for _, data in strap.told].count(START_ECG) == 2
    handset.play(strap)
    sent = [data for uuid, data in strap.sent if uuid == PMD_DATA]
    assert data_of(handset) == sent
    assert handset.offered == [[strap.address]]
    # What went by meanwhile is counted as lost, by the strap's own clock.
    handset.page.until("/[1-9]/.test(document.querySelector('[data-is=lost]')?.textContent)")
    lost = handset.page.evaluate("document.querySelector('[data-is=lost]').textContent")
    assert str(strap.wearable.ledger.lost_samples) in lost.replace(",", "")


def test_a_strap_out_of_reach_is_tried_again(handset: Handset) -> None:
    strap = Strap(handset.page, h10(60))
    handset.connect(strap)
    handset.play(strap, 10)
    strap.away = True
    strap.drop()
    handset.page.until("document.getElementById('state').textContent === 'connection lost'")
    handset.browser.pump(3.0)
    strap.away = False
    handset.measures(strap, 90.0)
    handset.page.until("document.getElementById('state').textContent === 'measuring'")
    handset.play(strap, 10)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.IN_CHARGER, "take the device out of its charger"),
        (Status.ALREADY_IN_STATE, "end the other program or phone app that uses the strap"),
        (Status.INVALID_MTU, "MTU"),
        (Status.DISK_FULL, "memory is full"),
        (0x33, "unknown status 0x33"),
    ],
)
def test_a_refusal_is_told_in_a_sentence(handset: Handset, status: int, words: str) -> None:
    faults = [Fault(at_s=0.0, kind="refuse", code=int(status)) for _ in range(9)]
    strap = Strap(handset.page, h10(faults=faults))
    handset.tap_connect(strap)
    handset.page.until("document.getElementById('banner-words').textContent", 60.0)
    assert words in handset.said()
    assert "LinkError" not in handset.said()
    assert handset.page.evaluate("document.getElementById('state').textContent") == "ended"


def test_a_strap_that_answers_no_command_is_told_of(handset: Handset) -> None:
    strap = Strap(handset.page, h10())
    strap.failing[PMD_CONTROL, "write"] = UNLIKELY_ERROR
    handset.tap_connect(strap)
    handset.page.until("document.getElementById('banner-words').textContent", 60.0)
    assert "could not connect to Polar H10" in handset.said()
    assert "end any phone app that holds the connection" in handset.said()


def test_a_device_that_is_none_of_ours_is_told_of(handset: Handset) -> None:
    """Its name is an H10's, and none of what an H10 has is there."""

    class Bare(VirtualH10):
        def services(self) -> Any:
            return super().services()[2:]

    strap = Strap(handset.page, Bare(np.zeros(73)))
    handset.tap_connect(strap)
    handset.page.until("document.getElementById('banner-words').textContent", 60.0)
    assert "no service that is known" in handset.said()
