"""From recipe to shipped word folder: train, quantize, prove, measure its telemetry, package."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecgedge.artefacts.backends import Backend, litert
from ecgedge.artefacts.backends import onnx as onnx_backend
from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.stream.filters import FrontEnd
from ecgedge.tokens.features import FS, HALF, Floats, N, model_input
from ecgedge.tokens.model import NORMALISATION
from ecgedge.tokens.vocabulary import Vocabulary
from ecgedge.whole_recording import detect_beats
from ecgedge_bridge.errors import ModelError
from ecgedge_export import prepare, splits
from ecgedge_export.data import DATASETS
from ecgedge_export.int8.chain import Converted, convert
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.parity import Limits
from ecgedge_export.micro.memory import memory
from ecgedge_export.nets import n_parameters
from ecgedge_export.progress import epoch_log
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import golden_cases, package
from ecgedge_export.tasks import Log
from ecgedge_export.tokens import gather, scores
from ecgedge_export.tokens.gather import Words
from ecgedge_export.tokens.training import Learnt, WordRecipe, places, train

CALIBRATION_WORDS = 2048
PROOF_WORDS = 2000
# The largest of 32 values says little, and often two are nearly the same: what counts is the code.
PARITY = Limits(int8_steps=1, int8_agreement=0.98, reference_agreement=0.9, float_agreement=0.9)
LEAST_AGREEMENT = 0.95  # of codes, between the float network and its INT8 files
HARDLY_TRAINED = 0.7  # after two epochs on few words, when codes lie close together


class Lessons(NamedTuple):
    """Words that teach, and words of others that prove that INT8 speaks the same."""

    words: Words
    proof: Words


def load(how: WordRecipe, work: Path, log: Log, limit: int | None = None) -> Lessons:
    """Cut the words of all sources, the first ``limit`` recordings of each."""
    words = gather.gathered(work, how.training.seed, log, limit)
    others = [gather.spoken(r) for r in gather.lead_one([9])]
    proof, rng = gather.joined(others), np.random.default_rng(how.training.seed)
    return Lessons(words, proof.only(rng.permutation(len(proof))[:PROOF_WORDS]))


def build(
    how: WordRecipe, lessons: Lessons, out: Path, work: Path, command: str, log: Log, *, quick: bool = False
) -> Manifest:
    """Make the model folder ``out``; checkpoints and intermediate files go to ``work``.

    Raises
    ------
    ModelError
        The INT8 files disagree with each other, or speak other words than their float parent.
    """
    learnt = train(how, lessons.words, work / "checkpoint.pt", epoch_log(log, how.name))
    log(f"{n_parameters(learnt.encoder):,} parameters; quantizing")
    rng = np.random.default_rng(how.training.seed)
    calibration = model_input(lessons.words.words[rng.choice(len(lessons.words), CALIBRATION_WORDS)])
    proof = model_input(lessons.proof.words)
    limits = replace(PARITY, reference_agreement=0.7, float_agreement=0.7) if quick else PARITY
    made = convert(learnt.encoder, calibration[:, None], proof[:, None], work, limits=limits)
    agreement = code_agreement(learnt, made, proof)
    log(f"INT8 and float speak the same word in {agreement}")
    if min(agreement.values()) < (HARDLY_TRAINED if quick else LEAST_AGREEMENT):
        raise ModelError(f"INT8 speaks other words than float ({agreement}): calibrate on more words")
    metrics = {
        "command": command,
        "parameters": n_parameters(learnt.encoder),
        "parity": asdict(made.parity),
        "memory": memory(made.tflite),
        "code_agreement": agreement,
        "vocabulary": spoken_share(learnt, model_input(lessons.words.words)),
    }
    # The stated error is measured with the very files that are shipped: they are packaged twice.
    draft = replace(_draft(how, lessons, learnt.vocabulary), metrics=metrics)
    cases = golden_cases(made.onnx, made.tflite, golden())
    weights = learnt.vocabulary.encoded()
    first = work / "unmeasured" / out.name
    package(first, draft, made.onnx, made.tflite, cases, weights)
    found = scores.measured(first, limit=2 if quick else None)
    log("; ".join(f"{name}: {scores.kept(row)}" for name, row in found["telemetry"].items()))
    return package(out, replace(draft, metrics=metrics | found), made.onnx, made.tflite, cases, weights)


def code_agreement(learnt: Learnt, made: Converted, inputs: Floats) -> dict[str, float]:
    """Share of words that the float network and each INT8 file give the same code."""
    codes = learnt.vocabulary.codes
    wanted = (places(learnt.encoder, inputs) @ codes.T).argmax(axis=1)
    backends: dict[str, Backend] = {
        "tflite": litert.open_model(made.tflite.read_bytes(), describe_file(made.tflite)),
        "onnx": onnx_backend.open_model(made.onnx.read_bytes(), describe_file(made.onnx)),
    }
    return {
        kind: float(np.mean([(codes @ b.run(x[None, None])).argmax() for x in inputs] == wanted))
        for kind, b in backends.items()
    }


def spoken_share(learnt: Learnt, inputs: Floats) -> dict[str, Any]:
    """How the codes are used by the words that taught: number in use, and their perplexity."""
    chosen = (places(learnt.encoder, inputs) @ learnt.vocabulary.codes.T).argmax(axis=1)
    share = np.bincount(chosen, minlength=len(learnt.vocabulary)) / len(chosen)
    used = share[share > 0]
    return {
        "codes": len(share),
        "used": len(used),
        "perplexity": round(float(np.exp(-(used @ np.log(used)))), 1),
    }


def golden() -> list[tuple[Floats, Floats]]:
    """A word of filtered synthetic ECG around the fifth beat, and what the network sees of it."""
    mv = synthesize([Segment("sinus", 10.0, 70.0)], 130.0, seed=3).mv
    peak = round(detect_beats(mv, 130.0)[4] * FS / 130.0)
    # Four decimals are a tenth of a microvolt.
    window = np.round(prepare.filtered(mv, 130.0, FS)[peak - HALF : peak - HALF + N], 4)
    return [(window, model_input(window))]


def _draft(how: WordRecipe, lessons: Lessons, vocabulary: Vocabulary) -> Manifest:
    front = FrontEnd.default(FS)
    taught = lessons.words
    return Manifest(
        task="tokens",
        fs=FS,
        window_s=N / FS,
        hop_s=N / FS,
        min_window_s=N / FS,
        bandpass_taps=front.taps,
        resampler=front.resampler,
        normalisation=Normalisation(NORMALISATION, {"places": vocabulary.codes.shape[1]}),
        classes=(),
        roles={},
        temperature=1.0,
        thresholds={},
        training_data=tuple(
            DATASETS[source].source(len(set(taught.record[taught.source == source].tolist())), part)
            for source, part in _PARTS.items()
        ),
        split_sha256=splits.split_hash(
            f"{record.dataset}/{record.id}" for tested in scores.sets().values() for record in tested
        ),
        metrics={"command": ""},
        commit=commit(),
        versions=versions(),
    )


_PARTS = {
    "cinc2017": "",
    "ptb-xl": ", lead I of folds 1 to 8",
    "svdb": "",
    "mitdb": ", first lead of DS1",
}
