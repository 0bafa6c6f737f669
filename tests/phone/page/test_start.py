"""The first minutes with the phone's page: what is fetched, what it says where it cannot, updates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import Page
from page_site import CHOSEN, NO_BLUETOOTH, READY, Site, show, text

BANNER = "document.getElementById('banner-words').textContent"
FROM_CACHE = "!!navigator.serviceWorker.controller"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The page, not served yet."""
    return Site(tmp_path / "site")


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    """Where it is."""
    with site.serving() as address:
        yield address


def test_the_first_visit_tells_how_much_is_here(page: Page, site: Site) -> None:
    (site.folder / "large.bin").write_bytes(bytes(3_000_000))
    site.list_files()
    site.held = "/worker.js"
    site.hold.clear()
    with site.serving() as url:
        show(page, url, CHOSEN, until="document.getElementById('progress')?.value > 0.5")
        said = text(page, "loading-words")
        have, all_of_it = map(float, re.findall(r"([\d.]+) MB", said))
        assert all_of_it / 2 <= have + 0.1 < all_of_it + 0.1  # both are rounded
        assert 3 < all_of_it < 6
        assert page.evaluate("document.getElementById('begin').hidden")
        site.hold.set()
        page.until(READY)
        assert "Works without internet" in text(page, "offline")
        assert page.evaluate("document.getElementById('loading').hidden")
        assert page.complaints() == []


def test_each_file_is_fetched_once_and_nothing_from_elsewhere(page: Page, site: Site, url: str) -> None:
    show(page, url, CHOSEN)
    large = [path for path in site.asked if path in ("/play.json", "/worker.js")]
    assert sorted(large) == ["/play.json", "/worker.js"]
    assert all(each.startswith(url) for each in page.requests())


def test_it_works_without_its_server(page: Page, site: Site) -> None:
    with site.serving() as url:
        show(page, url, CHOSEN)
    page.open(url)
    page.until(READY)
    assert "Works without internet" in text(page, "offline")
    page.open(f"{url}?source=home")
    page.until(READY)


def test_two_folders_of_a_host_have_apps_of_their_own(page: Page, tmp_path: Path) -> None:
    root = tmp_path / "host"
    one, other = (Site(root / "apps" / name, root=root) for name in ("one", "other"))
    (other.folder / "more.js").write_text("")
    other.list_files()
    with one.serving() as url:
        for address in (url, url.replace("/one/", "/other/")):
            show(page, address, CHOSEN)
            page.until(FROM_CACHE)
    page.open(url)
    page.until(READY)
    assert page.evaluate("caches.keys().then(names => names.length)") == 2


def test_a_file_that_is_not_the_listed_one_is_not_taken(page: Page, site: Site, url: str) -> None:
    (site.folder / "phone.css").write_text("body { color: red }")
    show(page, url, CHOSEN, until="!document.getElementById('again').hidden")
    assert "phone.css is not what the app's list of files says" in text(page, "loading-words")
    assert page.evaluate("navigator.serviceWorker.getRegistration().then(r => !r?.active)")
    site.list_files()
    page.click("#again")
    page.until(READY)


def test_a_download_that_breaks_off_goes_on_where_it_was(page: Page, site: Site, url: str) -> None:
    missing = site.folder / "worker.js"
    code = missing.read_bytes()
    missing.unlink()
    show(page, url, CHOSEN, until="!document.getElementById('again').hidden")
    assert "worker.js could not be fetched" in text(page, "loading-words")
    missing.write_bytes(code)
    site.asked.clear()
    page.click("#again")
    page.until(READY)
    assert "/live/vendor/uPlot.esm.js" not in site.asked[site.asked.index("/files.js") :]


def test_a_download_that_the_browser_ends_is_told(page: Page, site: Site, url: str) -> None:
    site.held = "/worker.js"
    site.hold.clear()
    show(page, url, CHOSEN, until="document.getElementById('progress')?.value > 0.5")
    page.call("ServiceWorker.enable")
    page.call("ServiceWorker.stopAllWorkers")
    page.until("!document.getElementById('again').hidden")
    assert "The download broke off" in text(page, "loading-words")
    site.hold.set()
    page.click("#again")
    page.until(READY)


def test_a_phone_that_has_no_room_uses_it_without_keeping_it(page: Page, url: str) -> None:
    show(page, url, CHOSEN, until="document.getElementById('loading')")
    page.call("Storage.overrideQuotaForOrigin", origin=url, quotaSize=1)
    page.call("Storage.clearDataForOrigin", origin=url, storageTypes="all")
    page.open(url)
    page.until(READY)
    assert "the phone has no room to keep it" in text(page, "offline")


def test_a_new_version_is_offered_and_taken_as_a_whole(page: Page, site: Site, url: str) -> None:
    show(page, url, CHOSEN)
    page.until(FROM_CACHE)
    worker = site.folder / "worker.js"
    worker.write_text(worker.read_text().replace('version: "0.0"', 'version: "0.1"'))
    site.list_files()
    site.asked.clear()
    page.open(url)
    page.until(READY)
    assert "ecgedge 0.0" in text(page, "version")
    page.until("!document.getElementById('update').hidden")
    # What did not change is not fetched again.
    assert "/worker.js" in site.asked
    assert "/live/card.js" not in site.asked
    page.click("#reload")
    page.until("/ecgedge 0.1/.test(document.getElementById('version')?.textContent)")
    assert page.evaluate("caches.keys().then(names => names.length)") == 1


