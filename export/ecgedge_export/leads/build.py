"""From recipe to shipped lead folder: train, quantize, prove, measure beside the linear filter, package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.leads.features import FS, GUESSED, HOP, MARGIN, N, model_input
from ecgedge.leads.model import NORMALISATION, LeadModel
from ecgedge.leads.reconstruct import LeadReconstructor
from ecgedge.stream.filters import FrontEnd
from ecgedge_export import data, prepare, splits
from ecgedge_export.data import DATASETS
from ecgedge_export.int8.chain import convert
from ecgedge_export.int8.parity import Limits
from ecgedge_export.leads import linear, scores
from ecgedge_export.leads.sets import TAUGHT_FOLDS, TEST_FOLD, Floats, People, people
from ecgedge_export.leads.training import LeadRecipe, drawn, train
from ecgedge_export.micro.memory import memory
from ecgedge_export.nets import n_parameters
from ecgedge_export.progress import epoch_log
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import golden_cases, package
from ecgedge_export.tasks import Log

CALIBRATION_WINDOWS = 1024
PARITY_WINDOWS = 300
# The network's own error is above 0.1 mV in every lead: a fifth of that adds a twentieth to its square.
INT8_RMS_MV = 0.02
# Logits are a signal: which lead is the highest one names nothing, least of all in between beats.
PARITY = Limits(int8_steps=1, int8_agreement=0.999, int8_rms=INT8_RMS_MV)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """People who teach and people who test, and noise that never tests."""

    taught: People
    tested: People
    noise: tuple[Floats, ...]


def load(limit: int | None = None) -> Lessons:
    """Read PTB-XL, the first ``limit`` recordings of either side."""
    everybody = people()
    noise = tuple(prepare.nstdb(FS).values())
    return Lessons(everybody.of(TAUGHT_FOLDS, limit), everybody.of([TEST_FOLD], limit), noise)


def build(how: LeadRecipe, lessons: Lessons, out: Path, work: Path, command: str, log: Log) -> Manifest:
    """Make the model folder ``out``; checkpoints and intermediate files go to ``work``.

    Raises
    ------
    ModelError
        The INT8 files disagree with each other or too much with their float parent.
    """
    given, wanted = lessons.taught.leads(["I"]), lessons.taught.leads(GUESSED)
    checkpoint, progress = work / "checkpoint.pt", epoch_log(log, how.name)
    net = train(how, given, wanted, lessons.noise, checkpoint, progress)
    log(f"{n_parameters(net):,} parameters; quantizing")
    onnx, tflite, report = convert(
        net, _windows(how, lessons, CALIBRATION_WINDOWS), _proof(how, lessons), work, len(GUESSED), PARITY
    )
    metrics = {
        "command": command,
        "parameters": n_parameters(net),
        "parity": asdict(report),
        "memory": memory(tflite),
    }
    draft = replace(_draft(how, lessons), metrics=metrics)
    cases = golden_cases(onnx, tflite, golden(how.knee_mv))
    package(out, draft, onnx, tflite, cases)
    log("fitting the linear filter, and testing both")
    floor = linear.fit(given, wanted)
    test = tested(LeadModel.load(out), floor, lessons.tested)
    return package(out, replace(draft, metrics={**metrics, "test": test}), onnx, tflite, cases)


def tested(model: LeadModel, floor: linear.LinearFilter, people: People) -> dict[str, Any]:
    """Figures of a model through the public stream, and of a linear filter, on the same recordings."""
    given, wanted = people.leads(["I"]), people.leads(GUESSED)
    ours = scores.compared(GUESSED, guessed(model, people.ids.tolist()), wanted, people.patients)
    return scores.report(ours, scores.compared(GUESSED, floor(given), wanted, people.patients))


def guessed(model: LeadModel, record_ids: Sequence[str]) -> Floats:
    """Leads of recordings through the public stream: (recordings, 7, 1000) in mV."""
    return np.stack([_streamed(model, record) for record in data.ptbxl(record_ids)])


def _streamed(model: LeadModel, record: data.Record) -> Floats:
    stream = LeadReconstructor(model, record.fs)
    blocks = stream.feed(record.mv) + stream.finish()
    return np.stack([np.concatenate([block.leads[name] for block in blocks]) for name in GUESSED])


def _windows(how: LeadRecipe, lessons: Lessons, count: int) -> Floats:
    """Varied inputs of the people who taught, as long as the runtime's."""
    rng = np.random.default_rng(how.training.seed)
    chosen = rng.integers(0, len(lessons.taught), count)
    given = lessons.taught.leads(["I"])[chosen]
    return drawn(how, given, given, lessons.noise, rng)[:, :1, :N]


def _proof(how: LeadRecipe, lessons: Lessons) -> Floats:
    """Inputs as they are."""
    given = lessons.taught.leads(["I"])[:PARITY_WINDOWS, :, :N]
    return model_input(given, how.knee_mv)


def golden(knee_mv: float) -> list[tuple[Floats, Floats]]:
    """A window of filtered synthetic ECG, and what the network sees of it."""
    mv = synthesize([Segment("sinus", 10.0, 70.0)], 130.0, seed=3).mv
    # Four decimals are a tenth of a microvolt.
    window = np.round(prepare.filtered(mv, 130.0, FS)[3 * HOP : 3 * HOP + N], 4)
    return [(window, model_input(window, knee_mv))]


def _draft(how: LeadRecipe, lessons: Lessons) -> Manifest:
    front = FrontEnd.default(FS)
    return Manifest(
        task="leads",
        fs=FS,
        window_s=N / FS,
        hop_s=HOP / FS,
        min_window_s=N / FS,
        bandpass_taps=front.taps,
        resampler=front.resampler,
        normalisation=Normalisation(NORMALISATION, {"knee_mv": how.knee_mv, "places": N, "margin": MARGIN}),
        classes=GUESSED,
        roles={name: name.lower() for name in GUESSED},
        temperature=1.0,
        thresholds={},
        training_data=(
            DATASETS["ptb-xl"].source(len(lessons.taught), ", folds 1 to 8"),
            DATASETS["nstdb"].source(len(prepare.NOISES)),
        ),
        split_sha256=splits.split_hash(lessons.tested.ids.tolist()),
        metrics={"command": ""},
        commit=commit(),
        versions=versions(),
    )
