"""All benchmarks are run, what is timed alone, and how each ended is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.harness import common, run_all
from benchmarks.tables import pages as tables

NO_BENCHMARK = {"run_all", "tables", "live", "download", "pipeline"}  # throughput has the rows of pipeline


def test_every_benchmark_is_run() -> None:
    texts = {path.stem: path.read_text() for path in common.HERE.glob("*.py")}
    can_be_run = {n for n, text in texts.items() if '"__main__"' in text and "common.serve(" not in text}
    assert can_be_run - NO_BENCHMARK == {*run_all.TIMED, *run_all.COUNTED}


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three benchmarks that note when they began and ended; one of them fails."""
    note = tmp_path / "notes"
    for name in ("a", "b", "c"):
        told = f"open({str(note)!r}, 'a').write(f'{name}{{{{}}}}'.format(sys.argv[1:]) + chr(10))"
        code = f"import sys, time\n{told}\ntime.sleep(0.2)\n{told}\nprint('{name} says')\n"
        (tmp_path / f"{name}.py").write_text(code + ("sys.exit(3)\n" if name == "b" else ""))
    monkeypatch.setattr(common, "HERE", tmp_path)
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
    monkeypatch.setattr(tables, "write", None)
    monkeypatch.setattr("sys.argv", ["run_all.py", "--quick"])
    assert run_all.main() == 1
    said = capsys.readouterr().out
    assert "a says" in said
    assert "target missed: b\n" in said
    assert set(three.read_text().split()) == {"a['--quick']", "b['--quick']", "c['--quick']"}
