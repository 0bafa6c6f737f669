"""The terminal view: what is drawn is what was fed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ecgedge.events import Battery, Beat, Event, FrameLost, Gap, LinkState, Note, Quality, Rhythm
from ecgedge.sinks.screen import LiveView
from ecgedge.sinks.screen.braille import braille
from ecgedge.sinks.words import clock, describe
from ecgedge_bridge.codes import FrameCode, LinkCode, NoteCode
from ecgedge_bridge.values import SampleBlock

BLANK = "\u2800"


def rhythm(
    label: str, window_label: str | None = None, conclusive: bool = True, end_s: float = 30.0
) -> Rhythm:
    window_label = window_label or label
    chances = {name: 0.85 if name == window_label else 0.05 for name in "NAO~"}
    return Rhythm(0, 0.0, round(end_s * 130), end_s, label, window_label, chances, conclusive, True)


def quality(accepted: bool, *reasons: str) -> Quality:
    return Quality(0, 0.0, 1300, 10.0, accepted, 0.97 if accepted else 0.04, reasons)


def drawn(view: LiveView, width: int = 80, height: int = 24) -> str:
    out = io.StringIO()
    Console(file=out, width=width, height=height, force_terminal=False).print(view)
    return out.getvalue()


def test_a_step_is_drawn_at_its_place() -> None:
    mv = np.where(np.arange(400) < 200, 0.0, 1.0).astype(np.float32)
    lines = braille(mv, width=20, height=8)
    assert len(lines) == 8
    assert all(len(line) == 20 for line in lines)
    height_of = [next(i for i in range(7, -1, -1) if lines[i][x] != BLANK) for x in range(20)]
    assert max(height_of[11:]) < min(height_of[:9])  # the second half lies higher
    rows_at_the_step = [i for i in range(8) if lines[i][9] != BLANK or lines[i][10] != BLANK]
    assert rows_at_the_step == list(
        range(rows_at_the_step[0], rows_at_the_step[-1] + 1)
    )  # a line without holes


def test_what_is_missing_stays_blank() -> None:
    mv = np.zeros(400, dtype=np.float32)
    mv[100:300] = np.nan
    (line,) = braille(mv, width=20, height=1)
    assert line[6:14] == BLANK * 8
    assert BLANK not in line[:4] + line[-4:]


@given(
    st.lists(st.floats(-1e4, 1e4, width=32) | st.just(float("nan")), min_size=1, max_size=900),
    st.integers(1, 120),
    st.integers(1, 14),
)
def test_any_signal_fits_its_frame(mv: list[float], width: int, height: int) -> None:
    lines = braille(np.array(mv, dtype=np.float32), width, height)
    assert [len(line) for line in lines] == [width] * height
    assert all(0x2800 <= ord(dot) <= 0x28FF for line in lines for dot in line)


def test_it_fits_a_terminal_of_80_by_24_and_says_everything() -> None:
    view = LiveView("strap")
    view.take([SampleBlock(np.sin(np.arange(780) / 9).astype(np.float32), fs=130.0),
        LinkState(0, 0.0, "streaming"), Battery(0, 0.0, 87), Gap(0, 0.0, 73, 0.56, 73), quality(True),
        *(Beat(i * 104, i * 0.8, 800.0) for i in range(8)), rhythm("A"),
    ])  # fmt: skip
    view.footer = "footer"
    lines = drawn(view).splitlines()
    assert len(lines) <= 23  # the last line is the cursor's
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for words in ("strap", "atrial fibrillation   85%", "♥ 75 bpm", "usable  97%", "streaming", "footer"):
        assert words in text
    for words in ("73 samples lost", "battery 87 %", "gap of 73 samples lost (0.6 s)"):
        assert words in text


@pytest.mark.parametrize(
    "event", [Note(0, 0.0, NoteCode.OUT_OF_ORDER), FrameLost(0, 0.0, FrameCode.CHECKSUM)]
)
def test_only_the_link_changes_what_is_shown_of_the_link(event: Event) -> None:
    view = LiveView("strap")
    view.take([LinkState(0, 0.0, "streaming"), event])
    (row,) = [line for line in drawn(view).splitlines() if line.startswith(" Link")]
    assert row.split()[1] == "streaming"


def test_noise_hides_the_heart_rate_and_says_why() -> None:
    view = LiveView("strap")
    beats = [Beat(i * 104, i * 0.8, 800.0) for i in range(8)]
    block = SampleBlock(np.zeros(780, np.float32), fs=130.0)
    view.take([block, *beats, quality(False, "motion", "muscle_noise")])
    text = drawn(view)
    assert "Rhythm    too noisy  motion, muscle noise" in text
    assert "refused: no model run" in text
    assert "bpm" not in text


def test_a_refused_window_stands_where_the_last_rhythm_stood() -> None:
    view = LiveView("strap")
    view.take([rhythm("N"), quality(False, "motion")])
    (row,) = [line for line in drawn(view).splitlines() if line.startswith(" Rhythm")]
    assert row.split() == ["Rhythm", "too", "noisy", "motion"]


def test_the_heart_rate_is_that_of_all_intervals_of_the_accepted_stretch() -> None:
    view = LiveView("strap")
    times = np.cumsum([0.0, 0.5, 1.1, 0.5, 1.1, 0.5])  # bigeminy at 75; 60 over the median would read 120
    beats = [Beat(round(t * 130), float(t), 500.0 if i else None) for i, t in enumerate(times)]
    view.take([SampleBlock(np.zeros(520, np.float32), fs=130.0), *beats, quality(True)])
    assert "♥ 81 bpm" in drawn(view)  # five intervals in 3.7 s
    view.take([quality(False, "motion"), quality(True), *beats[:2]])  # those lie in what was refused
    assert "bpm" not in drawn(view)


def test_beats_are_marked_by_class_at_their_place() -> None:
    view = LiveView("strap")
    symbols = ["N", "V", "S", None, "N"]
    beats = [Beat(130 * (i + 1), i + 1.0, None, symbol) for i, symbol in enumerate(symbols)]
    view.take([SampleBlock(np.zeros(780, np.float32), fs=130.0), *beats])
    marks = drawn(view).splitlines()[1]
    assert marks.strip("│ ").split() == ["N", "V", "S", "·", "N"]
    places = [marks.index("V"), marks.index("S"), marks.index("·")]
    assert np.diff(places) == pytest.approx([76 / 6, 76 / 6], abs=1)


def test_a_wider_terminal_shows_more_time() -> None:
    view = LiveView("strap")
    view.take([SampleBlock(np.zeros(130 * 40, np.float32), fs=130.0)])
    for width, seconds in ((80, "6 s"), (156, "12 s"), (400, "30 s")):
        lines = drawn(view, width=width).splitlines()
        assert len(lines[0]) == width
        assert any(f" {seconds} " in line for line in lines)


def test_the_log_holds_changes_only() -> None:
    view = LiveView("strap")
    view.take([rhythm("N", end_s=10.0 * i) for i in range(1, 5)])
    view.take([quality(False, "motion"), quality(False, "flat"), rhythm("N", end_s=80.0)])
    text = drawn(view)
    assert [text.count(words) for words in ("0:10  sinus", "0:20  sinus", "(motion)", "(flat)")] == [
        1,
        0,
        1,
        0,
    ]
    assert "1:20  sinus rhythm" in text


def test_a_gap_in_the_stream_is_a_gap_in_the_curve() -> None:
    view = LiveView("strap")
    view.take([SampleBlock(np.zeros(390, np.float32), fs=130.0)])
    view.take([SampleBlock(np.zeros(195, np.float32), fs=130.0, sample=585)])
    wave = max(drawn(view).splitlines()[1:11], key=lambda line: sum(c > BLANK for c in line))[2:-2]
    drawn_parts = "".join("x" if dot > BLANK else " " for dot in wave).split()
    assert len(drawn_parts) == 2


def test_a_view_that_was_fed_nothing_can_be_drawn() -> None:
    assert "not yet" in drawn(LiveView("strap"))


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (rhythm("N"), "sinus rhythm (0.85)"),
        (rhythm("N", "A"), "sinus rhythm; this window alone: atrial fibrillation (0.85)"),
        (
            rhythm("O", conclusive=False),
            "another rhythm, neither normal sinus nor AF; this window alone is not conclusive",
        ),
        (quality(False, "baseline_wander"), "too noisy (baseline wander), no model run"),
        (quality(False), "too noisy (score below the threshold), no model run"),
        (quality(True), None),
        (Beat(0, 0.0, None), None),
        (Gap(0, 0.0, 1560, 12.0, 1560), "gap of 1560 samples lost (12.0 s)"),
        (Gap(0, 0.0, 13, 0.1, 13, "not_finite"), "gap of 13 samples that are no numbers (0.1 s)"),
        (LinkState(0, 0.0, "scanning", "looking for X"), "looking for X"),
        (LinkState(0, 0.0, "backing_off", "no data"), "connection lost: no data"),
        (
            LinkState(0, 0.0, "backing_off", "gone", code=LinkCode.LOST, retry_s=1.25),
            "connection lost: gone; next try in 1.2 s",
        ),
        (Note(0, 0.0, NoteCode.OUT_OF_ORDER), "samples that came twice were dropped"),
        (Note(0, 0.0, NoteCode.DROPPED, "7 notifications were dropped"), "7 notifications were dropped"),
        (FrameLost(0, 0.0, FrameCode.CHECKSUM), "a frame could not be read: its checksum is wrong"),
        (FrameLost(0, 0.0, FrameCode.LENGTH, "5 bytes"), "a frame could not be read: 5 bytes"),
        (Battery(0, 0.0, 87), "battery 87 %"),
    ],
)
def test_events_in_words(event: Event, says: str | None) -> None:
    assert describe(event) == says


@pytest.mark.parametrize(
    ("time_s", "says"), [(0.0, "0:00"), (59.9, "0:59"), (59.97, "1:00"), (61.0, "1:01"), (3723.0, "1:02:03")]
)
def test_the_clock(time_s: float, says: str) -> None:
    assert clock(time_s) == says
