"""Host times of samples: in simulations with drift, jitter, stalls and clock steps, and without stamps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from ecgedge_bridge import SampleBlock
from ecgedge_bridge.stream.clock import HostClock

START_NS = 599_616_000 * 10**9
HOST_S = 50_000.0
N = 73
Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stream:
    """A simulated hour: true time, device time and arrival of the last sample of each block, in seconds."""

    true_s: Float64s
    device_s: Float64s
    arrival_s: Float64s

    def block(self, k: int, stamped: bool = True, sample: int | None = None) -> SampleBlock:
        stamp = START_NS + round(self.device_s[k] * 1e9) if stamped else None
        first = N * k if sample is None else sample
        return SampleBlock(np.zeros(N, np.float32), 130.0, first, stamp, HOST_S + float(self.arrival_s[k]))

    def __len__(self) -> int:
        return len(self.true_s)


def simulate(seconds: float, *, seed: int, ppm: float = 20.0, fs: float = 130.06) -> Stream:
    """A radio with a 45 ms connection interval and some interference, and a host that stalls for seconds."""
    rng = np.random.default_rng(seed)
    n = int(seconds * fs / N)
    true_s = (np.arange(1, n + 1) * N - 1) / fs
    arrival_s = true_s + 0.004 + rng.uniform(0, 0.045, n) + rng.exponential(0.015, n)
    for start_s in rng.uniform(0, seconds, rng.poisson(seconds / 120)):
        stalled = (arrival_s >= start_s) & (arrival_s < start_s + rng.uniform(0.5, 5.0))
        if stalled.any():
            arrival_s[stalled] = arrival_s[stalled].max()
    return Stream(true_s, true_s * (1 + ppm * 1e-6), np.maximum.accumulate(arrival_s))


def last_samples(stream: Stream) -> npt.NDArray[np.int64]:
    return np.arange(1, len(stream) + 1, dtype=np.int64) * N - 1


def errors_s(clock: HostClock, stream: Stream) -> Float64s:
    return np.abs(clock.host_time_s(last_samples(stream)) - HOST_S - stream.true_s)


@pytest.mark.parametrize("seed", range(3))
def test_an_hour_with_drift_jitter_and_stalls_is_told_to_14_ms(seed: int) -> None:
    stream = simulate(3600, seed=seed)
    clock = HostClock()
    live: list[float] = []
    for k in range(len(stream)):
        clock.add(stream.block(k))
        if k % 20 == 0:
            live.append(abs(clock.host_time_s(N * (k + 1) - 1) - HOST_S - stream.true_s[k]))
    after, at_once = errors_s(clock, stream), np.array(live)
    assert np.median(after) <= 0.014
    assert np.median(at_once) <= 0.014
    # Whole stalls of 5 s are in the arrivals; none of it is in the answers.
    assert float(np.max(stream.arrival_s - stream.true_s)) > 3
    assert np.max(after) < 0.05
    assert np.max(at_once) < 0.08
    assert len(clock.segments) == 1
    assert clock.drift_ppm == pytest.approx(20, abs=2)
    assert clock.fs_hat == pytest.approx(130.06, rel=1e-6)
    # The two naive ways: one fixed offset between the clocks, and counting at the nominal rate.
    fixed = np.abs(stream.device_s + stream.arrival_s[0] - stream.device_s[0] - stream.true_s)
    counted = np.abs(stream.arrival_s[0] + (last_samples(stream) - (N - 1)) / 130.0 - stream.true_s)
    assert np.median(fixed) > 2 * np.median(after)
    assert np.max(fixed) > 0.07
    assert np.max(counted) > 1.5


def test_every_sample_has_a_host_time_also_within_blocks_and_beyond() -> None:
    stream = simulate(600, seed=5, ppm=-80)
    clock = HostClock()
    for k in range(len(stream)):
        clock.add(stream.block(k))
    samples = np.arange(-100, N * len(stream) + 100, dtype=np.int64)
    times = clock.host_time_s(samples)
    assert np.all(np.diff(times) > 0.005)
    assert np.max(np.abs(times - HOST_S - samples / 130.06)) < 0.05
    assert clock.host_time_s(1234) == times[1334]


def test_without_stamps_the_sample_count_is_the_devices_clock() -> None:
    stream = simulate(1800, seed=8, fs=131.3)
    clock = HostClock()
    for k in range(len(stream)):
        clock.add(stream.block(k, stamped=False))
    assert len(clock.segments) == 1
    assert clock.segments[0].device_time_ns is None
    assert np.median(errors_s(clock, stream)) <= 0.014
    assert clock.drift_ppm == pytest.approx((131.3 / 130 - 1) * 1e6, abs=20)
    assert clock.fs_hat == pytest.approx(131.3, rel=2e-5)


def test_loss_that_no_stamp_shows_is_a_segment_once_the_delay_stays() -> None:
    stream = simulate(900, seed=9)
    clock = HostClock()
    gone = 800, 818  # blocks: 10 s that nothing counts
    kept = [k for k in range(len(stream)) if not gone[0] <= k < gone[1]]
    for count, k in enumerate(kept):
        clock.add(stream.block(k, stamped=False, sample=N * count))
    _, second = clock.segments
    assert second.reason == "delay step"
    assert N * gone[0] <= second.sample <= N * (gone[0] + 20)
    counted = last_samples(stream)[: len(kept)]
    error = np.abs(clock.host_time_s(counted) - HOST_S - stream.true_s[kept])
    away = (counted < N * gone[0]) | (counted >= second.sample)
    assert np.max(error[away]) < 0.05


@pytest.mark.parametrize("step_s", [-1e8, -3600.0, -2.0, -0.3])
def test_a_clock_set_back_begins_a_segment(step_s: float) -> None:
    stream = simulate(600, seed=4)
    stepped = Stream(
        stream.true_s, stream.device_s + step_s * (np.arange(len(stream)) >= 500), stream.arrival_s
    )
    clock = HostClock()
    for k in range(len(stepped)):
        clock.add(stepped.block(k))
    _, second = clock.segments
    assert (second.sample, second.reason) == (500 * N, "device clock step")
    assert second.device_time_ns == pytest.approx(
        START_NS + (stepped.device_s[500] - 72 / 130.06) * 1e9, abs=2e6
    )
    assert second.host_time_s == pytest.approx(HOST_S + 500 * N / 130.06, abs=0.05)
    assert np.max(errors_s(clock, stepped)) < 0.05


def test_a_clock_set_forward_is_not_mistaken_for_loss() -> None:
    # To a decoder a step of 100 s is a loss of 100 s. Arrivals know better: nothing comes before it was made.
    stream = simulate(600, seed=6)
    clock = HostClock()
    jump = 13_006
    for k in range(len(stream)):
        late = k >= 500
        block = stream.block(k, sample=N * k + (jump if late else 0))
        stamp = (block.device_time_ns or 0) + (100 * 10**9 if late else 0)
        clock.add(SampleBlock(block.samples, block.fs, block.sample, stamp, block.host_time_s))
    _, second = clock.segments
    assert (second.sample, second.reason) == (500 * N + jump, "delay step")
    samples = last_samples(stream)
    samples[500:] += jump
    assert np.max(np.abs(clock.host_time_s(samples) - HOST_S - stream.true_s)) < 0.05


@pytest.mark.parametrize("lost", [2, 50, 3000])
def test_loss_is_no_segment_and_moves_no_time(lost: int) -> None:
    stream = simulate(2400, seed=7)
    clock = HostClock()
    for k in range(len(stream)):
        if not 1000 <= k < 1000 + lost:
            clock.add(stream.block(k))
    assert len(clock.segments) == 1
    assert np.max(errors_s(clock, stream)) < 0.05


def test_memory_is_bounded_in_a_stream_that_is_all_gaps_and_steps() -> None:
    clock = HostClock()
    samples = np.zeros(2, np.float32)
    for k in range(40_000):
        step = (k // 500) * 10**12
        clock.add(SampleBlock(samples, 130.0, 10 * k, k * 76_923_077 - step, k * 0.076923077))
    assert len(clock.segments) == 64
    assert clock.segments[-1].sample == 395_000
    held = sum(len(segment._at_s) + len(segment.envelope._low) for segment in clock._segments)
    assert held < 64 * 510
    assert clock.host_time_s(399_991) == pytest.approx(39_999 * 0.076923077, abs=0.01)


def test_misuse_is_refused() -> None:
    clock = HostClock()
    assert clock.drift_ppm is None
    assert clock.segments == ()
    with pytest.raises(ValueError, match="add one first"):
        _ = clock.fs_hat
    with pytest.raises(ValueError, match="add one first"):
        clock.host_time_s(0)
    block = np.zeros(4, np.float32)
    for host_s in (None, math.nan, math.inf):
        with pytest.raises(ValueError, match="no arrival time"):
            clock.add(SampleBlock(block, 130.0, 0, 0, host_s))
    clock.add(SampleBlock(block[:0], 130.0))
    clock.add(SampleBlock(block, 130.0, 0, 0, 1.0))
    with pytest.raises(ValueError, match="in their order"):
        clock.add(SampleBlock(block, 130.0, 3, 10**8, 1.1))
    assert clock.host_time_s(3) == 1.0
    assert clock.drift_ppm is None
