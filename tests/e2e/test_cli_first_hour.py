"""A stranger's first hour: commands as they are typed, also wrong ones, on terminals of every kind."""

from __future__ import annotations

import json
import os
import pty
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecgedge as package
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.protocols.profiles import PROFILES
from ecgedge_bridge.values import SampleBlock

ROOT = Path(__file__).parents[2]
VIEW = "\x1b[?1049h"  # the switch to the whole screen


@pytest.fixture
def ecgedge(program: Any) -> Any:
    return program.cli()


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "ecg.csv"
    with CsvWriter(path) as writer:
        mv = synthesize([Segment("sinus", 80), Segment("noise", 30)], seed=1).mv.astype(np.float32)
        writer.write(SampleBlock(mv, fs=130.0))
    return path


# --- what a stranger asks first ---


def test_the_bare_command_helps_and_is_no_error(ecgedge: Any) -> None:
    done = ecgedge.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "Commands:" in done.stdout
    assert "ecgedge demo" in done.stdout


def test_the_version(ecgedge: Any) -> None:
    done = ecgedge.run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ecgedge {package.__version__}\n", "")


def test_simulate_names_every_profile(ecgedge: Any) -> None:
    listed = ecgedge.run("simulate", "--help").stdout.partition("Profiles:")[2].partition("Faults:")[0]
    assert {line.split()[0] for line in listed.splitlines() if line.strip()} == set(PROFILES)


def test_models_are_told_in_words_with_their_places(ecgedge: Any) -> None:
    done = ecgedge.run("models")
    assert (done.returncode, done.stderr) == (0, "")
    blocks = done.stdout.strip().split("\n\n")
    names = ["beats", "beat_classes", "waves", "tokens", "leads", "gate", "rhythm"]
    assert [block.split(":")[0] for block in blocks] == names
    for block in blocks:
        place = block.splitlines()[-1].split("  (")[0].strip()
        assert (Path(place) / "manifest.json").is_file()
        assert "%" in block  # how good it is
        assert not set("{}[]_").intersection(block.splitlines()[2])


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = {name for line in text.splitlines() if line.startswith(".PHONY:") for name in line.split()[1:]}
    told = {line.split(":")[0] for line in text.splitlines() if ":" in line and "  ## " in line}
    assert told == targets


# --- replay ---


def test_replay_tells_changes_and_ends_with_a_summary(ecgedge: Any, csv: Path) -> None:
    done = ecgedge.run("replay", str(csv))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line[10:] for line in done.stdout.splitlines()]
    assert sum(line.startswith("sinus rhythm") for line in lines) == 1
    assert any(line.startswith("still sinus rhythm, ") for line in lines)
    assert sum(line.startswith("too noisy (") for line in lines) == 1
    summary = done.stdout.partition("Summary of ")[2].splitlines()
    subjects = {line[:13].strip() for line in summary if line.startswith("  ")}
    assert {"signal", "heart rate", "rhythm", "AF", "beats", "pauses"} <= subjects
    assert summary[-1] == "Not a medical device."


def test_replay_as_json_ends_with_the_summary(ecgedge: Any, csv: Path) -> None:
    *events, last = map(json.loads, ecgedge.run("replay", str(csv), "--json").stdout.splitlines())
    assert last["type"] == "summary"
    assert [event["type"] for event in events].count("summary") == 0
    beats = [event for event in events if event["type"] == "beat" and event["time_s"] < 78]
    rate = 60 * (len(beats) - 1) / (beats[-1]["time_s"] - beats[0]["time_s"])
    assert last["heart_rate_bpm"] == pytest.approx(rate, rel=0.03)
    assert last["rhythms"] == {"N": 1.0}


def test_another_rhythm_is_explained(ecgedge: Any, tmp_path: Path) -> None:
    path = tmp_path / "pvc.csv"
    with CsvWriter(path) as writer:
        mv = synthesize([Segment("pvc", 60)], seed=1).mv.astype(np.float32)
        writer.write(SampleBlock(mv, fs=130.0))
    shown = ecgedge.run("replay", str(path)).stdout
    assert "another rhythm, neither normal sinus nor AF" in shown
    assert "Another rhythm is what is neither normal sinus rhythm nor AF" in shown


# --- mistakes: one line, no traceback ---

