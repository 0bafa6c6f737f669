"""What does INT8 cost, and what does it give?

For both models: size, time of a window, and accuracy of the float parent, of the bundled files, of the float
parent quantized as it is, and after a short training with rounding (quantization-aware); whether ONNX Runtime
and LiteRT say the same of the windows that the model meets; whether other processors, emulated, say the same
as this one.

Run ``python benchmarks/quantization.py``; it prints what it found and writes ``results/quantization.json``.
Needs the exporter, CinC 2017, MIT-BIH and the training cache, and leaves out what they would give.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.harness import common
from benchmarks.harness.common import NotMeasuredError, or_skipped, ratio
from benchmarks.questions.quantization import subjects as quantized
from benchmarks.questions.quantization.subjects import (
    BeatClasses,
    Rhythm,
    Subject,
    Verdict,
    Watched,
    Windows,
    open_file,
)
from ecgedge.artefacts.backends import Window
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.golden import load_golden
from ecgedge.artefacts.manifest import Manifest
from ecgedge_bridge.errors import ConfigError

SUBJECTS: tuple[Callable[[bool], Subject], ...] = (Rhythm, BeatClasses)
WARM_UP, COMPARED_WINDOWS = 10, 1000
EMULATED = common.ROOT / "tests" / "emulated" / "run.py"
LEFT_OUT = "left out of a quick run"


def had(work: Callable[..., Any], *arguments: Any) -> Any:
    """What the work returns, or the reason why there is none, a data set that is not at hand included."""
    try:
        return or_skipped(work, *arguments)
    except ConfigError as error:
        return {"skipped": str(error)}


def there(found: Mapping[str, Any]) -> dict[str, Any]:
    """What was not skipped."""
    return {name: some for name, some in found.items() if not _skipped(some)}


def _skipped(found: Any) -> bool:
    return isinstance(found, dict) and "skipped" in found


def forms(name: str) -> dict[str, Any]:
    """Files that are compared in size, time and logits."""
    folder = BUNDLED / name
    return {
        "onnx float": had(quantized.parent, name),
        "onnx": folder / "model.onnx",
        "litert": folder / "model.tflite",
    }


def sizes(files: Mapping[str, Any]) -> dict[str, Any]:
    """Bytes of each file."""
    return {n: file if _skipped(file) else {"bytes": file.stat().st_size} for n, file in files.items()}


def speed(backends: Mapping[str, Any], windows: Sequence[Window], count: int) -> dict[str, Any]:
    """Time of a window in each runtime, one window in all of them before the next one."""
    took: dict[str, list[float]] = {name: [] for name in there(backends)}
    for i in range(-WARM_UP, count):
        for name, seconds in took.items():
            begun = time.perf_counter()
            backends[name].run(windows[i % len(windows)])
            seconds.append(time.perf_counter() - begun)
    timed = {name: {"ms": common.quantiles_ms(seconds[WARM_UP:])} for name, seconds in took.items()}
    return {**backends, **timed}


def golden_windows(name: str) -> list[Window]:
    """Windows that come with a model."""
    cases = load_golden(BUNDLED / name, Manifest.load(BUNDLED / name))
    return [case.preprocessed.reshape(1, 1, -1) for case in cases]


def versions(subject: Subject, quick: bool, work: Path) -> dict[str, Any]:
    """Files whose accuracy is compared, the float parent first."""
    return {
        "float": had(quantized.parent, subject.name),
        "bundled": BUNDLED / subject.name / "model.tflite",
        "post_training": had(quantized.post_training, subject, work / "post"),
        "tuned": {"skipped": LEFT_OUT} if quick else had(quantized.tuned, subject, work / "tuned"),
    }


def distinct(files: Mapping[str, Any]) -> dict[str, Any]:
    """The files, but for one with the bytes of another the name of that."""
    first: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, file in files.items():
        digest = name if _skipped(file) else hashlib.sha256(file.read_bytes()).hexdigest()
        found[name] = {"same_file_as": first[digest]} if digest in first else file
        first.setdefault(digest, name)
    return found


def accuracy(subject: Subject, files: Mapping[str, Any]) -> tuple[dict[str, Any], list[Window]]:
    """Figures of every version, how much higher they are than the float parent's, and windows they met."""
    rows, windows, parent = distinct(files), list[Window](), None
    for name, file in rows.items():
        if isinstance(file, Path):
            backend = Watched(open_file(file))
            verdict = had(subject.judge, backend)
            rows[name] = figures(verdict, parent) if isinstance(verdict, Verdict) else verdict
            parent = verdict if name == "float" and isinstance(verdict, Verdict) else parent
            windows = windows or backend.windows
    return rows, windows


def figures(verdict: Verdict, parent: Verdict | None) -> dict[str, Any]:
    """What was said, and by how much it is better than what the float parent said."""
    row = {"records": verdict.n, "figures": verdict.told()}
    return {**row, "over_float": verdict.over(parent).told()} if parent else row


