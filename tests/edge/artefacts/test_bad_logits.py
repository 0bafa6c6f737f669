"""A model whose output is no number: an error that says so, never a class, never JSON that nobody reads."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecgedge
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.monitor import Models
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ModelError

onnx = pytest.importorskip("onnx", reason="needs onnx to damage a model's weights")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime, which computes in floating point")

NAN, INF = math.nan, math.inf
# What is added to the logits of a network, one number for each class in turn.
ADDED = [
    (NAN,),
    (NAN, 0, 0, 0, 0),
    (0, 0, 0, NAN, 0),
    (INF,),
    (-INF,),
    (0, INF, 0, 0, 0),
    (INF, -INF, 0, 0, 0),
]
WORDS = "output is NaN or infinite"
ECG = synthesize([Segment("sinus", 30, 70)], 130.0, 1).mv


def damaged(task: str, added: tuple[float, ...], folder: Path) -> Path:
    """Copy a model of the package; its network adds the numbers to what it computes."""
    shutil.copytree(BUNDLED / task, folder)
    model = onnx.load(folder / "model.onnx")
    last = model.graph.node[-1]
    last.output[0] = "before"
    classes = len(Manifest.load(folder).classes)
    values = np.resize(np.array(added, np.float32), classes)
    model.graph.initializer.append(onnx.numpy_helper.from_array(values, "added"))
    model.graph.node.append(onnx.helper.make_node("Add", ["before", "added"], ["logits"]))
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    manifest = Manifest.load(folder)
    sealed = replace(manifest.backends["onnx"], sha256=hashlib.sha256(data).hexdigest())
    replace(manifest, backends={**manifest.backends, "onnx": sealed}).save(folder)
    return folder


@pytest.mark.parametrize("added", ADDED, ids=str)
def test_a_rhythm_that_is_no_number_is_an_error(tmp_path: Path, added: tuple[float, ...]) -> None:
    model = RhythmModel.load(damaged("rhythm", added, tmp_path / "m"), "onnx")
    with pytest.raises(ModelError, match=WORDS):
        model.probabilities(ECG[:3000].astype(np.float32))
    models = Models.load("onnx", rhythm=model)
    monitor = ecgedge.Monitor(models)
    with pytest.raises(ModelError, match=WORDS):
        monitor.feed(ecgedge.SampleBlock(ECG.astype(np.float32), 130.0))
    with pytest.raises(ModelError, match=WORDS):
        ecgedge.classify(ECG, 130, models=models)


@pytest.mark.parametrize("added", ADDED, ids=str)
def test_a_beat_class_that_is_no_number_is_an_error(tmp_path: Path, added: tuple[float, ...]) -> None:
    model = BeatClassModel.load(damaged("beat_classes", added, tmp_path / "m"), "onnx")
    models = Models.load("onnx", beat_classes=model)
    with pytest.raises(ModelError, match=WORDS):
        ecgedge.classify_beats(ECG, 130, models=models)
    monitor = ecgedge.Monitor(models)
    with pytest.raises(ModelError, match=WORDS):
        monitor.feed(ecgedge.SampleBlock(ECG.astype(np.float32), 130.0))


def test_logits_of_any_finite_size_are_probabilities(tmp_path: Path) -> None:
    for k, added in enumerate([(1e30, 0, 0, 0), (-1e30,), (3e38, -3e38, 0, 0), (1e-40,)]):
        p = RhythmModel.load(damaged("rhythm", added, tmp_path / str(k)), "onnx").probabilities(
            ECG[:3000].astype(np.float32)
        )
        assert all(0 <= value <= 1 for value in p.values())
        assert sum(p.values()) == pytest.approx(1)


@pytest.mark.parametrize("json_lines", [True, False])
def test_the_command_line_says_so_in_one_line(program: Any, tmp_path: Path, json_lines: bool) -> None:
    folder = damaged("rhythm", (NAN,), tmp_path / "m")
    with CsvWriter(tmp_path / "a.csv") as writer:
        writer.write(ecgedge.SampleBlock(ECG.astype(np.float32), 130.0))
    options = ["--json"] if json_lines else []
    done = program.cli(
        "replay", str(tmp_path / "a.csv"), "--model", str(folder), "--backend", "onnx", *options
    ).run()
    assert done.returncode == 1
    assert WORDS in done.stderr
    assert len(done.stderr.splitlines()) == 1
    if json_lines:
        for line in done.stdout.splitlines():
            assert json.loads(line, parse_constant=pytest.fail)["type"] != "rhythm"
