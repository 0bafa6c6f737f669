"""Heart rate and battery: every flag, and bytes that are wrong."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.standard.heart_rate import (
    BatteryDecoder,
    HeartRateDecoder,
    HeartRateMeasurement,
    decode_battery,
    decode_heart_rate,
    encode_battery,
    encode_heart_rate,
)
from ecgedge_bridge.values import Battery, FrameLost, HeartRate, Place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00 3c", HeartRateMeasurement(60)),
        ("01 2c 01", HeartRateMeasurement(300)),
        ("02 3c", HeartRateMeasurement(60)),
        ("04 3c", HeartRateMeasurement(60, contact=False)),
        ("06 3c", HeartRateMeasurement(60, contact=True)),
        ("08 3c 10 27", HeartRateMeasurement(60, energy_kj=10_000)),
        ("10 3c 00 04 00 02", HeartRateMeasurement(60, (1000.0, 500.0))),
        ("10 3c", HeartRateMeasurement(60)),
        ("1f 3c 00 05 00 00 04", HeartRateMeasurement(60, (1000.0,), True, 5)),
        ("16 3d f0 03", HeartRateMeasurement(61, (984.375,), True)),
        # No flag for what follows: a later version's field.
        ("00 3c 00 04", HeartRateMeasurement(60)),
    ],
)
def test_reads_every_flag(text: str, expected: HeartRateMeasurement) -> None:
    assert decode_heart_rate(bytes.fromhex(text)) == expected


@pytest.mark.parametrize("text", ["", "00", "01 3c", "08 3c 10", "09 3c 00 10", "10 3c 00", "10 3c 00 04 00"])
def test_refuses_what_is_cut_short(text: str) -> None:
    with pytest.raises(FrameError, match="ignored"):
        decode_heart_rate(bytes.fromhex(text))


MEASUREMENTS = st.builds(
    HeartRateMeasurement,
    bpm=st.integers(0, 0xFFFF),
    rr_ms=st.lists(st.integers(0, 0xFFFF).map(lambda count: count * 1000 / 1024), max_size=9).map(tuple),
    contact=st.one_of(st.none(), st.booleans()),
    energy_kj=st.one_of(st.none(), st.integers(0, 0xFFFF)),
)


@given(MEASUREMENTS)
def test_measurements_survive_the_round_trip(measurement: HeartRateMeasurement) -> None:
    assert decode_heart_rate(encode_heart_rate(measurement)) == measurement


@given(st.binary(max_size=40))
def test_any_bytes_raise_only_frame_errors(data: bytes) -> None:
    for decode in (decode_heart_rate, decode_battery):
        with contextlib.suppress(FrameError):
            decode(data)


@pytest.mark.parametrize(
    "measurement",
    [
        HeartRateMeasurement(70_000),
        HeartRateMeasurement(60, (70_000.0,)),
        HeartRateMeasurement(60, energy_kj=-1),
    ],
)
def test_refuses_to_encode_what_does_not_fit(measurement: HeartRateMeasurement) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_heart_rate(measurement)


def test_battery_is_a_percentage() -> None:
    assert [decode_battery(encode_battery(percent)) for percent in (0, 100)] == [0, 100]
    for data in (b"", b"\x65", b"\x01\x02"):
        with pytest.raises(FrameError, match="no percentage"):
            decode_battery(data)
    with pytest.raises(ValueError, match="0 to 100"):
        encode_battery(101)


def test_events_stand_where_the_ecg_is() -> None:
    decoder = HeartRateDecoder("strap")
    events = decoder.receive_data(bytes.fromhex("16 3d f0 03"), 99.0, Place(260, 2.0))
    assert events == [HeartRate(260, 2.0, 61, (984.375,), True, None, "strap")]


def test_without_an_ecg_time_counts_from_the_first() -> None:
    decoder = HeartRateDecoder()
    events = [decoder.receive_data(bytes.fromhex("00 3d"), at_s) for at_s in (100.0, 101.5)]
    assert [event.time_s for (event,) in events] == [0.0, 1.5]


@pytest.mark.parametrize(("make", "bad"), [(HeartRateDecoder, b"\x01"), (BatteryDecoder, b"\xff")])
def test_rubbish_is_reported_and_equal_values_are_not_duplicates(make: type, bad: bytes) -> None:
    decoder = make("strap")
    good = b"\x00\x32" if make is HeartRateDecoder else b"\x32"
    kinds = [type(event) for data in (good, bad, good) for event in decoder.receive_data(data, 0.0)]
    assert len(kinds) == 3
    assert kinds[1] is FrameLost
    assert kinds[0] is kinds[2]
    assert kinds[0] in (HeartRate, Battery)
    assert decoder.frame_errors == 1
