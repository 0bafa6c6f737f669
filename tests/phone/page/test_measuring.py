"""A measurement as a person sees it, from the tap to the way back; the worker plays what a hub said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import Page
from live import SHOWS_TRACE, shows
from live import text as part
from page_site import CHOSEN, READY, RECORDINGS, Site, show, text

STATE = "document.getElementById('state').textContent"
BANNER = "document.getElementById('banner-words').textContent"
# The screen's wake lock, which a browser drops when the page is hidden.
WAKE = """self.locks = [];
Object.defineProperty(navigator, 'wakeLock', {value: {async request() {
    if (self.refuses) throw new DOMException('battery', 'NotAllowedError');
    const lock = Object.assign(new EventTarget(), {released: false, async release() {
        this.released = true;
        this.dispatchEvent(new Event('release'));
    }});
    document.addEventListener('visibilitychange', () => { if (document.hidden) lock.release(); });
    self.locks.push(lock);
    return lock;
}}});"""
# What the page asks its worker.
OVERHEARD = """self.asked = [];
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...others) {
    self.asked.push([message.call, message.args]);
    return post.call(this, message, ...others);
};"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where the page is."""
    with Site(tmp_path / "site", recordings=RECORDINGS).serving() as address:
        yield address


def start(page: Page, url: str, *scripts: str) -> None:
    """Open the page and connect."""
    show(page, url, CHOSEN, *scripts)
    page.click("#connect")
    page.until(f"{STATE} === 'measuring'")


def hub_says(page: Page, message: object) -> None:
    """Let the worker say something that the play does not have, and nothing more of the play."""
    page.evaluate("ask('pause')")
    news = f"{{data: {{news: {json.dumps(json.dumps(message))}}}}}"
    page.evaluate(f"worker.dispatchEvent(new MessageEvent('message', {news}))")


KEPT = """self.Worker = class extends Worker {
    constructor(...given) { super(...given); self.worker = this; }
};
self.ask = call => new Promise(done => {
    const id = `test ${Math.random()}`;
    self.worker.addEventListener('message', ({data}) => data.id === id && done());
    self.worker.postMessage({id, call, args: {}});
});"""
# What comes from before while the worker is asked to connect.
LATE = """const said = %s, tell = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...others) {
    for (const news of message.call === 'connect' ? said : [])
        this.dispatchEvent(new MessageEvent('message', {data: {news}}));
    return tell.call(this, message, ...others);
};"""
# What is drawn on, held by none of this.
CANVASES = """self.canvases = [];
const observe = ResizeObserver.prototype.observe;
ResizeObserver.prototype.observe = function (each) {
    for (const one of each.querySelectorAll('canvas')) self.canvases.push(new WeakRef(one));
    if (each.tagName === 'CANVAS') self.canvases.push(new WeakRef(each));
    return observe.call(this, each);
};"""
STREAMING = {
    "type": "state", "wearable": 0, "now_s": 300.0, "start_unix_s": None, "heart_rate": 61, "rhythm": None,
    "quality": None, "hrv": None, "ended": False, "missed": 0,
    "link": {"state": "streaming", "words": "streaming", "lost": 0, "battery": 80, "drift_ppm": None},
}  # fmt: skip


def link(state: str, words: str, **others: object) -> dict[str, object]:
    """What the hub says of a link in some state."""
    return STREAMING | {"link": STREAMING["link"] | {"state": state, "words": words}} | others  # type: ignore[operator]


def test_it_shows_what_the_live_page_shows(page: Page, url: str) -> None:
    page.screen(390, 844)
    start(page, url)
    page.until(SHOWS_TRACE)
    shows(page, "rhythm", "atrial fibrillation")
    assert part(page, "name") == "Polar H10 A1B2C3D4"
    assert part(page, "sure").split(" % sure")[0].isdigit()
    shows(page, "gate", "usable")
    assert part(page, "battery") == "87 %"
    assert "sinus rhythm" in part(page, "log")
    assert page.evaluate("document.querySelector('.screen').dataset.rows") == "2"
    assert text(page, "bar-words").startswith("Recording")
    page.until("/1\\.2 MB/.test(document.getElementById('bar-words').textContent)")
    assert page.complaints() == []


