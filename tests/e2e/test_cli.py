"""The command line as a user meets it: in its own process, judged by stdout, stderr and exit status."""

from __future__ import annotations

import gzip
import json
import sys
import warnings
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # wfdb 4.3 beside pandas 3.1
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

MV = np.round(synthesize([Segment("sinus", 70)], fs=130, seed=1).mv.astype(np.float64), 3)


@pytest.fixture
def ecgedge(program: Any) -> Any:
    return program.cli()


def json_lines(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    """Events of a run that has to have gone well; fails if anything but JSON is on stdout."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A minute of sinus rhythm as a strap's logger writes it."""
    path = tmp_path / "h10.csv"
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(MV.astype(np.float32), fs=130.0))
    return path


# --- replay ---


def test_replay_says_beats_quality_and_rhythm_as_json_lines(ecgedge: Any, csv: Path) -> None:
    events = json_lines(ecgedge.run("replay", str(csv), "--json"))
    assert {event["type"] for event in events} == {"beat", "quality", "rhythm", "hrv", "summary"}
    assert all("sample" in event and "time_s" in event for event in events)
    beats = [event["sample"] for event in events if event["type"] == "beat"]
    assert len(beats) == pytest.approx(70 * 68 / 60, abs=8)
    assert {event["label"] for event in events if event["type"] == "rhythm"} == {"N"}


def test_replay_with_waves_says_intervals_too(ecgedge: Any, csv: Path) -> None:
    plain = json_lines(ecgedge.run("replay", str(csv), "--json"))
    events = json_lines(ecgedge.run("replay", str(csv), "--json", "--waves"))
    assert [e for e in events if e["type"] not in ("waves", "intervals")] == plain
    beats = [event["sample"] for event in events if event["type"] == "beat"]
    assert [event["sample"] for event in events if event["type"] == "waves"] == beats
    minute = next(event for event in events if event["type"] == "intervals")
    assert minute["qt_beats"] > 0.8 * minute["beats"] > 40
    lines = ecgedge.run("replay", str(csv), "--waves").stdout.splitlines()
    assert [line.split()[:2] for line in lines if "QTc" in line] == [["1:00", "PR"], ["1:10", "PR"]]


def test_replay_knows_the_wearers_age(ecgedge: Any, csv: Path) -> None:
    def af(*options: str) -> list[float]:
        events = json_lines(ecgedge.run("replay", str(csv), "--json", *options))
        return [event["probabilities"]["A"] for event in events if event["type"] == "rhythm"]

    young, plain = af("--age", "25", "--sex", "male"), af()
    assert len(young) == len(plain)
    assert all(a < b for a, b in zip(young, plain, strict=True))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--age", "-1"), "age is -1"),
        (("--age", "nan"), "age is nan"),
        (("--age", "70", "--sex", "F"), "'female', 'male'"),
        (("--sex", "male"), "without --age"),
    ],
)
def test_replay_refuses_a_wearer_whom_there_cannot_be(
    ecgedge: Any, csv: Path, options: tuple[str, ...], says: str
) -> None:
    done = ecgedge.run("replay", str(csv), *options)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.replace("│", " ").split())


