"""Recordings: what the phone keeps is what was sent, and gives the events that it gives anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from handset import Handset
from natively import Cores, capture
from strap import Strap
from straps import STRAPS, ecg

from ecgedge_bridge.simulation.faults import Fault
from ecgedge_bridge.simulation.h10 import VirtualH10

CAPTURES = Path(__file__).parents[1] / "captures"
# Files in the browser's storage for the app.
KEPT = """(async () => {
    const found = [];
    const look = async folder => {
        for await (const each of folder.values())
            await (each.kind === "file" ? found.push(each.name) : look(each));
    };
    await look(await navigator.storage.getDirectory());
    return found;
})()"""
# What a link says has times of its own; all else follows from the samples.
OF_LINK = {"linkstate", "note", "battery"}


@pytest.fixture(scope="session")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Cores:
    return Cores(tmp_path_factory.mktemp("cores"))


def analysed(lines: str) -> list[str]:
    """The lines that are of the analysis."""
    return [line for line in lines.splitlines() if json.loads(line)["type"] not in OF_LINK]


@pytest.mark.parametrize("kind", ["polar", "ecgedge"])
def test_what_the_page_recorded_gives_the_same_events_natively(
    handset: Handset, kind: str, cores: Cores, tmp_path: Path
) -> None:
    strap = Strap(handset.page, STRAPS[kind]())
    handset.connect(strap)
    handset.play(strap)
    handset.disconnect()
    name = handset.newest()
    here = handset.events(name)
    file = tmp_path / "phone.cap"
    file.write_bytes(handset.capture(name))
    assert here == cores.lines(file)
    # And what another virtual wearable of the same kind sends, which has seen no browser.
    twin = cores.lines(capture(STRAPS[kind](), tmp_path / "twin.cap"))
    assert len(analysed(here)) > 150
    assert analysed(here) == analysed(twin)


def test_a_stream_with_all_that_goes_wrong_gives_the_same_events_natively(
    handset: Handset, cores: Cores, tmp_path: Path
) -> None:
    faults = [
        Fault(at_s=15.0, kind="drop_frame"),
        Fault(at_s=22.0, kind="duplicate"),
        Fault(at_s=30.0, kind="corrupt"),
        Fault(at_s=40.0, kind="disconnect", seconds=7.0),
        Fault(at_s=70.0, kind="reorder"),
        Fault(at_s=90.0, kind="truncate"),
    ]
    strap = Strap(handset.page, VirtualH10(ecg(130.0), faults=faults))
    handset.connect(strap)
    handset.play(strap)
    handset.measures(strap)
    handset.play(strap)
    handset.disconnect()
    file = tmp_path / "phone.cap"
    file.write_bytes(handset.capture(handset.newest()))
    here = handset.events(handset.newest())
    assert here == cores.lines(file)
    codes = {code for line in here.splitlines() if (code := json.loads(line).get("code"))}
    assert codes >= {"lost", "kind"}


def test_other_commands_take_what_the_phone_recorded(handset: Handset, program: Any, tmp_path: Path) -> None:
    strap = Strap(handset.page, STRAPS["polar"]())
    handset.connect(strap)
    handset.play(strap)
    handset.disconnect()
    file = tmp_path / handset.newest()
    file.write_bytes(handset.capture(file.name))
    for command, made in (("report", ("-o", "report.html")), ("save", ("ecg.edf",))):
        done = program.cli(command, str(file), *made[:-1], str(tmp_path / made[-1])).run()
        assert done.returncode == 0, done.stderr
        assert (tmp_path / made[-1]).stat().st_size > 10_000


def test_what_is_shown_live_is_what_the_recording_gives(handset: Handset) -> None:
    strap = Strap(handset.page, STRAPS["polar"]())
    handset.connect(strap)
    handset.play(strap)
    handset.page.until("document.querySelector('[data-is=rhythm]').textContent.includes('fibrillation')")
    handset.page.until("document.querySelector('.letters')?.childElementCount > 2")
    events = [json.loads(line) for line in handset.events(handset.newest()).splitlines()]
    labels = [one["label"] for one in events if one["type"] == "rhythm"]
    assert labels[-1] == "A"


def test_a_mark_is_kept_where_it_was_made(handset: Handset, tmp_path: Path, cores: Cores) -> None:
    strap = Strap(handset.page, STRAPS["polar"]())
    handset.connect(strap)
    handset.play(strap, 40)
    handset.page.click("[data-is=mark] button, [data-is=mark]")
    handset.browser.pump(0.5)
    handset.page.evaluate("document.activeElement.blur()")
    handset.play(strap, 40)
    handset.disconnect()
    name = handset.newest()
    marks = [json.loads(line) for line in handset.events(name).splitlines() if '"mark"' in line]
    assert len(marks) == 1
    assert 15 < marks[0]["time_s"] < 40
    file = tmp_path / "phone.cap"
    file.write_bytes(handset.capture(name))
    assert '"mark"' in cores.lines(file)


def test_a_recording_is_downloaded_byte_for_byte(handset: Handset, tmp_path: Path) -> None:
    strap = Strap(handset.page, STRAPS["polar"]())
    handset.connect(strap)
    handset.play(strap, 50)
    handset.disconnect()
    handset.back()
    handset.allow_downloads(tmp_path)
    handset.page.click("#saved [data-is=download]")
    name = handset.newest()
    handset.until(lambda: (tmp_path / name).is_file() and (tmp_path / name).stat().st_size > 0)
    assert name.endswith(".cap")
    assert (tmp_path / name).read_bytes() == handset.capture(name)


def test_nothing_is_kept_that_was_not_asked_for(handset: Handset) -> None:
    handset.page.click("#keep")
    strap = Strap(handset.page, STRAPS["polar"]())
    handset.connect(strap)
    strap.play(50)
    handset.page.until("document.querySelector('.letters')?.childElementCount > 2")
    handset.disconnect()
    assert handset.recordings() == []


def test_one_is_deleted_and_then_all(handset: Handset) -> None:
    for file in sorted(CAPTURES.glob("*.cap")):
        handset.open_file(file)
    handset.tap_delete(sure=False)
    handset.browser.pump(0.3)
    assert (handset.listed(), len(handset.recordings())) == (3, 3)
    handset.tap_delete()
    assert (handset.listed(), len(handset.recordings())) == (2, 2)
    handset.tap_delete("#delete-all")
    assert (handset.listed(), handset.recordings()) == (0, [])
    assert handset.page.evaluate(KEPT) == []


@pytest.mark.parametrize("file", sorted(CAPTURES.glob("*.cap")), ids=lambda file: file.stem)
def test_a_capture_from_elsewhere_is_opened_and_replayed(handset: Handset, file: Path, cores: Cores) -> None:
    name = handset.open_file(file)
    assert handset.capture(name) == file.read_bytes()
    natively = cores.lines(file)
    assert handset.events(name) == natively
    handset.page.click("#saved [data-is=replay]")
    handset.page.until("document.querySelector('[data-is=link]')?.textContent.includes('ended')")
    assert handset.page.evaluate("Number(document.querySelector('[data-is=timeline]').ariaValueNow)") > 5
    handset.back()
    assert handset.complaints() == []


def test_what_is_no_capture_is_refused_in_words(handset: Handset, tmp_path: Path) -> None:
    text = tmp_path / "notes.cap"
    text.write_text("no capture")
    handset.put(text)
    handset.page.until("document.getElementById('banner-words').textContent")
    assert "notes.cap" in handset.said()
    assert "is no capture" in handset.said()
    assert handset.recordings() == []


def test_a_torn_capture_is_opened_up_to_where_it_is_torn(handset: Handset, tmp_path: Path) -> None:
    torn = tmp_path / "torn.cap"
    torn.write_bytes((CAPTURES / "polar.cap").read_bytes()[:-100])
    assert "the capture was cut off" in handset.events(handset.open_file(torn))
