"""Multiply-adds are counted from the file; of a package's wheels that one is weighed which fits best here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.children import floor
from benchmarks.harness import download, not_measured, processes, resident, signals, venvs
from ecgedge.artefacts.folder import BUNDLED

RANKS = {"cp311-cp311-manylinux_2_28_x86_64": 0, "py3-none-any": 1}
FITS = {"url": "https://host/a-1-cp311-cp311-manylinux_2_28_x86_64.whl", "size": 20}
PURE = {"url": "https://host/a-1-py3-none-any.whl", "size": 10}
FOREIGN = {"url": "https://host/a-1-cp311-cp311-win_amd64.whl", "size": 5}
LOCKED = """
lock-version = "1.0"
[[packages]]
name = "a"
wheels = [{ url = "https://host/a-1-py3-none-any.whl", size = 10 }]
[[packages]]
name = "b"
wheels = [{ url = "https://host/b-2-py3-none-any.whl", size = 7 }]
"""


def network(path: Path) -> Path:
    """A file with a grouped convolution behind a quantized weight, and a product."""
    constants = {
        "w8": np.ones((4, 1, 1, 3), np.int8),
        "rows": np.ones((20, 5), np.float32),
        "scale": np.float32(1),
        "zero": np.int8(0),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w8", "scale", "zero"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["y"], group=2),
        helper.make_node("Flatten", ["y"], ["flat"]),
        helper.make_node("Gemm", ["flat", "rows"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 1, 7])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    return path


def test_multiply_adds_of_a_file_are_counted(tmp_path: Path) -> None:
    # 4 channels of 5 outputs, each of 1 x 3 weights; 5 outputs of 20.
    assert floor.multiply_adds(network(tmp_path / "it.onnx")) == 4 * 5 * 3 + 5 * 20


def test_the_beat_model_is_far_smaller_than_the_rhythm_model() -> None:
    rhythm, beats = (floor.multiply_adds(BUNDLED / n / "model.onnx") for n in ("rhythm", "beat_classes"))
    assert 0 < beats < rhythm / 50


def test_a_floor_is_the_count_over_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "rate_per_s", lambda: 2e9)
    monkeypatch.setattr(floor, "multiply_adds", lambda path: 1_000_000)
    assert floor.floors()["models"]["rhythm"] == {"multiply_adds": 1_000_000, "floor_ms": pytest.approx(0.5)}


def test_the_rate_is_of_a_product_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "SIDE", 16)
    assert floor.rate_per_s() > 0


@pytest.mark.parametrize(
    ("wheels", "size"),
    [([PURE, FITS, FOREIGN], 20), ([PURE, FOREIGN], 10), ([PURE, {"url": FITS["url"]}], 10)],
)
def test_the_wheel_that_fits_best_is_weighed(wheels: list[Mapping[str, Any]], size: int) -> None:
    assert download.chosen_bytes({"name": "a", "wheels": wheels}, RANKS) == size


@pytest.mark.parametrize("wheels", [[FOREIGN], [{"url": PURE["url"]}], []])
def test_without_a_wheel_or_its_size_nothing_is_measured(
    wheels: list[Mapping[str, Any]],
) -> None:
    with pytest.raises(not_measured.NotMeasuredError, match="of a for this machine"):
        download.chosen_bytes({"name": "a", "wheels": wheels}, RANKS)


def test_the_answer_of_the_resolver_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(command: list[Any], env: Mapping[str, str], limit_s: float) -> str:
        assert command[-1].read_text() == "a\n"
        command[command.index("--output-file") + 1].write_text(LOCKED)
        return ""

    monkeypatch.setattr(venvs, "python_with", lambda requirements: Path("bin/python"))
    monkeypatch.setattr(processes, "run", answered)
    assert download.wheel_bytes("a") == {"a": 10, "b": 7}


def test_the_base_install_is_what_the_project_says() -> None:
    wanted = download.base_requirements()
    assert "numpy" in wanted
    assert "torch" not in wanted


def test_a_peak_is_no_less_than_what_is_resident() -> None:
    # The kernel counts both now and then, apart by some pages.
    assert 0 < resident.rss_kb() < resident.peak_kb() + 1024


def test_a_live_process_tells_its_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "mv.npy", signals.made(20.0, signals.FS))
    found = processes.child("children.live", "litert", tmp_path / "mv.npy", 30)
    assert found["events"] > 0
    assert found["lost_samples"] == 0
    assert found["peak_kb"] > 20_000


def test_a_live_process_imports_next_to_nothing_of_the_benchmarks() -> None:
    listed = "import sys, benchmarks.children.live; print(*sys.modules)"
    seen = processes.run([sys.executable, "-c", listed], processes.surroundings(), 60).split()
    ours = {name for name in seen if name.startswith("benchmarks.")}
    assert ours == {
        "benchmarks.children",
        "benchmarks.children.live",
        "benchmarks.harness",
        "benchmarks.harness.resident",
        "benchmarks.harness.signals",
    }
    assert not {"venv", "argparse"} & set(seen)
