"""Golden vectors and sessions: the same each time, with all in them that can go wrong, spoken as ours are."""

from __future__ import annotations

import json
from typing import Any

import pytest

import ecgedge
from ecgedge_bridge.protocols.polar.control import GET_ECG_SETTINGS, START_ECG, STOP_ECG
from ecgedge_bridge.protocols.profiles import PROFILES
from ecgedge_export.ship.native.golden import CASES, MAKERS, frames_of, golden, heard, played
from ecgedge_export.ship.native.sessions import sessions


@pytest.fixture(scope="module")
def models() -> ecgedge.Models:
    return ecgedge.Models.load("core")


@pytest.fixture(scope="module")
def files(models: ecgedge.Models) -> dict[str, bytes]:
    return golden(models)


def rows(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[f"golden/{name}"].splitlines()]


def test_they_are_the_same_each_time(models: ecgedge.Models, files: dict[str, bytes]) -> None:
    assert golden(models) == files


def test_all_that_a_port_has_to_get_right_is_in_them(files: dict[str, bytes]) -> None:
    events = rows(files, "polar/events.jsonl")
    kinds = {event["type"] for event in events}
    assert kinds == {"beat", "quality", "rhythm", "hrv", "gap", "note", "framelost"}
    rhythms = [event for event in events if event["type"] == "rhythm"]
    assert {event["label"] for event in rhythms} == {"N", "A", "O"}
    told = {(event["rate"], event["sinus"]) for event in rhythms}
    assert told >= {("bradycardia", True), ("tachycardia", True), (None, False), (None, True)}
    assert {event["af"] for event in rhythms} >= {True, False}
    assert {event["symbol"] for event in events if event["type"] == "beat"} >= {"N", "V"}
    assert {event["accepted"] for event in events if event["type"] == "quality"} == {True, False}
    assert any(event["lf_hf"] and event["sample_entropy"] for event in events if event["type"] == "hrv")
    codes = {
        event["code"] for name in CASES for event in rows(files, f"{name}/link.jsonl") if "code" in event
    }
    assert codes >= {"late_frame", "clock_step", "estimated_loss", "kind", "length", "checksum"}
    assert all(row["fs_hat"] != 130.0 for row in rows(files, "polar/blocks.jsonl")[10:])


@pytest.mark.parametrize("name", CASES)
def test_frames_lead_to_the_events_when_they_are_heard_again(
    name: str, models: ecgedge.Models, files: dict[str, bytes]
) -> None:
    frames = frames_of(files[f"golden/{name}/frames.jsonl"].decode())
    again, first = heard(name, frames, models), played(name, models)
    assert again.events == first.events
    assert again.link == first.link
    count = sum(row["count"] for row in rows(files, f"{name}/blocks.jsonl"))
    assert len(files[f"golden/{name}/samples.f32"]) == 4 * count


def test_every_profile_has_a_session_and_a_wearable_to_try_it_on() -> None:
    found = sessions()["profiles"]
    assert found.keys() == PROFILES.keys() == MAKERS.keys()
    for name, profile in found.items():
        assert profile["start"][-1]["do"] in ("subscribe", "wait", "write"), name
        assert profile["data_uuid"] in {step["uuid"] for step in profile["start"]}
        assert all(bytes.fromhex(step["hex"]) for step in profile["start"] if step["do"] == "write")


def test_a_polar_strap_is_started_and_stopped_as_it_is_documented() -> None:
    polar = sessions()["profiles"]["polar"]
    assert [step["do"] for step in polar["start"]] == ["subscribe"] * 2 + ["write", "wait"] * 2
    written = [bytes.fromhex(step["hex"]) for step in polar["start"] if step["do"] == "write"]
    assert written == [GET_ECG_SETTINGS, START_ECG]
    assert [step.get("hex") for step in polar["stop"]] == [STOP_ECG.hex(), None]
    assert polar["start_with"].keys() == {"battery", "heart_rate", "acc"}
    assert polar["start_with"]["battery"][0]["do"] == "read"
