"""What INT8 costs and gives: figures on hand-made input, what is left out and why, and the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_results import environment

from benchmarks.harness import not_measured
from benchmarks.questions import quantization
from benchmarks.questions.quantization import comparison, networks, processors
from benchmarks.questions.quantization.networks import Watched
from benchmarks.questions.quantization.subjects import Scores
from benchmarks.tables import quantization as tables_of_quantization
from ecgedge.artefacts.backends import load_backend
from ecgedge.artefacts.folder import BUNDLED
from ecgedge_bridge.errors import ConfigError

ENVIRONMENT = environment("quantization")
SKIPPED = {"skipped": "none in the cache"}
GAIN = {"mean F1": {"value": -0.002, "interval_95": [-0.01, -0.0001]}}


def hits(*right: int) -> Scores:
    """Scores whose figure is the share of right answers."""
    return Scores(len(right), {"share": lambda drawn: float(np.array(right)[drawn].mean())})


def test_figures_have_intervals() -> None:
    told = hits(1, 1, 1, 0).with_intervals()["share"]
    assert told["value"] == 0.75
    low, high = told["interval_95"]  # type: ignore[misc]
    assert 0 <= low < 0.75 < high <= 1


def test_gains_are_of_the_same_records_drawn_in_pairs() -> None:
    told = hits(1, 0, 1, 0).over(hits(1, 0, 1, 0)).with_intervals()["share"]
    assert told == {"value": 0.0, "interval_95": (0.0, 0.0)}
    assert hits(1, 1, 1, 0).over(hits(1, 0, 1, 0)).with_intervals()["share"]["value"] == 0.25


def test_a_repeated_file_is_named_and_a_skipped_one_stays(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)
    files = {"a": tmp_path / "a", "x": SKIPPED, "y": SKIPPED, "b": tmp_path / "b", "c": tmp_path / "c"}
    assert comparison.distinct(files) == {**files, "c": {"same_file_as": "a"}}


def test_runtimes_take_turns_and_a_missing_one_keeps_its_reason() -> None:
    calls: list[str] = []
    a, b = (SimpleNamespace(run=lambda window, n=n: calls.append(n)) for n in "ab")
    found = comparison.speed({"a": a, "x": SKIPPED, "b": b}, [np.zeros(1, np.float32)], 3)
    assert calls == list("ab") * (3 + comparison.WARM_UP)
    assert found["x"] == SKIPPED
    assert found["a"]["ms"]["p50"] >= 0


def test_agreement_is_in_steps_of_the_logits() -> None:
    litert = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
    onnx = litert + np.array([[0.0, 0.0], [0.0, 1.5]], np.float32)
    found = comparison.agreement({"onnx": onnx, "litert": litert, "onnx float": litert}, 0.5)
    assert found == {"windows": 2, "steps": 3.0, "same_class": 0.5, "same_class_as_float": 1.0}
    assert "same_class_as_float" not in comparison.agreement({"onnx": onnx, "litert": litert}, 0.5)


def test_the_bundled_files_are_compared_on_the_windows_that_were_met() -> None:
    watched = Watched(load_backend(BUNDLED / "beat_classes", "litert"))
    rng = np.random.default_rng(0)
    shape = watched.artefact.input.shape
    for _ in range(5):
        watched.run(rng.normal(0, 0.5, shape).astype(np.float32))
    backends = {"litert": watched, "onnx": load_backend(BUNDLED / "beat_classes", "onnx")}
    found = comparison.compared({**backends, "onnx float": SKIPPED}, list(watched.windows))
    assert (found["windows"], found["steps"], found["same_class"]) == (5, 0.0, 1.0)
    assert "records" in not_measured.or_skipped(comparison.compared, backends, [])["skipped"]


class Deaf:
    """A model's subject whose records are not at hand."""

    name, split, data_set = "rhythm", "nothing", "cinc2017"

    def score(self, backend: Any) -> Scores:
        raise ConfigError("data set 'cinc2017' is not here: fetch it")


def test_without_the_training_cache_and_data_sizes_and_times_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = comparison.measure_model(Deaf(), True, tmp_path)  # type: ignore[arg-type]
    assert "no parent.onnx of rhythm" in found["files"]["onnx float"]["skipped"]
    assert found["files"]["litert"]["bytes"] == (BUNDLED / "rhythm" / "model.tflite").stat().st_size
    assert found["runtimes"]["onnx"]["ms"]["p50"] > 0
    assert found["accuracy"]["float"] == found["accuracy"]["post_training"]
    assert "cinc2017 is not at hand" in found["accuracy"]["bundled"]["skipped"]
    assert found["accuracy"]["tuned"] == found["processors"] == {"skipped": comparison.LEFT_OUT}
    assert quantization.ratios({"rhythm": found})["rhythm"]["size"] == {"onnx": None, "litert": None}