def test_a_new_version_waits_while_something_is_measured(page: Page, site: Site, url: str) -> None:
    show(page, url, CHOSEN)
    page.click("#connect")
    page.until("document.getElementById('state').textContent === 'measuring'")
    (site.folder / "phone.css").write_text("")
    site.list_files()
    page.evaluate("navigator.serviceWorker.getRegistration().then(r => r.update()).then(() => 1)")
    page.until("!document.getElementById('update').hidden")
    page.click("#reload")
    page.until(f"/Disconnect first/.test({BANNER})")
    page.click("#stop")
    page.until("document.getElementById('state').textContent === 'ended'")
    page.click("#reload")
    page.until(READY)


def test_half_a_new_version_is_never_used(page: Page, site: Site, url: str) -> None:
    show(page, url, CHOSEN)
    worker = site.folder / "worker.js"
    worker.write_text(worker.read_text().replace('version: "0.0"', 'version: "0.1"'))
    (site.folder / "new.js").write_text("")
    site.list_files()
    (site.folder / "new.js").write_text("other")
    page.open(url)
    page.until(READY)
    page.evaluate("navigator.serviceWorker.getRegistration().then(r => r.update()).then(() => 1, () => 1)")
    page.open(url)
    page.until(READY)
    assert "ecgedge 0.0" in text(page, "version")
    assert page.evaluate("document.getElementById('update').hidden")


def test_its_policy_lets_neither_page_nor_worker_talk_to_others(page: Page, url: str) -> None:
    show(page, url, CHOSEN)
    other = url.replace("localhost", "127.0.0.1")
    asks = f"fetch('{other}play.json').then(() => 'let out', () => 'stopped')"
    assert page.evaluate(asks) == "stopped"
    # The worker that the service worker hands out: its policy comes with the answer.
    policy = "fetch('worker.js').then(answer => answer.headers.get('content-security-policy'))"
    told = page.evaluate("document.querySelector('[http-equiv=Content-Security-Policy]').content")
    assert page.evaluate(policy) == f"{' '.join(told.split())}; frame-ancestors 'none'"


def test_what_does_not_start_says_why(page: Page, tmp_path: Path) -> None:
    with Site(tmp_path / "fails", start_error="Too little memory: close other apps.").serving() as url:
        show(page, url, CHOSEN, until="!document.getElementById('again').hidden")
    assert text(page, "loading-words") == "Too little memory: close other apps."
    assert text(page, "state") == "not started"


IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile Safari/604.1"
FIREFOX = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"
LINUX = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "words"),
    [(IPHONE, "iPhone or iPad"), (FIREFOX, "Firefox does not have it"), (LINUX, "enable-web-bluetooth")],
)
def test_without_web_bluetooth_it_says_why_and_what_works(
    page: Page, url: str, agent: str, words: str
) -> None:
    page.call("Emulation.setUserAgentOverride", userAgent=agent)
    show(page, url, NO_BLUETOOTH)
    assert words in text(page, "obstacle")
    assert "Opening a recording works here" in text(page, "obstacle")
    assert page.evaluate("document.getElementById('begin').hidden")
    assert not page.evaluate("document.getElementById('recordings').hidden")


def test_plain_http_is_named_with_three_ways_out(page: Page, url: str) -> None:
    insecure = "Object.defineProperty(self, 'isSecureContext', {value: false})"
    show(page, url, insecure, until="!document.getElementById('obstacle').hidden")
    assert "plain http" in text(page, "obstacle")
    assert all(way in text(page, "obstacle") for way in ("adb reverse", "certificate", "static host"))
    assert page.evaluate("document.getElementById('recordings').hidden")


REFUSALS = [
    ("NotFoundError", "User cancelled the requestDevice() chooser.", True, ""),
    ("NotFoundError", "Bluetooth adapter not available.", False, "Bluetooth is off"),
    ("NotFoundError", "User denied the browser permission to scan for devices.", True, "Nearby devices"),
    ("SecurityError", "Access denied.", True, "site settings"),
    ("InvalidStateError", "Something odd.", True, "InvalidStateError (Something odd.): try again"),
]


@pytest.mark.parametrize(("name", "message", "available", "words"), REFUSALS)
def test_a_chooser_that_gives_none(
    page: Page, url: str, name: str, message: str, available: bool, words: str
) -> None:
    show(page, url, CHOSEN)
    page.evaluate(
        f"navigator.bluetooth.refuses = new DOMException({message!r}, {name!r});"
        f"navigator.bluetooth.available = {str(available).lower()}"
    )
    page.click("#connect")
    page.until("navigator.bluetooth.chosen.length")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    if words:
        assert words in page.evaluate(BANNER)
    else:
        assert page.evaluate("document.getElementById('banner').hidden")
    assert text(page, "state") == "ready"


def test_bluetooth_that_is_off_is_told_until_it_is_on(page: Page, url: str) -> None:
    show(page, url, CHOSEN + "navigator.bluetooth.available = false")
    page.until("/Bluetooth is off/.test(document.getElementById('off').textContent)")
    page.evaluate("navigator.bluetooth.available = true")
    page.evaluate("navigator.bluetooth.dispatchEvent(new Event('availabilitychanged'))")
    page.until("document.getElementById('off').textContent === ''")
