"""``ecgedge run A --beside B``: two straps at once, each with its own files, lines and summary."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from ecgedge.recording.database.stored import StoredRecording

BOTH = ("Polar H10 A", "Polar H10 B")
PLACES = {"Polar-H10-A", "Polar-H10-B"}


@pytest.fixture
def both(on_strap: Any) -> Any:
    return on_strap("run", BOTH[0], "--beside", BOTH[1])


def run_until_both_have_a_rhythm(both: Any, *options: str) -> tuple[list[dict[str, Any]], str]:
    """Events of both, and what was said on stderr."""
    with both.start("--json", *options) as process:
        lines, seen = [], set()
        while len(seen) < 2:
            lines.append(json.loads(process.stdout.readline()))
            if lines[-1]["type"] == "rhythm":
                seen.add(lines[-1]["wearable"])
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    return [*lines, *map(json.loads, rest.splitlines())], errors


def test_both_are_analysed_recorded_and_told_to_stop(both: Any, tmp_path: Path) -> None:
    record, save = str(tmp_path / "{device}.db"), str(tmp_path / "ecg-{device}.csv")
    events, errors = run_until_both_have_a_rhythm(both, "--record", record, "--save", save)
    assert errors.count("told 0100 0200 0300") == 2
    assert {event["wearable"] for event in events} == set(BOTH)
    for name in BOTH:
        own = [event for event in events if event["wearable"] == name]
        assert {"linkstate", "battery", "beat", "rhythm", "summary"} <= {event["type"] for event in own}
        assert own[-1]["type"] == "summary"
    assert {path.stem for path in tmp_path.glob("*.db")} == PLACES
    assert {path.stem.removeprefix("ecg-") for path in tmp_path.glob("*.csv")} == PLACES
    for path in tmp_path.glob("*.db"):
        with StoredRecording(path) as stored:
            assert len(stored.signal(0.0, 30.0)) > 130
            assert stored.sessions[0].facts["device"] in BOTH


def test_one_that_is_away_keeps_nobody_from_going_on(on_strap: Any) -> None:
    with on_strap("run", "away", "--beside", "Polar H10 B").start("--json") as process:
        while json.loads(process.stdout.readline())["type"] != "rhythm":
            pass
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "away: away was not found: put it on" in errors


def test_when_all_have_failed_the_command_fails(on_strap: Any) -> None:
    done = on_strap("run", "away", "--beside", "away").run()
    assert done.returncode == 2
    assert "two have the same name" in done.stderr
    done = on_strap("run", "away").run()
    assert (done.returncode, done.stderr) == (1, "ecgedge: away was not found: put it on\n")


@pytest.mark.parametrize(("option", "target"), [("--record", "a.db"), ("--save", "a.csv")])
def test_two_do_not_write_to_one_file(both: Any, option: str, target: str) -> None:
    done = both.run(option, target)
    assert done.returncode == 2
    assert "{device}" in done.stderr


def test_a_name_cannot_lead_out_of_a_folder(on_strap: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    hostile = "../../up\x1b[2J"
    run = on_strap("run", hostile, "--beside", "Polar H10 B")
    events, _ = run_until_both_have_a_rhythm(run, "--record", str(tmp_path / "in" / "{device}.db"))
    assert events
    assert {path.name for path in (tmp_path / "in").iterdir() if path.suffix == ".db"} == {
        "up-2J.db",
        "Polar-H10-B.db",
    }


def test_the_page_has_a_card_for_each(both: Any) -> None:
    client = pytest.importorskip("websockets.sync.client")
    with both.start("--json", "--web-at", "127.0.0.1:0") as process:
        told = re.search(r"http://(127\.0\.0\.1:\d+)/", process.stderr.readline())
        assert told is not None
        with client.connect(f"ws://{told[1]}/stream", proxy=None, open_timeout=60) as viewer:
            hello = json.loads(viewer.recv(60))
            while len(hello["wearables"]) < 2:
                message = viewer.recv(60)
                if isinstance(message, str) and json.loads(message)["type"] == "hello":
                    hello = json.loads(message)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert [one["name"] for one in hello["wearables"]] == list(BOTH)


def test_lines_for_people_name_the_wearable(both: Any) -> None:
    with both.start() as process:
        lines: list[str] = []
        while not all(any(line.startswith(name) and "sinus" in line for line in lines) for name in BOTH):
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    assert all(f"\n{name}\n" in rest for name in BOTH)  # above its summary