def test_a_float_network_of_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "ecgedge" / "runs" / "rhythm" / "float.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes((BUNDLED / "beat_classes" / "model.onnx").read_bytes())
    assert "reads (1, 1, 272)" in not_measured.or_skipped(networks.parent, "rhythm")["skipped"]


class Processors:
    """Stands in for the emulators: one says the same as here, one does not, one cannot be had."""

    @staticmethod
    def everywhere(model: Path, install: bool) -> Iterator[tuple[str, Any]]:
        assert not install
        here = np.zeros((3, 4), np.float32)
        yield "this machine", {"litert": here, "onnx": here}
        yield "old", {"litert": here, "onnx": here + np.float32(0.5)}
        yield "other", RuntimeError("no emulator")


def test_processors_are_compared_with_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "emulated_check", lambda: Processors)
    monkeypatch.setattr(processors, "vnni", lambda: False)
    found = processors.processors("rhythm")
    assert found["this machine"]["steps"] == {"litert": 0.0, "onnx": 0.0}
    assert found["old"]["steps"]["onnx"] > 1
    assert found["other"] == {"skipped": "no emulator"}
    assert "has none" in found["x86-64 with VNNI"]["skipped"]


def test_the_check_of_other_processors_is_there() -> None:
    assert callable(processors.emulated_check().everywhere)


def test_vnni_is_seen(tmp_path: Path) -> None:
    assert not processors.vnni(tmp_path / "none")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx512_vnni\n")
    assert processors.vnni(tmp_path / "cpuinfo")


def model(**other: Any) -> dict[str, Any]:
    """Results about one model."""
    ms = {"ms": {"p50": 0.5, "p99": 1.0, "p99.9": 1.0}}
    figures = {"mean F1": {"value": 0.85, "interval_95": [0.8, 0.9]}}
    return {
        "split": "some",
        "parameters": 1000,
        "files": {name: {"bytes": 2000} for name in ("onnx float", "onnx", "litert")},
        "runtimes": dict.fromkeys(("onnx float", "onnx", "litert"), ms),
        "accuracy": {
            "float": {"records": 3, "figures": figures},
            "bundled": {"records": 3, "figures": figures, "over_float": GAIN},
            "post_training": {"same_file_as": "bundled"},
            "tuned": SKIPPED,
        },
        "agreement": {"windows": 1000, "steps": 0.0, "same_class": 1.0, "same_class_as_float": 0.99},
        "processors": {
            "this machine": {"windows": 3, "steps": {"litert": 0.0, "onnx": 0.0}},
            "old": {"windows": 3, "steps": {"litert": 0.0, "onnx": 7.0}},
        },
        **other,
    }


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = {"onnx float": SKIPPED, "onnx": {"bytes": 1}, "litert": {"bytes": 1}}
    models = {"rhythm": model(), "beat_classes": model(files=bare, processors=SKIPPED, agreement=SKIPPED)}
    found = {"models": models, "ratios": quantization.ratios(models)}
    (tmp_path / "quantization.json").write_text(json.dumps({"environment": ENVIRONMENT, **found}))
    lines = tables_of_quantization.quantization(tmp_path).splitlines()
    none = "not measured: none in the cache"
    assert "| what | rhythm | beat classes |" in lines
    assert f"| file: float, ONNX | 2.00 kB | {none} |" in lines
    assert "| file: INT8, TFLite | 2.00 kB (float: 1.00 ×) | 0.00 kB |" in lines
    gained = "mean F1 0.850, -0.002 (-0.010 to +0.000)"
    assert f"| of INT8 in the package, and how much higher that is | {gained} | {gained} |" in lines
    same = "of the float parent quantized as it is (post-training)"
    assert f"| {same} | the same file | the same file |" in lines
    assert f"| ONNX Runtime against LiteRT | identical logits on 1,000 windows | {none} |" in lines
    assert f"| logits: this machine | identical in both runtimes | {none} |" in lines
    assert f"| logits: old | 7.0 steps apart at most | {none} |" in lines
    quantization.show(found)
    assert "mean F1 0.8500 (-0.0020 over float), 3 records" in capsys.readouterr().out
