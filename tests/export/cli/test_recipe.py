"""Recipes: what is in the repository loads, and a mistake is named."""

from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe
from ecgedge_export.gate import sets as gate_data
from ecgedge_export.nets import RhythmNet, n_parameters
from ecgedge_export.rhythm.training import untrained

RECIPES = Path(__file__).parents[3] / "export" / "recipes"


def test_the_rhythm_recipe_keeps_to_its_size():
    loaded = recipe.load(RECIPES / "rhythm.toml")
    net = untrained(loaded)
    assert isinstance(net, RhythmNet)
    assert n_parameters(net) <= 100_000
    assert loaded.n_samples == 3040


def test_the_gate_recipe_loads():
    assert gate_data.load_recipe(RECIPES / "gate.toml").window_s == 10.0


def test_training_with_rounding_is_a_switch_that_is_off(tmp_path):
    text = (RECIPES / "rhythm.toml").read_text()
    assert recipe.load(RECIPES / "rhythm.toml").quantization.qat_epochs == 0
    path = tmp_path / "r.toml"
    path.write_text(text + "\n[quantization]\nqat_epochs = 3\n")
    assert recipe.load(path).quantization == recipe.Quantization(qat_epochs=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("epochs = 60", "epoch = 60"), "did you mean 'epochs'"),
        (("fs = 100.0", ""), "fs"),
        (("[net]", "[net"), "not TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path, change, message):
    text = (RECIPES / "rhythm.toml").read_text()
    assert change[0] in text
    path = tmp_path / "r.toml"
    path.write_text(text.replace(*change))
    with pytest.raises(ConfigError, match=message):
        recipe.load(path)


def test_no_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"export/recipes"):
        recipe.load(tmp_path / "none.toml")
