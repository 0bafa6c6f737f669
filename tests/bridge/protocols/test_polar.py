"""PMD bytes: literal tables from the specification, round trips, and bytes that are wrong."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.polar.control import (
    GET_ACC_SETTINGS,
    GET_ECG_SETTINGS,
    GET_STATUS,
    START_ECG,
    STOP_ACC,
    STOP_ECG,
    ControlReply,
    Features,
    Measurement,
    MeasurementStopped,
    Op,
    Setting,
    Status,
    command,
    encode_features,
    encode_reply,
    encode_running,
    encode_settings,
    encode_stopped,
    parse_control,
    parse_running,
    parse_settings,
    start_acc,
    status_text,
)
from ecgedge_bridge.protocols.polar.frames import (
    decode_acc_frame,
    decode_ecg_frame,
    encode_acc_frame,
    encode_ecg_frame,
)

INT24 = st.integers(-(1 << 23), (1 << 23) - 1)
STAMP = st.integers(0, (1 << 64) - 1)


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (GET_ECG_SETTINGS, "01 00"),
        (START_ECG, "02 00 00 01 82 00 01 01 0E 00"),
        (STOP_ECG, "03 00"),
        (
            command(
                Op.START,
                Measurement.ACC,
                {Setting.RANGE: (8,), Setting.SAMPLE_RATE: (200,), Setting.RESOLUTION: (16,)},
            ),
            "02 02 02 01 08 00 00 01 C8 00 01 01 10 00",
        ),
        (encode_features((Measurement.ECG, Measurement.ACC)), "0F 05" + " 00" * 15),
        (encode_stopped((0, 2)), "01 00 02"),
        (encode_reply(ControlReply(3, 0, 6)), "F0 03 00 06 00"),
    ],
)
def test_encodes_the_documented_bytes(made: bytes, expected: str) -> None:
    assert made == raw(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "F0 01 00 00 00 00 01 82 00 01 01 0E 00",
            ControlReply(1, 0, 0, False, raw("00 01 82 00 01 01 0E 00")),
        ),
        ("F0 02 00 06", ControlReply(2, 0, 6, False, b"")),
        ("F0 02 00 0A 00", ControlReply(2, 0, Status.INVALID_MTU, False, b"")),
        ("F0 01 02 00 01 00 01", ControlReply(1, 2, 0, True, raw("00 01"))),
        ("F0 02 00 F7 00", ControlReply(2, 0, 0xF7, False, b"")),
        ("01 00 02", MeasurementStopped((0, 2))),
        ("01 80", MeasurementStopped((0,))),
        ("0F 05 00", Features(frozenset({0, 2}))),
        ("0F 6F 02" + " 00" * 14, Features(frozenset({0, 1, 2, 3, 5, 6, 9}))),
    ],
)
def test_parses_control_messages(text: str, expected: object) -> None:
    assert parse_control(raw(text)) == expected


@pytest.mark.parametrize("text", ["", "F0", "F0 02 00", "01", "0F", "02 00", "FF 00 00 00 00"])
def test_refuses_other_control_messages(text: str) -> None:
    with pytest.raises(FrameError, match="ignored"):
        parse_control(raw(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("00 01 82 00 01 01 0E 00", {Setting.SAMPLE_RATE: (130,), Setting.RESOLUTION: (14,)}),
        ("00 03 19 00 32 00 64 00", {Setting.SAMPLE_RATE: (25, 50, 100)}),
        ("03 01 A0 86 01 00 04 01 03", {Setting.RANGE_MILLI: (100_000,), Setting.CHANNELS: (3,)}),
        ("05 01 00 00 00 3F", {Setting.FACTOR: (0.5,)}),
        ("00 01 19 00 00 01 32 00", {Setting.SAMPLE_RATE: (25, 50)}),
        ("02 00", {Setting.RANGE: ()}),
    ],
)
def test_parses_settings(text: str, expected: dict[Setting, tuple[float, ...]]) -> None:
    assert parse_settings(raw(text)) == expected


@pytest.mark.parametrize(
    ("text", "why"), [("00", "within a field"), ("00 01 82", "cut short"), ("09 01 00", "unknown settings")]
)
def test_refuses_broken_settings(text: str, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        parse_settings(raw(text))


def test_a_setting_that_does_not_fit_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="SAMPLE_RATE"):
        encode_settings({Setting.SAMPLE_RATE: (70_000,)})


def test_decodes_a_frame_of_literal_bytes() -> None:
    frame = decode_ecg_frame(
        raw("00 C5 31 9C DE C8 41 C1 09 00 FF FF 7F 00 00 80 FF FF FF 00 00 00 E8 03 00")
    )
    assert frame.time_ns == 0x09C141C8DE9C31C5
    assert frame.microvolt.dtype == np.int32
    assert frame.microvolt.tolist() == [8_388_607, -8_388_608, -1, 0, 1000]


def test_ignores_the_upper_bits_of_the_measurement() -> None:
    assert decode_ecg_frame(raw("C0 00 00 00 00 00 00 00 00 00 01 00 00")).microvolt.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "header"),
        ("00 01 02", "header"),
        ("02" + " 00" * 8 + " 00 01 00 00", "measurement 2"),
        ("00" + " 00" * 8 + " 01 01 00 00", "unknown type 1"),
        ("00" + " 00" * 8 + " 81 01 00 00", "delta-compressed"),
        ("00" + " 00" * 8 + " 00", "3-byte samples"),
        ("00" + " 00" * 8 + " 00 01 00", "3-byte samples"),
        ("00" + " 00" * 8 + " 00 01 00 00 01", "3-byte samples"),
    ],
)
def test_refuses_other_frames(text: str, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        decode_ecg_frame(raw(text))


@given(STAMP, st.lists(INT24, min_size=1, max_size=170))
def test_frames_survive_the_round_trip(time_ns: int, microvolt: list[int]) -> None:
    data = encode_ecg_frame(time_ns, np.array(microvolt))
    frame = decode_ecg_frame(data)
    assert len(data) == 10 + 3 * len(microvolt)
    assert (frame.time_ns, frame.microvolt.tolist()) == (time_ns, microvolt)


def test_a_full_frame_has_the_documented_length() -> None:
    assert len(encode_ecg_frame(0, np.zeros(73, np.int16))) == 229


@pytest.mark.parametrize(
    ("time_ns", "microvolt"),
    [
        (0, np.array([1 << 23])),
        (0, np.array([-(1 << 23) - 1])),
        (0, np.array([], int)),
        (0, np.array([0.5])),
        (0, np.zeros((2, 2), int)),
        (-1, np.array([0])),
        (1 << 64, np.array([0])),
    ],
)
def test_refuses_to_encode_what_does_not_fit(time_ns: int, microvolt: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r";"):
        encode_ecg_frame(time_ns, microvolt)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        Setting.SAMPLE_RATE: st.lists(st.integers(0, 0xFFFF), max_size=5).map(tuple),
        Setting.RANGE_MILLI: st.lists(st.integers(0, 0xFFFFFFFF), max_size=5).map(tuple),
        Setting.CHANNELS: st.lists(st.integers(0, 0xFF), max_size=5).map(tuple),
        Setting.FACTOR: st.lists(st.floats(width=32, allow_nan=False), max_size=5).map(tuple),
    },
)


@given(SETTINGS)
def test_settings_survive_the_round_trip(settings: dict[Setting, tuple[float, ...]]) -> None:
    assert parse_settings(encode_settings(settings)) == settings


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.booleans(), st.binary(max_size=20))
def test_replies_survive_the_round_trip(op: int, kind: int, status: int, more: bool, params: bytes) -> None:
    reply = ControlReply(op, kind, status, more, params)
    assert parse_control(encode_reply(reply)) == reply


@given(st.binary(max_size=600))
def test_any_bytes_raise_only_frame_errors(data: bytes) -> None:
    for parse in (decode_ecg_frame, parse_control, parse_settings):
        with contextlib.suppress(FrameError):
            parse(data)


@given(st.integers(0, 100), st.integers(0, 228), st.integers(0, 255))
def test_a_cut_and_changed_frame_is_read_or_refused(cut: int, at: int, value: int) -> None:
    data = bytearray(encode_ecg_frame(1 << 60, np.arange(73)))
    data[at] = value
    data = data[: len(data) - cut]
    try:
        frame = decode_ecg_frame(bytes(data))
    except FrameError:
        assert cut % 3 or (data[0] & 0x3F) or data[9]
    else:
        assert len(frame.microvolt) == 73 - cut // 3


def test_every_status_has_words_of_its_own() -> None:
    texts = {status_text(code) for code in range(256)}
    assert len(texts) == 256
    assert status_text(0xF7) == "unknown status 0xF7"


@given(STAMP, st.lists(INT24, min_size=1, max_size=700))
def test_delta_frames_of_ecg_survive_the_round_trip(time_ns: int, microvolt: list[int]) -> None:
    frame = decode_ecg_frame(encode_ecg_frame(time_ns, np.array(microvolt), delta=True))
    assert (frame.time_ns, frame.microvolt.tolist()) == (time_ns, microvolt)


ACC = st.lists(st.tuples(*[st.integers(-32768, 32767)] * 3), min_size=1, max_size=300)


@pytest.mark.parametrize("delta", [False, True])
@given(time_ns=STAMP, milli_g=ACC)
def test_frames_of_acceleration_survive_the_round_trip(
    delta: bool, time_ns: int, milli_g: list[tuple[int, int, int]]
) -> None:
    frame = decode_acc_frame(encode_acc_frame(time_ns, np.array(milli_g), delta))
    assert frame.time_ns == time_ns
    assert frame.milli_g.dtype == np.float32
    assert frame.milli_g.tolist() == [list(row) for row in milli_g]


HEAD = "02 00 94 35 77 00 00 00 00 "


@pytest.mark.parametrize(
    ("text", "factor", "expected"),
    [
        ("00 01 ff 7f", 1.0, [[1, -1, 127]]),
        ("01 01 00 ff ff 00 80", 1.0, [[1, -1, -32768]]),
        ("02 01 00 00 ff ff ff 00 00 80", 1.0, [[1, -1, -8388608]]),
        # Raw frames are not multiplied.
        ("01 01 00 02 00 03 00", 0.5, [[1, 2, 3]]),
        # Reference 10, 20, 30; one block: 3 bits, 2 samples: +1 -1 +3, 0 -4 +2, the lowest bit first.
        ("81 0a 00 14 00 1e 00 03 02 f9 40 01", 1.0, [[10, 20, 30], [11, 19, 33], [11, 15, 35]]),
        ("81 0a 00 14 00 1e 00 03 02 f9 40 01", 0.5, [[5, 10, 15], [5.5, 9.5, 16.5], [5.5, 7.5, 17.5]]),
        # Type 0 counts in g.
        ("80 01 00 02 00 03 00", 0.25, [[250, 500, 750]]),
        # Two blocks, 8 bits and 4 bits.
        ("81 00 00 00 00 00 00 08 01 7f 80 01 04 01 21 0f", 1.0, [[0, 0, 0], [127, -128, 1], [128, -126, 0]]),
    ],
)
def test_decodes_acceleration_of_literal_bytes(text: str, factor: float, expected: list[list[float]]) -> None:
    frame = decode_acc_frame(raw(HEAD + text), factor)
    assert frame.time_ns == 2_000_000_000
    assert frame.milli_g.tolist() == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("01", "ACC payload of 0 bytes"),
        ("01 01 00 02 00 03", "3 axes of 2 bytes"),
        ("03 01 00 00", "frame of unknown type 3"),
        ("82 01 00 00", "delta-compressed frame of unknown type 2"),
        ("81 01 00 02 00", "without its reference"),
        ("81 01 00 02 00 03 00 08", "header of a block"),
        ("81 01 00 02 00 03 00 08 01 00 00", "does not fit its frame"),
        ("81 01 00 02 00 03 00 00 05", "15 numbers of 0 bits"),
        ("81 01 00 02 00 03 00 21 01" + " 00" * 13, "of 33 bits does not fit"),
        ("81 ff 7f 00 00 00 00 02 01 01", "leaves the 16 bits"),
    ],
)
def test_refuses_other_frames_of_acceleration(text: str, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        decode_acc_frame(raw(HEAD + text))


@given(st.binary(max_size=300), st.integers(0, 255))
def test_any_data_frame_raises_only_frame_errors(data: bytes, kind: int) -> None:
    for measurement in (0, 2):
        frame = bytes((measurement, *bytes(8), kind)) + data
        with contextlib.suppress(FrameError):
            (decode_acc_frame if measurement else decode_ecg_frame)(frame)


@pytest.mark.parametrize(
    "milli_g", [np.array([[40_000, 0, 0]]), np.zeros((3, 2), int), np.zeros((0, 3), int), np.zeros((1, 3))]
)
def test_refuses_to_encode_acceleration_that_does_not_fit(milli_g: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r";"):
        encode_acc_frame(0, milli_g)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (GET_ACC_SETTINGS, "01 02"),
        (start_acc(), "02 02 02 01 08 00 00 01 C8 00 01 01 10 00"),
        (start_acc(25, 2), "02 02 02 01 02 00 00 01 19 00 01 01 10 00"),
        (STOP_ACC, "03 02"),
        (GET_STATUS, "05"),
        (encode_running((0, 2), (2,)), "00 42"),
    ],
)
def test_commands_of_acceleration_and_status(made: bytes, expected: str) -> None:
    assert made == raw(expected)


def test_what_runs_is_told() -> None:
    assert parse_running(raw("40 02 C3 81")) == {0, 3}
    assert parse_running(encode_running((0, 1, 2), (0, 2))) == {0, 2}
