"""Parity: what is reported for a good export, and that a broken one does not get through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch

from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.parity import Limits, ParityReport, parity
from ecgedge_export.int8.quantize import quantize
from ecgedge_export.int8.tflite_writer import write_tflite

Windows = Callable[..., npt.NDArray[np.float32]]


def compare(chain: Any, **limits: float) -> ParityReport:
    paths = (chain.float_onnx, chain.int8_onnx, chain.int8_tflite)
    return parity(chain.net, *paths, chain.windows, Limits(**limits))


def test_report_of_a_good_export(chain: Any) -> None:
    report = compare(chain)
    assert report.windows == 200
    assert 0 < report.float_error < 1e-4
    assert report.int8_steps <= 1.001
    assert report.int8_agreement >= 0.99
    assert report.identical > 0.9
    assert report.float_agreement > 0.9
    assert 0 < report.int8_rms < report.int8_error < 1.0


def test_windows_may_have_four_dimensions(chain: Any) -> None:
    assert compare(replace(chain, windows=chain.windows[:, None])) == compare(chain)


def test_network_in_training_mode_is_compared_in_eval_mode_and_left_alone(chain: Any) -> None:
    chain.net.train()
    try:
        assert compare(chain).float_error < 1e-4
        assert chain.net.training
    finally:
        chain.net.eval()


def test_a_limit_that_is_broken_raises_with_the_figures(chain: Any) -> None:
    with pytest.raises(ModelError, match=r"float_error is .*ParityReport\(windows=200.*check the torch"):
        compare(chain, float_error=0.0)
    with pytest.raises(ModelError, match=r"float_agreement is .*calibrate on more windows"):
        compare(chain, float_agreement=1.01)


def test_float_model_of_other_weights_is_found(chain: Any, tmp_path: Path) -> None:
    model = onnx.load(str(chain.float_onnx))
    bias = next(t for t in model.graph.initializer if t.name == "head.bias")
    bias.CopyFrom(
        onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + np.float32(0.01), bias.name)
    )
    onnx.save(model, str(tmp_path / "float.onnx"))
    with pytest.raises(ModelError, match=r"float_error is 0.01"):
        compare(replace(chain, float_onnx=tmp_path / "float.onnx"))


def test_files_of_two_calibrations_are_found(chain: Any, windows: Windows, tmp_path: Path) -> None:
    other = quantize(chain.float_onnx, 3 * windows(64, 3), tmp_path)
    flat = write_tflite(other.s8s8, tmp_path / "model.tflite")
    with pytest.raises(ModelError, match=r"int8_steps is .*compare the files layer by layer"):
        compare(replace(chain, int8_tflite=flat))


def test_other_shapes_are_found(chain: Any, windows: Windows, tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(320, 3))
    with pytest.raises(ModelError, match="differ in names or shapes"):
        compare(replace(chain, float_onnx=export_onnx(net, 320, tmp_path / "float.onnx")))
