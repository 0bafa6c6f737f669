"""Torch to float ONNX: folded BatchNorm, fixed names and shapes, the caller's network left alone."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.onnx_export import export_onnx


class Unfolded(nn.Module):
    """A BatchNorm with no convolution in front of it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.head = nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.norm(x).flatten(1))
        return y


class DataDependent(nn.Module):
    """A branch that depends on the values: no fixed graph."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


def test_batchnorm_is_folded_and_weights_are_inside(small_net: nn.Module, tmp_path: Path) -> None:
    path = export_onnx(small_net, 320, tmp_path / "float.onnx")
    model = onnx.load(str(path), load_external_data=False)
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    assert [(t.name, [d.dim_value for d in t.type.tensor_type.shape.dim]) for t in model.graph.input] == [
        ("ecg", [1, 1, 320])
    ]
    assert [t.name for t in model.graph.output] == ["logits"]
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_says_nothing_of_the_machine_that_made_it(small_net: nn.Module, tmp_path: Path) -> None:
    data = export_onnx(small_net, 320, tmp_path / "float.onnx").read_bytes()
    assert str(Path(__file__).parents[3]).encode() not in data
    assert b"site-packages" not in data


@pytest.mark.parametrize("training", [True, False])
def test_mode_of_the_network_is_kept(tmp_path: Path, training: bool) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2)).train(training)
    model = onnx.load(str(export_onnx(net, 16, tmp_path / "float.onnx")))
    assert net.training is training
    assert "Dropout" not in {node.op_type for node in model.graph.node}


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export_onnx(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), 16, tmp_path / "float.onnx")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("net", "message"), [(Unfolded(), "not folded"), (DataDependent(), "could not export")]
)
def test_networks_that_have_no_plain_graph_are_refused(tmp_path: Path, net: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        export_onnx(net, 16, tmp_path / "float.onnx")
