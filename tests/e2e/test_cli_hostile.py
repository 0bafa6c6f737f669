"""Foreign text on the command line: names of others are shown, but a terminal finds nothing to obey."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.capture.file import CaptureHeader, CaptureWriter, LinkRecord
from ecgedge_bridge.values import SampleBlock

# The clipboard, the screen, a bell, a right-to-left override, rich's markup, an emoji code, a forged line.
HOSTILE = "\x1b]52;c;cm0=\x07\x1b[2J\x9b31m\u202e[red]x[blink]:smile:\r\nforged\u2028forged"
TOLD = "x[blink]:smile:"  # what has to be left of it


def is_harmless(done: CompletedProcess[str]) -> None:
    """Fails if anything but printable characters and line feeds was written, or a line was forged."""
    assert "Traceback" not in done.stderr
    for line in f"{done.stdout}\n{done.stderr}".split("\n"):
        assert line.isprintable(), line
        assert not line.startswith("forged")


@pytest.fixture
def ecgedge(program: Any) -> Any:
    return program.cli()


def bad_csv(folder: Path) -> list[str]:
    path = folder / f"{HOSTILE}.csv"
    path.write_text("1\n2\nthree\n")
    return ["replay", str(path), "--fs", "130"]


def good_csv(folder: Path) -> list[str]:
    path = folder / f"{HOSTILE}.csv"
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(np.random.default_rng(1).normal(0, 0.2, 2600).astype(np.float32), fs=130.0))
    return ["replay", str(path)]


def column(folder: Path) -> list[str]:
    path = folder / "a.csv"
    path.write_text(
        f'time_ns,"{HOSTILE}"\n' + "".join(f"{i * 8000000},{i % 7}\n" for i in range(300)), "utf-8"
    )
    return ["replay", str(path), "--channel", HOSTILE]


def wfdb_header(folder: Path) -> list[str]:
    (folder / "r.hea").write_text(f"r 1 250 1000\nnone.dat 16 200 16 0 0 0 0 {HOSTILE}\n", "utf-8")
    return ["replay", str(folder / "r")]


def toml_key(folder: Path) -> list[str]:
    path = folder / "a.toml"
    path.write_text(f"{json.dumps(HOSTILE)} = 1\n", "utf-8")
    return ["simulate", str(path), "--in-process"]


def toml_key_of_a_mistyped_command(folder: Path) -> list[str]:
    return ["doctor", "Polar H10", "--profile", toml_key(folder)[1]]


def manifest(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], list[str]]:
    def made(folder: Path) -> list[str]:
        shutil.copytree(BUNDLED / "rhythm", folder / "rhythm")
        path = folder / "rhythm" / "manifest.json"
        content = json.loads(path.read_text("utf-8"))
        change(content)
        path.write_text(json.dumps(content), "utf-8")
        return [*good_csv(folder), "--model", str(folder / "rhythm")]

    return made


def tensor_name(content: dict[str, Any]) -> None:
    for backend in content["backends"].values():
        for key in ("input", "output"):
            if isinstance(backend.get(key), dict):
                backend[key]["name"] = HOSTILE


def unknown_key(content: dict[str, Any]) -> None:
    content[HOSTILE] = 1


def task(content: dict[str, Any]) -> None:
    content["task"] = HOSTILE


def file_of_a_backend(content: dict[str, Any]) -> None:
    for backend in content["backends"].values():
        backend["file"] = HOSTILE


def link_record(folder: Path) -> list[str]:
    path = folder / f"{HOSTILE}.cap"
    with CaptureWriter(path, CaptureHeader(HOSTILE, HOSTILE, "polar", 0.0, 0.0)) as writer:
        writer.write_link(LinkRecord("scanning", HOSTILE, HOSTILE, 0.0))
        writer.write_link(LinkRecord("backing_off", HOSTILE, HOSTILE, 1.0, "lost", 1.0))
        writer.write_link(LinkRecord("", HOSTILE, HOSTILE, 2.0, "dropped"))
    return ["replay", str(path)]


def played(folder: Path) -> list[str]:
    return [
        "demo",
        "--play",
        good_csv(folder)[1],
        "--save",
        str(folder / f"s{HOSTILE}.csv"),
        "--speed",
        "100",
    ]


def refused_save(folder: Path) -> list[str]:
    return ["demo", "--save", good_csv(folder)[1]]


CASES = [
    bad_csv, good_csv, column, wfdb_header, toml_key, toml_key_of_a_mistyped_command, link_record, played,
    refused_save, *map(manifest, (tensor_name, unknown_key, task, file_of_a_backend)),
    lambda _: [HOSTILE], lambda _: ["replay", f"--{HOSTILE}"], lambda _: ["run", "x", "--extra", HOSTILE],
    lambda _: ["simulate", "polar", "--fault", HOSTILE], lambda _: ["replay", f"~{HOSTILE}/a.csv"],
    lambda _: ["simulate", HOSTILE, "--in-process"],
]  # fmt: skip


@pytest.mark.parametrize("made", CASES)
def test_files_and_arguments(ecgedge: Any, tmp_path: Path, made: Callable[[Path], list[str]]) -> None:
    done = ecgedge.run(*made(tmp_path))
    is_harmless(done)
    assert done.stdout + done.stderr


def test_the_name_that_a_wearable_advertises(ecgedge: Any, tmp_path: Path) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    name, record = HOSTILE[:20], good_csv(tmp_path)[1]
    done = ecgedge.run("simulate", "polar", "--in-process", "--name", name, "--speed", "50", "--play", record)
    is_harmless(done)
    assert done.returncode == 0, done.stderr
    assert r"looking for \x1b]52;c;cm0=\x07" in done.stdout


# The command line as it is; only what the radio hears is made up.
SCAN = """
import ecgedge_bridge.link.bleak_radio as link
from types import SimpleNamespace

