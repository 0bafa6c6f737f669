"""A recording as a wearable would measure it: rate, holes, memory; and what a broken one does to a play."""

from __future__ import annotations

import math
import tracemalloc
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from ecgedge.demo.virtual_link import received
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.recording.playback import playback
from ecgedge_bridge import Fault, VirtualH10
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock


def written(path: Path, mv: np.ndarray, fs: float = 130.0) -> Path:
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(mv.astype(np.float32), fs=fs))
    return path


def whole(path: Path, fs: float) -> np.ndarray:
    return np.concatenate(list(playback(path, fs)))


def sine(seconds: float, fs: float, hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * fs)) / fs)


def test_at_the_wearables_own_rate_nothing_is_changed(tmp_path: Path) -> None:
    mv = np.random.default_rng(1).integers(-3000, 3000, 1000) / 1000
    np.testing.assert_allclose(whole(written(tmp_path / "a.csv", mv), 130.0), mv, atol=6e-4)


@pytest.mark.parametrize("fs_in", [125.0, 250.0, 500.0])
@pytest.mark.parametrize("fs", [128.0, 130.0, 250.0])
def test_what_the_wearable_can_measure_is_kept_and_what_it_cannot_is_gone(
    tmp_path: Path, fs_in: float, fs: float
) -> None:
    kept = whole(written(tmp_path / "kept.csv", sine(10, fs_in, 15.0), fs_in), fs)
    assert len(kept) == 10 * fs
    middle = slice(round(fs), round(-fs))
    np.testing.assert_allclose(kept[middle], sine(10, fs, 15.0)[middle], atol=0.01)
    if fs_in > 2.2 * fs:
        gone = whole(written(tmp_path / "gone.csv", sine(10, fs_in, 0.7 * fs), fs_in), fs)
        assert np.abs(gone[middle]).max() < 0.01


@pytest.mark.parametrize("fs", [130.0, 250.0])
def test_what_is_missing_is_a_flat_line_of_the_same_length(tmp_path: Path, fs: float) -> None:
    path = written(tmp_path / "a.csv", np.ones(30_000))
    rows = path.read_text().splitlines()
    rows[2001] = rows[2001].split(",")[0] + ",nan"
    path.write_text("\n".join(rows[:5001] + rows[20_001:]))
    played = whole(path, fs)
    ratio = fs / 130
    assert len(played) == math.ceil(30_000 * ratio)
    assert np.all(np.isfinite(played))
    inside = slice(round(5100 * ratio), round(19_900 * ratio))
    assert np.abs(played[inside]).max() < 1e-9
    np.testing.assert_allclose(played[round(20_100 * ratio) :], 1.0, atol=1e-3)


def test_a_long_recording_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(n: int) -> int:
        path = written(tmp_path / f"{n}.csv", np.zeros(n))
        tracemalloc.start()
        try:
            assert sum(map(len, playback(path, 125.0))) > 0.9 * n
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(80_000) < 1.3 * peak(20_000)


def test_a_recording_of_nothing_is_refused_by_the_call_itself(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        playback(tmp_path / "none.csv", 130.0)


async def test_everything_played_is_received_also_after_the_last_drop_of_the_link() -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    mv = np.random.default_rng(2).integers(-3000, 3000, 1300) / 1000
    strap = VirtualH10(mv, speed=50, faults=[Fault(4.0, "disconnect", 1.0), Fault(8.0, "disconnect", 60.0)])
    async with aclosing(received(strap)) as blocks:
        got = [block async for block in blocks]
    assert got[-1].end_sample == strap.ledger.lost[-1].start
    assert sum(len(block.samples) for block in got) == strap.ledger.sent


async def test_a_recording_that_proves_broken_ends_the_play_with_its_error(tmp_path: Path) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    path = written(tmp_path / "a.csv", np.zeros(20_000))
    rows = path.read_text().splitlines()
    rows[15_001] = rows[15_001].split(",")[0] + ",three"
    path.write_text("\n".join(rows))
    strap = VirtualH10(playback(path, 130.0), speed=1000)

    async def play() -> None:
        async with aclosing(received(strap)) as blocks:
            async for block in blocks:
                assert block.end_sample <= 15_000

    with pytest.raises(ConfigError, match="line 15002"):
        await play()
    assert strap.ledger.sent > 5000