def test_the_chooser_gets_what_python_says(page: Page, url: str) -> None:
    start(page, url)
    assert page.evaluate("navigator.bluetooth.chosen") == [{"acceptAllDevices": True}]


def test_a_strip_and_a_mark_go_through_the_worker(page: Page, url: str) -> None:
    start(page, url, OVERHEARD)
    page.until("document.querySelector('[data-is=timeline]').ariaValueNow > 120")
    page.click("[data-is=timeline]", 0.3)
    page.until("!document.querySelector('[data-is=strip]').hidden")
    shows(page, "strip-title", "sinus rhythm")
    page.evaluate("document.querySelector('.mark input').focus()")
    page.call("Input.insertText", text="stairs")
    page.key("Enter")
    shows(page, "said", "Marked at")
    assert page.evaluate("asked.filter(a => a[0] == 'mark')") == [["mark", {"text": "stairs"}]]


def test_without_a_recording_it_says_so(page: Page, url: str) -> None:
    show(page, url, CHOSEN, OVERHEARD)
    page.click("#keep", 0.01)
    page.click("#connect")
    page.until(f"{STATE} === 'measuring'")
    assert text(page, "bar-words") == "Not recorded"
    assert page.evaluate("asked.find(a => a[0] == 'connect')[1]") == {
        "name": "Polar H10 A1B2C3D4", "record": False
    }  # fmt: skip
    page.click("#stop")
    page.until(f"{STATE} === 'ended'")
    assert text(page, "bar-words") == "Ended. Nothing was recorded"


def test_a_lost_link_turns_grey_and_comes_back_by_itself(page: Page, url: str) -> None:
    start(page, url, KEPT)
    hub_says(page, link("backing_off", "connection lost"))
    page.until(f"{STATE} === 'connection lost'")
    assert part(page, "link") == "connection lost"
    assert text(page, "bar-hint") == "It connects again by itself."
    assert "grayscale" in page.evaluate("getComputedStyle(document.querySelector('.vitals')).filter")
    hub_says(page, link("streaming", "streaming"))
    page.until(f"{STATE} === 'measuring'")
    assert page.evaluate("getComputedStyle(document.querySelector('.vitals')).filter") == "none"


def test_the_end_of_what_went_before_is_not_taken_for_its_own(page: Page, url: str) -> None:
    """The worker tells a state half a second late at most, and somebody may have connected again by then."""
    late = [STREAMING | {"ended": True}, {"type": "ended", "words": None}]
    start(page, url, LATE % json.dumps([json.dumps(one) for one in late]))
    page.until(SHOWS_TRACE)
    assert page.evaluate(STATE) == "measuring"


def test_a_recording_that_ends_by_itself_is_told(page: Page, url: str) -> None:
    start(page, url, KEPT)
    page.until("/1\\.2 MB/.test(document.getElementById('bar-words').textContent)")
    hub_says(page, {"type": "recording", "name": None, "words": "the recording ends here: the phone is full"})
    page.until(f"/the phone is full/.test({BANNER})")
    assert text(page, "bar-words") == "Not recorded"
    hub_says(page, {"type": "ended", "words": "the strap's battery is empty: charge it"})
    page.until(f"/battery is empty/.test({BANNER})")
    page.until(f"{STATE} === 'ended'")
    assert text(page, "bar-words") == "Ended. Recording kept, 1.2 MB"


def test_a_stream_that_ends_by_itself_is_an_end(page: Page, url: str) -> None:
    start(page, url, KEPT)
    hub_says(page, link("stopped", "stopped", ended=True))
    page.until(f"{STATE} === 'ended'")
    page.click("#stop")
    page.until(READY)


def test_the_screen_stays_on_and_is_asked_for_again(page: Page, url: str) -> None:
    start(page, url, WAKE)
    page.until("/screen stays on/.test(document.getElementById('bar-hint').textContent)")
    with page.hidden():
        assert page.evaluate("locks.at(-1).released")
    page.until("locks.length === 2")
    page.evaluate("locks.at(-1).release()")  # as a phone does whose battery runs low
    page.until("locks.length === 3")
    page.click("#stop")
    page.until("locks.every(lock => lock.released)")


def test_a_screen_that_cannot_stay_on_is_told(page: Page, url: str) -> None:
    start(page, url, WAKE + "self.refuses = true;")
    page.until("/does not let the page/.test(document.getElementById('bar-hint').textContent)")
    assert "Keep this page open" in text(page, "bar-hint")


