"""The table of profiles: who is who, and what each session subscribes to and starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgedge_bridge import (
    PROFILES,
    ConfigError,
    LinkError,
    Note,
    Offered,
    Profile,
    VirtualEcgEdge,
    VirtualGatt,
    VirtualH10,
    VirtualHeartRate,
    VirtualMovesense,
    VirtualMovesenseFirmware,
    VirtualWearable,
    find_profile,
    load_profile,
    profile_for,
)
from ecgedge_bridge.protocols.movesense.firmware import V07, V08
from ecgedge_bridge.protocols.session import Read, Request, Subscribe, Wait, Write

HEART_RATE = "0000180d-0000-1000-8000-00805f9b34fb"
PMD = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
HEALTHYPI = "00001122-0000-1000-8000-00805f9b34fb"
HOBBY = """
name = "my AD8232"
service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
fs = 250
dtype = "int16"
scale_mv = 0.001
header = "A5 ??"
counter = { at = 1, bits = 8, counts = "notifications" }
samples = 10
names = ["Hobby"]
command = { characteristic = "6e400002-b5a3-f393-e0a9-e50e24dcca9e", start = "01", stop = "00" }
"""


@pytest.mark.parametrize(
    ("name", "services", "profile"),
    [
        ("Polar H10 0A1B2C3D", [HEART_RATE], "polar"),
        ("POLAR H9 1", [], "polar"),
        ("renamed", [HEART_RATE, PMD.upper()], "polar"),
        ("Polar H7 1", [HEART_RATE], "heart_rate"),
        ("Garmin HRM", [HEART_RATE], "heart_rate"),
        ("Movesense 1", [], "movesense"),
        ("Movesense 1", ["00001859-0000-1000-8000-00805f9b34fb"], "movesense_firmware"),
        ("HealthyPi Move", [HEALTHYPI], "healthypi"),
        ("HealthyPi 5 A", [HEALTHYPI], "healthypi5"),
        ("", ["2cd70001-7b0e-4af6-99ad-b3cabfd17120"], "ecgedge"),
    ],
)
def test_a_device_is_known_by_its_services_and_its_name(name: str, services: list[str], profile: str) -> None:
    assert profile_for(name, services).name == profile


def test_a_name_does_not_stand_for_a_service_that_is_missing() -> None:
    assert profile_for("Movesense 1", [HEART_RATE], connected=True).name == "heart_rate"
    with pytest.raises(LinkError, match="Movesense 1 has no service that is known"):
        profile_for("Movesense 1", [], connected=True)


def test_a_profile_is_found_by_name_by_file_or_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "hobby.toml"
    file.write_text(HOBBY)
    hobby = find_profile(file)
    assert (hobby.name, hobby.fs) == ("my AD8232", 250)
    assert hobby.matches("hobby 1", [])
    assert find_profile(hobby) is hobby
    assert find_profile("polar") is PROFILES["polar"]
    with pytest.raises(ConfigError, match="nowhere"):
        find_profile(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_profile_makes_a_session_at_each_of_its_rates(profile: Profile) -> None:
    for fs in (None, *profile.rates):
        session = profile.make_session(device="it", fs=fs, extras=("heart_rate", "battery", "acc"))
        assert (session.device, session.place, session.next_event()) == ("it", (0, 0.0), None)
        assert session.fs_hat == (profile.fs if fs is None else fs)
    assert profile.rarity >= 1


def offered_by(wearable: VirtualWearable) -> Offered:
    services = wearable.services()
    return Offered(
        {one.uuid: one.properties for service in services for one in service.characteristics},
        frozenset(service.uuid for service in services),
    )


def hobby_profile(folder: Path) -> Path:
    file = folder / "hobby.toml"
    file.write_text(HOBBY)
    return file


def script(wearable: VirtualWearable, profile: Profile) -> tuple[list[Request], list[Request]]:
    """Carry a session's scripts out on a virtual wearable without a radio; reads and replies included."""
    session = profile.make_session()
    offered = offered_by(wearable)
    values = {one.uuid: one.value for service in wearable.services() for one in service.characteristics}
    asked: tuple[list[Request], list[Request]] = ([], [])
    for requests, steps in zip(asked, (session.start(offered), session.stop()), strict=True):
        for request in steps:
            requests.append(request)
            match request:
                case Subscribe(uuid):
                    wearable.subscription(uuid, True, 247)
                case Read(uuid):
                    session.receive(uuid, values[uuid], 0.0)
                case Write(uuid, data):
                    for answer in wearable.write(uuid, data, 247):
                        session.receive(answer.uuid, answer.data, 0.0)  # type: ignore[union-attr]
        assert wearable.running == (requests is asked[0]) or profile.name != "movesense"
    return asked


