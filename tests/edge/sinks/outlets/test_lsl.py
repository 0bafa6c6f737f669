"""LSL: a real inlet gets the samples, their times and the events."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import numpy as np
import pylsl
import pytest

from ecgedge.events import Beat
from ecgedge.sinks.queued import Queued
from ecgedge.sinks.registry import open_outlet
from ecgedge_bridge.values import SampleBlock

FS = 130.0
SIZE = 13  # 0.1 s


@pytest.fixture
def name() -> str:
    return f"ecgedge-test-{uuid.uuid4().hex[:8]}"


def inlet(name: str) -> Any:
    found = pylsl.resolve_byprop("name", name, timeout=10)
    assert found
    opened = pylsl.StreamInlet(found[0])
    opened.open_stream(timeout=10)
    time.sleep(0.2)  # until the outlet knows of it
    return opened


def apart_s() -> float:
    """LSL's clock before the one of arrivals, by the closest of many readings."""
    readings = [(time.monotonic(), pylsl.local_clock(), time.monotonic()) for _ in range(50)]
    return min((after - before, at - (before + after) / 2) for before, at, after in readings)[1]


def block(k: int, start_s: float | None, late_s: float = 0.0, size: int = SIZE) -> SampleBlock:
    arrival = None if start_s is None else start_s + (k + 1) * size / FS + late_s
    return SampleBlock(np.arange(k * size, (k + 1) * size, dtype=np.float32), FS, k * size, None, arrival)


def pull(inlet: Any, count: int) -> tuple[list[Any], list[float]]:
    values: list[Any] = []
    times: list[float] = []
    end_s = time.monotonic() + 10
    while len(values) < count and time.monotonic() < end_s:
        more, at = inlet.pull_chunk(timeout=0.2)
        values += more
        times += at
    return values, times


def pull_to(inlet: Any, last: float) -> tuple[list[Any], list[float]]:
    """Pull up to a value; the block that made the stream may reach who came just after it, or not."""
    values, times = pull(inlet, 1)
    while values and values[-1][0] != last:
        more, at = pull(inlet, 1)
        if not more:
            break
        values, times = values + more, times + at
    assert values
    assert values[0][0] in (0.0, SIZE)
    return values, times


def test_samples_come_with_the_times_at_which_they_were_taken(name: str) -> None:
    sink = open_outlet(f"lsl:{name}", device="strap", tell=print)
    start_s = time.monotonic() - 60
    sink.take([block(0, start_s)])
    ecg, markers = inlet(name), inlet(f"{name} events")
    # Bursts of a radio: every block late by up to 0.4 s, some by nothing.
    late = [0.0, 0.4, 0.3, 0.2, 0.1] * 60
    for k, late_s in enumerate(late, 1):
        sink.take([block(k, start_s, late_s)])
    sink.take([Beat(130, 1.0, None, "N")])
    values, times = pull_to(ecg, SIZE * (1 + len(late)) - 1)
    events, at = pull(markers, 1)
    sink.close()
    assert np.ravel(values).tolist() == list(range(int(values[0][0]), SIZE * (1 + len(late))))
    offset = apart_s()
    taken = start_s + offset + (np.ravel(values) + 1) / FS
    # Arrivals scatter by 0.4 s; what is sent does not.
    assert np.abs(np.array(times) - taken)[np.ravel(values) >= SIZE * 151].max() < 0.01
    assert json.loads(events[0][0]) == Beat(130, 1.0, None, "N").to_json()
    assert at[0] == pytest.approx(start_s + offset + 131 / FS, abs=0.01)


def test_a_pause_between_two_readings_of_the_clocks_moves_no_stamp(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program runs for 0.2 s just when a stamp is made."""
    sink = open_outlet(f"lsl:{name}", device="strap", tell=print)
    start_s = time.monotonic() - 60
    sink.take([block(0, start_s)])
    ecg = inlet(name)
    real = pylsl.local_clock
    monkeypatch.setattr(pylsl, "local_clock", lambda: (real(), time.sleep(0.2))[0])
    for k in range(1, 6):
        sink.take([block(k, start_s)])
    values, times = pull_to(ecg, SIZE * 6 - 1)
    sink.close()
    monkeypatch.undo()
    taken = start_s + apart_s() + (np.ravel(values) + 1) / FS
    assert np.abs(np.array(times) - taken).max() < 0.01


def test_a_gap_is_a_jump_of_the_times(name: str) -> None:
    sink = open_outlet(f"lsl:{name}", device="strap", tell=print)
    sink.take([block(0, None)])
    ecg = inlet(name)
    for k in (1, 2, 12, 13):  # a second is lost; a recording has no arrival times
        sink.take([block(k, None)])
    values, times = pull(ecg, 4 * SIZE)
    sink.close()
    index = np.ravel(values)
    assert np.diff(times) == pytest.approx(np.diff(index) / FS, abs=1e-3)


def test_the_stream_says_what_it_is(name: str) -> None:
    sink = open_outlet(f"lsl:{name}", device="strap", tell=print)
    sink.take([block(0, None)])
    info = inlet(name).info()
    sink.close()
    channel = info.desc().child("channels").child("channel")
    assert (info.type(), info.nominal_srate(), info.channel_count()) == ("ECG", FS, 1)
    assert (channel.child_value("label"), channel.child_value("unit")) == ("I", "millivolts")


def test_a_consumer_that_goes_away_delays_nothing(name: str) -> None:
    sink = open_outlet(f"lsl:{name}", device="strap", tell=print)
    sink.take([block(0, None)])
    ecg = inlet(name)
    slowest = 0.0
    for k in range(1, 3000):
        if k == 500:
            ecg.close_stream()
            del ecg
        began = time.perf_counter()
        sink.take([block(k, None)])
        slowest = max(slowest, time.perf_counter() - began)
        time.sleep(0.0002)
    sink.close()
    assert isinstance(sink, Queued)
    assert (sink.missed, slowest < 0.05) == (0, True)
