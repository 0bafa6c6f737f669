"""Recording where it is hard: full disks, disks that turn read-only, deleted files, power cuts.

The system itself does these things here; where it does not let this user, the test is skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from made_recordings import CHILD, blocks, ecg

import ecgedge
from ecgedge.recording.database.recorder import Recorder
from ecgedge.recording.database.stored import StoredRecording
from ecgedge_bridge.errors import ConfigError


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this user may not mount: {done.stderr.strip()}")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    if not shutil.which("mount") or os.geteuid():
        pytest.skip("only root mounts a small disk")
    folder = tmp_path / "small"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full_loses_nothing(small: Path) -> None:
    mv, filler = ecg(400), small / "filler"
    every = list(blocks(mv))
    with Recorder(small / "a.db") as recorder:
        for block in every[:40]:
            recorder.take([block])
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        for block in every[40:400]:
            recorder.take([block])
        assert recorder.trouble is not None
        assert "disk is full" in recorder.trouble
        assert "\n" not in recorder.trouble
        filler.unlink()
        for block in every[400:]:
            recorder.take([block])
        assert recorder.trouble is None
    assert np.array_equal(ecgedge.load(small / "a.db").mv, mv)


def test_a_disk_that_turns_read_only_for_a_while_loses_nothing(small: Path) -> None:
    mv = ecg(60)
    every = list(blocks(mv))
    with Recorder(small / "a.db") as recorder:
        for block in every[:40]:
            recorder.take([block])
        # As after an error of an SD card. Files that are open for writing hold a plain remount up.
        done = subprocess.run(
            ["mount", "-o", "remount,ro", str(small)], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            for block in every[40:60]:
                recorder.take([block])
            assert recorder.trouble is not None
            mount("-o", "remount,rw", str(small))
        for block in every[60 if done.returncode == 0 else 40 :]:
            recorder.take([block])
        assert recorder.trouble is None
    assert np.array_equal(ecgedge.load(small / "a.db").mv, mv)


def test_a_read_only_disk_is_one_line(small: Path) -> None:
    with Recorder(small / "a.db") as recorder:
        recorder.take(blocks(ecg(3)))
    mount("-o", "remount,ro", str(small))
    for name in ("a.db", "b.db"):
        with pytest.raises(ConfigError, match="Read-only file system: check the folder") as told:
            Recorder(small / name)
        assert "\n" not in str(told.value)
    mount("-o", "remount,rw", str(small))


def test_a_file_that_somebody_deletes_is_begun_again(tmp_path: Path) -> None:
    mv, path = ecg(20), tmp_path / "a.db"
    every = list(blocks(mv))
    with Recorder(path, {"device": "H10"}) as recorder:
        for block in every[:20]:
            recorder.take([block])
        written = recorder._written_to
        for file in tmp_path.iterdir():
            file.unlink()
        for block in every[20:]:
            recorder.take([block])
        assert recorder.trouble is None
        with pytest.raises(ConfigError, match="by another program"):
            Recorder(path)
    with StoredRecording(path) as stored:
        (session,) = stored.sessions
        assert (session.first, session.end, session.facts) == (written, len(mv), {"device": "H10"})
        found = np.concatenate([block.samples for block in stored.blocks()])
    assert np.array_equal(found, mv[written:])


def test_a_file_that_is_replaced_is_told_and_what_waits_is_kept(tmp_path: Path) -> None:
    mv, path = ecg(20), tmp_path / "a.db"
    every = list(blocks(mv))
    with Recorder(path) as recorder:
        for block in every[:10]:
            recorder.take([block])
        path.rename(tmp_path / "moved.db")
        path.write_bytes(b"somebody's notes")
        for block in every[10:20]:
            recorder.take([block])
        assert recorder.trouble is not None
        assert "was replaced by another file" in recorder.trouble
        assert path.read_bytes() == b"somebody's notes"
        path.unlink()
        (tmp_path / "moved.db").rename(path)
        for block in every[20:]:
            recorder.take([block])
        assert recorder.trouble is None
    assert np.array_equal(ecgedge.load(path).mv, mv)


def test_a_power_cut_leaves_a_whole_beginning(tmp_path: Path) -> None:
    """The end of what was written is torn off at any place, as by a disk that had not got so far."""
    path, out = tmp_path / "a.db", tmp_path / "out"
    command = [sys.executable, "-c", CHILD, str(path)]
    with out.open("w") as file, subprocess.Popen(command, stdout=file) as child:
        while out.stat().st_size < 1500:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    mv = (np.cumsum(np.random.default_rng(0).integers(-30, 31, 130 * 3600)) / 1000).astype(np.float32)
    log, rng = (tmp_path / "a.db-wal").read_bytes(), np.random.default_rng(3)
    ends = [0, *sorted(rng.integers(0, len(log), 12).tolist()), len(log)]
    kept = []
    for number, end in enumerate(ends):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(path, folder / "a.db")
        (folder / "a.db-wal").write_bytes(log[:end])
        with Recorder(folder / "a.db") as recorder:
            kept.append(recorder.end_sample)
        if kept[-1]:
            found = ecgedge.load(folder / "a.db").mv
            assert np.array_equal(found, mv[: len(found)])
    assert kept == sorted(kept)
    assert kept[-1] >= int(out.read_text().splitlines()[-1]) - 156