def test_movesense_subscribes_to_the_path_of_the_rate_and_unsubscribes() -> None:
    start, stop = script(VirtualMovesense([0.0] * 16, fs=128), PROFILES["movesense"])
    assert [type(request) for request in start] == [Subscribe, Write]
    assert start[1].data == b"\x01\x01/Meas/ECG/128\x00"  # type: ignore[union-attr]
    assert stop[0].data == b"\x02\x01"  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [404, 503, 500])
def test_movesense_refusals_say_what_to_do(status: int) -> None:
    session = PROFILES["movesense"].make_session()
    steps = session.start(offered_by(VirtualMovesense([0.0])))
    notify = next(steps).uuid  # type: ignore[union-attr]
    assert isinstance(next(steps), Write)
    assert isinstance(next(steps), Wait)
    session.receive(notify, bytes((1, 1)) + status.to_bytes(2, "little"), 0.0)
    with pytest.raises(LinkError, match=rf"status {status}\): \w+"):
        next(steps)


@pytest.mark.parametrize("layout", [V07, V08])
def test_the_free_firmware_says_its_generation_and_its_rate(layout: object) -> None:
    wearable = VirtualMovesenseFirmware([0.0] * 16, 500.0, layout)  # type: ignore[arg-type]
    session = PROFILES["movesense_firmware"].make_session()
    for request in session.start(offered_by(wearable)):
        if isinstance(request, Read):
            session.receive(request.uuid, wearable._interval, 0.0)
    action = wearable.next_action()
    assert session.receive(action.uuid, action.data, 0.0)  # type: ignore[union-attr]
    block = session.next_event()
    assert (block.fs, block.end_sample) == (500.0, 16)  # type: ignore[union-attr]


def test_the_free_firmwares_rate_may_not_change_on_the_way() -> None:
    wearable = VirtualMovesenseFirmware([0.0] * 16, 250.0)
    session = PROFILES["movesense_firmware"].make_session()
    action = wearable.next_action()
    session.receive(action.uuid, action.data, 0.0)  # type: ignore[union-attr]
    session.receive(V08.interval, b"\x02\x00", 0.0)
    with pytest.raises(LinkError, match="changed to 500 Hz: connect again"):
        list(session.start(offered_by(wearable)))


def test_an_interval_that_cannot_be_read_is_reported() -> None:
    session = PROFILES["movesense_firmware"].make_session()
    session.receive(V08.interval, b"\x00", 0.0)
    note = session.next_event()
    assert isinstance(note, Note)
    assert (note.code, "going on with 250 Hz" in note.detail) == ("unknown_rate", True)


def test_a_described_device_is_started_and_stopped_as_described(tmp_path: Path) -> None:
    file = hobby_profile(tmp_path)
    start, stop = script(VirtualGatt([0.0] * 10, load_profile(file)), find_profile(file))
    assert [type(request) for request in start] == [Subscribe, Write]
    assert (start[1].data, stop[0].data) == (b"\x01", b"\x00")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wearable", "profile"),
    [
        (VirtualEcgEdge([0.0]), "ecgedge"),
        (VirtualGatt([0.0], load_profile("healthypi")), "healthypi"),
        (VirtualHeartRate([60.0]), "heart_rate"),
    ],
)
def test_others_stream_to_whoever_subscribes(wearable: VirtualWearable, profile: str) -> None:
    start, stop = script(wearable, PROFILES[profile])
    assert [type(request) for request in start] == [Subscribe]
    assert stop == []


def test_every_virtual_wearable_is_known_as_what_it_is() -> None:
    for wearable, profile in (
        (VirtualH10([0.0]), "polar"),
        (VirtualMovesense([0.0]), "movesense"),
        (VirtualMovesenseFirmware([0.0]), "movesense_firmware"),
        (VirtualGatt([0.0], load_profile("healthypi5")), "healthypi5"),
        (VirtualEcgEdge([0.0]), "ecgedge"),
        (VirtualHeartRate([60.0]), "heart_rate"),
    ):
        offered = offered_by(wearable)
        assert profile_for(wearable.name, offered.services, connected=True).name == profile
        assert profile_for(wearable.name, wearable.air.advertised).name == profile
