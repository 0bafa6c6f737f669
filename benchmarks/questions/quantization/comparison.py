"""One model in all its forms: size, time, accuracy, and whether they give the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness.figures import quantiles_ms
from benchmarks.harness.not_measured import NotMeasuredError, at_hand, or_skipped, skipped
from benchmarks.questions.quantization import networks
from benchmarks.questions.quantization.networks import Watched, Windows, open_file
from benchmarks.questions.quantization.processors import logit_step, processors
from benchmarks.questions.quantization.subjects import Scores, Subject
from ecgedge.artefacts.backends import Window
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.golden import load_golden
from ecgedge.artefacts.manifest import Manifest

# Runs that are not counted; windows that runtimes are compared on, spread over all that a model meets
WARM_UP, COMPARED_WINDOWS = 10, 1000
LEFT_OUT = "left out of a quick run"


def forms(name: str) -> dict[str, Any]:
    """Files that are compared in size, time and logits."""
    folder = BUNDLED / name
    return {
        "onnx float": or_skipped(networks.parent, name),
        "onnx": folder / "model.onnx",
        "litert": folder / "model.tflite",
    }


def measured(found: Mapping[str, Any]) -> dict[str, Any]:
    """What was not skipped."""
    return {name: some for name, some in found.items() if not skipped(some)}


def sizes(files: Mapping[str, Any]) -> dict[str, Any]:
    """Bytes of each file."""
    return {n: file if skipped(file) else {"bytes": file.stat().st_size} for n, file in files.items()}


def speed(backends: Mapping[str, Any], windows: Sequence[Window], count: int) -> dict[str, Any]:
    """Time of a window in each runtime, one window in all of them before the next one."""
    took: dict[str, list[float]] = {name: [] for name in measured(backends)}
    for i in range(-WARM_UP, count):
        for name, seconds in took.items():
            begun = time.perf_counter()
            backends[name].run(windows[i % len(windows)])
            seconds.append(time.perf_counter() - begun)
    timed = {name: {"ms": quantiles_ms(seconds[WARM_UP:])} for name, seconds in took.items()}
    return {**backends, **timed}


def golden_windows(name: str) -> list[Window]:
    """Windows that come with a model."""
    cases = load_golden(BUNDLED / name, Manifest.load(BUNDLED / name))
    return [case.preprocessed.reshape(1, 1, -1) for case in cases]


def versions(subject: Subject, quick: bool, work: Path) -> dict[str, Any]:
    """Files whose accuracy is compared, the float parent first."""

    def made(make: Any, folder: str) -> Any:
        return or_skipped(at_hand, subject.data_set, make, subject, work / folder)

    return {
        "float": or_skipped(networks.parent, subject.name),
        "bundled": BUNDLED / subject.name / "model.tflite",
        "post_training": made(networks.post_training, "post"),
        "tuned": {"skipped": LEFT_OUT} if quick else made(networks.tuned, "tuned"),
    }


def distinct(files: Mapping[str, Any]) -> dict[str, Any]:
    """The files, but for one with the bytes of another the name of that."""
    first: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, file in files.items():
        digest = name if skipped(file) else hashlib.sha256(file.read_bytes()).hexdigest()
        found[name] = {"same_file_as": first[digest]} if digest in first else file
        first.setdefault(digest, name)
    return found


class Accuracy(NamedTuple):
    """Figures of every version, and the windows that the first of them met."""

    rows: dict[str, Any]
    windows: list[Window]


def accuracy(subject: Subject, files: Mapping[str, Any]) -> Accuracy:
    """Score every version, and compare it with the float parent."""
    found, parent = Accuracy(distinct(files), []), None
    for name, file in found.rows.items():
        if not isinstance(file, Path):
            continue
        backend = Watched(open_file(file))
        scores = or_skipped(at_hand, subject.data_set, subject.score, backend)
        found.rows[name] = figures(scores, parent) if isinstance(scores, Scores) else scores
        if name == "float" and isinstance(scores, Scores):
            parent = scores
        if not found.windows:
            found.windows.extend(backend.windows)
    return found


def figures(scores: Scores, parent: Scores | None) -> dict[str, Any]:
    """Scores of a version, and how much higher they are than the float parent's."""
    row = {"records": scores.n, "figures": scores.with_intervals()}
    return {**row, "over_float": scores.over(parent).with_intervals()} if parent else row


def agreement(logits: Mapping[str, Windows], step: float) -> dict[str, Any]:
    """How far ONNX Runtime is from LiteRT in steps of the logits, and how often all name the same class."""
    apart = np.abs(logits["onnx"] - logits["litert"]).max(axis=1) / step
    classes = {name: some.argmax(axis=1) for name, some in logits.items()}
    found = {
        "windows": len(apart),
        "steps": float(apart.max()),
        "same_class": float((classes["onnx"] == classes["litert"]).mean()),
    }
    if "onnx float" in classes:
        found["same_class_as_float"] = float((classes["litert"] == classes["onnx float"]).mean())
    return found


def compared(backends: Mapping[str, Any], windows: Sequence[Window]) -> dict[str, Any]:
    """:func:`agreement` on windows spread over those that the model met.

    Raises
    ------
    NotMeasuredError
        It met none.
    """
    if not windows:
        raise NotMeasuredError("no windows: the records are not at hand")
    chosen = np.linspace(0, len(windows) - 1, min(len(windows), COMPARED_WINDOWS)).astype(int)
    logits = {n: np.stack([b.run(windows[i]) for i in chosen]) for n, b in measured(backends).items()}
    return agreement(logits, logit_step(backends["litert"].artefact.output.scale))


def measure_model(subject: Subject, quick: bool, work: Path) -> dict[str, Any]:
    """Everything about one model."""
    files, name = forms(subject.name), subject.name
    backends = {n: file if skipped(file) else open_file(file) for n, file in files.items()}
    accurate = accuracy(subject, versions(subject, quick, work))
    return {
        "split": subject.split,
        "parameters": Manifest.load(BUNDLED / name).metrics["parameters"],
        "files": sizes(files),
        "runtimes": speed(backends, golden_windows(name), 50 if quick else 2000),
        "accuracy": accurate.rows,
        "agreement": or_skipped(compared, backends, accurate.windows),
        "processors": {"skipped": LEFT_OUT} if quick else or_skipped(processors, name),
    }
