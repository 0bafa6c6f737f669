"""The doctor: each fault gets its finding, a healthy device gets none, and the numbers are right."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import Battery, Fault, LinkState, LinkTiming, Note, SampleBlock, VirtualH10, virtual_strap
from ecgedge_bridge.checkup.findings import Checkup, findings
from ecgedge_bridge.checkup.measure import Examination, examine
from ecgedge_bridge.codes import LinkCode, NoteCode
from ecgedge_bridge.link.radio import Found
from ecgedge_bridge.protocols.session import INFORMATION
from ecgedge_bridge.stream.decoder import DecoderStats

HEALTHY = Checkup(
    wanted="Polar H10",
    name="Polar H10 0A1B2C3D",
    address="F0:F1:F2:0A:1B:2C",
    near=("Polar H10 0A1B2C3D", "TV"),
    rssi_dbm=-61,
    profile="polar",
    information={"firmware": "5.0.0"},
    battery_percent=87,
    seconds=30.0,
    first_frame_s=0.7,
    fs=130.0,
    fs_hat=130.06,
    drift_ppm=-35.0,
    stats=DecoderStats(frames=54, samples=3942, segments=1),
    largest_notification=229,
    jitter_p50_ms=12.0,
    jitter_p95_ms=48.0,
    jitter_max_ms=95.0,
    span_mv=1.3,
)
STATS = HEALTHY.stats
NO_DATA = "no data for 3.0 s"


def error(code: LinkCode, text: str = "no luck: try again", **changed: Any) -> dict[str, Any]:
    return {"error": text, "error_code": code, **changed}


SICK: list[tuple[str, str, dict[str, Any], str]] = [
    ("fault", "mtu_refused", error(LinkCode.MTU, stats=DecoderStats()), "MTU is too small"),
    ("fault", "not_found", error(LinkCode.NOT_FOUND, address=""), "Seen were: Polar H10 0A1B2C3D, TV."),
    ("fault", "not_found", error(LinkCode.NOT_FOUND, near=()), "no named devices at all"),
    ("fault", "refused", error(LinkCode.NEEDS_PAIRING, "X wants to be paired"), "X wants to be paired"),
    ("fault", "no_data", {"stats": DecoderStats(), "losses_of_link": ()}, "no data came."),
    ("fault", "battery_empty", {"battery_percent": 10}, "10 %"),
    ("warning", "battery_low", {"battery_percent": 20}, "20 %"),
    ("warning", "slow_first_frame", {"first_frame_s": 27.6}, "28 s after the start"),
    ("fault", "rate", {"fs_hat": 133.0}, "133.00 Hz, more than 2 % off the 130 Hz"),
    ("warning", "drift", {"drift_ppm": -600.0}, "slow by 600 ppm"),
    ("warning", "drift", {"drift_ppm": 240.0, "seconds": 600.0}, "fast by 240 ppm"),
    ("warning", "clock_steps", {"clock_steps": 2}, "stepped twice"),
    ("warning", "flat", {"span_mv": 0.01}, "flat"),
    ("warning", "large", {"span_mv": 14.0}, "14 mV"),
    ("warning", "weak", {"rssi_dbm": -91}, "-91 dBm"),
    ("fault", "link_lost", {"losses_of_link": (NO_DATA, NO_DATA)}, "twice (no data for 3.0 s)"),
    ("fault", "loss", {"stats": replace(STATS, lost=394), "gaps": 4}, "394 samples were lost in 4 gaps: 9.1"),
    ("warning", "some_loss", {"stats": replace(STATS, lost=13), "gaps": 1}, "0.33 %"),
    ("fault", "frame_errors", {"stats": replace(STATS, frame_errors=2)}, "2 frames"),
    ("warning", "late_frames", {"stats": replace(STATS, late=1)}, "after their successors"),
    ("warning", "duplicates", {"stats": replace(STATS, duplicates=54)}, "another program"),
    ("warning", "notes", {"notes": ("about 260 samples lost",)}, "about 260 samples lost"),
    ("fault", "dropped", {"dropped": 7}, "7 notifications"),
    ("warning", "jitter", {"jitter_p95_ms": 900.0}, "900 ms late"),
]  # fmt: skip


def test_what_is_healthy_is_fine() -> None:
    (finding,) = findings(HEALTHY)
    assert (finding.level, finding.code) == ("fine", "fine")


@pytest.mark.parametrize(("level", "code", "changed", "words"), SICK)
def test_each_trouble_has_its_one_finding(level: str, code: str, changed: dict[str, Any], words: str) -> None:
    (finding,) = findings(replace(HEALTHY, **changed))
    assert (finding.level, finding.code) == (level, code)
    assert words in finding.text
    assert finding.text.endswith(".")
    assert finding.advice
    assert not finding.advice.endswith(".")


def test_every_rule_is_in_the_table_above() -> None:
    from ecgedge_bridge.checkup.findings import _RULES

    assert {rule.code for rule in _RULES} == {code for _, code, _, _ in SICK}


@pytest.mark.parametrize(
    "changed",
    [
        {"drift_ppm": 300.0, "seconds": 30.0},  # 10 ms of jitter alone make this in 30 s
        {"battery_percent": None, "rssi_dbm": None, "drift_ppm": None, "span_mv": None, "fs_hat": 0.0},
        {"stats": DecoderStats(), "measurements": 30, "fs": 0.0, "fs_hat": 0.0},  # a sensor without ECG
        {"rssi_dbm": -80, "battery_percent": 21, "first_frame_s": 5.0, "jitter_p95_ms": 250.0},
    ],
)
def test_what_says_nothing_is_no_finding(changed: dict[str, Any]) -> None:
    assert [finding.code for finding in findings(replace(HEALTHY, **changed))] == ["fine"]


def test_faults_come_before_warnings() -> None:
    levels = [item.level for item in findings(replace(HEALTHY, battery_percent=15, dropped=1, rssi_dbm=-99))]
    assert levels == ["fault", "warning", "warning"]


def test_a_checkup_is_json() -> None:
    said = json.loads(json.dumps(replace(HEALTHY, dropped=1).to_json(), allow_nan=False))
    assert said["type"] == "checkup"
    assert said["stats"]["samples"] == 3942
    assert [finding["code"] for finding in said["findings"]] == ["dropped"]


# --- measuring ---


def fed(n: int, *, ppm: float, jitter_s: float, gap_at: int = -1) -> Checkup:
    """An examination of a simulated stream of ``n`` blocks."""
    rng = np.random.default_rng(2)
    found = [Found("Polar H10 1", "AA", -70), Found("", "BB", -50)]
    examination = Examination("Polar H10", found)
    examination.on_notification(next(iter(INFORMATION)), b"Polar Electro Oy\0", 0.0)
    examination.on_notification("fb005c82-02e7-f387-1cad-8acd2d8df0c8", bytes(229), 0.0)
    examination.on_event(LinkState(0, 0.0, "waiting", "", "Polar H10 1"), now_s=100.0)
    examination.on_event(Battery(0, 0.0, 55), now_s=100.0)
    signal = np.linspace(-0.5, 0.5, 73, dtype=np.float32)
    for k in range(n):
        if k == gap_at:
            continue
        true_s = (73 * k + 72) / 130
        stamp = round(true_s * (1 + ppm * 1e-6) * 1e9)
        arrival_s = 101.5 + true_s + rng.uniform(0, jitter_s)
        examination.on_block(SampleBlock(signal, 130.0, 73 * k, stamp, arrival_s))
    examination.on_event(
        LinkState(0, 0.0, "backing_off", "no data for 3.0 s", code=LinkCode.NO_DATA, retry_s=1.0), 999.0
    )
    return examination.checkup(None, seconds=n * 73 / 130)


def test_the_measurements_are_right() -> None:
    checkup = fed(2000, ppm=120.0, jitter_s=0.04, gap_at=500)
    assert (checkup.name, checkup.address, checkup.rssi_dbm) == ("", "", None)
    assert checkup.near == ("Polar H10 1",)
    assert checkup.information == {"manufacturer": "Polar Electro Oy"}
    assert (checkup.battery_percent, checkup.largest_notification, checkup.gaps) == (55, 229, 1)
    assert checkup.first_frame_s == pytest.approx(1.5 + 72 / 130, abs=0.05)
    assert checkup.drift_ppm == pytest.approx(120, abs=3)
    assert checkup.fs_hat == pytest.approx(130.0, rel=1e-5)
    assert checkup.jitter_p50_ms == pytest.approx(20, abs=3)
    assert checkup.jitter_p95_ms == pytest.approx(38, abs=3)
    assert checkup.span_mv == pytest.approx(1.0, abs=0.03)
    assert checkup.losses_of_link == ("no data for 3.0 s",)


def test_notes_are_counted_by_their_code_and_kept_once() -> None:
    examination = Examination("Polar H10")
    for note in (
        *(Note(0, 0.0, NoteCode.CLOCK_STEP, f"stepped by {step} s") for step in range(12)),
        *(Note(0, 0.0, NoteCode.POSSIBLE_LOSS, "about 260 samples may be lost") for _ in range(3)),
        Note(0, 0.0, NoteCode.NOT_STARTED),
        Note(0, 0.0, NoteCode.LATE_FRAME),
        Note(0, 0.0, NoteCode.DROPPED, "7 notifications"),
    ):
        examination.on_event(note, now_s=1.0)
    checkup = examination.checkup()
    assert checkup.clock_steps == 12
    assert checkup.notes == ("about 260 samples may be lost", NoteCode.NOT_STARTED.sentence)


def test_a_short_check_measures_no_drift() -> None:
    checkup = fed(20, ppm=0.0, jitter_s=0.01)
    assert checkup.drift_ppm is None
    assert checkup.fs_hat == pytest.approx(130.0, rel=1e-3)


# --- on virtual straps, in real time ---

FAST = LinkTiming(
    first_find_s=0.3, find_s=0.5, first_frame_s=1.5, no_data_s=1.5, back_off_s=0.01, back_off_max_s=0.05
)


def ecg(seconds: float = 20.0) -> np.ndarray:
    return np.random.default_rng(5).integers(-500, 500, round(seconds * 130)) / 1000


async def examined(
    strap: VirtualH10, *, wanted: str = "Polar H10", mtu: int = 247, seconds: float = 2.0
) -> Checkup:
    async with virtual_strap(strap, mtu=mtu) as backend:
        return await examine(wanted, seconds, look_s=0.1, backend=backend, timing=FAST)


def codes(checkup: Checkup) -> list[str]:
    return [finding.code for finding in findings(checkup)]


async def test_a_good_strap_is_fine() -> None:
    strap = VirtualH10(ecg())
    checkup = await examined(strap)
    assert codes(checkup) == ["fine"]
    assert (checkup.name, checkup.address, checkup.profile) == (strap.name, strap.address, "polar")
    assert checkup.rssi_dbm is not None
    assert (checkup.battery_percent, checkup.largest_notification, checkup.stats.lost) == (87, 229, 0)
    assert checkup.stats.samples >= 3 * 73
    assert checkup.seconds == pytest.approx(2.0, abs=0.5)
    assert checkup.first_frame_s == pytest.approx(73 / 130, abs=0.4)
    assert checkup.fs_hat == pytest.approx(130.0, rel=0.01)
    assert not strap.running


async def test_a_small_mtu_is_found() -> None:
    checkup = await examined(VirtualH10(ecg()), mtu=100)
    assert codes(checkup) == ["mtu_refused"]
    assert checkup.stats.samples == 0


async def test_a_strap_that_is_not_there_is_told_with_what_is() -> None:
    checkup = await examined(VirtualH10(ecg()), wanted="Movesense")
    (finding,) = findings(checkup)
    assert finding.code == "not_found"
    assert "Polar H10 0A1B2C3D" in finding.text


async def test_loss_and_damage_on_the_way_are_found() -> None:
    faults = [Fault(0.6, "drop_frame"), Fault(2.0, "corrupt")]
    checkup = await examined(VirtualH10(ecg(), faults=faults), seconds=5.0)
    assert codes(checkup) == ["loss", "frame_errors"]
    assert (checkup.stats.lost, checkup.gaps) == (146, 2)


async def test_a_lost_link_and_an_empty_battery_are_found() -> None:
    checkup = await examined(
        VirtualH10(ecg(), battery=5, faults=[Fault(0.6, "disconnect", 1.0)]), seconds=6.0
    )
    assert codes(checkup) == ["battery_empty", "link_lost", "loss"]
    assert checkup.losses_of_link == ("the connection was lost",)


async def test_a_strap_that_never_sends_is_found() -> None:
    checkup = await examined(VirtualH10(ecg(10), faults=[Fault(0.0, "silence", 300.0)]))
    assert codes(checkup)[0] == "no_data"
    assert checkup.first_frame_s is None
    assert "no first frame for 1.5 s" in findings(checkup)[0].text


async def test_dry_electrodes_are_found() -> None:
    checkup = await examined(VirtualH10(np.full(2600, 0.004)))
    assert codes(checkup) == ["flat"]
    assert checkup.span_mv == pytest.approx(0.0, abs=1e-6)
    assert math.isfinite(checkup.seconds)
