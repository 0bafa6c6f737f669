"""What an installed distribution promises: scripts, extras, typing, and the models that it runs with."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points, metadata
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_scripts_point_at_functions() -> None:
    scripts = {
        point.name: point
        for point in entry_points(group="console_scripts")
        if point.name.startswith("ecgedge")
    }
    assert set(scripts) == {"ecgedge", "ecgedge-export"}
    assert all(callable(point.load()) for point in scripts.values())


def test_the_base_install_needs_nothing_heavy() -> None:
    requirements = metadata("ecgedge").get_all("Requires-Dist") or []
    base = [line for line in requirements if "extra ==" not in line]
    assert base
    for name in ("torch", "scipy", "onnx", "pandas", "matplotlib", "wfdb", "bumble"):
        assert not any(line.startswith(name) for line in base)


def test_every_package_is_typed_and_goes_into_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = [ROOT / folder for folder in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
    assert {folder.name for folder in packages} == {"ecgedge", "ecgedge_bridge", "ecgedge_export"}
    for folder in packages:
        assert (folder / "py.typed").is_file()
        assert (folder / "__init__.py").is_file()


def test_the_models_are_package_data() -> None:
    models = files("ecgedge") / "models"
    for task in ("rhythm", "beat_classes", "gate", "beats"):
        assert (models / task / "manifest.json").is_file()
        assert (models / task / "CARD.md").is_file()
