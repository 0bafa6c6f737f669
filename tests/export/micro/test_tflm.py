"""TFLite Micro runs the models, says the integers of the reference kernels, and its memory is measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.reference import open_reference
from ecgedge_export.micro import tflm
from ecgedge_export.micro.c_source import c_source

needs_tflm = pytest.mark.skipif(
    not tflm.installed(), reason="needs tflite-micro, which is not installed (few platforms have wheels)"
)
RUN = """
import sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime
interpreter = runtime.Interpreter.from_file(sys.argv[1])
for codes in np.load(sys.argv[2]):
    interpreter.set_input(codes, 0)
    interpreter.invoke()
    print(*interpreter.get_output(0)[0])
"""


@needs_tflm
def test_arena_is_measured_and_larger_than_that_of_the_c_source(chain: Any) -> None:
    found = tflm.arena_bytes(chain.int8_tflite)
    assert found is not None
    assert c_source(chain.int8_tflite.read_bytes()).arena_bytes < found < 40_000


@needs_tflm
def test_a_file_that_it_cannot_run_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match="TFLite Micro cannot run"):
        tflm.arena_bytes(tmp_path / "model.tflite")


@needs_tflm
def test_it_gives_the_integers_of_the_reference_kernels(chain: Any, tmp_path: Path) -> None:
    spec = describe_file(chain.int8_tflite)
    codes = np.random.default_rng(1).integers(-128, 128, (50, *spec.input.shape)).astype(np.int8)
    np.save(tmp_path / "codes.npy", codes)
    command = [sys.executable, "-c", RUN, str(chain.int8_tflite), str(tmp_path / "codes.npy")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = np.array([line.split() for line in said.splitlines()], np.float32)
    scale, zero = np.float32(spec.output.scale), np.float32(spec.output.zero_point)
    windows = (codes.astype(np.float32) - spec.input.zero_point) * np.float32(spec.input.scale)
    wanted = np.stack([open_reference(chain.int8_tflite).run(window) for window in windows])
    np.testing.assert_array_equal((found - zero) * scale, wanted)


def test_without_it_nothing_is_said(chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflm.importlib.util, "find_spec", lambda _: None)
    assert tflm.arena_bytes(chain.int8_tflite) is None
