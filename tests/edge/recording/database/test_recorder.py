"""A recording that survives crashes, full disks, wrong clocks and second writers."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_recordings import CHILD, FS, blocks, ecg

import ecgedge
from ecgedge.events import Gap, Mark
from ecgedge.recording.database.again import Again
from ecgedge.recording.database.recorder import Recorder
from ecgedge.recording.database.rotation import DailyRecorder
from ecgedge.recording.database.stored import StoredRecording
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import Battery, SampleBlock


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_signal_comes_back_whole_and_in_stretches(tmp_path: Path) -> None:
    mv = ecg(150)
    with Recorder(tmp_path / "a.db") as recorder:
        for block in blocks(mv):
            recorder.take([block])
    assert np.array_equal(ecgedge.load(tmp_path / "a.db").mv, mv)
    with StoredRecording(tmp_path / "a.db") as stored:
        for start_s, end_s in ((0, 10), (55, 65), (149, 200), (-5, 1)):
            first, end = round(max(start_s, 0) * FS), round(end_s * FS)
            found = stored.signal(start_s, end_s)
            assert np.array_equal(found[~np.isnan(found)], mv[first:end])
    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a.db").stat().st_size < 2 * len(mv) + 40_000


def test_a_session_starts_with_its_first_sample(tmp_path: Path) -> None:
    clock = Clock()
    with Recorder(tmp_path / "a.db", wall_clock=clock) as recorder:
        start = clock.now
        for block in blocks(ecg(10)):
            clock.now += len(block.samples) / FS
            recorder.take([block])
    with StoredRecording(tmp_path / "a.db") as stored:
        assert stored.sessions[0].started.timestamp() == pytest.approx(start, abs=0.01)


def test_a_recording_goes_on_behind_an_interruption(tmp_path: Path) -> None:
    clock, mv = Clock(), ecg(10)
    for _ in range(3):
        with Recorder(tmp_path / "a.db", wall_clock=clock) as recorder:
            recorder.take([recorder.place(Battery(0, 0.0, 90))])
            for block in blocks(mv):
                clock.now += len(block.samples) / FS
                recorder.take([recorder.place(block)])
        clock.now += 60
    with StoredRecording(tmp_path / "a.db") as stored:
        starts = [session.first for session in stored.sessions]
        gaps = [event for event in stored.events() if isinstance(event, Gap)]
        batteries = [event.time_s for event in stored.events() if isinstance(event, Battery)]
    assert starts == [0, *(pytest.approx(i * 70 * FS, abs=3) for i in (1, 2))]
    assert [gap.reason for gap in gaps] == ["interrupted"] * 2
    assert [gap.lost for gap in gaps] == [pytest.approx(60 * FS, abs=3)] * 2
    assert batteries == [0.0, 10.0, pytest.approx(80.0, abs=0.05)]
    assert np.count_nonzero(~np.isnan(ecgedge.load(tmp_path / "a.db").mv)) == 3 * len(mv)


@pytest.mark.parametrize("step_s", [-86_400.0, -1.0, 2e9])
def test_a_wall_clock_that_jumps_makes_no_gap_of_years_and_none_backwards(
    tmp_path: Path, step_s: float
) -> None:
    clock = Clock()
    for _ in range(2):
        with Recorder(tmp_path / "a.db", wall_clock=clock) as recorder:
            for block in blocks(ecg(5)):
                recorder.take([recorder.place(block)])
        clock.now += step_s
    assert len(ecgedge.load(tmp_path / "a.db").mv) == 2 * round(5 * FS)


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.db") as recorder:
        recorder.take(blocks(ecg(3)))
        with pytest.raises(ConfigError, match="being recorded by another program"):
            Recorder(tmp_path / "a.db")
        assert len(ecgedge.load(tmp_path / "a.db").mv) > 0
    Recorder(tmp_path / "a.db").close()


def test_a_stream_that_was_not_placed_is_refused(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.db") as recorder:
        recorder.take(blocks(ecg(3)))
    with Recorder(tmp_path / "a.db") as again, pytest.raises(ValueError, match=r"recorder\.place"):
        again.take(blocks(ecg(3)))


def test_a_full_disk_stops_nothing_and_loses_nothing(tmp_path: Path) -> None:
    mv = ecg(100)
    with Recorder(tmp_path / "a.db") as recorder:
        database: sqlite3.Connection = recorder._db
        every = list(blocks(mv))
        for block in every[:20]:
            recorder.take([block])
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
        for block in every[20:150]:
            recorder.take([block])
        assert recorder.trouble is not None
        assert "disk is full" in recorder.trouble
        database.execute("PRAGMA max_page_count = 1000000")
        for block in every[150:]:
            recorder.take([block])
        assert recorder.trouble is None
    assert np.array_equal(ecgedge.load(tmp_path / "a.db").mv, mv)


def test_what_is_lost_at_the_end_of_a_full_disk_is_said(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.db")
    recorder.take(blocks(ecg(2)))
    (pages,) = recorder._db.execute("PRAGMA page_count").fetchone()
    recorder._db.execute(f"PRAGMA max_page_count = {pages}")
    recorder.take(blocks(ecg(60), first=round(2 * FS)))
    with pytest.raises(ConfigError, match="items of the end are lost"):
        recorder.close()
    recorder.close()  # once more is nothing
    assert len(ecgedge.load(tmp_path / "a.db").mv) >= FS


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="check the folder"):
        Recorder(tmp_path / "a.db")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("time,ecg\n0,1\n" * 100)
    with pytest.raises(ConfigError, match="damaged"):
        Recorder(tmp_path / "text.db")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE photos (name TEXT)")
    other.close()
    for open_it in (Recorder, StoredRecording, ecgedge.read):
        with pytest.raises(ConfigError, match="no recording of ecgedge"):
            open_it(tmp_path / "other.db")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.executescript("CREATE TABLE x (y); PRAGMA application_id = 1162037061; PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(ConfigError, match="update ecgedge"):
        Recorder(tmp_path / "newer.db")
    for name in ("none.db", "folder.db"):
        (tmp_path / "folder.db").mkdir(exist_ok=True)
        with pytest.raises(ConfigError):
            StoredRecording(tmp_path / name)


def test_marks_are_kept(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.db") as recorder:
        recorder.take(blocks(ecg(5)))
        assert recorder.mark("stairs").time_s == pytest.approx(5.0)
    with StoredRecording(tmp_path / "a.db") as stored:
        assert [e.text for e in stored.events() if isinstance(e, Mark)] == ["stairs"]


def test_a_file_for_each_day_and_old_ones_are_deleted(tmp_path: Path) -> None:
    clock = Clock()
    mv, days = ecg(4), 5
    with DailyRecorder(tmp_path / "ecg.db", keep_days=3, wall_clock=clock) as recorder:
        for day in range(days):
            recorder.take(map(recorder.place, blocks(mv, first=day * len(mv))))
            clock.now += 86_400
    files = sorted(path.name for path in tmp_path.glob("*.db"))
    assert files == ["ecg-2027-01-17.db", "ecg-2027-01-18.db", "ecg-2027-01-19.db"]
    last = ecgedge.load(tmp_path / files[-1]).mv
    assert np.array_equal(last[-len(mv) :], mv)  # behind the count of the days before
    with StoredRecording(tmp_path / files[-1]) as stored:
        assert stored.sessions[0].facts["goes_on_from"] == files[-2]


def test_the_oldest_files_go_where_all_take_too_much(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "ecg-2020-02-31.db").write_text("not ours")
    (tmp_path / "ecg-mine.db").write_text("not ours")
    with DailyRecorder(tmp_path / "ecg.db", keep_mb=0.06, wall_clock=clock) as recorder:
        for day in range(4):
            recorder.take(map(recorder.place, blocks(ecg(60), first=day * round(60 * FS))))
            clock.now += 86_400
    ours = sorted(tmp_path.glob("ecg-2027*.db"))
    assert ours[-1].name == "ecg-2027-01-18.db"
    assert ours[0].name > "ecg-2027-01-15.db"
    assert sum(path.stat().st_size for path in ours[:-1]) <= 60_000
    assert (tmp_path / "ecg-2020-02-31.db").is_file()
    assert (tmp_path / "ecg-mine.db").is_file()


def test_a_recording_is_analysed_again_with_the_same_events(tmp_path: Path) -> None:
    monitor = ecgedge.Monitor()
    facts = {"models": monitor.models.digests()}
    mv = ecgedge_like(70)
    with Recorder(tmp_path / "a.db", facts) as recorder:
        for block in blocks(mv):
            recorder.take([block, *monitor.feed(block)])
        recorder.take(monitor.finish())
    with StoredRecording(tmp_path / "a.db") as stored:
        recorded = list(stored.events())
        again = Again(stored, monitor.models)
        found = [item for item in again if not isinstance(item, SampleBlock)]
    assert recorded == found
    assert again.verdict() == f"the same events as recorded, all {len(recorded)}"


@pytest.mark.slow
def test_fifty_kills_lose_a_second_each_at_most(tmp_path: Path) -> None:
    path, rng = tmp_path / "a.db", np.random.default_rng(7)
    mv = (np.cumsum(np.random.default_rng(0).integers(-30, 31, 130 * 3600)) / 1000).astype(np.float32)
    empty = 0
    for kill in range(50):
        out = tmp_path / "out"
        command = [sys.executable, "-c", CHILD, str(path)]
        with out.open("w") as file, subprocess.Popen(command, stdout=file) as child:
            while not out.stat().st_size:
                assert child.poll() is None
                time.sleep(0.01)
            time.sleep(float(rng.uniform(0, 0.5)))
            child.send_signal(signal.SIGKILL)
            child.wait()
        fed = int((out.read_text().splitlines() or ["0"])[-1])
        with StoredRecording(path) as stored:
            sessions = stored.sessions
            kept = sessions[-1]
            assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
            if len(sessions) != kill + 1 - empty:  # killed within its first second
                assert fed <= 130 + 26
                empty += 1
                continue
            # What was committed may not have been printed yet.
            assert -26 <= fed - (kept.end - kept.first) <= 130 + 26
            found = np.concatenate([b.samples for b in stored.blocks(kept.first / FS)])
            assert np.array_equal(found, mv[: kept.end - kept.first])
    assert empty < 25


def ecgedge_like(seconds: float) -> np.ndarray:
    """Beats of a plain shape, so that there are events of all kinds."""
    t = np.arange(round(seconds * FS)) / FS
    phase = (t % 0.8) - 0.4
    mv = 1.1 * np.exp(-((phase / 0.012) ** 2)) + 0.25 * np.exp(-(((phase - 0.22) / 0.05) ** 2))
    return (mv + 0.12 * np.exp(-(((phase + 0.16) / 0.03) ** 2))).astype(np.float32)


GROWTH = """
import sys
import numpy as np
import psutil
from ecgedge.recording.database.recorder import Recorder
from ecgedge_bridge.values import SampleBlock

rng = np.random.default_rng(0)
recorders = [Recorder(f"{sys.argv[1]}/{k}.db", commit_s=10) for k in range(20)]
for second in range(1200):
    block = SampleBlock(rng.normal(0, 0.1, 130).astype(np.float32), fs=130.0, sample=130 * second)
    for recorder in recorders:
        recorder.take([block])
    if second == 120:
        before = psutil.Process().memory_info().rss
print(psutil.Process().memory_info().rss - before)
"""


def test_its_memory_does_not_grow_with_its_file(tmp_path: Path, program: Any) -> None:
    done = program(GROWTH).run(str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "0.db").stat().st_size > 400_000
    assert int(done.stdout) < 4_000_000  # 20 of them: SQLite's own cache would be 9 MB by now