MISTAKES = [
    ("replay", "."), ("replay", "~nosuchuser/a.csv"), ("replay", "none.csv"), ("demo", "--play", "."),
    ("demo", "--save", "~nosuchuser/a.csv"), ("demo", "--save", "none/a.csv"), ("demo", "--save", "a.doc"),
    ("demo", "--play", "~nosuchuser/a.csv"), ("simulate", "~nosuchuser/a.toml", "--in-process"),
    ("simulate", "deep.toml", "--in-process"), ("replay", "ok.csv", "--model", "."),
    ("replay", "ok.csv", "--model", "~nosuchuser"), ("replay", "ok.csv", "--model", "deep"),
    ("replay", "a" * 5000), ("replay", "a\udc80"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_one_line(
    ecgedge: Any, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    csv.rename("ok.csv")
    Path("deep.toml").write_text("a = " + "[" * 100_000)
    Path("deep").mkdir()
    Path("deep/manifest.json").write_text('{"a": ' + "[" * 100_000)
    done = ecgedge.run(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("ecgedge: ")
    assert len(line) < 1100


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [("models",), ("models", "--json"), ("--help",), (), ("replay", "CSV"), ("replay", "CSV", "--json")],
)
def test_a_full_disk_is_one_line(ecgedge: Any, csv: Path, arguments: tuple[str, ...]) -> None:
    arguments = tuple(str(csv) if argument == "CSV" else argument for argument in arguments)
    with Path("/dev/full").open("w") as full, ecgedge.start(*arguments, stdout=full) as process:
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
    assert process.returncode == 1
    assert "No space left on device" in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_full_disk_under_a_saved_file_names_it(ecgedge: Any, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"full.{ending}"
    path.symlink_to("/dev/full")
    done = ecgedge.run("demo", "--json", "--save", str(path), "--force", "--speed", "1000")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"ecgedge: cannot write {path}: No space left on device: choose another file"
    ]


def test_a_recording_is_not_played_onto_itself(ecgedge: Any, csv: Path) -> None:
    before = csv.read_bytes()
    for more in ((), ("--force",)):
        done = ecgedge.run("demo", "--play", str(csv), "--save", str(csv), *more)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert csv.read_bytes() == before


def test_no_saved_file_is_replaced_unasked_and_a_failed_start_leaves_none(ecgedge: Any, csv: Path) -> None:
    other = csv.with_name("b.csv")
    done = ecgedge.run("demo", "--save", str(other), "--save", str(csv))
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert not other.exists()


# --- terminals, and how they go away ---


def on_terminal(
    start: Any, *arguments: str, until: str = "", number: int = 0, **environment: str
) -> tuple[str, int]:
    """Run a command on a terminal of 100 by 30; give it a signal once some words were shown."""
    ours, theirs = pty.openpty()
    base = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    base |= {"PYTHONIOENCODING": "utf-8", "COLUMNS": "100", "LINES": "30"}
    shown = ""
    with start(*arguments, env=base | environment, stdout=theirs, stdin=theirs, stderr=None) as process:
        os.close(theirs)
        try:
            while part := os.read(ours, 65536):
                shown += part.decode("utf-8", "replace")
                if until and until in shown:
                    process.send_signal(number)
                    until = ""
        except OSError:  # Linux, when the other side is closed
            pass
    os.close(ours)
    return shown, process.returncode


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}, {}])
def test_a_terminal_without_a_view_shows_lines(ecgedge: Any, environment: dict[str, str]) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    shown, status = on_terminal(ecgedge.start, "demo", "--speed", "200", **environment)
    assert status == 0
    assert VIEW not in shown
    assert "sinus rhythm (" in shown


def test_ctrl_c_leaves_a_summary_behind_the_view(ecgedge: Any) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    shown, status = on_terminal(
        ecgedge.start, "demo", "--speed", "50", until="1:40", number=signal.SIGINT, TERM="xterm-256color"
    )
    assert status == 130
    live, _, after = shown.partition("\x1b[?1049l")
    assert VIEW in live
    assert "Summary of " in after
    assert "heart rate" in after
    assert "Traceback" not in shown


def test_a_closed_terminal_stops_the_strap(on_strap: Any) -> None:
    run = on_strap("run", "Polar H10")
    with run.start("--json") as process:
        for line in process.stdout:
            if '"beat"' in line:
                break
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGHUP)  # a shell and the kernel each send one
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (129, "told 0100 0200 0300\n")
