"""From data to a shipped folder with `--quick`, where the data sets are at hand (see CONTRIBUTING)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecgedge.artefacts.manifest import Manifest
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.gate.model import GateModel
from ecgedge.rhythm.model import RhythmModel
from ecgedge.tokens import WordModel, decode, encode
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.gate import motion
from ecgedge_export.ship.verify import verify

RECIPES = Path(__file__).parents[2] / "export" / "ecgedge_export" / "recipes"
NEEDS = {
    "rhythm": ("cinc2017", "nstdb", "ptb-xl", "svdb"),
    "beat_classes": ("mitdb", "svdb", "nstdb", "ptb-xl", "cinc2017"),
    "gate": ("cinc2017", "mitdb", "nstdb"),
    "tokens": ("cinc2017", "ptb-xl", "svdb", "mitdb"),
}


def train(name: str, tmp_path: Path) -> str:
    """Train quickly into ``tmp_path / "models" / name``, and return what was said on the way."""
    for dataset in NEEDS[name]:
        try:
            data.DATASETS[dataset].folder()
        except ConfigError as missing:
            pytest.skip(str(missing))
    command = ["-c", "from ecgedge_export.cli import main; main()", "train", str(RECIPES / f"{name}.toml")]
    where = ["--quick", "--work", str(tmp_path / "work"), "--out", str(tmp_path / "models" / name)]
    done = subprocess.run(
        [sys.executable, *command, *where], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr


@pytest.mark.parametrize("name", ["rhythm", "beat_classes"])
def test_one_command_goes_from_data_to_a_proven_folder(name: str, tmp_path: Path) -> None:
    assert "] 2/2, loss" in train(name, tmp_path)
    models = tmp_path / "models"
    assert {f"{name}/{file}" for file in ("manifest.json", "CARD.md", "model.onnx")} <= verify(models).keys()
    manifest = Manifest.load(models / name)
    assert manifest.metrics["backends_agree"] == 1.0
    if name == "rhythm":
        assert RhythmModel.load(models / name).manifest.classes == ("N", "A", "O", "~")


def test_a_gate_is_fitted_on_little_of_the_data(tmp_path: Path) -> None:
    try:
        next(motion.recordings())
    except ConfigError as missing:
        pytest.skip(str(missing))
    said = train("gate", tmp_path)
    assert "MIT-BIH DS1: " in said
    gate = GateModel.load(tmp_path / "models" / "gate")
    assert 0 < gate.threshold < 1
    assert 0 < gate.morphology_threshold < 1


def test_words_are_learnt_on_little_of_the_data(tmp_path: Path) -> None:
    assert "] 2/2, loss" in train("tokens", tmp_path)
    models = tmp_path / "models"
    assert {f"tokens/{file}" for file in ("weights.json", "CARD.md", "model.tflite")} <= verify(models).keys()
    model = WordModel.load(models / "tokens")
    assert min(model.manifest.metrics["code_agreement"].values()) > 0.7
    mv = synthesize([Segment("sinus", 20.0, 70.0)], 130.0, seed=1).mv
    decoded = decode(encode(mv, 130.0, model=model), 130.0, model=model)
    known = np.isfinite(decoded.mv)
    assert np.corrcoef(decoded.mv[known], mv[known])[0, 1] > 0.5
