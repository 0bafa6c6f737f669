"""Many windows at once, and codes in place of floats: the same numbers as one window at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecgedge.artefacts.backends import load_backend
from ecgedge.artefacts.backends.interpreter import Quantizer, quantization
from ecgedge.artefacts.backends.onnx_batch import any_batch
from ecgedge.artefacts.folder import BUNDLED

NETWORKS = ("rhythm", "beat_classes", "waves", "tokens", "leads")


def windows(backend: Any, k: int) -> Any:
    shape = backend.artefact.input.shape
    return np.random.default_rng(k).uniform(-1.6, 1.6, (k, *shape[1:])).astype(np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_many_windows_at_once_are_those_one_by_one(name: str) -> None:
    pytest.importorskip("onnxruntime")
    backend: Any = load_backend(BUNDLED / name, "onnx")
    for k in (3, 1, 8):
        many = windows(backend, k)
        np.testing.assert_array_equal(backend.run_many(many), [backend.run(x[None]) for x in many])


@pytest.mark.parametrize("name", ["rhythm", "beat_classes"])
def test_the_networks_of_the_default_pipeline_take_many_at_once(name: str, monkeypatch: Any) -> None:
    pytest.importorskip("onnxruntime")
    backend: Any = load_backend(BUNDLED / name, "onnx")
    monkeypatch.setattr(backend, "run", lambda _: pytest.fail("one by one"))
    assert backend.run_many(windows(backend, 4)).shape == (4, backend.artefact.output.shape[1])


def test_windows_that_are_none_are_refused() -> None:
    pytest.importorskip("onnxruntime")
    backend: Any = load_backend(BUNDLED / "beat_classes", "onnx")
    good = windows(backend, 3)
    bad = good.copy()
    bad[1, 0, 5] = np.nan
    for given in (bad, good[:, :, 1:], good.astype(np.float64), good[0]):
        with pytest.raises(ValueError, match="window"):
            backend.run_many(given)


@pytest.mark.parametrize("name", NETWORKS)
def test_codes_give_the_codes_of_the_logits(name: str) -> None:
    pytest.importorskip("ai_edge_litert")
    backend: Any = load_backend(BUNDLED / name, "litert")
    codes, (scale, zero) = Quantizer(backend.artefact.input), quantization(backend.artefact.output)
    for window in windows(backend, 6):
        found = backend.run_codes(codes(window[None]))
        assert found.dtype == np.int8
        logits = backend.run(window[None])
        np.testing.assert_array_equal((found.astype(np.float32) - zero) * scale, logits)
        assert found.argmax() == logits.argmax()


def test_codes_that_are_none_are_refused() -> None:
    pytest.importorskip("ai_edge_litert")
    backend: Any = load_backend(BUNDLED / "beat_classes", "litert")
    for given in (np.zeros((1, 1, 271), np.int8), np.zeros((1, 1, 272), np.float32)):
        with pytest.raises(ValueError, match="Cannot set tensor"):
            backend.run_codes(given)


def test_a_model_is_opened_without_a_change_to_its_network() -> None:
    onnx = pytest.importorskip("onnx")
    file = (BUNDLED / "rhythm" / "model.onnx").read_bytes()
    before, after = onnx.load_from_string(file), onnx.load_from_string(any_batch(file))
    for value in (after.graph.input[0], after.graph.output[0]):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    for graph in (before.graph, after.graph):
        del graph.value_info[:]
        for value in (graph.input[0], graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = 1
    assert after == before


@pytest.mark.parametrize("end", [1, 30, -1])
def test_bytes_that_are_no_model_are_refused(end: int) -> None:
    file = (BUNDLED / "beat_classes" / "model.onnx").read_bytes()
    with pytest.raises(ValueError, match="ONNX model"):
        any_batch(file[:end])
    with pytest.raises(ValueError, match="ONNX model"):
        any_batch(b"\x0b" + file)
