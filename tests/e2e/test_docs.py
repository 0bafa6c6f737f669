"""The pages of docs/: their Python runs, their commands have the options they name, their links exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from click import Command

from ecgedge.cli.app import app
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock
from ecgedge_export.cli import app as export_app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Their Python needs a trained model, a wearable or somebody's files; what it calls is tested elsewhere.
NEEDS_MORE = ("models/rhythm", "connect(")
PROGRAMS = {"ecgedge": app, "ecgedge-export": export_app}


def named(found: list[tuple[str, str]]) -> list[Any]:
    return [pytest.param(text, id=f"{page}-{n}") for n, (page, text) in enumerate(found)]


def snippets() -> list[tuple[str, str]]:
    return [
        (page.stem, code)
        for page in PAGES
        for code in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        if not any(need in code for need in NEEDS_MORE)
    ]


def commands() -> list[tuple[str, str]]:
    """Lines of blocks that begin with one of our programs, without the words that explain them."""
    line = re.compile(r"^(?: {4})?(ecgedge(?:-export)? [^\n]*)$", re.MULTILINE)
    return [
        (page.stem, re.split(r" {2,}|\s#", found)[0])
        for page in PAGES
        for found in line.findall(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize("code", named(snippets()))
def test_python(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.chdir(tmp_path)
    mv = synthesize([Segment("sinus", 70)], fs=130, seed=1).mv.astype(np.float32)
    with CsvWriter(tmp_path / "recording.csv") as writer:
        writer.write(SampleBlock(mv, fs=130.0))
    done = program(code).run()
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.parametrize("line", named(commands()))
def test_command_is_spelled_right(line: str) -> None:
    words = shlex.split(re.split(r" [|>&]", line)[0])
    command: Command = typer.main.get_command(PROGRAMS[words[0]])
    rest = words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"{words[0]} has no command {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    options = {option for one in command.params for option in one.opts + one.secondary_opts} | {"--help"}
    given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word)}
    assert given <= options, f"{line}: there is no {given - options}"


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


def test_there_is_much_to_test() -> None:
    assert len(snippets()) >= 2
    assert len(commands()) >= 30
