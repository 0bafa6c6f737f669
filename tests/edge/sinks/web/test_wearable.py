"""What the page keeps of a stream, and what a viewer is sent of it."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Battery, Beat, Gap, LinkState, Mark, Quality, Rhythm
from ecgedge.monitor import Monitor
from ecgedge.recording.database.recorder import Recorder
from ecgedge.recording.database.rotation import DailyRecorder
from ecgedge.sinks.web.frames import encode
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.kept import Kept
from ecgedge.sinks.web.recorded import Recorded
from ecgedge.sinks.web.timeline import Timeline
from ecgedge.sinks.web.viewer import Viewer
from ecgedge.sinks.web.wearable import Cursor, Wearable
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

FS = 130.0
HEAD = struct.Struct("<BBHIdff")


def block(first: int, n: int, value: float = 0.0) -> SampleBlock:
    return SampleBlock(np.full(n, value, np.float32), fs=FS, sample=first)


def decode(frame: bytes) -> tuple[int, list[float | None], list[tuple[float, str]]]:
    """First sample, mV and beats, read as the page reads them."""
    version, _, beats, n, first, fs, step = HEAD.unpack_from(frame)
    assert version == 1
    assert fs == FS
    steps = np.frombuffer(frame, "<i2", n, HEAD.size)
    at = HEAD.size + -(-2 * n // 8) * 8
    places = np.frombuffer(frame, "<f8", beats, at)
    letters = frame[at + 8 * beats :]
    assert len(letters) == beats
    mv = [None if one == -32768 else float(one * step) for one in steps]
    return int(first), mv, [(p, chr(c)) for p, c in zip(places.tolist(), letters, strict=True)]


def refused(start_s: float, end_s: float) -> Quality:
    return Quality(round(start_s * FS), start_s, round(end_s * FS), end_s, False, 0.1, ("flat_line",))


def rhythm(start_s: float, end_s: float, label: str, *, sinus: bool = False) -> Rhythm:
    return Rhythm(
        round(start_s * FS), start_s, round(end_s * FS), end_s, label, label, {label: 0.97}, True, True,
        sinus=sinus,
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(st.floats(-5e4, 5e4, width=32), st.just(np.nan), st.just(np.inf)), max_size=40),
    st.lists(st.tuples(st.integers(0, 2**50), st.sampled_from([*"NSVFQ", None])), max_size=5),
)
def test_a_frame_gives_back_what_went_in(values: list[float], found: list[tuple[int, str | None]]) -> None:
    mv = np.array(values, np.float32)
    beats = [Beat(sample, sample / FS, None, symbol) for sample, symbol in found]
    first, back, back_beats = decode(encode(3, 2**40, FS, mv, beats))
    assert first == 2**40
    assert back_beats == [(float(sample), symbol or "\0") for sample, symbol in found]
    step = max(0.0025, float(np.abs(mv[np.isfinite(mv)]).max(initial=0.0)) / 32767)
    for value, got in zip(values, back, strict=True):
        if np.isfinite(value):
            assert got == pytest.approx(value, abs=0.51 * step)
        else:
            assert got is None


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9000)), min_size=1, max_size=12), st.data())
def test_what_is_kept_is_the_signal(pieces: list[tuple[int, int]], data: st.DataObject) -> None:
    """Blocks of any length, gaps between them, over the borders of minutes."""
    kept, whole, at = Kept(hours=1.0), np.full(200_000, np.nan, np.float32), 0
    for gap, n in pieces:
        at += gap
        samples = np.arange(at, at + n, dtype=np.float32)
        kept.add(SampleBlock(samples, fs=FS, sample=at))
        whole[at : at + n] = samples
        at += n
    assert kept.end_sample == at
    first = data.draw(st.integers(0, at))
    end = data.draw(st.integers(first, at + 100))
    np.testing.assert_array_equal(kept.signal(first, end), whole[first:end])


def test_only_the_last_hours_are_kept() -> None:
    kept, minute = Kept(hours=0.05), round(60 * FS)
    for at in range(10):
        kept.add(block(at * minute, minute, float(at)))
    assert not kept.holds(0, 7 * minute - 1)
    assert kept.signal(7 * minute, 10 * minute).min() == 7
    kept.add(block(10**12, minute))  # far ahead: takes no more room than a minute
    assert kept.end_sample == 10**12 + minute


def test_a_viewer_gets_each_sample_and_each_beat_once() -> None:
    wearable, cursor = Wearable(0, "strap"), Cursor()
    samples, beats = [], []
    for at in range(0, 1000, 73):
        wearable.take([block(at, 73, at / 1000), Beat(at, at / FS, None, "N")])
        first, mv, found = decode(wearable.frame(cursor) or b"")
        assert first == at
        samples += mv
        beats += [place for place, _ in found]
    assert len(samples) == 14 * 73
    assert beats == [float(at) for at in range(0, 1000, 73)]
    assert wearable.frame(cursor) is None


def test_a_beat_that_is_found_late_is_sent_with_no_sample() -> None:
    wearable, cursor = Wearable(0, "strap"), Cursor()
    wearable.take([block(0, 260)])
    wearable.frame(cursor)
    wearable.take([Beat(130, 1.0, None, None)])
    assert decode(wearable.frame(cursor) or b"") == (260, [], [(130.0, "\0")])


def test_a_slow_viewer_sees_now_and_is_told_what_it_missed() -> None:
    wearable, cursor = Wearable(0, "strap"), Cursor()
    wearable.take([block(0, 130)])
    wearable.frame(cursor)
    wearable.take([block(130, round(60 * FS))])
    first, mv, _ = decode(wearable.frame(cursor) or b"")
    assert first + len(mv) == 130 + 60 * FS
    assert len(mv) == 20 * FS
    assert cursor.missed == 40 * 30  # seconds, frames a second
    assert wearable.messages(cursor)[0]["missed"] == cursor.missed


def test_a_stream_that_begins_again_is_followed() -> None:
    """A recording's next session may count anew; a page must not wait for an index to come back."""
    wearable, cursor = Wearable(0, "strap"), Cursor()
    wearable.take([block(10_000, 130)])
    wearable.frame(cursor)
    wearable.take([block(0, 130)])
    assert decode(wearable.frame(cursor) or b"")[0] == 0


