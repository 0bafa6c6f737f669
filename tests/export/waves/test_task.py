"""From recipe to folder on made people, through both runtimes, and what `evaluate` keeps apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgedge.artefacts.manifest import Manifest
from ecgedge.waves.model import WaveModel
from ecgedge_export import tasks
from ecgedge_export.data import DATASETS
from ecgedge_export.data.record import Record, Wave
from ecgedge_export.waves import build, gather, scores, task
from ecgedge_export.waves.augment import Augment, WaveAugmenter
from ecgedge_export.waves.training import WaveRecipe, load_recipe

FS = 500.0
RECIPE = Path(__file__).parents[3] / "export" / "ecgedge_export" / "recipes" / "waves.toml"
BUMPS = ("P", -0.13, 0.022, 0.15), ("QRS", 0.0, 0.014, 1.0), ("T", 0.28, 0.035, 0.3)


def made(name: str) -> tuple[Record, np.ndarray]:
    """A person whose waves are bumps, all of them marked."""
    rng = np.random.default_rng(int(name))
    t, waves = np.arange(round(10 * FS)) / FS, []
    signal = 0.005 * rng.standard_normal(len(t))
    for peak in np.cumsum(rng.uniform(0.75, 1.0, 9)):
        for kind, offset, width, height in BUMPS:
            signal += height * np.exp(-0.5 * ((t - peak - offset) / width) ** 2)
            waves.append(Wave(kind, *(round(FS * (peak + offset + k * width)) for k in (-2.2, 0, 2.2))))
    leads = {"i": tuple(waves), "ii": tuple(waves)}
    return Record("ludb", name, Path(name), FS, len(t), tuple(leads), name, waves=leads), signal


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> tuple[Record, ...]:
    """Four people, of two folds."""
    both = [made(name) for name in ("1", "2", "3", "4")]
    signals = {record.id: signal.astype(np.float32) for record, signal in both}
    records = tuple(record for record, _ in both)
    monkeypatch.setattr(Record, "lead", lambda self, which: signals[self.id])
    monkeypatch.setitem(DATASETS, "ludb", replace(DATASETS["ludb"], read=lambda _: iter(records)))
    monkeypatch.setattr(build, "folds", lambda found: {record.id: int(record.id) % 2 for record in found})
    return records


def lessons(how: WaveRecipe, records: tuple[Record, ...]) -> build.Lessons:
    return build.Lessons(records, gather.gathered(records), WaveAugmenter(how.augment, [], how.knee))


def test_a_folder_is_made_measured_and_installed(
    people: tuple[Record, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = load_recipe(RECIPE)
    how = replace(
        shipped,
        width=16,
        dilations=(1, 2, 4),
        augment=Augment(p_noise=0.0, p_without_p=0.0),
        training=replace(shipped.training, epochs=25, batch=16, lr=0.02, ema=0.9),
    )
    monkeypatch.setattr(task, "load_recipe", lambda *_, **__: how)
    monkeypatch.setattr(build, "load", lambda *_: lessons(how, people[:3]))
    lines: list[str] = []
    out = tmp_path / "models" / "waves"
    tasks.train(tasks.Job(RECIPE, tmp_path / "work", out, "the command", lines.append))
    manifest = Manifest.load(out)
    found = manifest.metrics["folds"]
    assert (manifest.metrics["command"], manifest.metrics["people"]) == ("the command", ["1", "2", "3"])
    assert found["people"] == 3
    assert found["QRS onset"]["se"] > 95
    assert abs(found["QRS onset"]["mean_ms"]) < 10
    assert found["T end"]["sd_ms"] < 20
    assert manifest.metrics["parity"]["int8_steps"] <= 1
    card = (out / "CARD.md").read_text()
    assert "| QRS onset | 54 |" in card
    assert sum(path.stat().st_size for path in out.iterdir()) < 100_000
    for backend in ("litert", "onnx"):
        WaveModel.load(out, backend)
    report = task.evaluate(tasks.Evaluation(model=out))
    assert isinstance(report, dict)
    assert report["each person by a network of the others"] == found
    apart = report["people who taught nothing"]
    assert (apart["people"], report["people who taught it"]["people"]) == (1, 3)
    assert apart["QRS end"]["se"] > 95
    assert set(scores.BORDERS) == {tuple(key.split()) for key in apart if " " in key}


def test_without_a_checkpoint_of_its_own_nothing_is_reused(
    people: tuple[Record, ...], tmp_path: Path
) -> None:
    how = load_recipe(RECIPE, quick=True)
    taught = lessons(how, people)
    assert taught.beats_of({"1": True, "2": False, "3": False, "4": False}).tolist() == list(range(18))
    assert len(taught.beats_of({record.id: True for record in people})) == 72
