"""A small student and a few made signals to train it on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgedge_export import prepare, recipe

RECIPES = Path(__file__).parents[2] / "export" / "recipes"


@pytest.fixture(scope="session")
def small():
    """The shipped recipe with a tiny net, few epochs and no noise."""
    full = recipe.load(RECIPES / "rhythm.toml")
    return replace(
        full,
        net=recipe.Net((4, 7), ((8, 7, 1), (8, 7, 1), (8, 7, 1), (8, 7, 1)), 0.0),
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