def test_the_state_says_it_in_words() -> None:
    wearable, cursor = Wearable(2, "str\x1b[2Jap", wall_clock=lambda: 1000.0), Cursor()
    wearable.take([
        LinkState(0, 0.0, "streaming"), Battery(0, 0.0, 87), block(0, 1300),
        *(Beat(130 * i, float(i), 1000.0 if i else None, "N") for i in range(1, 10)),
        rhythm(0.0, 10.0, "A"), Quality(0, 0.0, 1300, 10.0, True, 0.99), Gap(1300, 10.0, 1430, 11.0, 130),
    ])  # fmt: skip
    state = wearable.messages(cursor)[0]
    assert state["rhythm"] == {
        "label": "A", "sinus": False, "words": "atrial fibrillation", "sure": 0.97, "at_s": 10.0
    }  # fmt: skip
    assert state["link"] | {"drift_ppm": None} == {
        "state": "streaming", "words": "streaming", "lost": 130, "battery": 87, "drift_ppm": None
    }  # fmt: skip
    assert state["start_unix_s"] == 990.0
    wearable.take([refused(11.0, 21.0)])
    state = wearable.messages(cursor)[0]
    assert state["quality"]["words"] == "too noisy, because of flat line"
    assert state["heart_rate"] is None
    assert "\x1b" not in json.dumps(wearable.name)


def test_the_log_tells_changes_and_the_last_ones_on_connecting() -> None:
    wearable, cursor = Wearable(0, "strap"), Cursor()
    for at in range(40):
        wearable.take([Mark(at, at / FS, f"mark {at}")])
    assert [m["type"] for m in wearable.messages(cursor)] == ["state", "log", "timeline"]
    late = Cursor()
    lines = wearable.messages(late)[1]["lines"]
    assert [line["words"] for line in lines] == [f"marked: mark {at}" for at in range(20, 40)]
    wearable.take([Mark(1, 1.0, "another")])
    assert [line["words"] for line in wearable.messages(late)[1]["lines"]] == ["marked: another"]


def test_the_timeline_joins_what_is_the_same_and_overlaps_nothing() -> None:
    timeline = Timeline()
    for event in (
        rhythm(0, 10, "N", sinus=True), rhythm(5, 15, "N", sinus=True), rhythm(10, 20, "A"),
        refused(18, 28), Gap(3640, 28.0, 3900, 30.0, 260), rhythm(30, 40, "O", sinus=True),
    ):  # fmt: skip
        timeline.take(event)
    spans = [(s["start_s"], s["end_s"], s["label"]) for s in timeline.since(0)["spans"]]
    assert spans == [(0, 15, "N"), (15, 20, "A"), (20, 28, "~"), (28, 30, "gap"), (30, 40, "N")]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from("NAO~")), max_size=30), st.data())
def test_what_changed_puts_the_whole_together(told: list[tuple[int, str]], data: st.DataObject) -> None:
    """A page that takes the changes ends with what a page that comes late is given."""
    timeline, seen, at = Timeline(), 0, 0.0
    page: dict[str, list[dict[str, object]]] = {}

    def read() -> None:
        nonlocal seen
        for name, values in timeline.since(seen).items():
            old = page.setdefault(name, [])
            if values:
                page[name] = [one for one in old if one["start_s"] < values[0]["start_s"]] + values  # type: ignore[operator]
        seen = timeline.version

    for seconds, label in told:
        timeline.take(refused(at, at + seconds) if label == "~" else rhythm(at, at + seconds, label))
        at += seconds
        if data.draw(st.booleans()):
            read()
    read()
    assert page == timeline.since(0)


