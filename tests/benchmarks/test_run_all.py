"""All questions are asked, what is timed alone, and how each ended is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import questions
from benchmarks.harness import machine, run_all
from benchmarks.tables import pages


def test_every_question_is_asked() -> None:
    assert sorted([*run_all.TIMED, *run_all.COUNTED, *run_all.LEFT_OUT]) == questions.names()


def test_no_room_is_too_full() -> None:
    rooms = [path for path in (machine.ROOT / "benchmarks").rglob("*") if path.is_dir()]
    full = [room.name for room in rooms if len(list(room.glob("*.py"))) > 13]
    assert full == []


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three questions that note when they began and ended; one of them fails."""
    note, package = tmp_path / "notes", tmp_path / "benchmarks"
    package.mkdir()
    (package / "__main__.py").write_text(
        "import sys, time\n"
        "name, rest = sys.argv[1], sys.argv[2:]\n"
        f"note = open({str(note)!r}, 'a')\n"
        "print(f'{name}{rest}', file=note, flush=True)\n"
        "time.sleep(0.2)\n"
        "print(f'{name}{rest}', file=note, flush=True)\n"
        "print(name, 'answers')\n"
        "sys.exit(3 * (name == 'b'))\n"
    )
    monkeypatch.setattr(run_all, "ROOT", tmp_path)
    monkeypatch.setattr(run_all, "TIMED", ("a", "b"))
    monkeypatch.setattr(run_all, "COUNTED", ("c",))
    return note


def test_what_is_timed_is_alone(three: Path) -> None:
    ended = run_all.run_all(quick=False)
    assert [(done.name, done.status) for done in ended] == [("a", 0), ("b", 3), ("c", 0)]
    assert three.read_text().split() == ["a[]", "a[]", "b[]", "b[]", "c[]", "c[]"]


def test_a_failure_is_told_and_a_quick_run_leaves_the_tables_alone(
    three: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pages, "write", None)
    assert run_all.main(["--quick"]) == 1
    printed = capsys.readouterr().out
    assert "a answers" in printed
    assert "target missed: b\n" in printed
    assert set(three.read_text().split()) == {"a['--quick']", "b['--quick']", "c['--quick']"}
