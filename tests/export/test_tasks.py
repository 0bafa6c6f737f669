"""A recipe's task chooses the code, and a model is in its place only when it is whole and measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgedge.artefacts.manifest import Manifest
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.gate.model import GateModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe, tasks
from ecgedge_export.beat_classes import segment_task
from ecgedge_export.beat_classes import task as beat_class_task
from ecgedge_export.beats import task as beat_task
from ecgedge_export.gate import sets, training
from ecgedge_export.gate import task as gate_task
from ecgedge_export.gate.sets import Windows
from ecgedge_export.leads import task as lead_task
from ecgedge_export.rhythm import build as rhythm_build
from ecgedge_export.rhythm import task as rhythm_task
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.tokens import task as word_task
from ecgedge_export.waves import task as wave_task

RECIPES = Path(__file__).parents[2] / "export" / "ecgedge_export" / "recipes"
MODULES = {
    "rhythm": rhythm_task,
    "beats": beat_task,
    "beat_classes": beat_class_task,
    "beat_segments": segment_task,
    "gate": gate_task,
    "waves": wave_task,
    "tokens": word_task,
    "leads": lead_task,
}


def quiet(line: str) -> None:
    pass


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_names_its_task_and_its_model(path: Path) -> None:
    heading = recipe.heading(path)
    assert heading.name == path.stem
    assert tasks.of_recipe(path) is MODULES[heading.task]


@pytest.mark.parametrize("task", MODULES)
def test_the_name_of_the_file_says_nothing(tmp_path: Path, task: str) -> None:
    other = "gate" if task != "gate" else "rhythm"
    copy = tmp_path / f"{other}.toml"
    copy.write_text((RECIPES / f"{task}.toml").read_text())
    assert tasks.of_recipe(copy) is MODULES[task]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('task = "rythm"', "unknown: did you mean 'rhythm'"),
        ('task = "x"', "use one of rhythm, beats, beat_classes, beat_segments, gate, waves, tokens, leads"),
        ("task = 3", "task = 3 is not a text"),
        ("", "lacks task"),
    ],
)
def test_an_unknown_task_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(f'name = "gate"\n{line}\n')
    with pytest.raises(ConfigError, match=message):
        tasks.of_recipe(path)


@pytest.mark.parametrize("name", ["../gate", "", "a/b", "."])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(f'name = "{name}"\ntask = "gate"\n')
    with pytest.raises(ConfigError, match=r"name = .* cannot be read"):
        recipe.heading(path)


@pytest.mark.parametrize("task", [beat_task, gate_task, wave_task])
def test_a_task_without_teachers_says_so(tmp_path: Path, task: tasks.Task) -> None:
    job = tasks.Job(RECIPES / "gate.toml", tmp_path, tmp_path / "model", "", quiet)
    with pytest.raises(ConfigError, match="names no teacher"):
        task.compare(job, tasks.Trials())


def windows() -> Windows:
    """Noise is a low first feature."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (400, len(sets.NAMES)))
    x[200:, 0] -= 4
    group = np.repeat(["cinc:N", "cinc:~"], 200)
    record = np.array([f"{g}/{i // 10}" for i, g in enumerate(group)])
    return Windows(x, group, record, np.zeros(400, bool), np.full(400, 10.0))


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder of models with a gate in it."""
    folder = tmp_path / "models"
    (folder / "gate").mkdir(parents=True)
    (folder / "gate" / "manifest.json").write_text("the old one")
    return folder


def job_for(name: str, package: Path, work: Path) -> tasks.Job:
    return tasks.Job(RECIPES / f"{name}.toml", work, package / name, "test", quiet, quick=True)


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit, RuntimeError])
@pytest.mark.parametrize("step", ["fit", "refused", "save"])
def test_a_gate_that_is_stopped_at_any_step_leaves_the_package_as_it_was(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, ends: type[BaseException]
) -> None:
    def stop(*_: object) -> None:
        raise ends

    before = content(package)
    monkeypatch.setattr(training, "training_windows", lambda *_: windows())
    job = job_for("gate", package, tmp_path / "work")
    real = getattr(training, step)
    monkeypatch.setattr(training, step, stop)
    with pytest.raises(ends):
        tasks.train(job)
    assert content(package) == before
    monkeypatch.setattr(training, step, real)
    tasks.train(job)  # the same job goes on, and replaces it
    assert list(content(package)) == ["gate/CARD.md", "gate/manifest.json", "gate/weights.json"]
    assert Manifest.load(package / "gate").metrics["folds"]
    assert 0 < GateModel.load(package / "gate").threshold < 1


@pytest.mark.parametrize("step", ["measure", "measure_widely"])
def test_a_rhythm_model_that_is_not_measured_is_not_in_the_package(
    small, data, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The real chain on made signals: trained, quantized, packaged in the work folder, then interrupted."""
    augmenter = Augmenter(small.fs, small.n_samples, small.clip, small.augment, [])
    short = replace(small, training=replace(small.training, epochs=1))
    monkeypatch.setattr(rhythm_task.recipes, "load", lambda path, quick: short)
    monkeypatch.setattr(rhythm_build, "load_sets", lambda *_: rhythm_build.Sets(data, data, augmenter))
    monkeypatch.setattr(rhythm_build.data, "cinc2017", lambda *_: ())  # nothing is measured before the stop
    monkeypatch.setattr(rhythm_build, "short_limits", lambda _: {})
    seen = []

    def stop(folder: Path, *_: object, **__: object) -> None:
        seen.append((folder / "manifest.json").is_file())
        raise KeyboardInterrupt

    if step == "measure_widely":
        monkeypatch.setattr(rhythm_build, "measure", lambda *_, **__: {})
    monkeypatch.setattr(rhythm_build, step, stop)
    before = content(package)
    job = replace(job_for("rhythm", package, tmp_path / "work"), quick=step == "measure")
    with pytest.raises(KeyboardInterrupt):
        tasks.train(job)
    assert seen == [True], "it was trained and packaged, in the work folder"
    assert content(package) == before


