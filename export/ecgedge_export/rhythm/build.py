"""From recipe to shipped folder: train, export, quantize, prove, measure, package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import optimize, special
from torch import nn

from ecgedge.artefacts.backends.onnx import open_model
from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.rhythm.decision import LIMITS
from ecgedge.rhythm.model import NORMALISATION, RhythmModel
from ecgedge.stream.filters import FrontEnd
from ecgedge_export import data, nets, prepare, splits
from ecgedge_export.int8 import qat
from ecgedge_export.int8.chain import HARDLY_TRAINED, PARITY, convert
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.micro.memory import memory
from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.progress import epoch_log
from ecgedge_export.recipe import Recipe
from ecgedge_export.rhythm import conditions
from ecgedge_export.rhythm import scores as evaluate
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.rhythm.further import further
from ecgedge_export.rhythm.limits import CHOOSING_FOLDS, short_limits, true_share
from ecgedge_export.rhythm.shipped import start_from
from ecgedge_export.rhythm.training import inputs, train, untrained
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import golden_cases, package
from ecgedge_export.train import Embeddings, Lessons, Progress, logits

# MinMax calibration takes the extremes of all windows: more of them only widen the scales.
CALIBRATION_WINDOWS = 512
# Golden vectors are text and go into the wheel; a kernel that is wrong is wrong in every window.
GOLDEN_WINDOWS = 1
Log = Callable[[str], None]
Teach = Callable[[Path, Progress], RhythmNet]


@dataclass(frozen=True, slots=True)
class Own:
    """What a model of own recordings is measured on, and what its card says of them.

    ``records`` validate, whole and unfiltered; ``statement`` says how they were divided.
    """

    records: tuple[evaluate.Recording, ...]
    sources: tuple[Source, ...]
    statement: str


@dataclass(frozen=True, slots=True)
class Sets:
    """Filtered recordings on both sides of the split, and the augmentation of those that train.

    ``start`` is the folder of the model that the weights start from; ``further`` are the data sets that train
    beside CinC 2017, with the last ``n_further`` recordings of ``train``.
    """

    train: Prepared
    validation: Prepared
    augmenter: Augmenter
    own: Own | None = None
    start: Path | None = None
    further: tuple[Source, ...] = ()
    n_further: int = 0


def load_sets(recipe: Recipe, limit: int | None = None, start: Path | None = None) -> Sets:
    """Read CinC 2017, the noise, and what trains besides; ``limit`` keeps that many records of each side."""
    everything = prepare.cinc2017(recipe.fs)
    validates = [splits.is_validation(i) for i in everything.ids]
    sides = everything.only([not v for v in validates]), everything.only(validates)
    train, validation = (s.only([i < (limit or len(s.ids)) for i in range(len(s.ids))]) for s in sides)
    noise = list(prepare.nstdb(recipe.fs).values())
    augmenter = Augmenter(recipe.fs, recipe.n_samples, recipe.clip, recipe.augment, noise)
    if not recipe.also:
        return Sets(train, validation, augmenter, start=start)
    more = further(recipe.also, recipe.fs, RhythmModel.load(start, "onnx"), limit)
    both, n_further = train.joined(more.recordings), len(more.recordings.ids)
    return Sets(both, validation, augmenter, start=start, further=more.sources, n_further=n_further)


def in_noise(validation: Prepared, fs: float, snr_db: float) -> dict[str, Prepared]:
    """The same recordings with each kind of noise that trained nothing, filtered after it was added."""
    wanted = set(validation.ids)
    records = [r for r in data.cinc2017() if r.id in wanted]
    found = {}
    for kind, noise in prepare.held_out_noise(records[0].fs).items():
        signals = [prepare.filtered(prepare.mix(r.mv, noise, snr_db), r.fs, fs) for r in records]
        found[kind] = Prepared([r.id for r in records], [r.label for r in records], signals)
    return found


def build(
    recipe: Recipe,
    sets: Sets,
    out: Path,
    work: Path,
    command: str,
    log: Log,
    lessons: Lessons | None = None,
    known: Mapping[str, Any] = MappingProxyType({}),
    embeddings: Embeddings | None = None,
    *,
    teach: Teach | None = None,
    widely: bool = True,
) -> Manifest:
    """Make the model folder ``out``; checkpoints and intermediate files go to ``work``.

    ``lessons`` are a teacher's answers about ``sets.train``, ``embeddings`` a large model's vectors of it;
    ``teach`` trains in their place, beside a panel; ``known`` joins the metrics; ``widely`` measures under
    many conditions too, which takes minutes.

    Raises
    ------
    ModelError
        The INT8 files disagree with each other or too much with their float parent.
    """
    checkpoint, progress = work / "checkpoint.pt", epoch_log(log, recipe.name)
    if teach:
        parent = teach(checkpoint, progress)
    else:
        start = started(recipe, sets)
        parent = train(recipe, sets.train, sets.augmenter, checkpoint, progress, lessons, embeddings, start)
    log(f"{nets.n_parameters(parent):,} parameters; quantizing")
    net = tuned(parent, recipe, sets, log)
    limits = PARITY if widely else HARDLY_TRAINED
    pair, tflite, report = convert(
        net, calibration(recipe, sets), _to_prove_on(recipe, sets), work, limits=limits
    )
    predicted = logits(net, _last_windows(sets.validation, sets.augmenter))
    targets = np.array([recipe.classes.index(label) for label in sets.validation.labels])
    draft = _draft(recipe, sets, fit_temperature(predicted, targets), command)
    draft = replace(draft, thresholds={**LIMITS, **_share(draft, predicted, targets)})
    cases = golden_cases(pair, tflite, _golden(sets, recipe))
    metrics: dict[str, Any] = {
        **known,
        "command": command,
        "parameters": nets.n_parameters(parent),
        "parity": asdict(report),
        "memory": memory(tflite),
        "float_without_gate": _float_report(parent, sets, recipe),
    }
    package(out, replace(draft, metrics=metrics), pair, tflite, cases)
    if widely and not sets.own:
        short = short_limits(RhythmModel.load(out, "litert"))
        draft = replace(draft, thresholds={**draft.thresholds, **short})
        package(out, replace(draft, metrics=metrics), pair, tflite, cases)
    if sets.own:
        metrics["own_data"] = sets.own.statement
    records = sets.own.records if sets.own else tuple(data.cinc2017(sets.validation.ids))
    parent_file = export_onnx(parent, recipe.n_samples, work / "parent.onnx")
    metrics |= measure(out, parent_file, records, log, own=sets.own is not None)
    if widely and not sets.own:
        metrics |= measure_widely(out, sets.validation.ids, log)
    return package(out, replace(draft, metrics=metrics), pair, tflite, cases)


def tuned(net: nn.Module, recipe: Recipe, sets: Sets, log: Log) -> nn.Module:
    """Return ``net`` trained on with rounding, if the recipe says so, else ``net`` itself."""
    how = recipe.quantization
    if how.qat_epochs == 0:
        return net
    return qat.tune(
        net,
        torch.from_numpy(calibration(recipe, sets)),
        lambda epoch: inputs(recipe, sets.train, sets.augmenter, epoch),
        how.qat_epochs,
        how.qat_lr,
        epoch_log(log, "rounding"),
    )


def started(recipe: Recipe, sets: Sets) -> RhythmNet | None:
    """The network with the weights that the recipe names, None where it names none."""
    if sets.start is None:
        return None
    net = untrained(recipe)
    start_from(net, recipe, _drawn(recipe, sets, len(sets.train.ids)), sets.start)
    return net


def _to_prove_on(recipe: Recipe, sets: Sets) -> npt.NDArray[np.float32]:
    """Windows on which all forms of the network have to agree: those that validate.

    Where these are few, as own recordings may be, a single window would decide: those that calibrate join.
    """
    windows = _last_windows(sets.validation, sets.augmenter)[:, None, :]
    return np.concatenate([windows, calibration(recipe, sets)]) if sets.own else windows


def measure(
    folder: Path, parent: Path, records: Sequence[evaluate.Recording], log: Log, *, own: bool = False
) -> dict[str, Any]:
    """Records through ``ecgedge.classify``, gate included: both runtimes, and the float parent.

    ``parent`` is the float ONNX file of the same network; ``own`` records have classes of their own.
    """
    models = {f"int8_{b}": RhythmModel.load(folder, b) for b in ("litert", "onnx")}
    models["float"] = RhythmModel(
        models["int8_onnx"].manifest, open_model(parent.read_bytes(), describe_file(parent))
    )
    answers = {}
    for name, model in models.items():
        log(f"measuring {name} through ecgedge.classify")
        answers[name] = evaluate.classify_records(records, model)
    agree = evaluate.agreement(answers["int8_litert"], answers["int8_onnx"])
    if own:
        own_reports = {name: evaluate.own_report(a, models[name].manifest) for name, a in answers.items()}
        return {**own_reports, "backends_agree": round(agree, 4)}
    reports = {name: evaluate.rhythm_report(a, models[name].manifest.classes) for name, a in answers.items()}
    quality = conditions.by_quality(answers["int8_litert"])
    return {**reports, "backends_agree": round(agree, 4), "by_quality": quality}


def measure_widely(folder: Path, record_ids: Sequence[str], log: Log) -> dict[str, Any]:
    """The same records under many conditions, and other people."""
    model = RhythmModel.load(folder, "litert")
    log("measuring other rates, noise, polarity")
    found = {"conditions": conditions.under_conditions(model, data.cinc2017(record_ids))}
    log("measuring PTB-XL")
    short = {
        "PTB-XL lead I, folds 7 and 8, which chose the limits": conditions.ten_seconds(model, CHOOSING_FOLDS),
        "PTB-XL lead I, fold 9": conditions.ten_seconds(model, (9,)),
    }
    return {**found, "ten_seconds": short, "by_person": conditions.by_person(model)}


def fit_temperature(logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> float:
    """Temperature with the least log loss (Guo et al., ICML 2017)."""

    def loss(log_t: float) -> float:
        log_p = special.log_softmax(logits / np.exp(log_t), axis=1)
        return float(-log_p[np.arange(len(targets)), targets].mean())

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def _share(
    draft: Manifest, predicted: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]
) -> dict[str, float]:
    af = [draft.classes.index(name) for name in draft.with_role("af")]
    p = special.softmax(predicted.astype(np.float64) / draft.temperature, axis=1)
    return true_share(p[:, af].sum(axis=1), np.isin(targets, af))


def calibration(recipe: Recipe, sets: Sets) -> npt.NDArray[np.float32]:
    """Windows of the training side, as the network is trained on them; of CinC 2017 alone where others join.

    Hospital and Holter signals have wider extremes, and with them coarser steps: INT8 lost 0.5 points of mean
    F1 with them and nothing without.
    """
    return _drawn(recipe, sets, len(sets.train.ids) - sets.n_further)


def _drawn(recipe: Recipe, sets: Sets, first: int) -> npt.NDArray[np.float32]:
    """Augmented windows of some of the ``first`` recordings that train."""
    rng = np.random.default_rng(recipe.training.seed)
    chosen = rng.permutation(first)[:CALIBRATION_WINDOWS]
    return np.stack([sets.augmenter.draw(sets.train.signals[i], rng) for i in chosen])[:, None, :]


def _last_windows(side: Prepared, augmenter: Augmenter) -> npt.NDArray[np.float32]:
    return np.stack([augmenter.plain(s) for s in side.signals])


def _float_report(net: nn.Module, sets: Sets, recipe: Recipe) -> dict[str, Any]:
    """The float parent on the last window of every validation record, without the gate."""
    predicted = logits(net, _last_windows(sets.validation, sets.augmenter)).argmax(axis=1)
    labels = [recipe.classes[i] for i in predicted]
    mean = {} if sets.own else {"mean_f1_nao": round(evaluate.mean_f1(sets.validation.labels, labels), 4)}
    return {
        "windows": "last one of each record, no gate",
        **mean,
        "f1": {
            k: round(v, 4)
            for k, v in evaluate.f1_by_class(sets.validation.labels, labels, recipe.classes).items()
        },
    }


def _golden(sets: Sets, recipe: Recipe) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    # Four decimals are a tenth of a microvolt, and a third of the file.
    signals = [np.round(s[-recipe.n_samples :], 4) for s in sets.validation.signals[:GOLDEN_WINDOWS]]
    return [(s, sets.augmenter.plain(s)) for s in signals]


def _draft(recipe: Recipe, sets: Sets, temperature: float, command: str) -> Manifest:
    front = FrontEnd.default(recipe.fs)
    return Manifest(
        task=recipe.task,
        fs=recipe.fs,
        window_s=recipe.window_s,
        hop_s=recipe.hop_s,
        min_window_s=recipe.min_window_s,
        bandpass_taps=front.taps,
        resampler=front.resampler,
        normalisation=Normalisation(NORMALISATION, {"clip": recipe.clip}),
        classes=recipe.classes,
        roles=recipe.roles,
        temperature=temperature,
        thresholds=LIMITS,
        training_data=sets.own.sources if sets.own else _sources(sets),
        split_sha256=splits.split_hash(r.id for r in sets.own.records)
        if sets.own
        else splits.split_hash(sets.validation.ids),
        metrics={"command": command},
        commit=commit(),
        versions=versions(),
    )


def _sources(sets: Sets) -> tuple[Source, ...]:
    return (
        data.DATASETS["cinc2017"].source(len(sets.train.ids) - sets.n_further),
        data.DATASETS["nstdb"].source(len(prepare.NOISES)),
        *sets.further,
    )
