"""A light package: what importing it pulls in, and that every module of it can be imported."""

from __future__ import annotations

from subprocess import CompletedProcess
from typing import Any

import pytest

HEAVY = {
    "torch",
    "scipy",
    "onnx",
    "onnxruntime",
    "ai_edge_litert",
    "wfdb",
    "pandas",
    "matplotlib",
    "bleak",
    "bumble",
}


SAY_MODULES = "import atexit, sys; atexit.register(lambda: print('MODULES', *sys.modules))"


def imported_by(done: CompletedProcess[str]) -> set[str]:
    """Packages that a program had imported at its end."""
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stdout.split("MODULES", 1)[1].split()}


@pytest.mark.parametrize(
    "package", ["ecgedge", "ecgedge_bridge", "ecgedge.cli", "ecgedge.demo.play", "ecgedge.recording"]
)
def test_importing_it_stays_light(program: Any, package: str) -> None:
    done = program(f"{SAY_MODULES}; import {package}").run(PYTHONWARNINGS="error")
    assert imported_by(done) & HEAVY == set()


def test_a_monitor_imports_what_finds_waves_and_words_when_it_is_asked(program: Any) -> None:
    for options, names in (("", set()), ("waves=True, tokens=True", {"ecgedge.waves", "ecgedge.tokens"})):
        done = program(f"{SAY_MODULES}; import ecgedge; ecgedge.Monitor({options})").run()
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.split()) & {"ecgedge.waves", "ecgedge.tokens"} == names


def test_help_imports_nothing_heavy(program: Any) -> None:
    done = program.cli("--help", before=SAY_MODULES).run()
    assert imported_by(done) & (HEAVY | {"rich", "asyncio"}) == set()


def test_every_public_name_is_there() -> None:
    import ecgedge
    import ecgedge_bridge

    for module in (ecgedge, ecgedge_bridge):
        assert len(module.__all__) > 10
        for name in module.__all__:
            assert getattr(module, name) is not None
