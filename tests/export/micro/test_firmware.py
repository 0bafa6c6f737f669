"""The generated C project finds what a monitor finds, to the bit, however the samples are cut."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from firmware_twin import STRICT, Compiler, Floats, said, wanted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli import app
from ecgedge_export.micro.firmware import project, write_project

sys.path.append(str(Path(__file__).parents[2] / "e2e"))
from event_digests import MADE, made

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
SANITIZED = ("-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all")
ODD = st.sampled_from([0.0, -0.0, 1e-38, 1e12, -1e12, 5.0, 3e4])
EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def models() -> ecgedge.Models:
    return ecgedge.Models.load("core")


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    return Compiler(tmp_path_factory.mktemp("firmware"), *SANITIZED)


@pytest.fixture(scope="session")
def long_gaps() -> dict[str, Floats]:
    """The made recordings; one or two missing samples, which a monitor bridges, are some more."""
    found = {}
    for name, recipe in MADE.items():
        mv = made(recipe)
        gone = np.isnan(mv)
        mv[1:][gone[:-1]] = mv[:-1][gone[1:]] = np.nan
        found[name] = mv
    return found


@pytest.mark.parametrize("name", MADE)
def test_made_recordings_have_the_events_of_a_monitor(
    name: str, models: ecgedge.Models, compiler: Compiler, long_gaps: dict[str, Floats]
) -> None:
    fs = MADE[name].fs
    library, mv = compiler.library(fs), long_gaps[name]
    found = said(library, mv)
    assert {line[0] for line in found} == {"beat", "quality", "rhythm"}
    assert found == wanted(models, mv, fs)


def test_without_rhythm_it_finds_the_rest(
    models: ecgedge.Models, compiler: Compiler, long_gaps: dict[str, Floats]
) -> None:
    mv = long_gaps["made/every kind"]
    whole, part = compiler.library(130.0), compiler.library(130.0, rhythm=False)
    found = said(part, mv)
    assert found == wanted(models, mv, 130.0, rhythm=False)
    assert {line[0] for line in found} == {"beat", "quality"}
    assert part.bytes < 0.75 * whole.bytes
    assert (part.classes, whole.classes) == ("", "NAO~")


@EXAMPLES
@given(cuts=st.lists(st.integers(1, 3000), min_size=1, max_size=8))
def test_cuts_change_nothing(compiler: Compiler, long_gaps: dict[str, Floats], cuts: list[int]) -> None:
    mv = long_gaps["made/every kind"][4000:14_000]
    library = compiler.library(130.0)
    assert said(library, mv, cuts) == said(library, mv, [len(mv)])


KINDS = st.sampled_from(["sinus", "af", "pvc", "noise"])
PART = st.tuples(KINDS, st.integers(1, 40), st.integers(30, 190))


@EXAMPLES
@given(
    parts=st.lists(PART, min_size=1, max_size=3),
    seed=st.integers(0, 1000), fs=st.sampled_from([130.0, 250.0]),
    spoilt=st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 900), ODD), max_size=3),
    less=st.integers(0, 130),
)  # fmt: skip
def test_any_signal_has_the_events_of_a_monitor(
    models: ecgedge.Models,
    compiler: Compiler,
    parts: list[Any],
    seed: int,
    fs: float,
    spoilt: list[Any],
    less: int,
) -> None:
    mv = synthesize([Segment(*part) for part in parts], fs, seed=seed).mv.astype(np.float32)
    for at, n, value in spoilt:
        mv[at : at + n] = value
    mv = mv[: len(mv) - less]
    assert said(compiler.library(fs), mv) == wanted(models, mv, fs)


def test_a_label_that_is_not_sure_changes_when_it_comes_twice(
    models: ecgedge.Models, compiler: Compiler
) -> None:
    rng = np.random.default_rng(17)
    kinds = [(str(rng.choice(["sinus", "af", "pvc"])), 40.0, float(rng.integers(50, 130))) for _ in range(6)]
    mv = synthesize([Segment(*kind) for kind in kinds], 130.0, seed=17).mv.astype(np.float32)
    mv += (0.05 * rng.standard_normal(len(mv))).astype(np.float32)
    found = said(compiler.library(130.0), mv)
    assert found == wanted(models, mv, 130.0)
    # Of a line about rhythm: probabilities, label, the window's, conclusive, changed.
    late = [line for line in found if line[0] == "rhythm"][4:]
    assert any(line[7] and max(line[3].values()) < 0.8 for line in late)


def test_slow_and_fast_rhythms_are_sinus_rhythm_or_not(models: ecgedge.Models, compiler: Compiler) -> None:
    told = set()
    for bpm in (42, 51, 104, 112, 139, 160):
        mv = synthesize([Segment("sinus", 60, bpm)], 130.0, seed=1).mv.astype(np.float32)
        found = said(compiler.library(130.0), mv)
        assert found == wanted(models, mv, 130.0)
        told |= {line[10:12] for line in found if line[0] == "rhythm"}  # rate, and whether it is sinus rhythm
    assert told >= {("bradycardia", True), (None, True), ("tachycardia", True), ("tachycardia", None)}


@pytest.mark.parametrize("size", [3e4, 1e9])
def test_raw_counts_of_any_size(
    models: ecgedge.Models, compiler: Compiler, long_gaps: dict[str, Floats], size: float
) -> None:
    mv = np.float32(size) * long_gaps["made/every kind"][:8000] + np.float32(size)
    assert said(compiler.library(130.0), mv) == wanted(models, mv, 130.0)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1, 0.6, 1.9, 2.1, 8.9, 9.1, 11.9, 12.1, 19.9])
@pytest.mark.parametrize("noise", [0.0, 0.12])
def test_short_segments(models: ecgedge.Models, compiler: Compiler, seconds: float, noise: float) -> None:
    mv = synthesize([Segment("sinus", 20, 70)], 130.0, seed=3).mv[: round(130 * seconds)].astype(np.float32)
    mv += np.float32(noise) * np.random.default_rng(1).standard_normal(len(mv)).astype(np.float32)
    assert said(compiler.library(130.0), mv) == wanted(models, mv, 130.0)


def test_what_is_no_number_is_not_taken(compiler: Compiler) -> None:
    library = compiler.library(130.0)
    for bad in (np.nan, np.inf, -np.inf, 1.1e12):
        assert library.begin()
        assert library.feed(np.array([0.0] * 40 + [bad, 0.0], np.float32)) == 40
        assert library.feed(np.array([bad], np.float32)) == 0
    assert library.feed(np.zeros(0, np.float32)) == 0
    library.finish()
    assert library.feed(np.zeros(10, np.float32)) == 0  # until the next segment begins
    library.reset(1000)
    assert library.feed(np.zeros(10, np.float32)) == 10


@pytest.mark.parametrize("fs", [50.0, 130.0, 250.0, 499.31, 512.0, 1000.0, 4000.0])
def test_the_memory_that_is_announced_is_what_it_takes(compiler: Compiler, fs: float) -> None:
    library = compiler.library(fs)
    assert library.room - 4096 < library.bytes <= library.room
    if sys.maxsize > 2**32 and fs == 130.0:
        assert library.bytes <= 128 << 10
    assert not library.begin(library.bytes - 1)
    mv = synthesize([Segment("sinus", 15, 70)], fs, seed=3).mv.astype(np.float32)
    assert len(said(library, mv)) > 10


def test_a_stream_knows_nothing_of_the_one_before(compiler: Compiler, long_gaps: dict[str, Floats]) -> None:
    library, mv = compiler.library(130.0), long_gaps["made/every kind"]
    first = said(library, mv)
    said(library, -mv)
    assert said(library, mv) == first


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strict")
    write_project(folder, 130.0)
    return folder


@pytest.mark.parametrize(
    "compiler_of",
    [
        ("gcc", "-Wconversion", "-Wno-sign-conversion"),
        ("clang",),
        ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        ("clang", "--target=wasm32-wasi"),
    ],
    ids=" ".join,
)
def test_it_compiles_without_a_warning_everywhere(strict: Path, compiler_of: tuple[str, ...]) -> None:
    if shutil.which(compiler_of[0]) is None:
        pytest.skip(f"needs {compiler_of[0]}")
    flags = [flag for flag in STRICT if flag != "-fPIC"]
    sources = sorted(path.name for path in strict.glob("*.c"))
    done = subprocess.run(
        [*compiler_of, *flags, "-O1", "-c", *sources],
        cwd=strict, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if "wasm32-wasi" in compiler_of[-1] and "file not found" in done.stderr:
        pytest.skip("needs wasi-libc")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_same_models_make_the_same_files_and_an_impossible_rate_none(tmp_path: Path) -> None:
    assert project(130.0) == project(130.0)
    for fs in (0.0, 49.0, 4001.0, float("nan")):
        with pytest.raises(ConfigError, match="give the true rate"):
            project(fs)
    done = CliRunner().invoke(app, ["firmware", "--fs", "250", "--no-rhythm", str(tmp_path / "made")])
    assert done.exit_code == 0
    names = {Path(line).name for line in done.stdout.split()}
    assert {path.name for path in (tmp_path / "made").iterdir()} == names
    assert {"ecg_core.h", "ecg_setup.c", "main.c", "README.md"} <= names
    assert "ecg_rhythm_net.c" not in names
