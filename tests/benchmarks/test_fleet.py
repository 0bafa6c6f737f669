"""The benchmark of a fleet: what is late or lost is seen, the cause is named, and a real stage runs."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from benchmarks.children.fleet import SIGNALS, SPREAD_S, STEP_S, due_s
from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.questions import fleet
from benchmarks.questions.fleet import stages, thin
from benchmarks.questions.fleet.expected import expected
from benchmarks.questions.fleet.stages import Stage, breaks, delays

FRAMES = 30
NEEDS = pytest.mark.skipif(
    shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin") is None,
    reason="no mosquitto",
)


def test_straps_begin_apart_and_keep_their_pace() -> None:
    assert due_s(0, 0, 4) == pytest.approx(STEP_S)
    assert due_s(3, 0, 4) - due_s(0, 0, 4) == pytest.approx(0.75 * SPREAD_S)
    assert due_s(2, 7, 4) - due_s(2, 6, 4) == pytest.approx(73 / 130)


def test_delays_are_from_when_the_last_frame_was_due() -> None:
    wanted: list[dict[tuple[str, int], int]] = [{("beat", 10): 0, ("beat", 99): 2} for _ in range(SIGNALS)]
    stage = Stage(2, 1, records=False, queue=1000, frames=3)

    def line(number: int, sample: int) -> bytes:
        return json.dumps({"type": "beat", "sample": sample, "wearable": f"bench {number:03d}"}).encode()

    begun_s = 100.0
    came = [
        (begun_s + due_s(0, 0, 2) + 0.25, line(0, 10)),
        (begun_s + due_s(0, 0, 2) + 9.0, line(0, 10)),  # the same once more: of no interest
        (begun_s + due_s(1, 2, 2) + 6.0, line(1, 99)),
        (begun_s, b'{"type": "link", "state": "streaming"}'),
    ]
    found = delays(came, begun_s, stage, wanted)
    assert (found["events"], found["lost_events"], found["late_events"]) == (4, 2, 1)
    assert found["delay_ms"]["max"] == pytest.approx(6000.0)


def row(**changed: Any) -> dict[str, Any]:
    quiet = {"lost_packets": 0, "lost_events": 0, "late_events": 0, "broker_dropped": 0}
    shares = {"gateway": [{"wanted": 0.5, "share_of_a_core": 0.5}], "fleet": {"lag_ms": {"p99": 3.0}}}
    return {**quiet, **shares, **changed}


@pytest.mark.parametrize(
    ("changed", "gave"),
    [
        ({}, ""),
        ({"broker_dropped": 4}, ""),  # sent again, and in time
        ({"late_events": 3}, "machine"),
        ({"late_events": 3, "broker_dropped": 4}, "broker queue"),
        (
            {"lost_packets": 3, "broker_dropped": 4, "gateway": [{"wanted": 0.97, "share_of_a_core": 0.9}]},
            "gateway",
        ),
        ({"late_events": 3, "gateway": [{"wanted": 0.97, "share_of_a_core": 0.4}]}, "machine"),
        ({"late_events": 3, "fleet": {"lag_ms": {"p99": 2000.0}}}, "generator"),
    ],
)
def test_the_cause_is_named_before_what_follows_from_it(changed: dict[str, Any], gave: str) -> None:
    assert breaks(row(**changed)) == gave


def test_after_a_break_the_middle_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def run(stage: Stage, wanted: object) -> dict[str, Any]:
        tried.append(stage.n)
        return real(stage.n, "gateway" if stage.n > 300 else "")

    def real(n: int, gave: str) -> dict[str, Any]:
        shares = {"share_of_a_core": 0.5, "rss_mb": 80.0}
        one = {"n": n, "gateways": 1, "records": False, "queue": 1000, "gateway": [shares], "broker": shares}
        return row() | one | {"fleet": shares, "delay_ms": {}, "breaks": gave}

    monkeypatch.setattr(fleet, "run", run)
    fleet.ramp(1, False, 1000, (250, 500, 1000), FRAMES, [])
    assert tried == [250, 500, 375]


def test_a_stage_that_cannot_be_run_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(stage: Stage, wanted: object) -> dict[str, Any]:
        raise NotMeasuredError("no mosquitto: apt-get install mosquitto")

    monkeypatch.setattr(fleet, "run", run)
    assert fleet.ramp(1, False, 1000, (250, 500), FRAMES, []) == [
        {"skipped": "no mosquitto: apt-get install mosquitto"}
    ]


@NEEDS
@pytest.mark.slow
def test_straps_come_through_two_gateways_with_every_event() -> None:
    pytest.importorskip("aiomqtt", reason="the extra mqtt is not installed")
    pytest.importorskip("prometheus_client", reason="the extra metrics is not installed")
    found = stages.run(Stage(6, 2, records=True, queue=1000, frames=FRAMES), expected(FRAMES))
    assert found["fleet"]["packets"] == 6 * FRAMES
    assert (found["lost_packets"], found["lost_events"]) == (0, 0)
    assert found["events"] > 6 * 10
    assert len(found["gateway"]) == 2
    assert all(0 < one["share_of_a_core"] < 1 and one["rss_mb"] > 20 for one in found["gateway"])


@NEEDS
@pytest.mark.slow
def test_an_hour_shrinks_from_samples_to_words() -> None:
    pytest.importorskip("aiomqtt", reason="the extra mqtt is not installed")
    found = thin.measure(60.0)
    sent = [found[mode]["sent_bytes"] for mode in ("raw", "events", "states")]
    assert sent == sorted(sent, reverse=True)
    samples = 130 * 3600 * 3  # bytes of an hour, before any head
    assert samples < found["raw"]["sent_bytes"] < 2 * samples
    assert found["words"]["sent_bytes"] < found["raw"]["sent_bytes"] / 50
