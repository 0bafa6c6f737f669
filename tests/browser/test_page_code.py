"""The live page's own code, a module at a time, in the browser that runs it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from devtools import Browser, Page
from live import PX_PER_MM, serving

from ecgedge.events import Beat
from ecgedge.sinks.web.frames import encode
from ecgedge.sinks.web.hub import Hub


@pytest.fixture(scope="module")
def run(browser: Browser) -> Iterator[Any]:
    """Runs code that has a module of the page as ``it``, and returns what it returns."""
    page = Page(browser)
    with serving(Hub("nothing")) as server:
        page.open(server.url)
        yield lambda module, code: page.evaluate(f"import('/assets/{module}').then(it => {{ {code} }})")
    page.close()


def bytes_of(frame: bytes) -> str:
    return f"Uint8Array.from(atob('{base64.b64encode(frame).decode()}'), c => c.charCodeAt(0)).buffer"


DECODED = "const f = it.decode(%s); return {...f, mv: [...f.mv].map(v => Number.isNaN(v) ? null : v)};"


@pytest.mark.parametrize("samples", [0, 1, 3, 4, 5, 73])
def test_a_frame_reads_as_the_server_wrote_it(run: Any, samples: int) -> None:
    mv = np.linspace(-1, 2, samples).astype(np.float32)
    mv[2:3] = np.nan
    beats = [Beat(130_000_000_007, 0.0, None, "V"), Beat(41, 0.0, None, None), Beat(5, 0.0, None, "N")]
    found = run("frames.js", DECODED % bytes_of(encode(7, 130_000_000_000, 130.0, mv, beats)))
    assert (found["wearable"], found["first"], found["fs"]) == (7, 130_000_000_000, 130)
    assert found["beats"] == [
        {"sample": 130_000_000_007, "symbol": "V"}, {"sample": 41, "symbol": ""}, {"sample": 5, "symbol": "N"}
    ]  # fmt: skip
    expected = [None if np.isnan(v) else pytest.approx(v, abs=0.00126) for v in mv.tolist()]
    assert found["mv"] == expected


@pytest.mark.parametrize("cut", [0, 1, 23, 24, 33, 40])
def test_a_damaged_frame_is_refused(run: Any, cut: int) -> None:
    frame = encode(0, 0, 130.0, np.zeros(5, np.float32), [Beat(1, 0.0, None, "N")])
    assert cut < len(frame)
    said = run(
        "frames.js",
        f"try {{ it.decode({bytes_of(frame[:cut])}) }} catch (e) {{ return e instanceof it.FrameError }}",
    )
    assert said is True


def test_a_frame_of_another_version_is_refused(run: Any) -> None:
    frame = b"\x02" + encode(0, 0, 130.0, np.zeros(5, np.float32))[1:]
    said = run("frames.js", f"try {{ it.decode({bytes_of(frame)}) }} catch (e) {{ return e.message }}")
    assert "version 2" in said


RING = """const ring = new it.Ring(100);
for (const [first, mv] of %s) ring.put(first, Float32Array.from(mv.map(v => v ?? NaN)));
return {start: ring.start, end: ring.end, at: %s.map(i => { const v = ring.at(i);
    return Number.isNaN(v) ? null : v; }), median: ring.median(ring.end - 1, 5)};"""


@pytest.mark.parametrize(("puts", "at", "expected"), [
    ([[500, [1, 2, 3]], [503, [4]]], [499, 500, 503, 504], [None, 1, 4, None]),
    ([[500, [1, 2]], [504, [5]]], [501, 502, 503, 504], [2, None, None, 5]),  # a gap
    ([[500, [1, 2, 3]], [501, [7, 8, 9]]], [500, 501, 503], [1, 7, 9]),  # the last seconds once more
    ([[500, [1, 2, 3]], [10, [6]]], [10, 500], [6, None]),  # another stream
    ([[0, [1]], [1_000_000, [2]]], [0, 1_000_000], [None, 2]),  # long away
    ([[0, [None, 2, 3, 4]]], [0, 1], [None, 2]),
])  # fmt: skip
def test_the_ring_holds_what_came(
    run: Any, puts: list[Any], at: list[int], expected: list[float | None]
) -> None:
    found = run("draw/ring.js", RING % (json.dumps(puts), json.dumps(at)))
    assert found["at"] == expected


def test_the_ring_forgets_what_is_older_than_a_minute(run: Any) -> None:
    put = """const ring = new it.Ring(100);
    for (let i = 0; i < 7000; i += 70) ring.put(i, Float32Array.from({length: 70}, (_, k) => i + k));
    return [ring.start, ring.end, ring.at(6999), ring.at(1000), Number.isNaN(ring.at(999))];"""
    assert run("draw/ring.js", put) == [1000, 7000, 6999, 1000, True]


PLAYED = """const out = new it.Playout(); const shown = []; let next = 0;
const arrivals = %s;
for (let t = 0; t < %f; t += 1 / 60) {
    while (next < arrivals.length && arrivals[next][0] <= t) out.arrive(...arrivals[next++]);
    shown.push([t, out.at(t), out.end]);
}
return shown;"""


def played(run: Any, arrivals: list[tuple[float, float]], seconds: float) -> Any:
    shown = run("draw/playout.js", PLAYED % (json.dumps(arrivals), seconds))
    return np.array([[np.nan if v is None else v for v in row] for row in shown], dtype=float)


@pytest.mark.parametrize(("spacing", "jitter"), [(1 / 30, 0.0), (0.1, 0.02), (0.56, 0.0), (0.56, 0.08)])
def test_bursts_are_played_out_evenly(run: Any, spacing: float, jitter: float) -> None:
    rng = np.random.default_rng(1)
    arrivals = [(0.0, 10.0)]  # the last ten seconds, on connecting
    arrivals += [
        (i * spacing + float(rng.uniform(0, jitter)), 10 + i * spacing) for i in range(1, round(20 / spacing))
    ]
    t, shown, end = played(run, arrivals, 19.0).T
    settled = t > 6
    steps = np.diff(shown[settled]) * 60
    assert steps.min() > 0.7  # of the speed of the stream
    assert steps.max() < 1.3
    behind = (end - shown)[settled]
    assert behind.min() >= 0
    assert behind.max() < 2 * spacing + jitter + 0.2


def test_who_is_far_behind_jumps_to_now(run: Any) -> None:
    arrivals = [(i * 0.1, i * 0.1) for i in range(50)] + [(5.0 + i * 0.1, 65.0 + i * 0.1) for i in range(50)]
    t, shown, _ = played(run, arrivals, 9.0).T
    assert shown[t < 4.9].max() < 5
    assert shown[t > 5.1].min() > 64


def test_a_stream_that_stops_is_shown_to_its_end_and_no_further(run: Any) -> None:
    shown = played(run, [(i * 0.1, i * 0.1) for i in range(30)], 9.0)[:, 1]
    assert shown[-1] == pytest.approx(2.9)
    assert np.nanmax(shown) <= 2.9 + 1e-9


def test_a_clock_that_drifts_is_followed(run: Any) -> None:
    arrivals = [
        (i * 0.56, i * 0.56 * 1.01) for i in range(200)
    ]  # a hundred times what a strap's clock drifts
    t, shown, end = played(run, arrivals, 110.0).T
    behind = (end - shown)[t > 6]
    assert behind.min() >= 0
    assert behind.max() < 1.3


def test_a_second_is_25_mm_and_rows_follow_one_another(run: Any) -> None:
    width = 390
    at = run("draw/sweep.js", f"return [0, 130, 260, 520, 1040].map(i => it.place(i, 130, {width}, 2))")
    along = [25 * PX_PER_MM * s for s in (0, 1, 2, 4, 8)]
    assert [p["x"] for p in at] == pytest.approx([x % width for x in along])
    assert [p["row"] for p in at] == [int(x // width) % 2 for x in along]


def test_a_stretch_is_cut_at_the_end_of_each_row(run: Any) -> None:
    found = run("draw/sweep.js", "return it.pieces(350, 820, 400, 2)")
    assert found == [
        {"row": 0, "from": 350, "to": 400, "shift": 0},
        {"row": 1, "from": 400, "to": 800, "shift": 400},
        {"row": 0, "from": 800, "to": 820, "shift": 800},
    ]
    assert run("draw/sweep.js", "return it.pieces(400, 400, 400, 2)") == []


def test_a_history_takes_in_what_changed(run: Any) -> None:
    code = """let h = it.merged(it.empty(), {whole: true,
        spans: [{start_s: 0, end_s: 9}, {start_s: 9, end_s: 12}], minutes: [{start_s: 0}],
        hrv: [], marks: []});
    h = it.merged(h, {whole: false, spans: [{start_s: 9, end_s: 20}, {start_s: 20, end_s: 21}],
        minutes: [], hrv: [{start_s: 60}], marks: []});
    return [h, it.merged(h, {whole: true, spans: [{start_s: 5}], minutes: [], hrv: [], marks: []})];"""
    changed, replaced = run("draw/history.js", code)
    assert [(s["start_s"], s["end_s"]) for s in changed["spans"]] == [(0, 9), (9, 20), (20, 21)]
    assert (changed["minutes"], changed["hrv"]) == ([{"start_s": 0}], [{"start_s": 60}])
    assert replaced == {"spans": [{"start_s": 5}], "minutes": [], "hrv": [], "marks": []}


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (59.9, "0:59"), (75, "1:15"), (3675, "1:01:15")])
def test_times_since_the_start(run: Any, seconds: float, words: str) -> None:
    assert run("draw/axis.js", f"return it.clock({seconds}, null)") == words


@pytest.mark.parametrize("length", [10, 61, 600, 3600, 21600, 86400])
@pytest.mark.parametrize("start", ["null", "1790000123.4"])
def test_an_axis_has_a_few_round_times(run: Any, length: float, start: str) -> None:
    found = run("draw/axis.js", f"return it.ticks(1000, {1000 + length}, 6, {start})")
    assert 1 <= len(found) <= 7
    assert all(1000 <= tick["at"] <= 1000 + length for tick in found)
    words = [tick["words"] for tick in found]
    assert len(set(words)) == len(words)
    if start != "null" and length >= 600:
        assert all(int(word.split(":")[1]) % 5 == 0 or length == 600 for word in words)