def test_a_folder_of_something_else_is_never_replaced(package: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("")
    job = replace(job_for("gate", package, tmp_path / "work"), out=tmp_path / "home")
    with pytest.raises(ConfigError, match="no model folder: choose another --out"):
        tasks.train(job)
    assert content(tmp_path / "home") == {"thesis.tex": b""}


SLOW = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_tasks import windows
    from ecgedge_export import cli
    from ecgedge_export.gate import training

    training.training_windows = lambda *_: windows()
    refused = training.refused

    def slow(*asked):
        print("measuring", flush=True)
        time.sleep(60)
        return refused(*asked)

    training.refused = slow
    sys.argv = ["ecgedge-export", "train", {recipe!r}, "--work", {work!r}, "--out", {out!r}]
    cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_while_measuring_leaves_the_package_as_it_was(
    package: Path, tmp_path: Path, number: signal.Signals
) -> None:
    program = textwrap.dedent(SLOW).format(
        tests=str(Path(__file__).parent),
        recipe=str(RECIPES / "gate.toml"),
        work=str(tmp_path / "work"),
        out=str(package / "gate"),
    )
    before = content(package)
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "measuring\n"
    os.kill(running.pid, number)
    assert running.wait(60) != 0
    running.stdout.close()
    assert content(package) == before
    assert sorted(path.name for path in package.iterdir()) == ["gate"]


def test_beats_are_measured_before_they_are_installed(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of random weights is enough: what counts is that the figures are its own."""
    from ecgedge.beats.net import BeatNet
    from ecgedge_export import data
    from ecgedge_export.beats import training

    made = synthesize([Segment("sinus", 400.0, 70.0)], 100.0, seed=1)

    class Made:
        id, fs, mv, beats, rhythms = "100", 100.0, made.mv, np.round(made.beats).astype(np.int64), ()

    shipped = BeatNet.load()
    monkeypatch.setattr(training, "build", lambda *_: shipped)
    monkeypatch.setattr(data, "mitdb", lambda ids: [Made()])
    tasks.train(job_for("beats", package, tmp_path / "work"))
    report = Manifest.load(package / "beats").metrics["DS2"]
    assert report["150 ms"]["F1"] > 99
    assert report["50 ms"]["F1"] > 99, "places are in the caller's rate"
    assert "cpu_s_per_hour" not in report
