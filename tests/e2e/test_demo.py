"""The demonstration, as acceptance: what is played through a virtual wearable is what is said at the end."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecgedge.demo.programme import FS, LOST_S, PLAY
from ecgedge.demo.synthetic import Segment, synthesize

pytest.importorskip("bumble", reason="the extra sim is not installed")

TOTAL = round(sum(segment.duration_s for _, segment, _ in PLAY) * FS)

Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What one ``ecgedge demo --json --save`` said and left behind."""

    events: list[Json]
    summary: Json
    record: Path

    def of(self, kind: str) -> list[Json]:
        return [event for event in self.events if event["type"] == kind]

    def part(self, name: str) -> Json:
        return next(part for part in self.summary["parts"] if part["name"] == name)

    def inside(self, kind: str, name: str) -> list[Json]:
        part = self.part(name)
        return [
            event
            for event in self.of(kind)
            if part["start_s"] <= event["time_s"] and event["end_time_s"] <= part["end_s"]
        ]


@pytest.fixture(scope="module")
def ecgedge(program: Any) -> Any:
    return program.cli()


@pytest.fixture(scope="module")
def demo(ecgedge: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    record = tmp_path_factory.mktemp("demo") / "demo.csv"
    done = ecgedge.run("demo", "--json", "--save", str(record))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *events, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert summary["type"] == "summary"
    return Run(events, summary, record)


def labels(events: list[Json]) -> set[str]:
    return {event["label"] for event in events}


def test_sinus_rhythm_is_called_normal(demo: Run) -> None:
    said = demo.inside("rhythm", "sinus rhythm")
    assert len(said) == 7
    assert labels(said) == {"N"}


def test_fibrillation_is_called_fibrillation(demo: Run) -> None:
    said = [event["label"] for event in demo.inside("rhythm", "atrial fibrillation")]
    assert said[-1] == "A"
    assert said.count("A") > len(said) / 2


def test_premature_beats_are_never_called_fibrillation(demo: Run) -> None:
    said = demo.inside("rhythm", "sinus rhythm with PVCs")
    assert said
    assert "A" not in labels(said)


def test_noise_is_rejected_before_it_costs_a_model_run(demo: Run) -> None:
    verdicts = demo.inside("quality", "motion noise")
    assert len(verdicts) >= 3
    assert not any(verdict["accepted"] for verdict in verdicts)
    assert all(verdict["reasons"] for verdict in verdicts)
    assert demo.inside("rhythm", "motion noise") == []
    summary = demo.summary
    assert summary["gate_rejected"] >= 3
    assert summary["windows"] == summary["gate_rejected"] + summary["model_runs"]
    assert summary["model_runs"] == len(demo.of("rhythm"))


def test_the_clean_parts_pass_the_gate(demo: Run) -> None:
    for name in ("sinus rhythm", "atrial fibrillation", "sinus rhythm with PVCs"):
        verdicts = [verdict["accepted"] for verdict in demo.inside("quality", name)]
        assert sum(verdicts) >= 0.8 * len(verdicts), name


def test_the_gap_is_exactly_what_was_lost(demo: Run) -> None:
    (gap,) = demo.of("gap")
    assert gap["lost"] == gap["end_sample"] - gap["sample"] == round(LOST_S * FS)
    assert gap["reason"] == "lost"
    assert demo.summary["lost_expected"] == demo.summary["lost_reported"] == gap["lost"]
    assert demo.summary["samples"] + gap["lost"] == TOTAL
    part = demo.part("lost connection")
    assert part["start_s"] < gap["time_s"] < gap["end_time_s"] < part["end_s"]


def test_the_link_comes_back_and_the_rhythm_with_it(demo: Run) -> None:
    states = [event["state"] for event in demo.of("linkstate")]
    up = ["scanning", "connecting", "setting_up", "waiting", "streaming"]
    assert states == [*up, "backing_off", *up, "stopped"]
    (gap,) = demo.of("gap")
    after = [event for event in demo.of("rhythm") if event["time_s"] >= gap["end_time_s"]]
    assert labels(after) == {"N"}
    assert demo.summary["recovered_after_s"] <= 15


def test_time_and_memory_are_measured(demo: Run) -> None:
    summary = demo.summary
    assert {"filter", "beats", "gate", "hrv", "rhythm"} <= set(summary["latency"])
    for times in [*summary["latency"].values(), summary["notification_to_event"]]:
        assert 0 < times["p50_ms"] <= times["p99_ms"] <= times["max_ms"]
        assert times["count"] > (5 if times is summary["latency"]["hrv"] else 20)  # once a minute
    assert 10 < summary["peak_memory_mb"] < 1000


def test_what_was_recorded_replays_to_the_same_events(ecgedge: Any, demo: Run) -> None:
    done = ecgedge.run("replay", str(demo.record), "--json")
    assert done.returncode == 0, done.stderr
    *replayed, summary = [json.loads(line) for line in done.stdout.splitlines()]
    for kind in ("beat", "quality", "rhythm", "hrv", "gap"):
        kept = [event for event in replayed if event["type"] == kind]
        assert without_times(kept) == without_times(demo.of(kind))
    assert summary["beats"] == demo.summary["beats"]


def without_times(events: list[Json]) -> list[Json]:
    """Events without what the measured rate of the live link changes in the last digits."""
    return [{key: value for key, value in e.items() if type(value) is not float} for e in events]


def test_in_words_it_announces_the_parts_and_ends_with_the_table(ecgedge: Any) -> None:
    done = ecgedge.run("demo", "--speed", "200", "--seed", "1")
    assert done.returncode == 0, done.stderr
    for name, _, _ in PLAY:
        assert f"-- playing: {name}" in done.stdout
    assert "1560 samples lost, 1560 reported" in done.stdout
    assert "Not a medical device." in done.stdout


def test_on_a_terminal_it_shows_the_waveform_then_the_table(ecgedge: Any) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {
        key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")
    }
    environment |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    terminal = {"stdout": theirs, "stdin": theirs, "stderr": None}
    with ecgedge.start("demo", "--speed", "100", env=environment, **terminal) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 0
    assert "\x1b[?1049h" in shown  # the live view takes the whole screen, and
    live, _, after = shown.partition("\x1b[?1049l")  # gives it back
    assert any("\u2801" <= character <= "\u28ff" for character in live)
    for words in (
        "atrial fibrillation",
        "refused: no model run",
        "too noisy",
        "1560 samples lost",
        "battery 87 %",
    ):
        assert words in live
    assert "model runs" in after


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_a_wfdb_record_is_played_instead(ecgedge: Any, tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb", reason="the extra wfdb is not installed")
    mv = synthesize([Segment("af", 60)], fs=250, seed=4).mv[:, None].astype(float)
    wfdb.wrsamp("af", fs=250, units=["mV"], sig_name=["I"], p_signal=mv, fmt=["16"], write_dir=str(tmp_path))
    done = ecgedge.run("demo", "--json", "--play", str(tmp_path / "af"))
    assert done.returncode == 0, done.stderr
    *events, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert summary["samples"] == 60 * FS
    assert summary["lost_reported"] == 0
    assert [part["name"] for part in summary["parts"]] == ["af"]
    assert [event["label"] for event in events if event["type"] == "rhythm"][-1] == "A"


def read_all(descriptor: int) -> str:
    """Everything that a process writes to its terminal; Linux reports its end as an I/O error."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts).decode()
        parts.append(part)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_it_cleanly(ecgedge: Any, number: signal.Signals, status: int) -> None:
    with ecgedge.start("demo", "--json", "--speed", "1") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"streaming"' in line:
                process.send_signal(number)
                break
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors == ""
    # A summary follows where there was signal already.
    ended = [event for event in map(json.loads, rest.splitlines()) if event["type"] != "summary"]
    assert ended[-1]["state"] == "stopped"


def test_a_file_that_cannot_be_written_is_one_clear_line(ecgedge: Any, tmp_path: Path) -> None:
    done = ecgedge.run("demo", "--json", "--save", str(tmp_path / "none" / "demo.csv"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "choose another file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("speed", ["0", "-1", "1e9", "nan"])
def test_a_speed_that_cannot_be_played_is_refused(ecgedge: Any, speed: str) -> None:
    done = ecgedge.run("demo", "--json", "--speed", speed)
    assert done.returncode == 1
    assert "give 1 (real time) to 1000" in done.stderr
    assert len(done.stderr.splitlines()) == 1
