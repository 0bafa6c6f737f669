"""Foreign text: whatever it is, a terminal finds nothing to obey in what is shown."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ecgedge.events import LinkState, Note
from ecgedge.sinks.lines import TextLines
from ecgedge.sinks.plain import plain
from ecgedge.sinks.screen import LiveView
from ecgedge_bridge.codes import NoteCode

# All of Unicode, halves of surrogate pairs too, as names of files that are no UTF-8 have them.
ANY = st.text(st.characters(exclude_categories=()))


@given(ANY)
def test_any_text_is_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) <= 10 * 1000
    plain(text).encode("utf-8")


@given(st.text(st.characters(exclude_categories=("C", "Z")), max_size=900))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller\u00a0心電図", "Müller 心電図"),
        ("\x1b]52;c;cm0gLXJm\x07", r"\x1b]52;c;cm0gLXJm\x07"),
        ("a\r\nb\u2028c\x85d", r"a\r\nb\u2028c\x85d"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        ("\udc80\x9b31m", r"\udc80\x9b31m"),
        ("[red]x[/] :smile:", "[red]x[/] :smile:"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_very_long_text_keeps_its_ends() -> None:
    shown = plain("a" * 5000 + ": check the path")
    assert len(shown) < 1000
    assert shown.endswith(": check the path")


def test_commands_print_in_one_place_only() -> None:
    """Who prints by themselves may forget what is foreign."""
    import ecgedge.cli

    printing = set()
    for file in Path(ecgedge.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                printing.add(file.name)
    assert printing <= {"output.py", "app.py"}


@given(ANY)
def test_lines_of_hostile_events_are_lines(text: str) -> None:
    out = io.StringIO()
    lines = TextLines(out)
    lines.take([LinkState(0, 0.0, "scanning", text), Note(0, 0.0, NoteCode.DROPPED, "x" + text, text)])
    assert all(line.isprintable() for line in out.getvalue().split("\n"))
    assert out.getvalue().count("\n") == 2


@given(ANY)
def test_the_view_of_a_hostile_device_is_a_view(text: str) -> None:
    view, out = LiveView(text), io.StringIO()
    view.take(
        [LinkState(0, 0.0, "scanning", text), LinkState(0, 0.0, text), Note(0, 0.0, NoteCode.DROPPED, text)]
    )
    Console(file=out, width=80, height=24, force_terminal=False).print(view)
    assert all(line.isprintable() for line in out.getvalue().split("\n"))
