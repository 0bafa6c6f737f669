"""``ecgedge simulate`` in this process: every profile plays a recording to our own client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.cli.commands.simulate import make_wearable
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.protocols.profiles import PROFILES
from ecgedge_bridge.simulation.on_air import WearableServer
from ecgedge_bridge.values import SampleBlock

pytest.importorskip("bumble", reason="the extra sim is not installed")


@pytest.fixture
def simulate(program: Any) -> Any:
    return program.cli("simulate")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "ecg.csv"
    mv = synthesize([Segment("sinus", 20)], fs=130, seed=1).mv.astype(np.float32)
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(mv, fs=130.0))
    return path


@pytest.mark.parametrize("profile", ["polar", "movesense", "movesense_firmware", "ecgedge", "healthypi"])
def test_a_recording_comes_through_with_the_fault_that_was_asked_for(
    simulate: Any, record: Path, profile: str
) -> None:
    done = simulate.run(
        profile,
        "--in-process",
        "--play",
        str(record),
        "--speed",
        "20",
        "--fault",
        "disconnect@10:2",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    events: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    states = [event["state"] for event in events if event["type"] == "linkstate"]
    assert states.count("backing_off") == 1
    assert states[-1] == "stopped"
    (gap,) = [event for event in events if event["type"] == "gap"]
    assert gap["time_s"] == pytest.approx(10, abs=1)
    if profile != "healthypi":  # without stamps a loss is what arrival times say, and these are played fast
        assert gap["end_time_s"] - gap["time_s"] == pytest.approx(2, abs=0.05)
    beats = [event["time_s"] for event in events if event["type"] == "beat"]
    assert len(beats) > 12


def test_a_strap_of_nothing_but_heart_rate(simulate: Any) -> None:
    with simulate.start("heart_rate", "--in-process", "--speed", "20", "--json") as process:
        assert process.stdout is not None
        said = (json.loads(line) for line in process.stdout)
        assert next(event["bpm"] for event in said if event["type"] == "heartrate") == 72
        process.terminate()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("abacus", "--in-process"), 1, "unknown profile 'abacus'"),
        (("polar", "--in-process", "--fault", "fire@3"), 2, "write e.g. disconnect@30:5"),
        (("polar", "--in-process", "--fault", "disconnect@x"), 2, "write e.g. disconnect@30:5"),
        (("polar", "--in-process", "--play", "none.csv"), 1, "no such file: none.csv"),
        (("healthypi", "--in-process", "--fs", "500"), 1, "no rate of 500 Hz"),
        (("polar", "--transport", "nonsense"), 1, "cannot use the adapter nonsense"),
    ],
)
def test_mistakes_are_told(simulate: Any, arguments: tuple[str, ...], status: int, says: str) -> None:
    done = simulate.run(*arguments)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", "x" * 27, "\U0001f600" * 7])
def test_a_name_that_does_not_fit_an_advertisement_is_refused(program: Any, name: str) -> None:
    done = program.cli("simulate", "polar", "--in-process", "--name", name).run()
    assert done.returncode == 2
    assert "a name has 1 to 26 bytes" in done.stderr


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_advertisements_are_short_enough_for_linux(profile: str) -> None:
    """Linux drops advertisements of more than 31 bytes without a word to the program that scans."""
    server = WearableServer(make_wearable(profile, None, None, {}), device=None)
    advertisement, scan_response = server._advertised()
    assert 3 < len(advertisement) <= 31
    assert len(scan_response) <= 31