def agreement(said: Mapping[str, Windows], step: float) -> dict[str, Any]:
    """How far ONNX Runtime is from LiteRT in steps of the logits, and how often all name the same class."""
    apart = np.abs(said["onnx"] - said["litert"]).max(axis=1) / step
    classes = {name: logits.argmax(axis=1) for name, logits in said.items()}
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
    said = {n: np.stack([b.run(windows[i]) for i in chosen]) for n, b in there(backends).items()}
    return agreement(said, _step(backends["litert"].artefact.output.scale))


def _step(scale: float | None) -> float:
    assert scale is not None, "LiteRT's files are INT8 throughout"
    return scale


def processors(name: str) -> dict[str, Any]:
    """How far the runtimes of each processor are from LiteRT on this one, in steps of the logits."""
    step = _step(Manifest.load(BUNDLED / name).backends["tflite"].output.scale)
    rows: dict[str, Any] = {}
    wanted = None
    try:
        for processor, found in _emulated().everywhere(BUNDLED / name, install=False):
            if isinstance(found, Exception):
                rows[processor] = {"skipped": common.last_line(str(found))}
                continue
            wanted = found["litert"] if wanted is None else wanted
            off = {runtime: float(np.abs(said - wanted).max()) / step for runtime, said in found.items()}
            rows[processor] = {"windows": len(wanted), "steps": off}
    except (RuntimeError, subprocess.SubprocessError) as error:
        raise NotMeasuredError(common.last_line(str(error))) from error
    if vnni():
        return {"this machine, with VNNI": rows.pop("this machine"), **rows}
    return {**rows, "x86-64 with VNNI": {"skipped": "this machine has none, and it is not emulated"}}


def _emulated() -> Any:
    """The check of ``make test-emulated``, which is a script beside the tests."""
    spec = importlib.util.spec_from_file_location("emulated_run", EMULATED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vnni(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this is an x86 processor with instructions for sums of INT8 products."""
    return cpuinfo.is_file() and "vnni" in cpuinfo.read_text()


def measure_model(subject: Subject, quick: bool, work: Path) -> dict[str, Any]:
    """Everything about one model."""
    files, name = forms(subject.name), subject.name
    backends = {n: file if _skipped(file) else open_file(file) for n, file in files.items()}
    rows, windows = accuracy(subject, versions(subject, quick, work))
    return {
        "split": subject.split,
        "parameters": Manifest.load(BUNDLED / name).metrics["parameters"],
        "files": sizes(files),
        "runtimes": speed(backends, golden_windows(name), 50 if quick else 2000),
        "accuracy": rows,
        "agreement": had(compared, backends, windows),
        "processors": {"skipped": LEFT_OUT} if quick else had(processors, name),
    }


def ratios(models: Mapping[str, Any]) -> dict[str, Any]:
    """Float over INT8: how many times as large, how many times as long."""

    def over(rows: Mapping[str, Any], figure: Callable[[Any], float]) -> dict[str, float | None]:
        parent = rows["onnx float"]
        theirs = None if _skipped(parent) else figure(parent)
        return {name: ratio(theirs, figure(rows[name])) for name in ("onnx", "litert")}

    return {
        name: {
            "size": over(found["files"], lambda row: float(row["bytes"])),
            "time": over(found["runtimes"], lambda row: float(row["ms"]["p50"])),
        }
        for name, found in models.items()
    }


def measure(quick: bool) -> dict[str, Any]:
    """Everything, on one thread."""
    torch.set_num_threads(1)
    models = {}
    with TemporaryDirectory() as folder:
        for make in SUBJECTS:
            subject = make(quick)
            models[subject.name] = measure_model(subject, quick, Path(folder) / subject.name)
    tuning = {"epochs": quantized.TUNED_EPOCHS, "batches_of_each": quantized.TUNED_BATCHES}
    return {"models": models, "tuning": tuning, "ratios": ratios(models)}


def show(found: dict[str, Any]) -> None:
    """Print the figures that matter."""
    for name, model in found["models"].items():
        print(f"{name}, {model['parameters']:,} parameters; {model['split']}")
        for form, row in model["files"].items():
            timed = model["runtimes"][form]
            told = row.get("skipped") or f"{row['bytes']:,} bytes, {timed['ms']['p50']:.3f} ms"
            print(f"  {form:14} {told}")
        for version, row in model["accuracy"].items():
            print(f"  {version:14} {_said(row)}")
        print(f"  ONNX Runtime against LiteRT: {model['agreement']}")
        print(f"  processors: {model['processors']}")


def _said(row: Mapping[str, Any]) -> str:
    if "figures" not in row:
        return str(row.get("skipped") or f"the same file as {row['same_file_as']}")
    gains = row.get("over_float", {})
    parts = (
        f"{name} {figure['value']:.4f}"
        + (f" ({gains[name]['value']:+.4f} over float)" if name in gains else "")
        for name, figure in row["figures"].items()
    )
    return f"{', '.join(parts)}, {row['records']} records"


if __name__ == "__main__":
    sys.exit(common.main(__doc__, "quantization", measure, show))