def test_a_page_that_was_hidden_asks_for_now(page: Page, url: str) -> None:
    start(page, url, OVERHEARD)
    page.until(SHOWS_TRACE)
    with page.hidden():
        pass
    page.until("asked.some(a => a[0] == 'now')")
    page.until(SHOWS_TRACE)


def test_nothing_is_drawn_while_it_is_hidden(page: Page, url: str) -> None:
    start(page, url)
    page.until(SHOWS_TRACE)
    with page.hidden():
        counted = (
            "new Promise(done => { let n = 0;"
            "const pen = CanvasRenderingContext2D.prototype, real = pen.stroke;"
            "pen.stroke = function (...given) { n++; return real.apply(this, given); };"
            "setTimeout(() => { pen.stroke = real; done(n); }, 1500); })"
        )
        assert page.evaluate(counted) == 0
    assert page.evaluate(counted) > 5


def test_the_way_back_asks_before_it_ends_a_measurement(page: Page, url: str) -> None:
    start(page, url)
    page.evaluate("history.back()")
    page.until("document.getElementById('sure')?.open")
    page.key("Escape")
    page.until("!document.getElementById('sure')")
    assert text(page, "state") == "measuring"
    page.evaluate("history.back()")
    page.until("document.getElementById('sure')?.open")
    page.click("#sure-yes")
    page.until(f"{STATE} === 'ended'")
    page.evaluate("history.back()")
    page.until(READY)
    assert page.evaluate("document.getElementById('bar').hidden")
    assert page.evaluate("document.activeElement.id") == "connect"


def test_a_strap_that_refuses_is_told_at_the_start(page: Page, tmp_path: Path) -> None:
    said = "The strap is in use: close the other app, then connect again."
    with Site(tmp_path / "refuses", connect_error=said).serving() as url:
        show(page, url, CHOSEN)
        page.click("#connect")
        page.until(f"{BANNER} === {said!r}")
        page.until(READY)
        page.click("#banner-close")
        assert page.evaluate("document.getElementById('banner').hidden")


def test_a_worker_that_dies_is_told(page: Page, url: str) -> None:
    start(page, url, KEPT)
    page.evaluate(
        "worker.dispatchEvent(new ErrorEvent('error', {message: 'out of memory', cancelable: true}))"
    )
    page.until(f"/analysis stopped/.test({BANNER})")
    page.until(f"{STATE} === 'stopped'")


def test_a_frame_that_cannot_be_read_is_told(page: Page, url: str) -> None:
    start(page, url, KEPT)
    page.evaluate("worker.dispatchEvent(new MessageEvent('message', {data: {news: new ArrayBuffer(3)}}))")
    page.until(f"/cannot read/.test({BANNER})")


def test_a_second_measurement_shows_nothing_of_the_first(page: Page, url: str) -> None:
    start(page, url)
    shows(page, "log", "atrial fibrillation")
    page.click("#stop")
    page.until(f"{STATE} === 'ended'")
    page.click("#stop")
    page.until(READY)
    assert page.evaluate("document.querySelectorAll('.card').length") == 0
    page.click("#saved [data-is=replay]")
    page.until("document.querySelectorAll('.card').length === 1")
    shows(page, "state", "the stream has ended")


def test_what_was_left_takes_no_memory(page: Page, url: str) -> None:
    """Charts listen to the window, and a canvas is memory that no collector sees."""
    show(page, url, CHOSEN, CANVASES)
    page.click("#keep", 0.01)  # each recording is a row more
    nodes = []
    for _ in range(8):
        page.click("#connect")
        page.until("document.querySelector('[data-is=trace]')?.width > 0")
        of_card = page.evaluate("document.querySelectorAll('#cards *').length")
        for state in ("ended", "ready"):
            page.click("#stop")
            page.until(f"{STATE} === {state!r}")
        assert page.evaluate("canvases.every(each => !each.deref()?.width)")
        page.call("HeapProfiler.collectGarbage")
        nodes.append(page.call("Memory.getDOMCounters")["nodes"])
    assert page.evaluate("canvases.length") >= 16
    # One or two may still be on their way.
    assert min(nodes[-3:]) - min(nodes[:3]) < 3 * of_card
