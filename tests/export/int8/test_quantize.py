"""One calibration, two files: the same scales, weights within 7 bits, bad windows refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.qdq_graph import read_qdq
from ecgedge_export.int8.quantize import QuantizedPair, check_same_scales, quantize

Windows = Callable[..., npt.NDArray[np.float32]]


def test_both_files_carry_the_same_scales(chain: Any) -> None:
    unsigned, signed = (read_qdq(onnx.load(str(p))) for p in (chain.int8_onnx, chain.s8s8_onnx))
    assert len(unsigned.quants) > 30
    for name, quant in unsigned.quants.items():
        np.testing.assert_array_equal(quant.scale, signed.quants[name].scale)
        shift = 0 if name in unsigned.constants else 128
        np.testing.assert_array_equal(quant.zero_point - shift, signed.quants[name].zero_point)


def test_weights_are_per_channel_symmetric_and_within_seven_bits(chain: Any) -> None:
    graph = read_qdq(onnx.load(str(chain.int8_onnx)))
    weights = [
        n for n, v in graph.constants.items() if v.dtype == np.int8 and v.ndim > 1 and n in graph.quants
    ]
    assert len(weights) == 13
    for name in weights:
        values, quant = graph.constants[name], graph.quants[name]
        assert quant.scale.size == len(values)
        assert not quant.zero_point.any()
        assert 60 <= np.abs(values.astype(int)).max() <= 64  # reduce_range: no 16-bit saturation without VNNI


def test_ranges_are_the_minimum_and_maximum_of_the_windows(chain: Any, windows: Windows) -> None:
    quant = read_qdq(onnx.load(str(chain.s8s8_onnx))).quants["ecg"]
    seen = windows(128, 1)
    assert quant.scale[0] == pytest.approx((seen.max() - seen.min()) / 255, rel=1e-5)


def test_calibration_takes_both_shapes_of_windows(chain: Any, windows: Windows, tmp_path: Path) -> None:
    seen = windows(128, 1)
    pair = quantize(chain.float_onnx, seen[:, None], tmp_path)
    assert pair.u8s8.read_bytes() == chain.int8_onnx.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.onnx", "model_s8.onnx"]


@pytest.mark.parametrize("shape", [(0, 1, 320), (4, 1, 319), (4, 2, 320), (4, 320)])
def test_windows_of_another_shape_are_refused(chain: Any, tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="pass preprocessed windows"):
        quantize(chain.float_onnx, np.zeros(shape, np.float32), tmp_path)


def test_windows_that_are_not_finite_are_refused(chain: Any, windows: Windows, tmp_path: Path) -> None:
    bad = windows(4, 1)
    bad[2, 0, 17] = np.nan
    with pytest.raises(ModelError, match="NaN or infinity"):
        quantize(chain.float_onnx, bad, tmp_path)
    with pytest.raises(ModelError, match="float64"):
        quantize(chain.float_onnx, windows(4, 1).astype(np.float64), tmp_path)


def test_files_of_two_calibrations_are_refused(chain: Any, windows: Windows, tmp_path: Path) -> None:
    other = quantize(chain.float_onnx, 2 * windows(64, 3), tmp_path)
    with pytest.raises(ModelError, match=r"quantize .* differently: quantize both again"):
        check_same_scales(QuantizedPair(chain.int8_onnx, other.s8s8))
