"""From recipe to shipped beat-class folder: train, quantize, prove, measure on DS2, package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.beat_classes.layout import FS, N_FIGURES, N_WAVE, N_WAVES
from ecgedge.beat_classes.model import NORMALISATION
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.monitor import Models
from ecgedge.stream.filters import FrontEnd
from ecgedge.whole_recording import classify_beats
from ecgedge_export import prepare, splits
from ecgedge_export.beat_classes import breathing, scores
from ecgedge_export.beat_classes.gather import OF_RECORDS, UNKNOWN, BeatSet, detect, observe
from ecgedge_export.beat_classes.scores import CLASSES, ROLES
from ecgedge_export.beat_classes.training import (
    BeatAugmenter,
    BeatClassRecipe,
    Log,
    answers,
    plain_inputs,
    train,
)
from ecgedge_export.data import DATASETS
from ecgedge_export.int8.chain import convert
from ecgedge_export.micro.memory import memory
from ecgedge_export.nets import BeatClassNet, n_parameters
from ecgedge_export.progress import epoch_log
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import golden_cases, package
from ecgedge_export.train import Lessons

Floats = npt.NDArray[np.float32]

# Of every class about as many: a scale that clips the tallest ectopic beats would cost the very classes that
# the model is for.
CALIBRATION_BEATS = 1024
# Enough that a disagreement of one beat in a thousand shows.
PARITY_BEATS = 2000
# Data sets and the part of each that trains; other sources are made from annotated records or from CinC 2017.
PARTS = {"mitdb": ", DS1", "svdb": "", "ptb-xl": ", folds 1 to 8", "cinc2017": ""}


def augmenter(how: BeatClassRecipe) -> BeatAugmenter:
    """Draws training inputs, with the noise that never tests."""
    return BeatAugmenter(how, list(prepare.nstdb(FS).values()))


def build(
    how: BeatClassRecipe,
    beats: BeatSet,
    augmenter: BeatAugmenter,
    out: Path,
    work: Path,
    command: str,
    log: Log,
    test: Sequence[str] = splits.DS2,
    breathing_every: int = 1,
) -> Manifest:
    """Make the model folder ``out``; checkpoints and intermediate files go to ``work``.

    ``test`` names the MIT-BIH records that the INT8 files are measured on, beside every so many cases of
    :mod:`ecgedge_export.beat_classes.breathing`.

    Raises
    ------
    ModelError
        The INT8 files disagree with each other or too much with their float parent.
    """
    lessons = teach(how, beats, augmenter, work / "teachers", log) if how.taught else None
    net = with_prior(
        train(how, beats, augmenter, work / "checkpoint.pt", epoch_log(log, how.name), lessons), how
    )
    log(f"{n_parameters(net):,} parameters; quantizing")
    onnx, tflite, report = convert(net, *calibration(how, beats, augmenter), work)
    metrics: dict[str, Any] = {
        "command": command,
        "parameters": n_parameters(net),
        "parity": asdict(report),
        "memory": memory(tflite),
    }
    draft = replace(_draft(how, beats), metrics=metrics)
    cases = golden_cases(onnx, tflite, golden(how.clip))
    package(out, draft, onnx, tflite, cases)
    log("measuring the INT8 files through ecgedge.classify_beats")
    metrics |= measure(out, test)
    metrics["sinus_arrhythmia"] = breathing.shares(
        Models.load("litert", beat_classes=out).beat_classes, list(breathing.cases(breathing_every))
    )
    return package(out, replace(draft, metrics=metrics), onnx, tflite, cases)


class Calibration(NamedTuple):
    """Inputs to calibrate with, and others to prove the files on, each (k, 1, n)."""

    inputs: Floats
    proof: Floats


def calibration(how: BeatClassRecipe, beats: BeatSet, augmenter: BeatAugmenter) -> Calibration:
    """Inputs to calibrate with, of every class about as many, and others to prove the files on."""
    rng = np.random.default_rng(how.training.seed)
    known = np.flatnonzero(beats.symbols != UNKNOWN)
    some = balanced(beats, CALIBRATION_BEATS, rng)
    others = beats.only(np.isin(np.arange(len(beats)), rng.choice(known, PARITY_BEATS)))
    return Calibration(augmenter.draw(beats, some, rng)[:, None], plain_inputs(others, how.clip)[:, None])


def balanced(beats: BeatSet, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw ``n`` beats, of every class about as many."""
    pools = [np.flatnonzero(beats.symbols == c) for c in CLASSES]
    return np.concatenate([rng.choice(pool, n // len(CLASSES)) for pool in pools if len(pool)])


def with_prior(net: BeatClassNet, how: BeatClassRecipe) -> BeatClassNet:
    """Add the recipe's prior to the last layer."""
    with torch.no_grad():
        net.out.bias.add_(torch.tensor(how.prior))
    return net


def measure(folder: Path, record_ids: Sequence[str]) -> dict[str, Any]:
    """MIT-BIH records through ``ecgedge.classify_beats`` on both runtimes."""
    reports, predicted = {}, {}
    for backend in ("litert", "onnx"):
        classify = partial(classify_beats, models=Models.load(backend, beat_classes=folder))
        named = list(scores.classify_records(classify, record_ids))
        predicted[backend] = np.concatenate([beats.symbol for _, beats in named])
        reports[f"int8_{backend}"] = scores.report(named)
    agree = float(np.mean(predicted["litert"] == predicted["onnx"]))
    return {"test": f"MIT-BIH {' '.join(record_ids)}", **reports, "backends_agree": round(agree, 5)}


def golden(clip: float) -> list[tuple[Floats, Floats]]:
    """Filtered synthetic ECG, and the inputs of the last ventricular beat in it that another follows."""
    made = synthesize([Segment("pvc", 20.0, 70.0)], 130.0, seed=3)
    signal = np.round(prepare.filtered(made.mv, 130.0, FS), 4)
    peaks = detect(signal)
    inputs = plain_inputs(observe(signal, peaks, [UNKNOWN] * len(peaks), "golden", "golden"), clip)
    early = np.flatnonzero(np.diff(peaks) < 0.8 * np.median(np.diff(peaks))) + 1
    return [(signal, inputs[early[early < len(peaks) - 1][-1]])]


def _draft(how: BeatClassRecipe, beats: BeatSet) -> Manifest:
    front = FrontEnd.default(FS)
    pairs = set(zip(beats.record.tolist(), beats.source.tolist(), strict=True))
    people = {
        (s if s in PARTS else "cinc2017", r.partition("/")[0])
        for r, s in pairs
        if s in PARTS or s not in OF_RECORDS
    }
    counts = {name: sum(s == name for s, _ in people) for name in PARTS}
    used = [DATASETS[name].source(n, PARTS[name]) for name, n in counts.items() if n]
    return Manifest(
        task="beat_classes",
        fs=FS,
        window_s=N_WAVE / FS,
        hop_s=N_WAVE / FS,
        min_window_s=N_WAVE / FS,
        bandpass_taps=front.taps,
        resampler=front.resampler,
        normalisation=Normalisation(
            NORMALISATION, {"clip": how.clip, "waves": N_WAVES, "figures": N_FIGURES}
        ),
        classes=tuple(CLASSES),
        roles=ROLES,
        temperature=1.0,
        thresholds={},
        training_data=(*used, DATASETS["nstdb"].source(len(prepare.NOISES))),
        split_sha256=splits.split_hash(splits.DS2),
        metrics={"command": ""},
        commit=commit(),
        versions=versions(),
    )


def teach(how: BeatClassRecipe, beats: BeatSet, augmenter: BeatAugmenter, work: Path, log: Log) -> Lessons:
    """Train the recipe's teachers and let them answer together about all beats."""
    nets = []
    for k in range(how.teachers):
        training = replace(how.training, seed=100 * how.training.seed + k)
        own = replace(how, width=how.teacher_width, training=training)
        nets.append(train(own, beats, augmenter, work / f"{k}.pt", epoch_log(log, f"teacher {k + 1}")))
    return Lessons(answers(nets, beats, how.clip), how.teacher_weight, how.temperature)
