"""From data to a shipped folder with `--quick`, where the data sets are at hand (see CONTRIBUTING)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ecgedge.manifest import Manifest
from ecgedge.model import Model
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.ship.verify import verify

RECIPES = Path(__file__).parents[2] / "export" / "recipes"
NEEDS = {"rhythm": ("cinc2017", "nstdb"), "beat_classes": ("mitdb", "nstdb", "ptb-xl", "cinc2017")}


@pytest.mark.parametrize("name", NEEDS)
def test_one_command_goes_from_data_to_a_proven_folder(name: str, tmp_path: Path) -> None:
    for dataset in NEEDS[name]:
        try:
            data.DATASETS[dataset].folder()
        except ConfigError as missing:
            pytest.skip(str(missing))
    command = ["-c", "from ecgedge_export.cli import main; main()", "train", str(RECIPES / f"{name}.toml")]
    models = tmp_path / "models"
    where = ["--quick", "--work", str(tmp_path / "work"), "--out", str(models / name)]
    done = subprocess.run(
        [sys.executable, *command, *where], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "] 2/2, loss" in done.stderr
    assert {f"{name}/{file}" for file in ("manifest.json", "CARD.md", "model.onnx")} <= verify(models).keys()
    manifest = Manifest.load(models / name)
    assert manifest.metrics["backends_agree"] == 1.0
    if name == "rhythm":
        assert Model.load(models / name).manifest.classes == ("N", "A", "O", "~")
