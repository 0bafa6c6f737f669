"""What each device and firmware puts on the air, as literals, and the whole of what is made of it.

No encoder of ours stands between: the bytes were written out by hand from the vendors' layouts that
``PROTOCOL.md`` names, field by field. A mistake that encoder and decoder share shows here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import PROFILES, Acceleration, Battery, FrameLost, HeartRate, SampleBlock, Session
from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import LinkError
from ecgedge_bridge.protocols.polar.control import (
    ControlReply,
    Features,
    MeasurementStopped,
    Setting,
    parse_control,
    parse_running,
    parse_settings,
)
from ecgedge_bridge.protocols.session import Offered, Read, Script, Subscribe, Wait, Write

PMD_CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
PMD_DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
SENSOR_WRITE = "34800001-7185-4d5d-b431-630e7050e8f0"
SENSOR_NOTIFY = "34800002-7185-4d5d-b431-630e7050e8f0"
ECG_07, ECG_08, INTERVAL_08 = (
    f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("2bdd", "2bf1", "2bf3")
)
HEALTHYPI = "00001424-0000-1000-8000-00805f9b34fb"
OWN = "2cd70002-7b0e-4af6-99ad-b3cabfd17120"
HEART_RATE = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"


def wire(text: str) -> bytes:
    """Bytes as a packet sniffer shows them; bars only part the fields."""
    return bytes.fromhex(text.replace("|", " "))


def made_of(session: Session, *notifications: tuple[str, str, float]) -> list[dict[str, Any]]:
    """Everything that a session gives after notifications: characteristic, bytes, arrival."""
    for uuid, text, at_s in notifications:
        session.receive(uuid, wire(text), at_s)
    return [plain(event) for event in iter(session.next_event, None)]


def plain(event: Any) -> dict[str, Any]:
    fields = {
        name: getattr(event, name) for cls in type(event).__mro__ for name in getattr(cls, "__slots__", ())
    }
    if "samples" in fields:
        assert fields["samples"].dtype == np.float32
        fields["samples"] = fields["samples"].tolist()
    return {"": type(event), **fields}


def block(
    samples: list[Any], fs: float, sample: int, time_ns: int | None, at_s: float, kind: type = SampleBlock
) -> dict[str, Any]:
    close = np.array(samples, np.float32).tolist()
    return {
        "": kind,
        "samples": pytest.approx(np.array(close), rel=1e-6, nan_ok=True) if kind is SampleBlock else close,
        "fs": fs,
        "sample": sample,
        "device_time_ns": time_ns,
        "host_time_s": at_s,
        "device": "it",
        # The rate measured so far, which a frame or two hardly move; none without stamps.
        "fs_hat": None if time_ns is None else pytest.approx(fs, rel=0.02),
        "placed": True,
    }


# --- Polar H10: service FB005C80 ---


def test_polar_h10_ecg_frames() -> None:
    found = made_of(
        PROFILES["polar"].make_session(device="it"),
        # measurement 0 (ECG) | u64 ns since 2000-01-01 of the last sample: 599616000561538461 |
        # frame type 0 | signed 24-bit microvolt: 1000, -1000, 8388607, -8388608
        (PMD_DATA, "00 | 9d 65 1c 5b 93 43 52 08 | 00 | e8 03 00  18 fc ff  ff ff 7f  00 00 80", 5.0),
        # 61538462 ns later, which are 8 samples at 130 Hz: 4 are missing; -1, 0, 1, 2 microvolt
        (PMD_DATA, "00 | 3b 66 c7 5e 93 43 52 08 | 00 | ff ff ff  00 00 00  01 00 00  02 00 00", 5.06),
    )
    assert found == [
        block([1.0, -1.0, 8388.607, -8388.608], 130.0, 0, 599616000561538461, 5.0),
        block([-0.001, 0.0, 0.001, 0.002], 130.0, 8, 599616000623076923, 5.06),
    ]


def test_polar_acceleration_frame() -> None:
    found = made_of(
        PROFILES["polar"].make_session(device="it", extras=("acc",)),
        # measurement 2 (ACC) | 1 s | frame type 1: int16 x, y, z in thousandths of g:
        # (-12, 12, 1000), (0, 500, -1000)
        (PMD_DATA, "02 | 00 ca 9a 3b 00 00 00 00 | 01 | f4 ff 0c 00 e8 03  00 00 f4 01 18 fc", 5.0),
    )
    assert found == [
        block([[-0.012, 0.012, 1.0], [0.0, 0.5, -1.0]], 200.0, 0, 10**9, 5.0, Acceleration),
    ]


def test_polar_delta_frames() -> None:
    found = made_of(
        PROFILES["polar"].make_session(device="it", extras=("acc",)),
        # ECG, bit 7 of the frame type: compressed | reference 1000 | 6 bits each, 3 of them:
        # 5 = 000101, -2 = 111110, 1 = 000001, the lowest bit first: 0001 1111 1000 0101 = 1f 85
        (PMD_DATA, "00 | 00 ca 9a 3b 00 00 00 00 | 80 | e8 03 00 | 06 03 | 85 1f 00", 5.0),
        # ACC, compressed type 1 | reference -12, 12, 1000 | 4 bits each, 2 times x, y, z: 1 -1 2, 0 3 -4
        (PMD_DATA, "02 | 00 ca 9a 3b 00 00 00 00 | 81 | f4 ff 0c 00 e8 03 | 04 02 | f1 02 c3", 5.0),
    )
    assert found == [
        block([1.0, 1.005, 1.003, 1.004], 130.0, 0, 10**9, 5.0),
        block(
            [[-0.012, 0.012, 1.0], [-0.011, 0.011, 1.002], [-0.011, 0.014, 0.998]],
            200.0,
            0,
            10**9,
            5.0,
            Acceleration,
        ),
    ]


def test_polar_control_point() -> None:
    # Read: 0f, one bit for each measurement: 05 is ECG (0) and ACC (2); 17 bytes on an H10.
    assert parse_control(wire("0f | 05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00")) == Features(
        frozenset({0, 2})
    )
    # Reply f0, to 01 (settings) of 00 (ECG), status 00, no more | kind 0 (rate), one u16: 130 |
    # kind 1 (bits), one: 14
    reply = parse_control(wire("f0 01 00 00 00 | 00 01 82 00 | 01 01 0e 00"))
    assert reply == ControlReply(1, 0, 0, False, wire("00 01 82 00 01 01 0e 00"))
    assert parse_settings(reply.params) == {Setting.SAMPLE_RATE: (130,), Setting.RESOLUTION: (14,)}
    # Settings of ACC: rates 25, 50, 100, 200; 16 bits; ranges 2, 4, 8 g.
    acc = wire("00 04 19 00 32 00 64 00 c8 00 | 01 01 10 00 | 02 03 02 00 04 00 08 00")
    assert parse_settings(acc) == {
        Setting.SAMPLE_RATE: (25, 50, 100, 200),
        Setting.RESOLUTION: (16,),
        Setting.RANGE: (2, 4, 8),
    }
    # Reply to 02 (start) of 02 (ACC): kind 5 (factor), one f32: 1.0 = 3f800000
    start = parse_control(wire("f0 02 02 00 00 | 05 01 00 00 80 3f"))
    assert isinstance(start, ControlReply)
    assert parse_settings(start.params) == {Setting.FACTOR: (1.0,)}
    # A refusal without the byte "more": status 0a, the MTU is too small.
    assert parse_control(wire("f0 02 00 0a")) == ControlReply(2, 0, 10, False, b"")
    # Unsolicited 01: the strap ended 00 (ECG) by itself. Reply to 05 (status): bit 6, it is being sent.
    assert parse_control(wire("01 00")) == MeasurementStopped((0,))
    assert parse_running(wire("40 02")) == frozenset({0})


def commands(script: Script, session: Session, replies: list[tuple[str, str]]) -> list[Any]:
    """What a script asks for, when each of its waits is ended by the next reply."""
    waiting, asked = iter(replies), []
    for request in script:
        if isinstance(request, Wait):
            uuid, text = next(waiting)
            session.receive(uuid, wire(text), 0.0)
        else:
            asked.append(request)
    return asked


def test_polar_dialogue() -> None:
    session = PROFILES["polar"].make_session(device="it")
    offered = Offered({PMD_CONTROL: ("read", "write", "indicate"), PMD_DATA: ("notify",)})
    replies = [
        (PMD_CONTROL, "f0 01 00 00 00 00 01 82 00 01 01 0e 00"),
        (PMD_CONTROL, "f0 02 00 06"),  # already in that state: a stream left over
        (PMD_CONTROL, "f0 03 00 00 00"),
        (PMD_CONTROL, "f0 02 00 00 00"),
    ]
    assert commands(session.start(offered), session, replies) == [
        Subscribe(PMD_CONTROL),
        Subscribe(PMD_DATA),
        Write(PMD_CONTROL, wire("01 00")),  # settings of the ECG
        Write(PMD_CONTROL, wire("02 00 | 00 01 82 00 | 01 01 0e 00")),  # start: 130 Hz, 14 bit
        Write(PMD_CONTROL, wire("03 00")),  # stop
        Write(PMD_CONTROL, wire("02 00 | 00 01 82 00 | 01 01 0e 00")),
    ]
    stopped = [(PMD_CONTROL, "f0 03 00 00 00")]
    assert commands(session.stop(), session, stopped) == [Write(PMD_CONTROL, wire("03 00"))]


# --- Movesense: GATT SensorData, service 34802252 ---

STEP_MV = 0.000381469726563
INT32 = (
    "e8 03 00 00 |"  # 1000 ms at the first sample
    "00 00 00 00  01 00 00 00  ff ff ff ff  40 0a 00 00  c0 f5 ff ff  00 00 02 00  00 00 fe ff  02 00 00 00"
    "03 00 00 00  04 00 00 00  05 00 00 00  06 00 00 00  07 00 00 00  08 00 00 00  09 00 00 00  0a 00 00 00"
)
STEPS = [0, 1, -1, 2624, -2624, 131072, -131072, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_movesense_int32_packet_whole_and_in_two_parts() -> None:
    # data 02, reference 01, packet; 15 samples of 5 ms lie between the first and the last
    expected = block([step * STEP_MV for step in STEPS], 200.0, 0, 1_075_000_000, 5.0)
    whole = f"02 01 | {INT32}"
    assert made_of(PROFILES["movesense"].make_session(device="it", fs=200), (SENSOR_NOTIFY, whole, 5.0)) == [
        expected
    ]
    # Over an ATT MTU of 50: 47 bytes a notification, 45 of the packet; 03 is a continuation.
    text = wire(INT32).hex()
    first, rest = f"02 01 {text[:90]}", f"03 01 {text[90:]}"
    parts = ((SENSOR_NOTIFY, first, 4.99), (SENSOR_NOTIFY, rest, 5.0))
    assert made_of(PROFILES["movesense"].make_session(device="it", fs=200), *parts) == [expected]


def test_movesense_packet_whose_rest_does_not_come() -> None:
    text = wire(INT32).hex()
    found = made_of(
        PROFILES["movesense"].make_session(device="it", fs=200),
        (SENSOR_NOTIFY, f"02 01 {text[:90]}", 4.9),
        (SENSOR_NOTIFY, f"02 01 | {INT32}", 5.0),
    )
    detail = "ECG packet of 68 bytes ended after 45; let the Bluetooth stack exchange an MTU of 73 or more"
    assert found == [
        plain(FrameLost(0, 0.0, FrameCode.INCOMPLETE, detail, "it")),
        block([step * STEP_MV for step in STEPS], 200.0, 0, 1_075_000_000, 5.0),
    ]


def test_movesense_millivolt_packet() -> None:
    from ecgedge_bridge import MovesenseDecoder

    # data, reference | 4294967295 ms, the last before the clock wraps | 16 int16 in microvolt
    values = "e803 18fc ff7f 0080 0000 0100 ffff 0200 0300 0400 0500 0600 0700 0800 0900 0a00"
    (found,) = MovesenseDecoder("it", 200, millivolt=True).receive_data(
        wire(f"02 01 | ff ff ff ff | {values}"), 5.0
    )
    mv = [
        1.0,
        -1.0,
        32.767,
        -32.768,
        0,
        0.001,
        -0.001,
        0.002,
        0.003,
        0.004,
        0.005,
        0.006,
        0.007,
        0.008,
        0.009,
        0.01,
    ]
    assert plain(found) == block(mv, 200, 0, (4294967295 + 75) * 1_000_000, 5.0)


def test_movesense_dialogue() -> None:
    session = PROFILES["movesense"].make_session(device="it", fs=128)
    offered = Offered({SENSOR_WRITE: ("write",), SENSOR_NOTIFY: ("notify",)})
    # reply 01, reference 01, status 200 = c8 00
    assert commands(session.start(offered), session, [(SENSOR_NOTIFY, "01 01 c8 00")]) == [
        Subscribe(SENSOR_NOTIFY),
        Write(SENSOR_WRITE, b"\x01\x01/Meas/ECG/128\x00"),
    ]
    assert commands(session.stop(), session, []) == [Write(SENSOR_WRITE, wire("02 01"))]
    # status 503 = f7 01
    with pytest.raises(LinkError, match="status 503") as refused:
        commands(session.start(offered), session, [(SENSOR_NOTIFY, "01 01 f7 01")])
    assert refused.value.code == "refused"


# --- movesense-ble-ecg-firmware: service 1859 ---

INT16 = "400a 0080 ffff 0000 ff7f 0180 0100 0200 0300 0400 0500 0600 0700 0800 0900 0a00"
# -32768, which is 00 80, means "invalid".
STEPS16 = [2624, np.nan, -1, 0, 32767, -32767, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_movesense_firmware_up_to_0_7() -> None:
    # u32 ms at the first sample: 1000 | 16 int16; 15 samples at 250 Hz are 60 ms
    session = PROFILES["movesense_firmware"].make_session(device="it")
    found = made_of(session, (ECG_07, f"e8 03 00 00 | {INT16}", 5.0))
    assert found == [block([step * STEP_MV for step in STEPS16], 250.0, 0, 1_060_000_000, 5.0)]


def test_movesense_firmware_from_0_8_on() -> None:
    session = PROFILES["movesense_firmware"].make_session(device="it")
    offered = Offered({ECG_08: ("notify",), INTERVAL_08: ("read",)})
    script = session.start(offered)
    assert next(script) == Read(INTERVAL_08, optional=True)
    session.receive(INTERVAL_08, wire("08 00"), 0.0)  # 8 ms: 125 Hz
    assert list(script) == [Subscribe(ECG_08)]
    # u64 us at the last sample: 1000000 | 16 int16
    found = made_of(session, (ECG_08, f"40 42 0f 00 00 00 00 00 | {INT16}", 5.0))
    assert found == [block([step * STEP_MV for step in STEPS16], 125.0, 0, 10**9, 5.0)]


# --- HealthyPi: bare int32, neither stamp nor counter ---


@pytest.mark.parametrize(("profile", "fs"), [("healthypi", 128.0), ("healthypi5", 125.0)])
def test_healthypi_move_and_5(profile: str, fs: float) -> None:
    bare = "00000000 01000000 ffffffff 400a0000 c0f5ffff 00000200 0000feff 02000000"
    session = PROFILES[profile].make_session(device="it")
    found = made_of(session, (HEALTHYPI, bare, 5.0), (HEALTHYPI, "0a 00 00 00", 5.1))
    assert found == [
        block([step * 0.00038146973 for step in STEPS[:8]], fs, 0, None, 5.0),
        block([10 * 0.00038146973], fs, 8, None, 5.1),
    ]


# --- The own frame ---


def test_own_frames() -> None:
    found = made_of(
        PROFILES["ecgedge"].make_session(device="it"),
        # version | code 6: 250 Hz | 4 samples | 4 bits | number 7 | 1000 ms at the last | first: 0 |
        # differences 5, -2, -5: 5 = 0101, -2 = 1110, -5 = 1011, the lowest bits first: e5 0b | CRC d1a2
        (OWN, "e1 | 06 | 04 | 04 | 07 00 | e8 03 00 00 | 00 00 00 | e5 0b | a2 d1", 5.0),
    )
    assert found == [block([0.0, 0.005, 0.003, -0.002], 250.0, 0, 10**9, 5.0)]
    # code 4: 130 Hz | 3 samples | 0 bits: all are equal | number 65534 | 10000 ms | -500 microvolt | CRC b865
    session = PROFILES["ecgedge"].make_session(device="it", fs=130)
    found = made_of(session, (OWN, "e1 | 04 | 03 | 00 | fe ff | 10 27 00 00 | 0c fe ff | 65 b8", 5.0))
    assert found == [block([-0.5, -0.5, -0.5], 130, 0, 10**10, 5.0)]


# --- Standard services ---

# flags: bit 0 the rate is u16; bit 2 the sensor can see contact, bit 1 there is contact; bit 3 energy in kJ,
# u16; bit 4 intervals in 1/1024 s, u16 each: 1008 and 1024
HEART_RATES = [
    ("00 3d", 61, (), None, None),
    ("01 2c 01", 300, (), None, None),
    ("02 3d", 61, (), None, None),
    ("03 2c 01", 300, (), None, None),
    ("04 3d", 61, (), False, None),
    ("05 2c 01", 300, (), False, None),
    ("06 3d", 61, (), True, None),
    ("07 2c 01", 300, (), True, None),
    ("08 3d 34 12", 61, (), None, 4660),
    ("09 2c 01 34 12", 300, (), None, 4660),
    ("0a 3d 34 12", 61, (), None, 4660),
    ("0b 2c 01 34 12", 300, (), None, 4660),
    ("0c 3d 34 12", 61, (), False, 4660),
    ("0d 2c 01 34 12", 300, (), False, 4660),
    ("0e 3d 34 12", 61, (), True, 4660),
    ("0f 2c 01 34 12", 300, (), True, 4660),
    ("10 3d f0 03 00 04", 61, (984.375, 1000.0), None, None),
    ("11 2c 01 f0 03 00 04", 300, (984.375, 1000.0), None, None),
    ("12 3d f0 03 00 04", 61, (984.375, 1000.0), None, None),
    ("13 2c 01 f0 03 00 04", 300, (984.375, 1000.0), None, None),
    ("14 3d f0 03 00 04", 61, (984.375, 1000.0), False, None),
    ("15 2c 01 f0 03 00 04", 300, (984.375, 1000.0), False, None),
    ("16 3d f0 03 00 04", 61, (984.375, 1000.0), True, None),
    ("17 2c 01 f0 03 00 04", 300, (984.375, 1000.0), True, None),
    ("18 3d 34 12 f0 03 00 04", 61, (984.375, 1000.0), None, 4660),
    ("19 2c 01 34 12 f0 03 00 04", 300, (984.375, 1000.0), None, 4660),
    ("1a 3d 34 12 f0 03 00 04", 61, (984.375, 1000.0), None, 4660),
    ("1b 2c 01 34 12 f0 03 00 04", 300, (984.375, 1000.0), None, 4660),
    ("1c 3d 34 12 f0 03 00 04", 61, (984.375, 1000.0), False, 4660),
    ("1d 2c 01 34 12 f0 03 00 04", 300, (984.375, 1000.0), False, 4660),
    ("1e 3d 34 12 f0 03 00 04", 61, (984.375, 1000.0), True, 4660),
    ("1f 2c 01 34 12 f0 03 00 04", 300, (984.375, 1000.0), True, 4660),
]


@pytest.mark.parametrize(("text", "bpm", "rr_ms", "contact", "energy_kj"), HEART_RATES)
def test_heart_rate(
    text: str, bpm: int, rr_ms: tuple[float, ...], contact: bool | None, energy_kj: int | None
) -> None:
    found = made_of(PROFILES["heart_rate"].make_session(device="it"), (HEART_RATE, text, 7.0))
    assert found == [plain(HeartRate(0, 0.0, bpm, rr_ms, contact, energy_kj, "it"))]


@pytest.mark.parametrize(("text", "percent"), [("00", 0), ("57", 87), ("64", 100)])
def test_battery(text: str, percent: int) -> None:
    found = made_of(PROFILES["polar"].make_session(device="it", extras=("battery",)), (BATTERY, text, 7.0))
    assert found == [plain(Battery(0, 0.0, percent, "it"))]