def test_replay_says_the_same_of_csv_gzip_wfdb_and_one_column(
    ecgedge: Any, csv: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "h10.csv.gz"
    packed.write_bytes(gzip.compress(csv.read_bytes()))
    column = tmp_path / "mv.csv"
    np.savetxt(column, MV, fmt="%.3f")
    wfdb.wrsamp("r1", fs=130, units=["mV"], sig_name=["I"], p_signal=MV[:, None], fmt=["16"],
                adc_gain=[1000.0], baseline=[0], write_dir=str(tmp_path))  # fmt: skip
    expected = json_lines(ecgedge.run("replay", str(csv), "--json"))
    assert json_lines(ecgedge.run("replay", str(packed), "--json")) == expected
    assert json_lines(ecgedge.run("replay", str(tmp_path / "r1"), "--json")) == expected
    assert json_lines(ecgedge.run("replay", str(column), "--fs", "130", "--json")) == expected


def test_replay_reports_holes_and_missing_values_as_gaps(ecgedge: Any, csv: Path) -> None:
    rows = csv.read_text().splitlines()
    rows[3001:3006] = [row.split(",")[0] + ",nan" for row in rows[3001:3006]]
    csv.write_text("\n".join(rows[:5001] + rows[5401:]))
    gaps = [
        event for event in json_lines(ecgedge.run("replay", str(csv), "--json")) if event["type"] == "gap"
    ]
    assert [(gap["sample"], gap["lost"], gap["reason"]) for gap in gaps] == [
        (3000, 5, "not_finite"),
        (5000, 400, "lost"),
    ]


def test_replay_in_words_ends_with_what_it_came_to(ecgedge: Any, csv: Path) -> None:
    done = ecgedge.run("replay", str(csv))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "sinus rhythm" in lines[0]
    assert "7 windows: 0 rejected as noise, 7 model runs; 9100 samples, 0 missing" in done.stdout


def test_a_closed_pipe_is_quiet(ecgedge: Any, csv: Path) -> None:
    with ecgedge.start("replay", str(csv), "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        json.loads(process.stdout.readline())
        process.stdout.close()
        assert process.stderr.read() == ""


# --- what goes wrong ---


def fails_with_one_line(done: CompletedProcess[str], *says: str) -> None:
    """An error is one line on stderr, exit status 1, and nothing on stdout."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ecgedge: ")
    for words in says:
        assert words in lines[0]


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        ("", (), ("is empty", "record again")),
        ("1\n2\nthree\n", ("--fs", "130"), ("line 3", "no number", "repair")),
        ("1\n2\n", (), ("no time column", "--fs")),
        ("time_ns,acc\n1,2\n", (), ("line 1", "ECG column is missing", "name one 'ecg_uV'")),
        ("1\n2\n", ("--fs", "-130"), ("fs is -130 Hz", "50 to 4000")),
        ("1\n2\n", ("--fs", "999999"), ("999999 Hz", "50 to 4000")),
        ("time_ns,ecg_uV\n1,2\n", ("--channel", "V5"), ("column 'V5' is missing", "name one")),
    ],
)
def test_a_bad_file_is_one_clear_line(
    ecgedge: Any, tmp_path: Path, content: str, arguments: tuple[str, ...], says: tuple[str, ...]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    fails_with_one_line(ecgedge.run("replay", str(path), *arguments, "--json"), *says)


def test_what_is_not_there_is_one_clear_line(ecgedge: Any, tmp_path: Path, csv: Path) -> None:
    fails_with_one_line(ecgedge.run("replay", str(tmp_path / "none.csv")), "no such file", "check the path")
    fails_with_one_line(ecgedge.run("replay", str(tmp_path)), "is a folder", "name one recording")
    fails_with_one_line(
        ecgedge.run("replay", str(csv), "--model", str(tmp_path)), "manifest.json", "model folder"
    )
    fails_with_one_line(ecgedge.run("replay", str(csv), "--backend", "abacus"), "abacus", "litert")


@pytest.mark.parametrize("command", [("scan", "--json"), ("run", "Polar H10", "--json")])
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Bluetooth is not reached over D-Bus")
def test_no_bluetooth_is_one_clear_line(ecgedge: Any, command: tuple[str, ...]) -> None:
    done = ecgedge.run(*command, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent/bus")
    states = [json.loads(line)["state"] for line in done.stdout.splitlines()]
    assert states in ([], ["scanning", "stopped"])
    done.stdout = ""
    fails_with_one_line(done, "install and start", "bluez")


def test_missing_extras_name_their_pip_line(program: Any, tmp_path: Path) -> None:
    wfdb.wrsamp("r1", fs=130, units=["mV"], sig_name=["I"], p_signal=MV[:500, None], fmt=["516"],
                write_dir=str(tmp_path))  # fmt: skip
    hidden = "import sys; sys.modules['{}'] = None"
    replay = program.cli("replay", str(tmp_path / "r1"), before=hidden.format("wfdb"))
    fails_with_one_line(replay.run(), "pip install 'ecgedge[wfdb]'")
    demo = program.cli("demo", "--json", before=hidden.format("bumble"))
    fails_with_one_line(demo.run(), "pip install 'ecgedge[sim]'")


@pytest.mark.parametrize(
    "arguments", [("fly",), ("replay",), ("replay", "x.csv", "--fs", "fast"), ("demo", "--seed", "-1")]
)
def test_a_mistyped_command_is_a_usage_error(ecgedge: Any, arguments: tuple[str, ...]) -> None:
    done = ecgedge.run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: ecgedge" in done.stderr
    assert "Traceback" not in done.stderr


# --- the rest ---


def test_models_lists_what_is_in_the_package(ecgedge: Any) -> None:
    entries = {entry["name"]: entry for entry in json_lines(ecgedge.run("models", "--json"))}
    rhythm = entries["rhythm"]
    assert rhythm["task"] == "rhythm"
    assert rhythm["classes"] == ["N", "A", "O", "~"]
    assert set(rhythm["bytes"]) == {"tflite", "onnx"}
    assert all(1000 < size < 5_000_000 for size in rhythm["bytes"].values())
    assert "ecgedge-export" in rhythm["metrics"]["command"]
    words = ecgedge.run("models").stdout
    assert "rhythm: names the rhythm" in words


def test_help_lists_the_commands(ecgedge: Any) -> None:
    done = ecgedge.run("--help")
    assert done.returncode == 0
    for command in ("demo", "replay", "run", "scan", "models"):
        assert f"\n  {command} " in done.stdout
