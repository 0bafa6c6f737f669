"""``--config`` and ``ecgedge config``: the options of ``run`` in a file, none of them listed twice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from ecgedge.cli.app import app

SHOWN = {
    "device": "Polar H10",
    "waves": True,
    "age": 70.5,
    "keep_days": 3,
    "daily": True,
    "record": "night \"1\".db",
    "send": ["tcp:9000", "night.jsonl?keep=3"],
}  # fmt: skip
FILE = """
device = "Polar H10"
waves = true
age = 70.5
keep_days = 3
daily = true
record = 'night "1".db'
send = ["tcp:9000", "night.jsonl?keep=3"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ecgedge.toml"
    path.write_text(FILE)
    return path


def shown(done: Any) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (0, "")
    return tomllib.loads(done.stdout)


def test_what_is_printed_is_what_was_given_and_reads_the_same_again(program: Any, file: Path) -> None:
    first = program.cli("config", "--config", str(file)).run()
    found = shown(first)
    assert {key: found[key] for key in SHOWN} == SHOWN
    again = file.with_name("again.toml")
    again.write_text(first.stdout)
    assert program.cli("config", "--config", str(again)).run().stdout == first.stdout


def test_the_command_line_comes_before_the_file(program: Any, file: Path) -> None:
    line = ("Other strap", "--age", "71", "--send", "lsl:", "--config", str(file))
    found = shown(program.cli("config", *line).run())
    assert (found["device"], found["age"], found["send"], found["keep_days"]) == (
        "Other strap", 71, ["lsl:"], 3,
    )  # fmt: skip


def test_every_option_of_run_is_in_it(program: Any) -> None:
    text = program.cli("config", "x").run().stdout
    run = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    wanted = {
        max(one.opts, key=len).lstrip("-").replace("-", "_")
        for one in run.params
        if one.name not in ("config", "help")
    }
    lines = [line.removeprefix("# ").partition(" =") for line in text.splitlines()]
    assert {key for key, equals, _ in lines if equals and " " not in key} == wanted
    assert len(wanted) > 15


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wave = true", "has the unknown key 'wave' (did you mean 'waves'?): correct it"),
        ("waves = 1", "waves = 1 is not true or false"),
        ('send = "lsl:"', "send = 'lsl:' is not a list"),
        ("age = []", "age = [] is not a text or a number"),
        ("config = 'x'", "has the unknown key 'config'"),
        ("age = ", "TOML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(
    program: Any, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    done = program.cli("run", "x", "--config", str(path)).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("ecgedge: c.toml")
    assert words in done.stderr


def test_limits_hold_for_the_file_too(program: Any, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("keep_days = 0")
    done = program.cli("config", "x", "--config", str(path)).run()
    assert done.returncode == 2
    assert "--keep-days" in done.stderr


def test_no_password_is_printed(program: Any) -> None:
    done = program.cli("config", "x", "--send", "mqtt://me:hun@ter2@host/t").run()
    assert shown(done)["send"] == ["mqtt://me:***@host/t"]


def test_a_run_takes_the_wearable_from_the_file(on_strap: Any, file: Path) -> None:
    file.write_text('device = "Polar H10"\njson = true\nwaves = true\n')
    with on_strap("run").start("--config", str(file)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"type": "waves"' in line:
                break
        else:
            raise AssertionError("no waves: the file was not read")
        process.terminate()
        process.communicate(timeout=60)
