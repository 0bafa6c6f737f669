"""A recording as one array: where samples are missing, what is refused, and what it says of itself."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

import ecgedge
from ecgedge.recording import load, read
from ecgedge_bridge.errors import ConfigError

CAPTURES = Path(__file__).parents[2] / "captures"


def rows(samples: list[int], fs: float = 125.0) -> str:
    return "time_ms,ecg_mV\n" + "".join(f"{i * 1000 / fs:g},{i % 7}\n" for i in samples)


def test_what_is_missing_is_nan(tmp_path: Path) -> None:
    kept = [i for i in range(2000) if not 700 <= i < 950]
    (tmp_path / "a.csv").write_text(rows(kept))
    recording = load(tmp_path / "a.csv")
    assert (len(recording.mv), recording.fs, recording.mv.dtype) == (2000, 125.0, np.float32)
    assert np.flatnonzero(np.isnan(recording.mv)).tolist() == list(range(700, 950))
    np.testing.assert_array_equal(recording.mv[kept], np.array(kept) % 7)
    assert recording.duration_s == 16.0
    assert "250 samples missing" in repr(recording)


def test_it_is_a_value_that_nobody_changes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(rows(list(range(500))))
    recording = ecgedge.load(tmp_path / "a.csv")
    assert isinstance(recording, ecgedge.Recording)
    with pytest.raises(ValueError, match="read-only"):
        recording.mv[0] = 1.0
    with pytest.raises(AttributeError):
        recording.fs = 1.0  # type: ignore[misc]


def test_a_gap_that_needs_gigabytes_is_refused_and_can_still_be_read(tmp_path: Path) -> None:
    samples: list[int] = []
    for part in range(60):  # nearly an hour is lost each time
        samples += range(part * 14_000_000, part * 14_000_000 + 300)
    (tmp_path / "a.csv").write_text(rows(samples, 4000.0))
    with pytest.raises(ConfigError, match=r"too many for one array: read it in blocks"):
        load(tmp_path / "a.csv")
    assert sum(len(block.samples) for block in read(tmp_path / "a.csv")) == len(samples)


def test_captures_are_loaded_too() -> None:
    for capture in sorted(CAPTURES.glob("*.cap")):
        recording = load(capture)
        assert recording.fs > 50
        assert np.any(np.isfinite(recording.mv))
    with pytest.raises(ConfigError, match="leave out fs, channel and unit"):
        load(capture, fs=130)


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    capture = next(iter(sorted(CAPTURES.glob("*.cap"))))
    (tmp_path / "capture.csv").write_bytes(capture.read_bytes())
    (tmp_path / "text.xyz").write_text(rows(list(range(500))))
    np.testing.assert_array_equal(load(tmp_path / "capture.csv").mv, load(capture).mv)
    assert load(tmp_path / "text.xyz").fs == 125.0


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        buffer = io.BytesIO(rows(list(range(500))).encode())

    monkeypatch.setattr(sys, "stdin", Pipe())
    assert len(load("-").mv) == 500


def test_a_user_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(ConfigError, match="no such user: check the path"):
        load("~nosuchuser/a.csv")
