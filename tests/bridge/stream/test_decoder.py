"""From notifications to blocks: indices, gaps, duplicates, late frames, clock steps, and rubbish."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecgedge_bridge import FrameCode, FrameLost, Note, PolarEcgDecoder, SampleBlock
from ecgedge_bridge.protocols.polar.decoder import PolarAccDecoder
from ecgedge_bridge.protocols.polar.frames import encode_acc_frame, encode_ecg_frame
from ecgedge_bridge.values import Acceleration

START_NS = 599_616_000 * 10**9
FS = 130.0
Arrival = tuple[bytes, float]


def signal(n: int) -> np.ndarray:
    return np.random.default_rng(7).integers(-5000, 5000, n)


def frame(microvolt: np.ndarray, start: int, n: int, fs: float = FS, shift_ns: int = 0) -> Arrival:
    """The frame of samples ``start`` to ``start + n``, and the time at which it arrives."""
    last_s = (start + n - 1) / fs
    return encode_ecg_frame(START_NS + shift_ns + round(last_s * 1e9), microvolt[start : start + n]), last_s


def frames(count: int, n: int = 73, fs: float = FS) -> list[Arrival]:
    microvolt = signal(count * n)
    return [frame(microvolt, i * n, n, fs) for i in range(count)]


def decode(
    arrivals: Iterable[Arrival], decoder: PolarEcgDecoder | None = None
) -> tuple[list[SampleBlock], list[Note | FrameLost]]:
    decoder = decoder or PolarEcgDecoder()
    blocks: list[SampleBlock] = []
    statuses: list[Note | FrameLost] = []
    for data, host_s in arrivals:
        for event in decoder.receive_data(data, host_s):
            if isinstance(event, SampleBlock):
                blocks.append(event)
            else:
                assert isinstance(event, Note | FrameLost)
                statuses.append(event)
    return blocks, statuses


def lost(blocks: Sequence[SampleBlock]) -> int:
    return sum(after.sample - before.end_sample for before, after in pairwise(blocks))


def test_a_stream_without_loss_is_contiguous_and_exact() -> None:
    blocks, statuses = decode(frames(100), PolarEcgDecoder(device="strap"))
    assert not statuses
    assert [block.sample for block in blocks] == [73 * i for i in range(100)]
    mv = np.concatenate([block.samples for block in blocks])
    assert mv.dtype == np.float32
    np.testing.assert_array_equal(mv, signal(7300).astype(np.float32) / np.float32(1000))
    last = blocks[-1]
    assert (last.fs, last.device, last.host_time_s) == (130.0, "strap", 7299 / 130)
    assert last.device_time_ns == START_NS + round(7299 / 130 * 1e9)


@pytest.mark.parametrize(("warm_up", "longest"), [(0, 73), (10, 167)])
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_frames_are_lost_every_sample_keeps_its_place(
    warm_up: int, longest: int, data: st.DataObject
) -> None:
    # Frames longer than an H10's need some stream before 2 lost samples differ from a rate that is 2 % off.
    drawn = data.draw(st.lists(st.tuples(st.integers(2, longest), st.booleans()), min_size=1, max_size=60))
    drawn = [(73, True)] * warm_up + drawn
    sizes, kept = zip(*drawn, strict=True)
    ends = np.cumsum(sizes)
    microvolt = signal(int(ends[-1]))
    places = [(int(end) - size, size) for end, size, keep in zip(ends, sizes, kept, strict=True) if keep]
    blocks, statuses = decode(frame(microvolt, start, n) for start, n in places)
    assert not statuses
    assert [(block.sample, len(block.samples)) for block in blocks] == [
        (start - places[0][0], n) for start, n in places
    ]
    for block, (start, n) in zip(blocks, places, strict=True):
        np.testing.assert_array_equal(block.samples, (microvolt[start : start + n] / 1000).astype(np.float32))


@pytest.mark.parametrize("fs", [127.4, 129.0, 130.0, 130.06, 130.1, 132.6])
def test_a_long_gap_is_counted_at_the_straps_own_rate(fs: float) -> None:
    decoder = PolarEcgDecoder()
    arrivals = frames(200, fs=fs)
    minute, gap = 107, 18  # frames: 60 s of stream, then 10.1 s lost
    blocks, _ = decode([*arrivals[:minute], *arrivals[minute + gap :]], decoder)
    assert decoder.fs_hat == pytest.approx(fs, rel=1e-4)
    assert abs(lost(blocks) - 73 * gap) <= 1


@pytest.mark.parametrize("fs", [127.4, 132.6])
@pytest.mark.parametrize("n", [20, 73, 167])
def test_a_rate_that_is_two_percent_off_is_no_gap(fs: float, n: int) -> None:
    blocks, statuses = decode(frames(50, n=n, fs=fs))
    assert lost(blocks) == 0
    assert not statuses


def test_jitter_of_the_stamps_is_no_gap() -> None:
    jitter = np.random.default_rng(3).uniform(-0.45, 0.45, 300) / FS * 1e9
    microvolt = signal(300 * 73)
    blocks, statuses = decode(frame(microvolt, i * 73, 73, shift_ns=int(jitter[i])) for i in range(300))
    assert lost(blocks) == 0
    assert not statuses


@pytest.mark.parametrize("missing", [2, 3, 72, 130, 1300])
def test_a_gap_is_a_jump_of_exactly_the_missing_samples(missing: int) -> None:
    microvolt = signal(20_000)
    places = [*range(0, 7300, 73), *range(7300 + missing, 10_000, 73)]
    decoder = PolarEcgDecoder()
    blocks, statuses = decode((frame(microvolt, start, 73) for start in places), decoder)
    assert [block.sample for block in blocks] == places
    assert not statuses
    assert decoder.stats.lost == missing


@pytest.mark.parametrize("order", [[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 2, 3, 2, 3]])
def test_exact_duplicates_are_dropped(order: list[int]) -> None:
    arrivals = frames(4)
    decoder = PolarEcgDecoder()
    blocks, statuses = decode((arrivals[i] for i in order), decoder)
    assert [block.sample for block in blocks] == [0, 73, 146, 219]
    assert not statuses
    assert decoder.stats.duplicates == 4


def test_a_late_frame_is_dropped_and_the_index_stays_true() -> None:
    arrivals = frames(6)
    decoder = PolarEcgDecoder()
    blocks, statuses = decode((arrivals[i] for i in (0, 1, 3, 2, 4, 5)), decoder)
    assert [block.sample for block in blocks] == [0, 73, 219, 292, 365]
    assert [note.code for note in statuses] == ["late_frame"]
    assert (decoder.stats.late, decoder.stats.lost, decoder.stats.segments) == (1, 73, 1)


@pytest.mark.parametrize("step_s", [-1e8, -3600.0, -10.0, -1.0, -0.3, 3601.0, 1e8])
def test_a_clock_step_starts_a_segment_with_loss_from_arrival_times(step_s: float) -> None:
    microvolt = signal(20 * 73)
    first = [frame(microvolt, i * 73, 73) for i in range(10)]
    # 3 s pass on the host between the last sample before and the first after the step.
    second = [
        (data, host_s + 3.0)
        for data, host_s in (
            frame(microvolt, i * 73, 73, shift_ns=round(step_s * 1e9)) for i in range(10, 20)
        )
    ]
    decoder = PolarEcgDecoder()
    blocks, statuses = decode([*first, *second], decoder)
    assert lost(blocks) == 390
    assert [note.code for note in statuses] == ["clock_step"]
    assert "new segment" in statuses[0].detail
    assert statuses[0].sample == 730
    assert decoder.stats.segments == 2


def test_a_clock_step_without_delay_is_still_a_gap() -> None:
    microvolt = signal(4 * 73)
    step_ns = -5 * 10**9
    arrivals = [frame(microvolt, i * 73, 73, shift_ns=step_ns if i > 1 else 0) for i in range(4)]
    blocks, statuses = decode(arrivals)
    assert [block.sample for block in blocks] == [0, 73, 147, 220]
    assert len(statuses) == 1


def test_one_wrong_stamp_does_not_make_all_that_follows_late() -> None:
    arrivals = frames(20)
    wrong, _ = frame(signal(20 * 73), 730, 73, shift_ns=1000 * 10**9)
    decoder = PolarEcgDecoder()
    blocks, statuses = decode([*arrivals[:10], (wrong, arrivals[10][1]), *arrivals[11:]], decoder)
    assert len(blocks) == 20
    assert (decoder.stats.late, decoder.stats.segments, len(statuses)) == (0, 2, 1)


def test_a_frame_that_cannot_be_read_is_reported_and_its_samples_are_a_gap() -> None:
    arrivals = frames(5)
    arrivals[2] = (arrivals[2][0][:-1], arrivals[2][1])
    decoder = PolarEcgDecoder(device="strap")
    blocks, statuses = decode(arrivals, decoder)
    assert [block.sample for block in blocks] == [0, 73, 219, 292]
    (status,) = statuses
    detail = "ECG payload of 218 bytes is not made of 3-byte samples; the frame is lost"
    assert status == FrameLost(146, 146 / 130, FrameCode.LENGTH, detail, "strap")
    assert json.loads(json.dumps(status.to_json())) == {
        "type": "framelost",
        "sample": 146,
        "time_s": 146 / 130,
        "code": "length",
        "detail": detail,
        "device": "strap",
    }
    assert decoder.stats.frame_errors == 1


MUTATIONS = st.one_of(
    st.binary(max_size=300),
    st.tuples(st.integers(0, 19), st.integers(0, 228), st.integers(0, 255), st.integers(0, 40)),
    st.integers(0, 19),
)


@example([(1, 0.0), (0, -1.4e306)])
@example([(0, 0.0), ((0, 6, 68, 0), 0.0)])
@given(st.lists(st.tuples(MUTATIONS, st.floats()), max_size=60))
@settings(max_examples=150, deadline=None)
def test_rubbish_never_raises_and_the_stream_recovers(
    rubbish: list[tuple[bytes | int | tuple[int, int, int, int], float]],
) -> None:
    good = frames(60)
    decoder = PolarEcgDecoder()
    arrivals: list[Arrival] = []
    for what, host_s in rubbish:
        if isinstance(what, bytes):
            arrivals.append((what, host_s))
        elif isinstance(what, int):
            arrivals.append((good[what][0], host_s))
        else:
            which, at, value, cut = what
            data = bytearray(good[which][0])
            data[at] = value
            arrivals.append((bytes(data[: len(data) - cut]), host_s))
    blocks, _ = decode(arrivals, decoder)
    assert all(after.sample >= before.end_sample for before, after in pairwise(blocks))
    assert all(0 <= block.sample < 1 << 62 for block in blocks)
    stats = decoder.stats
    assert stats.frames == len(blocks)
    assert stats.frames + stats.duplicates + stats.late + stats.frame_errors == len(rubbish)
    assert 126 < decoder.fs_hat < 134
    # Whatever came before, from the second good frame on all is contiguous.
    after, _ = decode(good[20:], decoder)
    tail = after[-30:]
    assert len(tail) == 30
    assert lost(tail) == 0


def test_nothing_is_kept_for_later() -> None:
    decoder = PolarEcgDecoder()
    assert [len(decoder.receive_data(data, host_s)) for data, host_s in frames(3000)] == [1] * 3000


@pytest.mark.parametrize("fs", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(fs: float) -> None:
    with pytest.raises(ValueError, match="fs must be"):
        PolarEcgDecoder(fs=fs)


def test_lost_acceleration_is_counted_and_its_factor_is_used() -> None:
    decoder = PolarAccDecoder(fs=50, factor=0.5)
    for i in (0, 1, 4, 5):
        mg = np.full((36, 3), 500)
        data = encode_acc_frame(START_NS + i * 720_000_000, mg, delta=True)
        (block,) = decoder.receive_data(data, i * 0.72)
    assert decoder.stats.lost == 72
    assert isinstance(block, Acceleration)
    assert block.samples[0].tolist() == [0.25] * 3


def test_delta_frames_give_the_same_blocks() -> None:
    microvolt = signal(730)
    delta = [
        (encode_ecg_frame(START_NS + i, microvolt[i * 73 : i * 73 + 73], delta=True), 0.0) for i in range(10)
    ]
    blocks, _ = decode(delta)
    np.testing.assert_array_equal(
        np.concatenate([block.samples for block in blocks]), (microvolt / 1000).astype(np.float32)
    )
