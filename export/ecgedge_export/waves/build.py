"""From recipe to shipped wave folder: folds by person, train on all, quantize, prove, package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecgedge.artefacts.golden import GoldenCase
from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.monitor import Models
from ecgedge.stream.filters import FrontEnd
from ecgedge.waves.features import BEFORE, FS, N, model_input
from ecgedge.waves.model import NORMALISATION, WaveModel
from ecgedge.whole_recording import delineate, detect_beats
from ecgedge_export import prepare, splits
from ecgedge_export.data import DATASETS
from ecgedge_export.data.record import Record
from ecgedge_export.int8.chain import convert
from ecgedge_export.micro.memory import memory
from ecgedge_export.nets import n_parameters
from ecgedge_export.progress import epoch_log
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import golden_cases, package
from ecgedge_export.tasks import Log
from ecgedge_export.waves import scores
from ecgedge_export.waves.augment import WaveAugmenter
from ecgedge_export.waves.gather import CLASSES, ROLES, Floats, Indices, Marked, fibrillation, folds, gathered
from ecgedge_export.waves.training import WaveRecipe, train

# MinMax calibration takes the extremes of all windows: more of them only widen the scales.
CALIBRATION_BEATS = 1024
# Of 144 places each: enough that a disagreement of one place in a thousand shows.
PARITY_BEATS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """People, their marked leads, and how windows are varied."""

    records: tuple[Record, ...]
    marked: Marked
    augmenter: WaveAugmenter

    def beats_of(self, people: Mapping[str, bool]) -> Indices:
        """Beats of the people who are marked True, and of those who are in no fold."""
        of_lead = np.array([people.get(record, True) for record in self.marked.records])
        return np.flatnonzero(of_lead[self.marked.lead])


def load(how: WaveRecipe, limit: int | None = None) -> Lessons:
    """Read LUDB, the first ``limit`` people of each fold, and the noise that never tests."""
    everybody = list(DATASETS["ludb"].read(None))
    fold = folds(everybody)
    taken: list[Record] = []
    for record in everybody:
        if limit is None or sum(fold[r.id] == fold[record.id] for r in taken) < limit:
            taken.append(record)
    augmenter = WaveAugmenter(how.augment, list(prepare.nstdb(FS).values()), how.knee)
    marked = gathered(taken)
    return Lessons(tuple(taken), marked.joined(fibrillation(marked, limit)), augmenter)


def build(how: WaveRecipe, lessons: Lessons, out: Path, work: Path, command: str, log: Log) -> Manifest:
    """Make the model folder ``out``; checkpoints and intermediate files go to ``work``.

    Its figures are of networks of the same recipe, each on people who did not teach it; what is shipped is
    taught by all.

    Raises
    ------
    ModelError
        The INT8 files disagree with each other or too much with their float parent.
    """
    everybody = {record.id: True for record in lessons.records}
    made = _made(how, lessons, everybody, work / "all", log)
    metrics = {**made.draft.metrics, "command": command, "folds": measure_folds(how, lessons, work, log)}
    return package(out, replace(made.draft, metrics=metrics), made.onnx, made.tflite, made.cases)


def measure_folds(how: WaveRecipe, lessons: Lessons, work: Path, log: Log) -> dict[str, Any]:
    """Lead I and II of each person, as INT8 through the public API, by a network of the other folds."""
    fold, rows = folds(lessons.records), list[scores.Compared]()
    for k in sorted(set(fold.values())):
        folder = work / f"fold{k}" / "waves"
        others = {record: own != k for record, own in fold.items()}
        made = _made(how, lessons, others, folder.parent, log)
        package(folder, made.draft, made.onnx, made.tflite, made.cases)
        rows += measured([r for r in lessons.records if fold[r.id] == k], folder)
        log(f"fold {k}: {_line(scores.report(rows, intervals=False))} so far")
    return scores.report(rows)


def measured(
    records: Sequence[Record], folder: Path | None, backend: str = "litert"
) -> list[scores.Compared]:
    """Waves of recordings through ``ecgedge.delineate``, by a model folder or the one in the package."""
    models = Models.load(backend, waves=WaveModel.load(folder, backend))
    return scores.compare_records(partial(delineate, models=models), records)


def _line(report: Mapping[str, Any]) -> str:
    borders = (" ".join(border) for border in scores.BORDERS)
    return ", ".join(f"{b} {report[b]['se']}/{report[b]['p_plus']}" for b in borders)


class _Made(NamedTuple):
    """A network's files, and its manifest but for what it was measured to do."""

    draft: Manifest
    onnx: Path
    tflite: Path
    cases: tuple[GoldenCase, ...]


def _made(how: WaveRecipe, lessons: Lessons, people: Mapping[str, bool], work: Path, log: Log) -> _Made:
    """Train on some people, quantize and prove."""
    chosen = lessons.beats_of(people)
    checkpoint, progress = work / "checkpoint.pt", epoch_log(log, f"{how.name} ({work.name})")
    net = train(how, lessons.marked, chosen, lessons.augmenter, checkpoint, progress)
    log(f"{n_parameters(net):,} parameters; quantizing")
    rng = np.random.default_rng(how.training.seed)
    windows = lessons.augmenter.draw(lessons.marked, rng.choice(chosen, CALIBRATION_BEATS), rng)[:, :1]
    proof = lessons.augmenter.plain(lessons.marked, rng.choice(chosen, PARITY_BEATS))[:, None]
    onnx, tflite, report = convert(net, windows, proof, work, len(CLASSES))
    metrics = {
        "command": "",
        "parameters": n_parameters(net),
        "parity": asdict(report),
        "memory": memory(tflite),
        "people": sorted((record for record, taught in people.items() if taught), key=int),
    }
    draft = replace(_draft(how, lessons), metrics=metrics)
    return _Made(draft, onnx, tflite, golden_cases(onnx, tflite, golden(how.knee)))


def golden(knee: float) -> list[tuple[Floats, Floats]]:
    """A window of filtered synthetic ECG around the fifth beat, and what the network sees of it."""
    mv = synthesize([Segment("sinus", 10.0, 70.0)], 130.0, seed=3).mv
    peak = round(detect_beats(mv, 130.0)[4] * FS / 130.0)
    # Four decimals are a tenth of a microvolt.
    window = np.round(prepare.filtered(mv, 130.0, FS)[peak - BEFORE : peak - BEFORE + N], 4)
    return [(window, model_input(window, knee))]


def _draft(how: WaveRecipe, lessons: Lessons) -> Manifest:
    front = FrontEnd.default(FS)
    return Manifest(
        task="waves",
        fs=FS,
        window_s=N / FS,
        hop_s=N / FS,
        min_window_s=N / FS,
        bandpass_taps=front.taps,
        resampler=front.resampler,
        normalisation=Normalisation(NORMALISATION, {"knee": how.knee, "places": N}),
        classes=CLASSES,
        roles=ROLES,
        temperature=1.0,
        thresholds=how.thresholds,
        training_data=(
            DATASETS["ludb"].source(len(lessons.records)),
            DATASETS["ptb-xl"].source(
                len({r for r in lessons.marked.records if r.startswith("ptb-xl/")}), ", AF of folds 1 to 8"
            ),
            DATASETS["nstdb"].source(len(prepare.NOISES)),
        ),
        split_sha256=splits.split_hash(record.id for record in lessons.records),
        metrics={"command": ""},
        commit=commit(),
        versions=versions(),
    )
