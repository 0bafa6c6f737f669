"""Scales for exact additions, and means as convolutions that keep their meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from ecgedge_export.int8.exact import exact_scales, means_to_convolutions
from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.qdq_graph import Node, QdqGraph, Quant, read_qdq

Windows = Callable[..., npt.NDArray[np.float32]]
SCALES = st.floats(0.01, 1.0).map(np.float32)


def graph_of(nodes: list[tuple[str, tuple[str, ...], str]], scales: dict[str, np.float32]) -> QdqGraph:
    """A graph without constants."""
    return QdqGraph(
        nodes=tuple(Node(op, output, inputs, output, {}) for op, inputs, output in nodes),
        constants={},
        shapes={},
        quants={name: Quant(np.array([scale]), np.array([0])) for name, scale in scales.items()},
        input="x",
        output="y",
        output_tensor="y",
    )


RESIDUALS = [
    ("Conv", ("x",), "a"),
    ("Conv", ("a",), "b"),
    ("Add", ("b", "a"), "s"),
    ("MaxPool", ("s",), "p"),
    ("Conv", ("s",), "c"),
    ("Add", ("c", "p"), "t"),
    ("Conv", ("t",), "d"),
    ("Conv", ("t",), "e"),
    ("Add", ("d", "e"), "y"),
]


@settings(deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys("xabsctdey", SCALES)))
def test_sums_are_whole_parts_of_a_step_and_no_scale_shrinks(scales: dict[str, np.float32]) -> None:
    graph = graph_of(RESIDUALS, {**scales, "p": scales["s"]})
    changed = exact_scales(graph)
    new = {name: float(changed.get(name, quant.scale[0])) for name, quant in graph.quants.items()}
    assert new["p"] == new["s"]
    for name, scale in new.items():
        assert scale >= float(graph.quants[name].scale[0]) * (1 - 1e-6)
    for node in graph.nodes:
        if node.op == "Add":
            for name in node.inputs:
                parts = 255 * new[name] / new[node.output]
                assert round(parts) >= 1
                assert parts == pytest.approx(round(parts), rel=1e-6)


def test_quantized_network_has_exact_sums(chain: Any) -> None:
    graph = read_qdq(onnx.load(str(chain.s8s8_onnx)))
    for name, scale in exact_scales(graph).items():  # they are exact already
        assert scale == pytest.approx(graph.quants[name].scale[0], rel=1e-6)
    sums = [node for node in graph.nodes if node.op == "Add"]
    assert len(sums) == 4
    for node in sums:
        total = float(graph.quants[node.output].scale[0])
        for name in node.inputs:
            ratio = float(graph.quants[name].scale[0]) / total
            assert 255 * ratio == pytest.approx(round(255 * ratio), rel=1e-6)


def test_two_bound_addends_keep_their_scales() -> None:
    nodes = [
        ("Conv", ("x",), "a"), ("Conv", ("x",), "b"), ("Conv", ("x",), "c"),
        ("Add", ("a", "b"), "s"), ("Add", ("a", "c"), "t"), ("Add", ("s", "t"), "y"),
    ]  # fmt: skip
    scales = dict(zip("xabcsty", np.float32([0.1, 0.11, 0.12, 0.13, 0.2, 0.21, 0.3]), strict=True))
    assert "y" not in exact_scales(graph_of(nodes, scales))


def test_an_addend_that_is_lost_in_the_sum_binds_nothing() -> None:
    nodes = [("Conv", ("x",), "a"), ("Conv", ("x",), "b"), ("Add", ("a", "b"), "s"), ("Conv", ("s",), "c"),
             ("Add", ("c", "s"), "y")]  # fmt: skip
    scales = dict(zip("xabscy", np.float32([0.1, 0.1, 0.1, 0.1, 90.0, 100.0]), strict=True))
    assert exact_scales(graph_of(nodes, scales)).keys() <= {"a", "b"}


class Pooled(nn.Module):
    """One mean pooling of a signal, then its mean over time."""

    def __init__(self, keepdim: bool = False, **pool: Any) -> None:
        super().__init__()
        self.keepdim, self.pool = keepdim, pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(x.unsqueeze(2), **self.pool).mean(dim=(2, 3), keepdim=self.keepdim).flatten(1)


POOLS: list[tuple[dict[str, Any], int]] = [
    ({"kernel_size": (1, 2)}, 2),
    ({"kernel_size": (1, 2), "keepdim": True}, 2),
    ({"kernel_size": (1, 3), "stride": (1, 2)}, 2),
    ({"kernel_size": (1, 3), "stride": (1, 2), "padding": (0, 1)}, 2),
    ({"kernel_size": (1, 3), "stride": (1, 1), "padding": (0, 1), "count_include_pad": False}, 1),
    ({"kernel_size": (1, 2), "stride": (1, 2), "ceil_mode": True}, 1),  # 321 samples: one hangs over
]


@pytest.mark.parametrize(("pool", "convolutions"), POOLS)
def test_means_become_convolutions_only_where_they_are_equal(
    windows: Windows, tmp_path: Path, pool: dict[str, Any], convolutions: int
) -> None:
    before = onnx.load(str(export_onnx(Pooled(**pool), 321, tmp_path / "float.onnx")))
    after = means_to_convolutions(before)
    onnx.checker.check_model(after)
    assert [node.op_type for node in after.graph.node].count("Conv") == convolutions
    window = windows(1, 9, 321)
    first, second = (_run(model, window) for model in (before, after))
    np.testing.assert_allclose(first, second, atol=1e-6)
    np.testing.assert_allclose(Pooled(**pool)(torch.from_numpy(window)).numpy(), second, atol=1e-5)


def _run(model: onnx.ModelProto, window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: npt.NDArray[np.float32] = session.run(None, {"ecg": window})[0]
    return result
