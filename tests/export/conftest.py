"""A small student with signals to train it on, and the C source of a model, compiled and run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ecgedge_export import prepare, recipe

RECIPES = Path(__file__).parents[2] / "export" / "ecgedge_export" / "recipes"
Codes = npt.NDArray[np.int8]
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror", "-pedantic")
# An index outside of the arena or a sum that overflows ends the program.
CHECKED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
MAIN = """
#include <stdio.h>
#include <string.h>
#include "model.h"
static int8_t input[M_SAMPLES], logits[M_CLASSES];
static int32_t arena[M_ARENA_WORDS];
int main(void)
{
    while (fread(input, 1, sizeof input, stdin) == sizeof input) {
        memset(arena, 0x5a, sizeof arena);
        m_run(input, logits, arena);
        fwrite(logits, 1, sizeof logits, stdout);
    }
    return 0;
}
"""


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Draw the same random numbers in whatever order the tests run."""
    torch.manual_seed(7)


@pytest.fixture
def run_c(tmp_path: Path) -> Callable[..., Codes]:
    """Translate a TFLite file, compile it with ``flags`` and run it on codes of shape (n, samples)."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc, which is not installed")

    def run(tflite: Path, codes: Codes, *flags: str) -> Codes:
        from ecgedge_export.micro.c_source import write_c

        folder = tmp_path / "c"
        write_c(tflite, folder, "m")
        (folder / "main.c").write_text(MAIN)
        command = ["gcc", *STRICT, *(flags or CHECKED), "-o", "program", "model.c", "main.c"]
        subprocess.run(command, cwd=folder, check=True, timeout=300)
        said = subprocess.run(
            [folder / "program"], input=codes.tobytes(), stdout=subprocess.PIPE, check=True, timeout=300
        )
        return np.frombuffer(said.stdout, np.int8).reshape(len(codes), -1)

    return run


@pytest.fixture(scope="session")
def small():
    """The shipped recipe with a tiny net, few epochs and no noise."""
    full = recipe.load(RECIPES / "rhythm_base.toml")
    return replace(
        full,
        net=recipe.Net((4, 7, 2), ((8, 7, 1), (8, 7, 1), (8, 7, 1), (8, 7, 1)), 0.0),
        training=replace(full.training, epochs=16, batch=16, threads=1, lr=0.01),
    )


@pytest.fixture(scope="session")
def data():
    """Slow and fast pulses, called N and A."""
    rng = np.random.default_rng(0)
    signals = []
    for i in range(64):
        x = 0.02 * rng.standard_normal(3000).astype(np.float32)
        x[rng.integers(0, 40) :: 90 if i % 2 else 35] += 1
        signals.append(x)
    return prepare.Prepared([f"r{i}" for i in range(64)], ["N" if i % 2 else "A" for i in range(64)], signals)
