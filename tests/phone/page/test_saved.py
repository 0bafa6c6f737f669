"""The recordings on the phone, and descriptions of devices: what is listed, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import Page
from live import shows
from page_site import CHOSEN, NO_BLUETOOTH, READY, RECORDINGS, Site, show, text

BANNER = "document.getElementById('banner-words').textContent"
ROWS = "[...document.querySelectorAll('#saved li')]"
NAMES = f"{ROWS}.map(row => row.querySelector('h3').textContent)"
# What a tap on a download would save.
SAVES = """self.downloads = [];
HTMLAnchorElement.prototype.click = function () {
    fetch(this.href).catch(() => null);
    self.downloads.push([this.download, this.href.split(':')[0]]);
};"""
SHARES = """self.shared = [];
navigator.canShare = ({files}) => files[0].name.endsWith('.cap');
navigator.share = async ({files}) => {
    if (self.refuses) throw new DOMException('', self.refuses);
    self.shared.push([files[0].name, await files[0].text()]);
};"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where the page is, with four recordings."""
    with Site(tmp_path / "site", recordings=RECORDINGS).serving() as address:
        yield address


def choose(page: Page, name: str, file: Path) -> None:
    """Choose a file in a field."""
    root = page.call("DOM.getDocument", depth=0)["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector=f"#{name}")["nodeId"]
    page.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)


def test_recordings_are_listed_newest_first_with_when_how_long_and_how_large(page: Page, url: str) -> None:
    page.call("Emulation.setTimezoneOverride", timezoneId="UTC")
    show(page, url, CHOSEN)
    assert page.evaluate(NAMES) == ["Polar H10 A1B2C3D4"] * 2 + ["<b>my board</b>", "broken.cap"]
    facts = page.evaluate(f"{ROWS}.map(row => row.querySelector('.hint').textContent)")
    assert [each.split(" · ")[1:] for each in facts[:2]] == [["20 min", "413 kB"], ["7 h 45 min", "9.4 MB"]]
    assert facts[0] > facts[1]
    assert "Nov 29, 2026" in facts[0]
    assert facts[2] == "board.cap · 31 kB"
    assert "damaged" in page.evaluate(f"{ROWS}[3].textContent")
    assert "take" in text(page, "room")


def test_a_recording_is_replayed_on_the_page_without_a_strap(page: Page, url: str) -> None:
    show(page, url, NO_BLUETOOTH)
    page.click("#saved [data-is=replay]")
    shows(page, "rhythm", "atrial fibrillation")
    assert text(page, "bar-words") == "Replay of Polar H10 A1B2C3D4"
    page.evaluate("history.back()")
    page.until(READY)
    assert page.evaluate("!document.getElementById('start').hidden")


def test_a_recording_is_downloaded_by_its_name(page: Page, url: str) -> None:
    show(page, url, CHOSEN, SAVES)
    page.click("#saved [data-is=download]")
    page.until("downloads.length")
    assert page.evaluate("downloads") == [["polar-h10-2.cap", "blob"]]


def test_it_is_shared_where_the_phone_shares_such_files(page: Page, url: str) -> None:
    show(page, url, CHOSEN, SHARES)
    page.click("#saved [data-is=share]")
    page.until("shared.length")
    assert page.evaluate("shared") == [["polar-h10-2.cap", "the bytes of polar-h10-2.cap"]]
    page.evaluate("self.refuses = 'AbortError'")
    page.click("#saved [data-is=share]")
    assert page.evaluate("document.getElementById('banner').hidden")
    page.evaluate("self.refuses = 'NotAllowedError'")
    page.click("#saved [data-is=share]")
    page.until(f"/download it instead/.test({BANNER})")


def test_there_is_no_share_where_the_phone_shares_none(page: Page, url: str) -> None:
    show(page, url, CHOSEN, "navigator.canShare = () => false;")
    assert page.evaluate("document.querySelector('[data-is=share]').offsetParent") is None


def test_to_delete_is_asked_first(page: Page, url: str) -> None:
    show(page, url, CHOSEN)
    page.click("#saved [data-is=remove]")
    page.until("document.getElementById('sure')?.open")
    assert "413 kB" in text(page, "sure-words")
    assert page.evaluate("document.activeElement.id") == "sure-no"
    page.key("Enter")
    page.until("!document.getElementById('sure')")
    assert len(page.evaluate(NAMES)) == 4
    page.click("#saved [data-is=remove]")
    page.until("document.getElementById('sure')?.open")
    page.click("#sure-yes")
    page.until(f"{NAMES}.length === 3")


def test_all_are_deleted_at_once(page: Page, url: str) -> None:
    show(page, url, CHOSEN)
    page.click("#delete-all")
    page.until("document.getElementById('sure')?.open")
    assert "all 4 recordings" in text(page, "sure-words")
    page.click("#sure-yes")
    page.until(f"{NAMES}.length === 0")
    assert not page.evaluate("document.getElementById('none').hidden")
    assert page.evaluate("document.getElementById('delete-all').hidden")


def test_a_file_from_elsewhere_is_opened(page: Page, url: str, tmp_path: Path) -> None:
    show(page, url, NO_BLUETOOTH)
    file = tmp_path / "other.cap"
    file.write_bytes(b"\x89ECGCAP\n")
    choose(page, "open", file)
    page.until(f"{NAMES}.includes('from elsewhere')")
    other = tmp_path / "holiday.jpg"
    other.write_bytes(b"JPEG")
    choose(page, "open", other)
    page.until(f"/holiday.jpg is no capture/.test({BANNER})")


def test_a_description_is_added_kept_and_deleted(page: Page, url: str, tmp_path: Path) -> None:
    show(page, url, CHOSEN)
    page.click("#firmware summary")
    file = tmp_path / "board.toml"
    file.write_text('name = "my board"\n')
    choose(page, "describe", file)
    page.until("document.querySelector('#described h3')?.textContent === 'my board'")
    page.open(url)
    page.until(READY)
    assert page.evaluate("document.querySelector('#described h3').textContent") == "my board"
    page.click("#firmware summary")
    page.click("#described button")
    page.until("!document.querySelector('#described li')")
    page.open(url)
    page.until(READY)
    assert page.evaluate("document.querySelector('#described li')") is None


def test_a_description_that_is_none_is_refused_with_the_reason(page: Page, url: str, tmp_path: Path) -> None:
    show(page, url, CHOSEN)
    wrong, large = tmp_path / "wrong.toml", tmp_path / "large.toml"
    wrong.write_text("fs = 1")
    large.write_text("#" * 70_000)
    choose(page, "describe", wrong)
    page.until(f"/has no name/.test({BANNER})")
    choose(page, "describe", large)
    page.until(f"/large.toml is too large/.test({BANNER})")


def test_the_browser_is_asked_to_keep_what_is_recorded(page: Page, url: str) -> None:
    show(page, url, CHOSEN, "navigator.storage.persist = async () => { self.asked = true; return true; };")
    assert page.evaluate("self.asked") is None
    page.click("#connect")
    page.until("self.asked")
