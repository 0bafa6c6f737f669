"""Clock steps, silences, stalls, overlaps, repeats and other rates: what is lost, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge_bridge import Note, PolarEcgDecoder
from ecgedge_bridge.protocols.polar.frames import encode_ecg_frame
from ecgedge_bridge.stream.timeline import Timeline

N, FS, AT, FRAMES = 73, 130.0, 100, 200
Frame = tuple[float, float, np.ndarray]


def stream(
    *,
    step: float = 0.0,
    silence: float = 0.0,
    stall: float = 0.0,
    jitter: float = 0.0,
    fs: float = FS,
    frames: int = FRAMES,
) -> Iterator[Frame]:
    """Stamp, arrival and samples of each frame; at frame 100 a silence, a step of the clock, or both."""
    rng = np.random.default_rng(4)
    at_s, newest = 1000 + N * AT / fs, 0.0
    for k in range(frames):
        true_s = (N * k + N - 1) / fs + silence * (k >= AT)
        arrival_s = 1000 + true_s + rng.uniform(0, jitter)
        if at_s <= arrival_s < at_s + stall:
            arrival_s = at_s + stall
        newest = max(newest, arrival_s)
        yield 1e6 + true_s + step * (k >= AT), newest, rng.integers(-3000, 3000, N)


def play(frames: Iterator[Frame] | list[Frame]) -> tuple[PolarEcgDecoder, list[str], list[int]]:
    """The decoder after all of it, the codes of its notes, and the sizes of the gaps."""
    decoder, codes, gaps, end = PolarEcgDecoder(), [], [], 0
    for stamp_s, arrival_s, samples in frames:
        for event in decoder.receive_data(encode_ecg_frame(round(stamp_s * 1e9), samples), arrival_s):
            if isinstance(event, Note):
                codes.append(event.code.value)
                continue
            if event.sample > end:
                gaps.append(event.sample - end)
            end = event.end_sample
    return decoder, codes, gaps


@pytest.mark.parametrize("jitter", [0.0, 0.05])
@pytest.mark.parametrize("step", [0.1, 0.2, 0.3, 0.5, 1, 2, 30, 1800, 3600, 7200, 1e8])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_step_of_the_clock_is_no_loss_where_every_frame_came_on_time(
    step: float, sign: int, jitter: float
) -> None:
    if step == 1e8 and sign < 0:
        step = 9e5
    decoder, codes, gaps = play(stream(step=sign * step, jitter=jitter))
    assert (decoder.stats.lost, gaps, codes) == (0, [], ["clock_step"])
    assert (decoder.stats.samples, decoder.stats.segments) == (N * FRAMES, 2)


@pytest.mark.parametrize("jitter", [0.0, 0.05])
@pytest.mark.parametrize("silence", [0.5, 3.0, 60.0, 3600.0, 7200.0, 90_000.0])
def test_loss_on_which_stamps_and_arrivals_agree_is_exact(silence: float, jitter: float) -> None:
    decoder, codes, _ = play(stream(silence=silence, jitter=jitter))
    assert (decoder.stats.lost, codes) == (round(silence * FS), [])


@pytest.mark.parametrize("jitter", [0.0, 0.05])
@pytest.mark.parametrize(
    ("silence", "step"), [(2, -2), (3000, -3000), (60, -55), (60, 55), (10, -10), (2, 2), (7200, -7200)]
)
def test_a_step_across_a_silence_loses_nothing_without_a_word(
    silence: float, step: float, jitter: float
) -> None:
    decoder, codes, gaps = play(stream(silence=silence, step=step, jitter=jitter))
    assert codes == ["clock_step"]
    assert len(gaps) == 1
    assert decoder.stats.lost == pytest.approx(silence * FS, abs=1 + jitter * FS)


@pytest.mark.parametrize("stall", [0.6, 1.0, 2.0, 3.0, 5.0, 10.0, 25.0])
@pytest.mark.parametrize("jitter", [0.0, 0.05])
def test_a_stall_is_no_loss(stall: float, jitter: float) -> None:
    decoder, codes, gaps = play(stream(stall=stall, jitter=jitter))
    assert (decoder.stats.lost, codes, gaps, decoder.stats.samples) == (0, [], [], N * FRAMES)


@pytest.mark.parametrize("fs", [137.0, 200.0, 250.0, 260.0, 500.0])
def test_a_faster_rate_is_named_at_once(fs: float) -> None:
    decoder, codes, _ = play(stream(fs=fs))
    assert (codes, decoder.stats.lost, decoder.stats.segments) == (["wrong_rate"], 0, 1)
    assert decoder.fs_hat == pytest.approx(fs, rel=1e-3)


@pytest.mark.parametrize("fs", [90.0, 100.0, 110.0, 123.0, 125.0, 126.0, 127.0, 127.3])
def test_a_slower_rate_is_named_after_some_frames(fs: float) -> None:
    decoder, codes, gaps = play(stream(fs=fs))
    assert codes == ["wrong_rate"]
    assert len(gaps) < 8
    assert decoder.fs_hat == pytest.approx(fs, rel=1e-3)


@given(st.floats(85.0, 300.0), st.sampled_from([16, 36, 73, 125]))
@settings(max_examples=60)
def test_no_rate_loses_samples_for_ever(fs: float, n: int) -> None:
    timeline, lost = Timeline(130.0), []
    for k in range(400):
        at_s = (n * k + n - 1) / fs
        samples = np.arange(n * k, n * k + n, dtype=np.float32)
        lost += [one.lost for one in timeline.place(samples, round((5000 + at_s) * 1e9), 1000 + at_s)]
    assert not any(lost[20:])
    assert timeline.fs_hat == pytest.approx(fs, rel=2e-3)


@pytest.mark.parametrize("keep", [2, 3])
def test_every_second_frame_lost_is_loss_and_no_other_rate(keep: int) -> None:
    decoder, codes, _ = play([frame for k, frame in enumerate(stream()) if k % keep == 0])
    assert codes == []
    assert decoder.stats.lost == decoder.stats.samples * (keep - 1) - N * (keep - 1)


@pytest.mark.parametrize("offset", [1, 5, 20, 36, 37, 60, 72])
def test_two_streams_that_overlap_give_each_sample_once(offset: int) -> None:
    signal = np.random.default_rng(1).integers(-3000, 3000, N * FRAMES + offset)
    starts = [N * k + part for k in range(FRAMES) for part in (0, offset)]
    frames = [((at + N - 1) / FS, 1000 + (at + N - 1) / FS, signal[at : at + N]) for at in starts]
    decoder, codes, gaps = play(frames)
    assert (codes, gaps) == (["overlap"], [])
    # An offset of one sample looks like jitter of the stamp until the first overlap is seen.
    assert abs(decoder.stats.samples - len(signal)) <= 2 * (offset in (1, N - 1))


@pytest.mark.parametrize("count", [9, 20, 80])
def test_frames_sent_again_after_a_reconnection_are_taken_once(count: int) -> None:
    frames = list(stream())
    again = [
        (stamp, frames[AT][1] + 0.001 * i, mv) for i, (stamp, _, mv) in enumerate(frames[AT - count : AT])
    ]
    decoder, codes, gaps = play([*frames[:AT], *again, *frames[AT:]])
    assert (decoder.stats.samples, codes, gaps) == (N * FRAMES, [], [])
    assert decoder.stats.duplicates == count
