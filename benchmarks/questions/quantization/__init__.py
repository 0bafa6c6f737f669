"""What does INT8 cost, and what does it give?

For both models: size, time of a window, and accuracy of the float parent, of the bundled files, of the float
parent quantized as it is, and after a short training with rounding (quantization-aware); whether ONNX Runtime
and LiteRT give the same for the windows that the model meets; whether other processors, emulated, give the
same as this one.

Needs the exporter, CinC 2017, MIT-BIH and the training cache, and leaves out what they would give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import ratio
from benchmarks.harness.not_measured import skipped
from benchmarks.questions.quantization import comparison, networks
from benchmarks.questions.quantization.subjects import SUBJECTS


def ratios(models: Mapping[str, Any]) -> dict[str, Any]:
    """Float over INT8: how many times as large, how many times as long."""

    def over(rows: Mapping[str, Any], figure: Callable[[Any], float]) -> dict[str, float | None]:
        parent = rows["onnx float"]
        theirs = None if skipped(parent) else figure(parent)
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
            models[subject.name] = comparison.measure_model(subject, quick, Path(folder) / subject.name)
    tuning = {"epochs": networks.TUNED_EPOCHS, "batches_of_each": networks.TUNED_BATCHES}
    return {"models": models, "tuning": tuning, "ratios": ratios(models)}


def show(found: dict[str, Any]) -> None:
    """Print the figures that matter."""
    for name, model in found["models"].items():
        print(f"{name}, {model['parameters']:,} parameters; {model['split']}")
        for form, row in model["files"].items():
            timed = model["runtimes"][form]
            figures = row.get("skipped") or f"{row['bytes']:,} bytes, {timed['ms']['p50']:.3f} ms"
            print(f"  {form:14} {figures}")
        for version, row in model["accuracy"].items():
            print(f"  {version:14} {accuracy_line(row)}")
        print(f"  ONNX Runtime against LiteRT: {model['agreement']}")
        print(f"  processors: {model['processors']}")


def accuracy_line(row: Mapping[str, Any]) -> str:
    """Figures of a version, and how much higher they are than the float parent's."""
    if "figures" not in row:
        return str(row.get("skipped") or f"the same file as {row['same_file_as']}")
    gains = row.get("over_float", {})
    parts = (
        f"{name} {figure['value']:.4f}"
        + (f" ({gains[name]['value']:+.4f} over float)" if name in gains else "")
        for name, figure in row["figures"].items()
    )
    return f"{', '.join(parts)}, {row['records']} records"


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "quantization", measure, show, arguments)
