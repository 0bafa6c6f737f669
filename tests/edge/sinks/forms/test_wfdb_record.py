"""WFDB records as saved, through the eyes of the wfdb package and of our own reader."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

import ecgedge
from ecgedge.events import Battery, Beat, Gap, Mark, Note, Quality, Rhythm, Waves
from ecgedge.sinks.about import About
from ecgedge.sinks.registry import open_saver
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

FS = 130.0


def blocks(mv: Any, fs: float = FS) -> list[SampleBlock]:
    """Blocks of an array; stretches of NaN of half a second and more are jumps."""
    made = []
    for at in range(0, len(mv), 65):
        part = np.asarray(mv[at : at + 65], np.float32)
        if not np.isnan(part).all():
            made.append(SampleBlock(part, fs, at))
    return made


def microvolts(n: int, seed: int = 0) -> np.ndarray:
    uv = np.rint(np.random.default_rng(seed).normal(size=n) * 400)
    return (uv / 1000).astype(np.float32)


def saved(path: Path, items: list[Any], **about: Any) -> Any:
    sink = open_saver(str(path), about=About(**about))
    sink.take(items)
    sink.close()
    return sink


def test_samples_and_gaps_come_back_exactly(tmp_path: Path) -> None:
    mv = microvolts(2000)
    mv[650:1300] = np.nan
    mv[40] = np.nan
    saved(tmp_path / "night.hea", blocks(mv), channel="I", start=datetime(2026, 11, 28, 22, 30, 5, 250_000))
    theirs = wfdb.rdrecord(str(tmp_path / "night"))
    np.testing.assert_array_equal(theirs.p_signal[:, 0].astype(np.float32), mv)
    assert (theirs.fs, theirs.sig_name, theirs.units) == (130, ["I"], ["mV"])
    assert theirs.base_datetime == datetime(2026, 11, 28, 22, 30, 5, 250_000)
    digital = wfdb.rdrecord(str(tmp_path / "night"), physical=False)
    assert theirs.checksum == digital.calc_checksum()
    ours = ecgedge.load(tmp_path / "night.hea")
    np.testing.assert_array_equal(ours.mv, mv)
    assert (ours.start, ours.fs, ours.channel) == (theirs.base_datetime, FS, "I")
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {
        "night.hea": 0o600, "night.dat": 0o600
    }  # fmt: skip


@pytest.mark.parametrize(("reach_mv", "bits"), [(32, 16), (1000, 24), (8388.607, 24), (9000, 32)])
def test_larger_signals_have_wider_formats(tmp_path: Path, reach_mv: float, bits: int) -> None:
    counts = np.rint(microvolts(1000) * 1000)
    counts[:3] = -reach_mv * 1000, reach_mv * 1000, np.nan
    mv = (counts / 1000).astype(np.float32)
    sink = saved(tmp_path / "a.hea", blocks(mv))
    assert (sink.told()[0]["bits"], sink.told()[0]["exact"]) == (bits, True)
    theirs = wfdb.rdrecord(str(tmp_path / "a")).p_signal[:, 0]
    np.testing.assert_array_equal(theirs.astype(np.float32), mv)
    np.testing.assert_array_equal(ecgedge.load(tmp_path / "a").mv, mv)


def test_samples_that_come_twice_are_there_once(tmp_path: Path) -> None:
    mv = microvolts(300)
    twice = [SampleBlock(mv[:200], FS, 0), SampleBlock(mv[100:150], FS, 100), SampleBlock(mv[150:], FS, 150)]
    saved(tmp_path / "a.hea", twice)
    np.testing.assert_array_equal(ecgedge.load(tmp_path / "a").mv, mv)


@pytest.mark.parametrize("fs", [129.97, 512 / 3, 62.5])
def test_a_rate_that_is_not_whole(tmp_path: Path, fs: float) -> None:
    saved(tmp_path / "a.hea", [*blocks(microvolts(400), fs), Beat(10, 10 / fs, None, "N")])
    assert wfdb.rdrecord(str(tmp_path / "a")).fs == pytest.approx(fs, rel=1e-11)
    assert wfdb.rdann(str(tmp_path / "a"), "atr").fs == pytest.approx(fs, rel=1e-11)
    assert ecgedge.load(tmp_path / "a").fs == pytest.approx(fs, rel=1e-11)


def rhythm(first: int, label: str, **more: Any) -> Rhythm:
    end = first + 1300
    return Rhythm(first, first / FS, end, end / FS, label, label, {label: 1.0}, True, True, **more)


def quality(first: int, accepted: bool) -> Quality:
    why = () if accepted else ("flat", "spikes")
    return Quality(first, first / FS, first + 1300, (first + 1300) / FS, accepted, 0.5, why)


EVENTS = [
    Note(0, 0.0, NoteCode.UNIT_ASSUMED, "no unit"),
    Waves(sample=300, time_s=2.3, p_onset=270, p_peak=280, p_end=290, qrs_onset=295, qrs_end=310, t_end=350),
    quality(0, True), rhythm(0, "N", sinus=True), Beat(300, 300 / FS, None, "N"), Beat(90, 0.7, None, "V"),
    quality(1300, False), Beat(1400, 10.8, 800.0, None), quality(2600, True), rhythm(2600, "A"),
    rhythm(2700, "A"), Mark(2650, 20.4, "palpitations\n\x1b[2J ♥"), Gap(4000, 30.8, 4130, 31.8, 130),
    rhythm(4130, "A"), rhythm(5430, "O", sinus=True, rate="bradycardia"), rhythm(6730, "O"),
    Note(2660, 20.5, NoteCode.BRIDGED, "x" * 400), Battery(2670, 20.6, 87),
]  # fmt: skip


def test_events_are_annotations(tmp_path: Path) -> None:
    saved(tmp_path / "a.hea", [*blocks(microvolts(9000)), *EVENTS])
    found = wfdb.rdann(str(tmp_path / "a"), "atr")
    rows = list(zip(found.sample.tolist(), found.symbol, found.subtype.tolist(), found.aux_note, strict=True))
    assert [row for row in rows if row[1] in "NSVFQ"] == [
        (90, "V", 0, ""), (300, "N", 0, ""), (1400, "Q", 0, "")
    ]  # fmt: skip
    assert [(s, t) for s, y, _, t in rows if y == "+"] == [
        (0, "(N"), (3250, "(AFIB"), (4130, "(AFIB"), (6080, "(SBR"), (7380, "(O"),
    ]  # fmt: skip
    assert [(s, u, t) for s, y, u, t in rows if y == "~"] == [(1300, 1, "flat, spikes"), (2600, 0, "")]
    assert (1, '"', 0, "no unit") in rows  # not at 0, where wfdb takes it for one of the file itself
    notes = {s: t for s, y, _, t in rows if y == '"'}
    assert notes[2650] == r"mark: palpitations\n\x1b[2J \u2665"
    assert notes[4000] == "gap of 130 samples lost (1.0 s)"
    assert (len(notes[2660]), notes[2660][-3:]) == (255, "...")
    assert 2670 not in notes  # of the battery, unasked
    waves = zip(found.sample.tolist(), found.symbol, found.num.tolist(), strict=True)
    assert [one for one in waves if one[1] in "(pt)"] == [
        (270, "(", 0), (280, "p", 0), (290, ")", 0), (295, "(", 1), (310, ")", 1), (350, ")", 2)
    ]  # fmt: skip
    assert found.sample.tolist() == sorted(found.sample.tolist())


def test_what_is_asked_for_is_labelled_and_the_signal_may_be_alone(tmp_path: Path) -> None:
    items = [*blocks(microvolts(9000)), *EVENTS]
    saved(tmp_path / "all.hea", items, events=frozenset({"battery"}))
    assert "battery 87 %" in wfdb.rdann(str(tmp_path / "all"), "atr").aux_note
    saved(tmp_path / "none.hea", items, events=frozenset())
    assert not (tmp_path / "none.atr").exists()


def test_a_day_is_far(tmp_path: Path) -> None:
    far = round(30 * 3600 * FS)
    mv = microvolts(130)
    items = [
        SampleBlock(mv, FS, 0),
        SampleBlock(mv, FS, far),
        Beat(5, 0.0, None, "N"),
        Beat(far, far / FS, None),
    ]
    saved(tmp_path / "a.hea", items)
    assert wfdb.rdann(str(tmp_path / "a"), "atr").sample.tolist() == [5, far]
    tail = wfdb.rdrecord(str(tmp_path / "a"), sampfrom=far - 5)
    np.testing.assert_array_equal(tail.p_signal[5:, 0].astype(np.float32), mv)
    assert np.isnan(tail.p_signal[:5]).all()


def test_the_start_of_a_recording_with_a_zone_is_local_in_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        saved(tmp_path / "a.hea", blocks(microvolts(300)), start=datetime(2026, 11, 28, 20, 0, tzinfo=UTC))
    finally:
        monkeypatch.undo()
        time.tzset()
    header = (tmp_path / "a.hea").read_text()
    assert "a 1 130 300 01:30:00.000 29/11/2026\n" in header
    assert "# start: 2026-11-29T01:30:00+05:30\n" in header


def test_a_live_stream_begins_with_its_first_block(tmp_path: Path) -> None:
    block = SampleBlock(microvolts(130), FS, 13_000_000, host_time_s=5.0)
    saved(tmp_path / "a.hea", [block, Beat(13_000_100, 1e5 + 100 / FS, None, "N")])
    ours = ecgedge.load(tmp_path / "a")
    assert len(ours.mv) == 130
    assert ours.start is not None
    assert abs((datetime.now() - ours.start).total_seconds()) < 60
    assert wfdb.rdann(str(tmp_path / "a"), "atr").sample.tolist() == [100]


@pytest.mark.parametrize("part", ["a.hea", "a.dat", "a.atr"])
def test_no_part_of_another_record_is_replaced_unasked(tmp_path: Path, part: str) -> None:
    (tmp_path / part).write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        open_saver(str(tmp_path / "a.hea"))
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {part: "mine"}


def test_annotations_of_a_replaced_record_do_not_stay(tmp_path: Path) -> None:
    saved(tmp_path / "a.hea", [*blocks(microvolts(300)), *EVENTS])
    sink = open_saver(str(tmp_path / "a.hea"), force=True)
    assert (tmp_path / "a.atr").exists()
    sink.take(blocks(microvolts(200)))
    sink.close()
    assert not (tmp_path / "a.atr").exists()
    assert len(ecgedge.load(tmp_path / "a").mv) == 200


@pytest.mark.parametrize("source", ["a", "a.hea", "a.dat"])
def test_the_record_that_is_read_is_never_replaced(tmp_path: Path, source: str) -> None:
    saved(tmp_path / "a.hea", [*blocks(microvolts(300)), *EVENTS])
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ConfigError, match="is what is read"):
        open_saver(str(tmp_path / "a.hea"), force=True, source=tmp_path / source)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["my night.hea", "ä.hea", "a.b.hea", ".hea"])
def test_a_name_that_no_record_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"letters, digits, _ and -|nothing writes"):
        open_saver(str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_a_change_of_rate_leaves_nothing(tmp_path: Path) -> None:
    sink = open_saver(str(tmp_path / "a.hea"))
    with pytest.raises(ConfigError, match="the rate changes from 130 to 250 Hz"):
        sink.take([*blocks(microvolts(130)), SampleBlock(microvolts(250), 250.0, 130)])
    sink.close()
    assert not list(tmp_path.iterdir())


def test_years_between_two_blocks_are_refused(tmp_path: Path) -> None:
    sink = open_saver(str(tmp_path / "a.hea"))
    with pytest.raises(ConfigError, match="--from and --to"):
        sink.take([SampleBlock(microvolts(130), FS, 0), SampleBlock(microvolts(130), FS, 1 << 32)])
    sink.close()
    assert not list(tmp_path.iterdir())
