"""Recipes: what is in the repository loads, and a mistake is named."""

from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe
from ecgedge_export.gate import sets as gate_data
from ecgedge_export.nets import RhythmNet, n_parameters
from ecgedge_export.rhythm.training import untrained

RECIPES = Path(__file__).parents[3] / "export" / "ecgedge_export" / "recipes"


def test_the_rhythm_recipe_keeps_to_its_size():
    loaded = recipe.load(RECIPES / "rhythm.toml")
    net = untrained(loaded)
    assert isinstance(net, RhythmNet)
    assert n_parameters(net) <= 200_000
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
        (("epochs = 14\n", "epoch = 14\n"), "did you mean 'epochs'"),
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


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epochs", '"sixty"', "training.epochs = 'sixty' is not a whole number"),
        ("epochs", "0", "training.epochs = 0 is not a whole number from 1"),
        ("fs", "-100.0", "fs = -100.0 is not a number between 0"),
        ("classes", '"NAO~"', "classes = 'NAO~' is not a list"),
        ("stages", "[[32, 15, 1], [48.5]]", r"net.stages\[1\]\[0\] = 48.5 is not a whole number"),
    ],
)
def test_a_value_of_another_kind_is_named(tmp_path, key, value, message):
    lines = (RECIPES / "rhythm.toml").read_text().splitlines()
    assert any(line.startswith(f"{key} = ") for line in lines)
    path = tmp_path / "r.toml"
    path.write_text("\n".join(f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in lines))
    with pytest.raises(ConfigError, match=message):
        recipe.load(path)


def test_no_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="give a file"):
        recipe.load(tmp_path / "none.toml")


def test_a_bare_name_is_a_recipe_of_the_package_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for given in ("gate", "gate.toml", "recipes/gate.toml", "export/recipes/gate.toml"):
        assert recipe.found(Path(given)) == recipe.RECIPES / "gate.toml"
    (tmp_path / "gate.toml").write_text("")
    assert recipe.found(Path("gate.toml")) == Path("gate.toml")  # a file of the user's comes first
    for given in ("gaet", "mine/gate.toml", "gate.txt"):
        with pytest.raises(ConfigError, match="no recipe"):
            recipe.found(Path(given))
