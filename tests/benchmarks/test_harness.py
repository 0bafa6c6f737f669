"""What the questions share: quantiles, children, environments, what is skipped, and installed sizes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.harness import command, figures, machine, not_measured, processes, venvs, weight
from ecgedge_bridge.errors import ConfigError


def test_quantiles_are_in_milliseconds() -> None:
    found = figures.quantiles_ms(np.arange(1001) / 1000)
    assert found == pytest.approx({"p50": 500, "p99": 990, "p99.9": 999, "max": 1000})
    assert figures.quantiles_ms([]) == {}


def test_a_ratio_needs_both() -> None:
    assert figures.ratio(6.0, 2.0) == 3.0
    assert figures.ratio(None, 2.0) is figures.ratio(6.0, None) is figures.ratio(6.0, 0.0) is None


def test_targets_name_what_missed_them_and_nothing_that_was_not_measured() -> None:
    found = figures.targets({"ms": 3.5, "mb": None, "times": 49.0}, {"ms": 3.0, "mb": 64.0}, {"times": 50.0})
    assert found == {"ms": 3.0, "mb": 64.0, "times": 50.0, "missed": ["ms (3.5)", "times (49)"]}


@pytest.mark.parametrize(
    ("arguments", "missed", "status"),
    [([], ["ms (4)"], 1), (["--quick"], ["ms (4)"], 0), ([], [], 0)],
)
def test_a_missed_target_is_an_error_but_not_of_a_quick_run(
    arguments: list[str], missed: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = command.parser("A question?", "x").parse_args(arguments)
    assert command.verdict(asked, {"missed": missed}) == status
    assert f"targets missed: {'ms (4)' if missed else 'none'}" in capsys.readouterr().out


def test_a_child_answers_in_json() -> None:
    found = processes.child("children.ours", "model", "litert", "rhythm", 3)
    assert found["ms"]["p50"] > 0
    assert found["versions"]["numpy"] == np.__version__


def test_a_child_that_fails_is_skipped_with_its_last_word() -> None:
    found = not_measured.or_skipped(lambda: processes.child("children.ours", "model", "abacus", "rhythm", 3))
    assert "abacus" in found["skipped"]


def test_tasks_are_run_in_turn_and_a_skipped_one_keeps_its_reason() -> None:
    calls: list[str] = []

    def missing() -> float:
        raise not_measured.NotMeasuredError("not here")

    def counted(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    found = figures.in_turn({"a": lambda: counted("a"), "x": missing, "b": lambda: counted("b")}, 2)
    assert calls == list("ababab")
    assert found["a"] == {"median": 4.0, "values": [3.0, 5.0]}
    assert found["x"] == {"skipped": "not here"}


def test_without_files_an_environment_is_skipped_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wanted = tmp_path / "some" / "requirements.txt"
    wanted.parent.mkdir()
    wanted.write_text("no-such-package-for-this-test==1\n")
    found = not_measured.or_skipped(lambda: venvs.python_with(wanted))
    assert found["skipped"].startswith("some/requirements.txt could not be installed")
    assert not list((tmp_path / "ecgedge" / "bench-env").iterdir())


def test_an_environment_that_is_there_is_used_until_its_requirements_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(venvs, "install", lambda folder, python, wanted: folder.mkdir(parents=True))
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("a==1\n")
    first = venvs.python_with(wanted)
    monkeypatch.setattr(venvs, "install", None)
    assert venvs.python_with(wanted) == first
    wanted.write_text("a==2\n")
    with pytest.raises(TypeError):  # it would be installed
        venvs.python_with(wanted)


def test_quick_results_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    for arguments, place in (([], "x.json"), (["--quick"], "quick/x.json")):
        asked = command.parser("A question?", "x").parse_args(arguments)
        assert command.write(asked, {"found": 1}, command.described(asked)) == tmp_path / place
        written = json.loads((tmp_path / place).read_text())
        assert written["found"] == 1
        assert written["environment"]["quick"] is bool(arguments)
        assert {"cpu", "machine", "python", "versions", "commit"} <= set(written["environment"])


def test_an_installation_weighs_what_it_needs_too() -> None:
    found = weight.installed_bytes("typer")
    assert found["typer"] > 100_000
    assert found["rich"] > 100_000
    assert "pytest" not in found
    assert weight.installed_bytes("typer", "numpy").keys() > found.keys()


def test_results_do_not_make_a_commit_dirty_and_code_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    assert machine.commit() == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    files = [tmp_path / name for name in ("code.py", "README.md", "benchmarks/results/x.json")]
    for file in files:
        file.write_text("1\n")
    for asked in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *asked], check=True)
    clean = machine.commit()
    assert len(clean) >= 7
    for file in files[1:]:
        file.write_text("2\n")
    assert machine.commit() == clean
    files[0].write_text("2\n")
    assert machine.commit() == f"{clean}-dirty"


def test_a_data_set_that_is_not_at_hand_has_one_reason_without_folders() -> None:
    def read() -> None:
        raise ConfigError("data set 'mitdb' is not in /somewhere: fetch it")

    found = not_measured.or_skipped(not_measured.at_hand, "mitdb", read)
    assert found == {"skipped": "mitdb is not at hand: ecgedge-export data fetch mitdb"}
    assert not_measured.at_hand("mitdb", lambda a, b: a + b, 1, 2) == 3


def test_an_import_is_timed_in_a_process_that_imported_nothing_before() -> None:
    alone, with_numpy = (
        processes.child("children.imports", *modules, ours=False) for modules in ((), ("numpy",))
    )
    assert 0 <= alone["seconds"] < with_numpy["seconds"]
    assert 0 < alone["rss_kb"] < with_numpy["rss_kb"] - 5_000


def test_a_command_names_what_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    assert main(["--help"]) == 0
    known = capsys.readouterr().err
    assert all(name in known for name in ("latency", "quantization", "all", "tables"))


def test_a_command_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["decode", "--help"])
    assert "usage: python -m benchmarks decode" in capsys.readouterr().out
