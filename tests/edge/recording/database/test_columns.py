"""Numbers as few bytes, and back to the last bit."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecgedge.events import Beat, Gap, Mark, Rhythm
from ecgedge.recording.database.columns import pack_ints, pack_samples, unpack_ints, unpack_samples
from ecgedge.recording.database.journal import Journal, decode, decode_events, decode_signal, encode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import Place
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

PLACE = Place("column")


@given(hnp.arrays(np.int64, st.integers(0, 300)), st.integers(0, 2))
def test_integers_come_back(values: np.ndarray, order: int) -> None:
    how, parts = pack_ints(values, order)
    assert np.array_equal(unpack_ints(how, parts, len(values), PLACE), values)


@given(hnp.arrays(np.float32, st.integers(0, 300), elements=st.floats(width=32)))
def test_samples_come_back_to_the_last_bit(values: np.ndarray) -> None:
    how, parts = pack_samples(values)
    back = unpack_samples(how, parts, len(values), PLACE)
    assert np.array_equal(back.view(np.int32), values.view(np.int32))


@pytest.mark.parametrize("step_mv", [1e-3, 1 / 200, 0.00122, 2420 / 2**23, 0.61e-3, 1.0])
@pytest.mark.parametrize("form", ["divided", "multiplied", "single"])
def test_counts_of_a_converter_take_two_bytes_at_most(step_mv: float, form: str) -> None:
    counts = np.cumsum(np.random.default_rng(1).integers(-50, 51, 8000))
    values = {
        "divided": (counts / (1 / step_mv)).astype(np.float32),
        "multiplied": (counts * step_mv).astype(np.float32),
        "single": counts.astype(np.float32) * np.float32(step_mv),
    }[form]
    how, parts = pack_samples(values)
    assert np.array_equal(unpack_samples(how, parts, len(values), PLACE), values)
    assert sum(map(len, parts)) < 1.2 * len(values)


@pytest.mark.parametrize("spoil", range(60))
def test_damaged_bytes_are_refused_or_decoded_and_never_hang(spoil: int) -> None:
    rng = np.random.default_rng(spoil)
    block = SampleBlock(rng.normal(size=73).astype(np.float32), fs=130.0, sample=5, device_time_ns=7)
    halves = encode([block, Beat(7, 0.1, 800.0, "N"), block])
    broken = [bytearray(half) for half in halves]
    for _ in range(1 + spoil % 5):
        half = broken[rng.integers(2)]
        half[rng.integers(len(half))] = rng.integers(256)
    if spoil % 3 == 0:
        broken[0] = broken[0][: rng.integers(len(broken[0]))]
    with contextlib.suppress(ConfigError):  # nothing else is raised
        decode(Journal(*map(bytes, broken)))


def test_a_stretch_comes_back_in_its_order() -> None:
    rng = np.random.default_rng(0)
    items = [
        SampleBlock(rng.normal(size=3).astype(np.float32), fs=130.0),  # not placed
        Acceleration(rng.normal(size=(4, 3)).astype(np.float32), fs=200.0, sample=9, host_time_s=1.5),
        Beat(7, 0.1, None),
        SampleBlock(
            np.array([1.0, np.nan], np.float32),
            fs=131.0,
            sample=2**40,
            device_time_ns=2**61,
            host_time_s=-0.1,
            device="Zoë's strap",
            fs_hat=130.0017,
        ),
        HeartRate(3, 0.2, 61, rr_ms=(984.375, 1000.0)),
        Rhythm(0, 0.0, 9, 1.0, "N", "A", {"N": 0.1, "A": 0.9}, False, True, None, 61.25),
        Gap(1, 0.1, 2, 0.2, 1, "interrupted"),
        Mark(1, 0.1, "dizzy \u2028 \x1b[2J"),
    ]
    back = decode(encode(items))
    assert [type(item) for item in back] == [type(item) for item in items]
    for ours, theirs in zip(back, items, strict=True):
        if isinstance(theirs, SampleBlock | Acceleration):
            assert isinstance(ours, SampleBlock | Acceleration)
            assert np.array_equal(ours.samples, theirs.samples, equal_nan=True)
            for name in ("fs", "sample", "device_time_ns", "host_time_s", "device", "fs_hat", "placed"):
                assert getattr(ours, name) == getattr(theirs, name), name
        else:
            assert ours == theirs
    halves = encode(items)
    assert len(decode_signal(halves)) == 2
    assert decode_events(halves) == [item for item in back if not hasattr(item, "samples")]