async def scan(seconds, adapter=None):
    return [SimpleNamespace(name={name!r}, address={name!r}, rssi=-50)]

link.scan = scan
"""


def test_a_scan(program: Any) -> None:
    done = program.cli("scan", before=SCAN.format(name=HOSTILE)).run()
    is_harmless(done)
    assert TOLD in done.stdout


DOCTOR = """
import numpy as np
import ecgedge.cli.commands.doctor as doctor
import ecgedge_bridge.checkup.measure as examination
from dataclasses import replace
from ecgedge_bridge import VirtualH10, virtual_strap
real_examine = examination.examine
doctor._LOOK_S = 0.1

async def examine(name, seconds, **options):
    ecg = np.random.default_rng(1).integers(-500, 500, 13000) / 1000
    async with virtual_strap(VirtualH10(ecg)) as radio:
        found = await real_examine(name, seconds, backend=radio, **options)
    return replace(found, name={name!r}, information={{"firmware": {name!r}, {name!r}: "1"}})

examination.examine = examine
"""


def test_what_a_device_says_of_itself_to_the_doctor(program: Any) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    done = program.cli("doctor", "Polar H10", "--seconds", "1", before=DOCTOR.format(name=HOSTILE)).run()
    is_harmless(done)
    assert TOLD in done.stdout


# Stands in for a fault that nobody foresaw, with foreign text in its message.
FAULT = """
import ecgedge.artefacts.folder as folder

class Bundled:
    def glob(self, pattern):
        raise RuntimeError({name!r})

folder.BUNDLED = Bundled()
"""


def test_a_traceback(program: Any) -> None:
    done = program.cli("models", before=FAULT.format(name=HOSTILE)).run()
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert TOLD in done.stderr
    assert all(line.isprintable() for line in done.stderr.split("\n"))


def test_the_live_view_shows_a_hostile_name_as_text(ecgedge: Any, tmp_path: Path) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    import pty

    record = good_csv(tmp_path)[1]
    ours, theirs = pty.openpty()
    environment = {
        key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")
    }
    environment |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "COLUMNS": "200", "LINES": "24"}
    terminal = {"stdout": theirs, "stdin": theirs, "stderr": None}
    with ecgedge.start("demo", "--play", record, "--speed", "100", env=environment, **terminal) as process:
        os.close(theirs)
        shown = io.BytesIO()
        try:
            while part := os.read(ours, 65536):
                shown.write(part)
        except OSError:  # Linux, when the other side is closed
            pass
    text = shown.getvalue().decode("utf-8")
    assert process.returncode == 0
    assert TOLD in text
    for obeyed in ("\x1b]", "\x07", "\u202e", "\x9b", "\u2028", "\nforged", "😄"):
        assert obeyed not in text
