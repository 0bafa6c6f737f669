"""From recipe to folder on made people, through both runtimes and the public stream."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgedge.artefacts.manifest import Manifest
from ecgedge.leads.features import GUESSED
from ecgedge.leads.model import LeadModel
from ecgedge.leads.reconstruct import LeadReconstructor
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data, prepare, tasks
from ecgedge_export.data.record import Record
from ecgedge_export.leads import build, sets, task
from ecgedge_export.leads.training import Augment, load_recipe
from ecgedge_export.recipe import RECIPES
from ecgedge_export.ship.verify import verify

RECIPE = RECIPES / "leads.toml"
FACTORS = dict(zip(GUESSED, (0.9, -0.6, 0.4, 0.8, 1.1, 1.0, 0.7), strict=True))
TIME = 1000


def made(name: str) -> np.ndarray:
    """Twelve leads, (1000, 12): all of them lead I of bumps, times a factor."""
    rng = np.random.default_rng(int(name))
    t = np.arange(TIME) / 100.0
    one = 0.01 * rng.standard_normal(TIME)
    for peak in np.arange(rng.uniform(0, 0.8), 10, rng.uniform(0.75, 1.0)):
        for offset, width, height in ((-0.13, 0.022, 0.12), (0.0, 0.014, 0.8), (0.28, 0.035, 0.25)):
            one += height * np.exp(-0.5 * ((t - peak - offset) / width) ** 2)
    leads = {"I": one, **{lead: factor * one for lead, factor in FACTORS.items()}}
    names = ("I", "II", "III", "AVR", "AVL", "AVF", *GUESSED[1:])
    return np.stack([leads.get(lead, np.zeros(TIME)) for lead in names], axis=1).astype(np.float32)


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> sets.People:
    """24 recordings, of folds 1 to 9."""
    names = ("I", "II", "III", "AVR", "AVL", "AVF", *GUESSED[1:])
    signals = {str(i): made(str(i)) for i in range(24)}
    records = [
        Record("ptb-xl", name, Path(name), 100.0, TIME, names, patient=name, fold=1 + i % 9)
        for i, name in enumerate(signals)
    ]
    monkeypatch.setattr(Record, "signal", lambda self, *_: signals[self.id])
    monkeypatch.setattr(Record, "lead", lambda self, which=0: signals[self.id][:, which])
    monkeypatch.setattr(data, "ptbxl", lambda ids=None: (r for r in records if ids is None or r.id in ids))
    monkeypatch.setattr(prepare, "nstdb", lambda fs: {"em": np.sin(np.arange(2000)).astype(np.float32)})
    found = sets._read()
    monkeypatch.setattr(build, "people", lambda: found)
    return found


def test_people_are_read_as_the_runtime_filters(people: sets.People) -> None:
    assert people.signals.shape == (24, 8, TIME)
    assert people.folds[:10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]
    expected = prepare.filtered(made("3")[:, 0], 100.0, 100.0)
    np.testing.assert_array_equal(people.leads(["I"])[3, 0], expected)
    np.testing.assert_allclose(people.leads(["V4"])[3, 0], 1.1 * expected, atol=1e-5)
    assert len(people.of([9])) == 2
    assert len(people.of(range(1, 9), limit=5)) == 5


def test_a_folder_is_made_measured_and_installed(
    people: sets.People, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = load_recipe(RECIPE)
    how = replace(
        shipped,
        widths=(8, 16),
        augment=Augment(gain=0.2, p_noise=0.0),
        training=replace(shipped.training, epochs=60, batch=8, lr=0.01, ema=0.9),
    )
    monkeypatch.setattr(task, "load_recipe", lambda *_, **__: how)
    monkeypatch.setattr(build, "CALIBRATION_WINDOWS", 100)
    out, lines = tmp_path / "models" / "leads", list[str]()
    said = tasks.train(tasks.Job(RECIPE, tmp_path / "work", out, "the command", lines.append))
    assert "V6" in said
    manifest = Manifest.load(out)
    test = manifest.metrics["test"]
    assert (manifest.metrics["command"], test["recordings"], test["patients"]) == ("the command", 2, 2)
    assert test["leads"]["V4"]["correlation"] > 0.95
    assert test["linear"]["V4"]["correlation"] > 0.99  # a factor is what a linear filter is best at
    assert 0.6 < test["leads"]["V4"]["variance_ratio"] < 1.4
    assert manifest.metrics["parity"]["identical"] > 0.99
    assert "leads/model.onnx" in verify(out.parent)
    card = (out / "CARD.md").read_text()
    assert "| V4 | " in card
    assert "never" in card
    models = [LeadModel.load(out, backend) for backend in ("litert", "onnx")]
    one, other = (_streamed(model, made("8")[:, 0]) for model in models)
    np.testing.assert_allclose(one, other, atol=1e-5)
    report = task.evaluate(tasks.Evaluation(model=out))
    assert isinstance(report, dict)
    assert report["leads"] == test["leads"]


def _streamed(model: LeadModel, mv: np.ndarray) -> np.ndarray:
    stream = LeadReconstructor(model, 100.0)
    blocks = stream.feed(mv) + stream.finish()
    return np.concatenate([np.stack(list(block.leads.values())) for block in blocks], axis=1)


def test_there_is_no_teacher_for_leads(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no teacher"):
        task.compare(tasks.Job(RECIPE, tmp_path, tmp_path / "out", "", print), tasks.Trials())
