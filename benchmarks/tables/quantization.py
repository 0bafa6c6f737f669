"""The table of what INT8 costs and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.tables.cells import Found, Row, columns, load, number, or_reason, provenance

_MODELS = {"rhythm": "rhythm", "beat_classes": "beat classes"}
_FILES = {"onnx float": "float, ONNX", "onnx": "INT8, ONNX", "litert": "INT8, TFLite"}
_RUNTIMES = {"onnx float": "float, ONNX Runtime", "onnx": "INT8, ONNX Runtime", "litert": "INT8, LiteRT"}
_VERSIONS = {
    "float": "accuracy of the float parent",
    "bundled": "of INT8 in the package, and how much higher that is",
    "post_training": "of the float parent quantized as it is (post-training)",
    "tuned": "of the float parent after a short training with rounding (QAT)",
}


def quantization(results: Path) -> str:
    """Size, time, accuracy and agreement, for both models."""
    found = load(results, "quantization")
    if not found:
        return "Not measured yet: `python -m benchmarks quantization`.\n"
    return columns(_rows(found), ("what", *_MODELS.values())) + provenance(found["environment"])


def _rows(found: Found) -> Iterable[Row]:
    models = [{**found["models"][name], "name": name, "ratios": found["ratios"][name]} for name in _MODELS]

    def row(what: str, cell: Callable[[Found], str]) -> Row:
        rhythm, beats = map(cell, models)
        return what, rhythm, beats

    yield row("parameters", lambda model: f"{model['parameters']:,}")
    for form, called in _FILES.items():
        yield row(f"file: {called}", _size(form))
    for form, called in _RUNTIMES.items():
        yield row(f"time of a window, median: {called}", _time(form))
    for version, called in _VERSIONS.items():
        yield row(called, _accuracy(version))
    yield row("ONNX Runtime against LiteRT", lambda model: or_reason(model["agreement"], _apart))
    yield row("the same class as the float parent", lambda model: or_reason(model["agreement"], _as_float))
    for processor in _processors(models):
        yield row(f"logits: {processor}", _identical(processor))


def _size(form: str) -> Callable[[Found], str]:
    return lambda model: _with_ratio(
        or_reason(model["files"][form], lambda row: f"{number(row['bytes'] / 1e3)} kB"),
        model["ratios"]["size"].get(form),
    )


def _time(form: str) -> Callable[[Found], str]:
    return lambda model: _with_ratio(
        or_reason(model["runtimes"][form], lambda row: f"{row['ms']['p50']:.3f} ms"),
        model["ratios"]["time"].get(form),
    )


def _with_ratio(cell: str, ratio: float | None) -> str:
    """The figure, and what float has for one of INT8."""
    return cell if ratio is None else f"{cell} (float: {number(ratio)} ×)"


def _accuracy(version: str) -> Callable[[Found], str]:
    return lambda model: or_reason(model["accuracy"][version], _figures)


def _figures(row: Found) -> str:
    if "same_file_as" in row:
        return "the same file" if row["same_file_as"] == "bundled" else f"as {row['same_file_as']}"
    gains = row.get("over_float", {})
    return "; ".join(
        f"{name} {figure['value']:.3f}{_gain(gains[name]) if name in gains else ''}"
        for name, figure in row["figures"].items()
    )


def _gain(figure: Found) -> str:
    low, high = figure["interval_95"]
    return f", {_signed(figure['value'])} ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # no minus before nothing


def _apart(row: Found) -> str:
    if row["steps"] == 0:
        return f"identical logits on {row['windows']:,} windows"
    return f"{row['steps']:.1f} steps apart at most, same class {_share(row['same_class'])}"


def _as_float(row: Found) -> str:
    share = row.get("same_class_as_float")
    return (
        "not measured: no float parent" if share is None else f"{_share(share)} of {row['windows']:,} windows"
    )


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def _processors(models: list[Found]) -> list[str]:
    """Those that any model was tried on; one line where none was."""
    names = [name for model in models for name in model["processors"] if name != "skipped"]
    return list(dict.fromkeys(names)) or ["other processors"]


def _identical(processor: str) -> Callable[[Found], str]:
    def cell(model: Found) -> str:
        every = model["processors"]
        return or_reason(every if "skipped" in every else every[processor], _steps)

    return cell


def _steps(row: Found) -> str:
    most = max(row["steps"].values())
    return "identical in both runtimes" if most == 0 else f"{most:.1f} steps apart at most"
