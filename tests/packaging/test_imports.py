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


def test_a_strap_and_a_monitor_import_no_more_than_they_need(program: Any) -> None:
    """The table of other wearables, what writes files, what parses TOML: each when it is asked."""
    making = "import ecgedge; ecgedge.Monitor(); ecgedge.connect('Polar H10 0')"
    asking = "from ecgedge_bridge import profile_for; profile_for('Polar H10 0', ['{}'])"
    polar, movesense = "fb005c80-02e7-f387-1cad-8acd2d8df0c8", "34802252-7185-4d5d-b431-630e7050e8f0"
    others = {
        "ecgedge_bridge.files",
        "ecgedge_bridge.protocols.described.profile",
        "ecgedge_bridge.protocols.movesense.session",
        "ecgedge_bridge.protocols.own.frames",
        "tomllib",
    }
    for service, needed in ((polar, set()), (movesense, others)):
        done = program(f"{SAY_MODULES}; {making}; {asking.format(service)}").run()
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.split()) & others == needed


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
