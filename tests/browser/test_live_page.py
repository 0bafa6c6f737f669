"""The live page before its real server: what a viewer sees is what the monitor found, and when."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

import numpy as np
import pytest
from devtools import Page
from live import FS, INK, PX_PER_MM, SHOWS_TRACE, TRACE, Stream, columns, ecg, pulses, serving, shows, text
from websockets.sync.client import connect

from ecgedge.monitor import Monitor
from ecgedge.sinks.web.hub import Hub

# In how many seconds the trace changes so many times.
CHANGES = """new Promise(done => {
    const canvas = document.querySelector('.monitor .trace'), start = performance.now();
    let last = canvas.toDataURL(), changes = 0;
    (function look() {
        const now = canvas.toDataURL();
        if (now !== last) changes++;
        last = now;
        if (changes < %d) requestAnimationFrame(look);
        else done((performance.now() - start) / 1000);
    })();
})"""
PEN_PX = 1.6
MOST_VIEWERS = 16  # at a time


def measured(ink: list[tuple[float, float] | None]) -> tuple[float, list[int], list[int]]:
    """Of pulses: their height, and where they rise and fall, in dots."""
    tops = np.array([np.nan if c is None else c[0] for c in ink])
    line = np.nanmedian(tops)
    high = np.nanmin(tops)
    up = tops < (line + high) / 2
    edges = np.flatnonzero(np.diff(up.astype(int)))
    known = ~np.isnan(tops)
    edges = edges[known[edges] & known[edges + 1]]
    return line - high, [int(e) for e in edges if up[e + 1]], [int(e) for e in edges if up[e]]


@pytest.mark.parametrize("dots", [1, 2])
def test_a_millivolt_is_10_mm_and_a_second_25(page: Page, hub: Hub, dots: int) -> None:
    Stream(hub.add("pulses"), pulses(9.5, 500.0), 500.0).play()
    page.screen(1000, 700, dots=dots)
    with serving(hub) as server:
        page.open(server.url)
        page.until(f"{INK % TRACE}.filter(Boolean).length > {600 * dots}")
        height, rises, falls = measured(columns(page, TRACE))
    assert height == pytest.approx(10 * PX_PER_MM * dots, abs=1)
    assert np.diff(rises) == pytest.approx(25 * PX_PER_MM * dots, abs=1.01 * dots)
    assert len(rises) >= 5
    widths = [min(f - r for f in falls if f > r) for r in rises if any(f > r for f in falls)]
    wide = (5 * PX_PER_MM + PEN_PX) * dots  # from edge to edge on the outside
    assert widths == pytest.approx([wide] * len(widths), abs=1.01 * dots)


def test_a_picked_strip_has_the_same_scale(page: Page, hub: Hub) -> None:
    Stream(hub.add("pulses"), pulses(60.0, 500.0), 500.0).play()
    page.screen(1000, 700)
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('[data-is=timeline]')?.ariaValueNow >= 60")
        page.click("[data-is=timeline]")
        page.until("!document.querySelector('[data-is=strip]').hidden")
        height, rises, _ = measured(columns(page, "[data-is=strip-trace]"))
        assert page.evaluate("document.querySelector('[data-is=strip-trace]').width") == round(
            250 * PX_PER_MM
        )
    assert height == pytest.approx(10 * PX_PER_MM, abs=1)
    assert np.diff(rises) == pytest.approx(25 * PX_PER_MM, abs=1.01)


def test_the_trace_moves_and_shows_now(page: Page, hub: Hub) -> None:
    stream = Stream(hub.add("virtual strap"), ecg(("sinus", 60.0, 64.0)), monitor=Monitor())
    stream.play(12)
    with serving(hub) as server:
        page.open(server.url)
        page.until(SHOWS_TRACE)
        with stream.running():
            assert page.evaluate(CHANGES % 20)
        assert page.complaints() == []


def test_in_a_hurry_it_is_painted_five_times_a_second_and_ends_with_the_newest(page: Page, hub: Hub) -> None:
    stream = Stream(hub.add("virtual strap"), np.tile(ecg(("sinus", 60.0, 64.0)), 10))
    stream.play(12)
    with serving(hub) as server:
        page.open(server.url)
        page.until(f"{INK % TRACE}.filter(Boolean).length > 100")
        with stream.running(speed=100.0):
            page.evaluate(CHANGES % 2)
            assert page.evaluate(CHANGES % 10) > 1.5
            page.until("document.querySelector('[data-is=timeline]').ariaValueNow >= 600")


def test_with_reduced_motion_it_advances_once_a_second(page: Page, hub: Hub) -> None:
    stream = Stream(hub.add("virtual strap"), ecg(("sinus", 60.0, 64.0)), monitor=Monitor())
    stream.play(12)
    page.screen(1000, 700, still=True)
    with serving(hub) as server:
        page.open(server.url)
        page.until(SHOWS_TRACE)
        with stream.running():
            assert page.evaluate(CHANGES % 5) >= 3  # the first may come at once, the last with the second


def test_letters_stand_over_their_beats(page: Page, long_url: str, hub: Hub) -> None:
    stream = Stream(hub.add("virtual strap"), ecg(("pvc", 60.0, 70.0)), monitor=Monitor())
    stream.play()
    page.screen(1000, 700)
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('.letters .beat-V') && document.querySelector('.letters .beat-N')")
        page.until(f"{INK % TRACE}.filter(Boolean).length > 800")
        letters = page.evaluate(
            "[...document.querySelectorAll('.letters .beat')]"
            ".map(b => [b.textContent, parseFloat(b.style.left)])"
        )
        tops = [999 if column is None else column[0] for column in columns(page, TRACE)]
        colours = page.evaluate(
            "['N', 'V'].map(s => getComputedStyle(document.querySelector(`.letters .beat-${s}`)).color)"
        )
    assert {letter for letter, _ in letters} == {"N", "V"}
    assert colours[0] != colours[1]
    assert len(letters) >= 6
    for _, left in letters:
        around = tops[max(round(left) - 25, 0) : round(left) + 25]
        peak = max(round(left) - 25, 0) + int(np.argmin(around))
        assert abs(peak - left) <= 5  # 50 ms: the peak of the filtered beat and of the raw one


def test_fibrillation_is_named_with_how_sure_it_is(page: Page, hub: Hub) -> None:
    Stream(hub.add("virtual strap"), ecg(("af", 60.0, 104.0)), monitor=Monitor()).play()
    with serving(hub) as server:
        page.open(server.url)
        shows(page, "rhythm", "atrial fibrillation")
        assert page.evaluate("document.querySelector('[data-is=rhythm]').dataset.label") == "A"
        assert text(page, "sure").split(" % sure")[0].isdigit()
        assert 80 < int(text(page, "rate")) < 130
        assert "atrial fibrillation" in page.evaluate("document.getElementById('live').textContent")
        assert "atrial fibrillation" in page.evaluate("document.querySelector('.monitor .trace').ariaLabel")
        assert "streaming" in text(page, "link")
        assert text(page, "battery") == "87 %"


def test_a_screen_reader_is_told_of_changes_alone(page: Page, hub: Hub) -> None:
    parts = (("sinus", 40.0, 60.0), ("sinus", 30.0, 80.0), ("af", 60.0, 104.0), ("noise", 40.0, 70.0))
    stream = Stream(hub.add("strap"), ecg(*parts), monitor=Monitor()).play(20)
    with serving(hub) as server:
        page.open(server.url)
        page.until("/sinus rhythm/.test(document.getElementById('live').textContent)")
        page.evaluate(
            "window.told = []; live = document.getElementById('live');"
            "new MutationObserver(() => told.push(live.textContent)).observe(live, {childList: true})"
        )
        rates = set()
        while stream.now_s < 169:
            stream.play(10)
            page.evaluate("new Promise(done => setTimeout(done, 300))")  # figures come four times a second
            rates.add(text(page, "rate"))
        shows(page, "gate", "too noisy, because of")
        assert len(rates) > 3
        told = page.evaluate("told")
    assert any("atrial fibrillation" in words for words in told)
    assert any("too noisy, because of" in words for words in told)
    assert len(told) < 12
    assert all(words.startswith("strap: ") for words in told)


def test_noise_is_named_with_its_reasons_and_shaded(page: Page, hub: Hub) -> None:
    parts = (("sinus", 40.0, 64.0), ("noise", 40.0, 64.0))
    Stream(hub.add("virtual strap"), ecg(*parts), monitor=Monitor()).play()
    with serving(hub) as server:
        page.open(server.url)
        shows(page, "gate", "too noisy, because of ")
        assert page.evaluate("document.querySelector('[data-is=gate]').dataset.accepted") == "false"
        assert page.evaluate("document.querySelector('[data-is=rhythm]').dataset.old") == "true"
        # Half see-through, so neither the trace nor bare paper.
        page.until(
            "(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
            ".filter((v, i) => i % 4 == 3 && v > 20 && v < 60).length > 10000)"
            f"(document.querySelector({TRACE!r}))"
        )


def test_lost_samples_are_a_gap_on_the_paper(page: Page, hub: Hub) -> None:
    stream = Stream(hub.add("virtual strap"), ecg(("sinus", 20.0, 64.0)), monitor=Monitor())
    stream.play(15)
    stream.skip(2)
    stream.play()
    page.screen(1440, 900)
    with serving(hub) as server:
        page.open(server.url)
        page.until(SHOWS_TRACE)
        shows(page, "lost", "260 samples")
        covered = (
            "(c => { const {data} = c.getContext('2d').getImageData(0, c.height / 2 + 60, c.width, 1);"
            "let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 200; return n;"
            f"}})(document.querySelector({TRACE!r}))"
        )
        page.until(f"{covered} > 100")
        assert page.evaluate(covered) == pytest.approx(2 * 25 * PX_PER_MM, abs=4)


def test_it_says_that_the_connection_is_lost_and_comes_back(page: Page, hub: Hub) -> None:
    stream = Stream(hub.add("virtual strap"), ecg(("sinus", 90.0, 64.0)), monitor=Monitor())
    stream.play(12)
    banner = "document.getElementById('banner')"
    with serving(hub) as server:
        page.open(server.url)
        page.until(SHOWS_TRACE)
    page.until(f"!{banner}.hidden && /lost: trying again in \\d+ s/.test({banner}.textContent)")
    assert "lost" in page.evaluate("document.getElementById('live').textContent")
    stream.play(20)
    with serving(hub, port=server.port):
        page.until(f"{banner}.hidden")
        page.until("document.body.dataset.connection === 'open'")
        before = page.evaluate(f"document.querySelector({TRACE!r}).toDataURL()")
        with stream.running():
            page.until(f"document.querySelector({TRACE!r}).toDataURL() !== {before!r}")


def test_a_server_that_began_anew_is_shown_alone(page: Page, hub: Hub) -> None:
    """Another recording, shorter and of one wearable less: nothing of the old one stays."""
    Stream(hub.add("left"), ecg(("af", 90.0, 100.0)), monitor=Monitor()).play()
    hub.add("right")
    with serving(hub) as server:
        page.open(server.url)
        shows(page, "log", "atrial fibrillation")
        page.until("document.querySelectorAll('.card').length == 2")
    other = Hub("another test")
    Stream(other.add("new"), ecg(("sinus", 30.0, 60.0)), monitor=Monitor()).play()
    with serving(other, port=server.port):
        page.until("[...document.querySelectorAll('.card h2')].map(h => h.textContent).join() === 'new'")
        shows(page, "log", "sinus rhythm")
        assert "fibrillation" not in text(page, "log")
        page.until("document.querySelector('[data-is=timeline]').ariaValueNow <= 60")
        page.until(f"{INK % TRACE}.filter(Boolean).length > 300")


def test_one_viewer_too_many_is_told_so(page: Page, hub: Hub) -> None:
    Stream(hub.add("virtual strap"), pulses(5, FS)).play()
    with serving(hub) as server, ExitStack() as others:
        for _ in range(MOST_VIEWERS):
            viewer = others.enter_context(connect(server.url.replace("http", "ws") + "stream", proxy=None))
            assert "hello" in str(viewer.recv())
        page.open(server.url)
        page.until("/Too many look/.test(document.getElementById('banner').textContent)")
        others.close()
        page.until("document.getElementById('banner').hidden")


def test_what_the_graphics_memory_lost_is_drawn_again(page: Page, hub: Hub) -> None:
    stream = Stream(hub.add("virtual strap"), ecg(("sinus", 120.0, 64.0)), monitor=Monitor())
    stream.play(60)
    count = "addEventListener('contextrestored', () => self.restored = (self.restored ?? 0) + 1, true);"
    page.before(count)
    shown = [f"{INK % where}.filter(Boolean).length > 300" for where in (".monitor .paper", TRACE)]
    with serving(hub) as server:
        page.open(server.url)
        for ink in shown:
            page.until(ink)
        (graphics,) = [one["id"] for one in page.browser.processes() if one["type"] == "GPU"]
        os.kill(graphics, signal.SIGKILL)
        page.until("self.restored >= 3")
        for ink in shown:
            page.until(ink)
        assert not [one for one in page.complaints() if "exceptionDetails" in one]


def test_a_tab_that_slept_shows_now(page: Page, hub: Hub) -> None:
    sinus_then_pulses = np.concatenate([ecg(("sinus", 40.0, 64.0)), pulses(60.0, FS)])
    stream = Stream(hub.add("virtual strap"), sinus_then_pulses)
    stream.play(40)
    page.screen(1000, 700)
    with serving(hub) as server:
        page.open(server.url)
        page.until(f"{INK % TRACE}.filter(Boolean).length > 600")
        with page.hidden():
            stream.play(55)
        page.until(f"{INK % TRACE}.filter(Boolean).length > 600")
        height, rises, _ = measured(columns(page, TRACE))
    # Nothing but what came last: no sinus beat is left over, and time runs on without a break.
    assert height == pytest.approx(10 * PX_PER_MM, abs=1)
    assert len(rises) >= 5


def test_the_timeline_is_clicked_and_shows_that_place(page: Page, long_url: str) -> None:
    page.screen(1440, 900)
    page.open(long_url)
    page.until("document.querySelector('[data-is=timeline]')?.ariaValueNow > 310")
    page.click("[data-is=timeline]", 120 / 320)
    page.until("!document.querySelector('[data-is=strip]').hidden")
    assert "atrial fibrillation" in text(page, "strip-title")
    assert sum(column is not None for column in columns(page, "[data-is=strip-trace]")) > 900
    assert page.complaints() == []


def test_the_timeline_goes_by_keys(page: Page, long_url: str) -> None:
    page.open(long_url)
    page.until("document.querySelector('[data-is=timeline]')?.ariaValueNow > 310")
    page.evaluate("document.querySelector('[data-is=timeline]').focus()")
    value = "document.querySelector('[data-is=timeline]').ariaValueText"
    page.key("Home")
    for _ in range(9):
        page.key("ArrowRight")
    assert "atrial fibrillation" in page.evaluate(value)
    page.key("ArrowLeft")
    page.key("ArrowLeft")
    assert "sinus rhythm" in page.evaluate(value)
    page.key("Enter")
    page.until("!document.querySelector('[data-is=strip]').hidden")
    assert "sinus rhythm" in text(page, "strip-title")
    page.evaluate("document.querySelector('[data-is=close]').focus()")
    page.key("Escape")
    assert page.evaluate("document.querySelector('[data-is=strip]').hidden")
    assert page.evaluate("document.activeElement.dataset.is") == "timeline"


def test_what_is_no_longer_kept_is_said(page: Page, hub: Hub) -> None:
    Stream(hub.add("virtual strap", hours=1 / 60), pulses(300, FS)).play()
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('[data-is=timeline]')?.ariaValueNow > 290")
        page.click("[data-is=timeline]", 0.1)
        page.until("!document.querySelector('[data-is=strip]').hidden")
        assert "not kept" in text(page, "strip-title")
        assert page.evaluate("document.querySelector('[data-is=strip-scroll]').hidden")


def test_a_mark_is_made_with_its_words(page: Page, hub: Hub) -> None:
    marks: list[str] = []
    Stream(hub.add("virtual strap", mark=marks.append), pulses(5, FS)).play()
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('[data-is=mark]')?.hidden === false")
        page.evaluate("document.querySelector('.mark input').focus()")
        page.call("Input.insertText", text="stairs")
        page.key("Enter")
        shows(page, "said", "Marked at ")
        assert page.evaluate("document.querySelector('.mark input').value") == ""
        page.evaluate("document.querySelector('[data-is=said]').textContent = ''")
        page.click(".mark button")
        shows(page, "said", "Marked at ")
    assert marks == ["stairs", ""]


def test_a_mark_that_was_not_made_is_not_told_as_one(page: Page, hub: Hub) -> None:
    Stream(hub.add("virtual strap", mark=[].append), pulses(5, FS)).play()
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('[data-is=mark]')?.hidden === false")
    page.click(".mark button")
    shows(page, "said", "Not marked")


def test_what_has_ended_takes_no_marks(page: Page, hub: Hub) -> None:
    wearable = hub.add("virtual strap", mark=[].append)
    Stream(wearable, pulses(5, FS)).play()
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('[data-is=mark]')?.hidden === false")
        wearable.close()
        page.until("document.querySelector('[data-is=mark]').hidden")


def test_where_nothing_records_there_is_no_button(page: Page, hub: Hub) -> None:
    Stream(hub.add("virtual strap"), pulses(5, FS)).play()
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelector('.card')")
        assert page.evaluate("document.querySelector('[data-is=mark]').offsetParent") is None


def test_wearables_stand_side_by_side_and_one_may_join(page: Page, hub: Hub) -> None:
    Stream(hub.add("left"), pulses(5, FS)).play()
    page.screen(1440, 900)
    with serving(hub) as server:
        page.open(server.url)
        page.until("document.querySelectorAll('.card').length == 1")
        Stream(hub.add("<b>right</b>"), pulses(5, FS)).play()
        page.until("document.querySelectorAll('.card').length == 2")
        one, other = page.evaluate(
            "[...document.querySelectorAll('.card')].map(c => c.getBoundingClientRect().toJSON())"
        )
        names = page.evaluate("[...document.querySelectorAll('.card h2')].map(h => h.textContent)")
    assert one["top"] == other["top"]
    assert one["right"] <= other["left"]
    assert names == ["left", "<b>right</b>"]


def test_the_trend_holds_its_highest_values(page: Page, long_url: str) -> None:
    """All at once, as on connecting: the chart finds its range before it has drawn anything."""
    page.screen(1440, 900)
    page.open(long_url)
    page.until("/to 1\\d\\d a minute/.test(document.querySelector('[data-is=trend]')?.ariaLabel)")
    # The highest dot in a colour of curve or band.
    highest = """(canvas => {
        const paint = getComputedStyle(canvas), pen = canvas.getContext('2d');
        const probe = document.createElement('canvas').getContext('2d');
        const rgb = name => {
            probe.fillStyle = paint.getPropertyValue('--' + name);
            probe.fillRect(0, 0, 1, 1);
            return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).join();
        };
        const wanted = ['band', 'hrv', 'line'].map(rgb);
        for (let y = 0; y < canvas.height; y++) {
            const {data} = pen.getImageData(0, y, canvas.width, 1);
            for (let x = 0; x < canvas.width; x++)
                if (wanted.includes([...data.slice(4 * x, 4 * x + 3)].join())) return y;
        }
    })(document.querySelector('[data-is=trend] canvas'))"""
    page.until(f"{highest} > 0")
    assert page.evaluate(highest) > 14  # below the 10 pixels of padding and the topmost line
