"""What is measured is what runs: the chain on clocks is the monitor's."""

from __future__ import annotations

import numpy as np

from benchmarks.harness import signals
from benchmarks.questions import latency, pipeline
from ecgedge import Models, Monitor, SampleBlock
from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder

MV = signals.made(60.0, signals.FS)


def test_every_stage_of_the_monitor_is_on_a_clock() -> None:
    row = pipeline.measure_signal("ECG", MV, Models.load())  # raises if the parts say something else
    assert set(row.stages_s) == {stage.name for stage in Monitor().stages} | {"front end", "rest"}


def test_notifications_hold_the_signal_that_they_are_made_of() -> None:
    decoder, got = PolarEcgDecoder(), []
    for i, payload in enumerate(signals.notifications(MV)):
        (block,) = decoder.receive_data(payload, 0.5 * i)
        assert isinstance(block, SampleBlock)
        got.append(block.samples)
    found = np.concatenate(got)
    np.testing.assert_allclose(found, MV[: len(found)], atol=5.1e-4)


def test_a_chain_reports_every_notification_and_how_old_its_beats_are() -> None:
    payloads = list(signals.notifications(MV))
    found = latency.chain(payloads)
    assert found["frames"] == len(payloads)
    assert {"any", "beat", "quality"} <= set(found["event_ms"])
    assert found["event_ms"].keys() == found["event_cpu_ms"].keys()
    assert {"decode", "filter", "beats", "gate"} <= set(found["stage_ms"])
    assert 0 < found["signal_delay_s"]["beat"]["p50"] < 4
