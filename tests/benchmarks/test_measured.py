"""What is measured is what runs: the chain on clocks is the monitor's, the others are called as is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import common
import latency
import live
import numpy as np
import pipeline
import pytest
import rivals

from ecgedge import SampleBlock
from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder

MV = common.made(60.0, common.FS)


def test_every_stage_of_the_monitor_is_on_a_clock() -> None:
    row = pipeline.measure_signal("ECG", MV, pipeline.Models.load())  # raises if the parts say something else
    monitor = pipeline.Models.load().monitor()
    named = {"beats" if name == "beat classes" else name for name in row.stages_s}
    assert named == {stage.name for stage in monitor._stages} | {"front end", "rest"}


def test_notifications_hold_the_signal_that_they_are_made_of() -> None:
    decoder, got = PolarEcgDecoder(), []
    for i, payload in enumerate(live.notifications(MV)):
        (block,) = decoder.receive_data(payload, 0.5 * i)
        assert isinstance(block, SampleBlock)
        got.append(block.samples)
    found = np.concatenate(got)
    np.testing.assert_allclose(found, MV[: len(found)], atol=5.1e-4)


def test_a_chain_reports_every_notification_and_how_old_its_beats_are() -> None:
    payloads = list(live.notifications(MV))
    found = latency.chain(payloads)
    assert found["frames"] == len(payloads)
    assert {"any", "beat", "quality"} <= set(found["event_ms"])
    assert found["event_ms"].keys() == found["event_cpu_ms"].keys()
    assert {"decode", "filter", "beats", "gate"} <= set(found["stage_ms"])
    assert 0 < found["signal_delay_s"]["beat"]["p50"] < 4


def test_a_rival_is_run_each_second_over_the_last_ten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def call(mv: np.ndarray, fs: float) -> None:
        assert fs == 130.0
        seen.append(mv)
        if mv[-1] == 13 * 130 - 1:
            raise ValueError("no beats")

    monkeypatch.setitem(rivals.CALLS, "it", lambda: call)
    np.save(tmp_path / "mv.npy", np.arange(14 * 130))
    found: dict[str, Any] = rivals.stream("it", str(tmp_path / "mv.npy"), "130")
    assert (found["calls"], found["failed"], found["measured_s"]) == (5, 1, 5.0)
    assert [mv[0] for mv in seen[1:]] == [0, 130, 260, 390, 520]  # the first is not counted
    assert {len(mv) for mv in seen} == {1300}