def test_nothing_grows_with_the_days() -> None:
    timeline = Timeline()
    for day_s in range(0, 3 * 86400, 30):
        timeline.take(rhythm(day_s, day_s + 30, "NA"[day_s // 30 % 2]))
        timeline.take(Mark(0, float(day_s), "x"))
    lists = timeline.since(0)
    assert len(lists["spans"]) <= 4320
    assert len(lists["marks"]) <= 500
    assert lists["spans"][0]["start_s"] >= 2 * 86400 - 30


def test_a_viewer_that_slept_gets_what_is_now() -> None:
    hub = Hub("page")
    wearable = hub.add("strap")
    viewer = Viewer(hub)
    wearable.take([block(0, round(30 * FS))])
    list(viewer.news(0.0))
    wearable.take([block(round(30 * FS), 130)])
    viewer.now()
    news = list(viewer.news(0.01))
    assert [json.loads(one)["type"] for one in news if isinstance(one, str)] == ["state", "log", "timeline"]
    first, mv, _ = decode(next(one for one in news if isinstance(one, bytes)))
    assert len(mv) == 20 * FS
    assert first + len(mv) == 31 * FS


def test_figures_come_four_times_a_second_and_signal_at_once() -> None:
    hub = Hub("page")
    wearable, viewer = hub.add("strap"), Viewer(hub)
    list(viewer.news(0.0))
    kinds = []
    for tick in range(1, 31):
        wearable.take([block(tick * 4, 4)])
        kinds += [
            "frame" if isinstance(one, bytes) else json.loads(one)["type"] for one in viewer.news(tick / 30)
        ]
    assert kinds.count("frame") == 30
    assert 3 <= kinds.count("state") <= 4


def test_a_wearable_that_joins_is_announced_and_their_number_is_bounded() -> None:
    hub = Hub("page")
    viewer = Viewer(hub)
    list(viewer.news(0.0))
    hub.add("one", mark=lambda _: None)
    hello = json.loads(next(iter(viewer.news(0.1))))
    assert hello["wearables"] == [{"id": 0, "name": "one"}]
    assert hello["can_mark"]
    for n in range(1, 256):
        hub.add(str(n))
    with pytest.raises(ConfigError, match="256 wearables"):
        hub.add("one too many")


def test_marks_and_strips_find_their_wearable() -> None:
    marked: list[str] = []
    hub = Hub("page")
    hub.add("one")
    two = hub.add("two", mark=marked.append, older=lambda start_s, _: {"start_s": start_s})
    assert not hub.mark(0, "x")
    assert not hub.mark(-1, "x")
    assert hub.mark(1, "felt")
    assert marked == ["felt"]
    assert hub.strip(1, 5.0, 1.0) == {"start_s": 5.0}  # of the recording
    two.take([block(0, 1300, 0.5), Beat(700, 700 / FS, None, "V")])
    strip = hub.strip(1, 5.0, 1.0)
    assert strip is not None
    assert strip["mv"] == [0.5] * 130
    assert strip["beats"] == [{"at_s": 700 / FS, "symbol": "V"}]
    assert hub.strip(7, 0.0, 1.0) is None
    assert hub.strip(-1, 0.0, 1.0) is None


@pytest.mark.parametrize("daily", [False, True])
def test_what_is_no_longer_in_memory_comes_from_the_recording(tmp_path: Path, daily: bool) -> None:
    """Also of a day before, and while the file is written to."""
    clock = [1_800_000_000.0]
    make = DailyRecorder if daily else Recorder
    with make(tmp_path / "ecg.db", wall_clock=lambda: clock[0]) as recorder:
        hub = Hub("page")
        wearable = hub.add("strap", hours=1 / 60, older=Recorded(lambda: recorder.paths))
        for minute in range(12):
            items = [
                block(minute * 7800, 7800, minute / 10),
                Beat(minute * 7800 + 10, 60.0 * minute + 0.1, None, "V"),
            ]
            recorder.take(items)
            wearable.take(items)
            clock[0] += 86400.0 * (minute == 5)
        for minute in range(11):
            strip = hub.strip(0, minute * 60.0, 10.0)
            assert strip is not None
            assert strip["mv"] == pytest.approx([minute / 10] * 1300, abs=0.001)
            assert [beat["symbol"] for beat in strip["beats"]] == ["V"]
        assert hub.strip(0, 3600.0, 10.0) is None
    assert len(recorder.paths) == 1 + daily


def test_what_a_monitor_finds_is_what_the_page_says() -> None:
    """Atrial fibrillation of the synthetic ECG, through the real monitor."""
    ecg = synthesize([Segment("af", 60.0, 80.0)], FS, seed=1)
    wearable, monitor = Wearable(0, "strap"), Monitor()
    for at in range(0, len(ecg.mv), 73):
        piece = SampleBlock(ecg.mv[at : at + 73].astype(np.float32), fs=FS, sample=at)
        wearable.take([piece, *monitor.feed(piece)])
    state = wearable.messages(Cursor())[0]
    assert state["rhythm"]["words"].startswith("atrial fibrillation")
    assert 60 < state["heart_rate"] < 110
