"""The flatbuffer writer: each layer gives ONNX Runtime's integers, everything else is refused by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn
from torch.nn import functional as F

from ecgedge.artefacts.backends import litert
from ecgedge.artefacts.backends import onnx as onnx_backend
from ecgedge.artefacts.backends.interpreter import Quantizer, quantization
from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.qdq_graph import read_qdq
from ecgedge_export.int8.quantize import quantize
from ecgedge_export.int8.tflite_writer import convert, write_tflite
from ecgedge_export.nets import WaveNet

Windows = Callable[..., npt.NDArray[np.float32]]
Layer = Callable[[torch.Tensor], torch.Tensor]
N = 96


class Around(nn.Module):
    """A stem of 6 channels, the layer under test, and a head that sees every time step."""

    def __init__(self, layer: Layer, channels: int, length: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, (1, 5), padding=(0, 2))
        self.layer = layer
        self.mix = nn.Conv2d(channels, 4, (1, length))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.mix(self.layer(torch.relu(self.stem(x.unsqueeze(2)))))
        return y.flatten(1)


def around(layer: Layer) -> Around:
    with torch.no_grad():
        shape = layer(torch.zeros(1, 6, 1, N)).shape
    return Around(layer, shape[1], shape[3]).eval()


def conv(
    kernel: int, pad: int, stride: int = 1, dilation: int = 1, groups: int = 1, c_out: int = 6
) -> nn.Conv2d:
    return nn.Conv2d(6, c_out, (1, kernel), (1, stride), (0, pad), (1, dilation), groups=groups)


def exported(net: nn.Module, seen: npt.NDArray[np.float32], folder: Path) -> tuple[Path, Path]:
    """The int8 ONNX and TFLite files of a network, after the whole chain."""
    pair = quantize(export_onnx(net, seen.shape[-1], folder / "float.onnx"), seen, folder)
    return pair.u8s8, write_tflite(pair.s8s8, folder / "model.tflite")


def codes(files: tuple[Path, Path], seen: npt.NDArray[np.float32]) -> tuple[npt.NDArray[Any], ...]:
    """Integer logits of ONNX Runtime and LiteRT for the same windows."""
    quantized, flat = files
    artefact = describe_file(flat)
    one = onnx_backend.open_model(quantized.read_bytes(), describe_file(quantized))
    other = litert.open_model(flat.read_bytes(), artefact)
    scale = artefact.output.scale or np.nan
    runs = [np.stack([backend.run(w[None]) for w in seen]) for backend in (one, other)]
    return tuple(np.rint(logits / scale) for logits in runs)


EXACT: dict[str, Callable[[], Layer]] = {
    "identity": lambda: nn.Identity(),
    "pointwise": lambda: conv(1, 0),
    "pointwise, wider": lambda: conv(1, 0, c_out=11),
    "dense, no padding": lambda: conv(7, 0),
    "dense, stride 2": lambda: conv(7, 3, stride=2),
    "dense, no bias": lambda: nn.Conv2d(6, 6, (1, 3), padding=(0, 1), bias=False),
    "depthwise, odd": lambda: conv(9, 4, groups=6),
    "depthwise, stride 2": lambda: conv(9, 4, stride=2, groups=6),
    "depthwise, even, stride 2": lambda: conv(4, 1, stride=2, groups=6),
    "depthwise, dilation": lambda: conv(7, 6, dilation=2, groups=6),
    "depthwise, dilation, stride": lambda: conv(5, 3, stride=2, dilation=3, groups=6),
    "depthwise, one-sided padding": lambda: nn.Sequential(nn.ZeroPad2d((0, 5, 0, 0)), conv(6, 0, groups=6)),
    "depthwise, multiplier": lambda: conv(3, 1, groups=6, c_out=12),
    "relu6": lambda: nn.Sequential(conv(3, 1), nn.ReLU6()),
    "add": lambda: Residual(conv(3, 1)),
    "add, channel pad": lambda: Residual(conv(3, 1, c_out=9)),
    "max pool": lambda: nn.MaxPool2d((1, 2)),
    "max pool, padded": lambda: nn.MaxPool2d((1, 3), (1, 2), (0, 1)),
    "max pool, over the end": lambda: nn.MaxPool2d((1, 5), (1, 5), ceil_mode=True),
    "max pool, padded, signed": lambda: nn.Sequential(conv(1, 0), nn.MaxPool2d((1, 3), 1, (0, 1))),
    "mean pool": lambda: nn.AvgPool2d((1, 2)),
    "mean pool, padded": lambda: nn.AvgPool2d((1, 3), (1, 2), (0, 1)),
}


class Residual(nn.Module):
    """A layer beside the identity, whose channels are padded with zeros to match."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x)
        return torch.relu(y + F.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1])))


@pytest.fixture(scope="module")
def layer_files(
    windows: Windows, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, Path]]:
    """Int8 files of a network around the layer of that name, made once."""

    @functools.cache
    def make(name: str) -> tuple[Path, Path]:
        torch.manual_seed(3)
        return exported(around(EXACT[name]()), windows(24, 4, N), tmp_path_factory.mktemp("layer"))

    return make


LayerFiles = Callable[[str], tuple[Path, Path]]


@pytest.mark.parametrize("name", EXACT)
def test_layer_gives_the_same_integers(name: str, windows: Windows, layer_files: LayerFiles) -> None:
    one, other = codes(layer_files(name), windows(24, 4, N))
    assert np.ptp(one) > 20  # the logits use the int8 range: equality means something
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", EXACT)
def test_layer_in_c_gives_the_integers_of_litert(
    name: str, windows: Windows, layer_files: LayerFiles, run_c: Callable[..., npt.NDArray[np.int8]]
) -> None:
    seen, (_, flat) = windows(24, 4, N), layer_files(name)
    spec = describe_file(flat)
    quantized = Quantizer(spec.input)
    found = run_c(flat, np.stack([quantized(window[None]).flatten() for window in seen]))
    scale, zero = quantization(spec.output)
    runtime = litert.open_model(flat.read_bytes(), spec)
    wanted = np.stack([runtime.run(window[None]) for window in seen])
    np.testing.assert_array_equal((found - zero) * scale, wanted)


class Maximum(nn.Module):
    """Maximum over time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.amax(dim=(2, 3), keepdim=True)


class Kept(nn.Module):
    """The value before its activation is used too, so that the quantizer has to keep both."""

    def __init__(self, layer: nn.Module, activation: Layer) -> None:
        super().__init__()
        self.layer, self.activation = layer, activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x)
        return y + self.activation(y)


class Heads(nn.Module):
    """Mean and maximum over time, each through a linear layer, with and without bias."""

    def __init__(self, keep: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, (1, 5), (1, 2), (0, 2))
        self.keep = keep
        self.from_mean = nn.Linear(6, 4)
        self.from_max = nn.Linear(6, 4, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x.unsqueeze(2)))
        mean = x.mean(dim=(2, 3), keepdim=self.keep).flatten(1)
        y: torch.Tensor = self.from_mean(mean) + self.from_max(x.amax(dim=(2, 3)))
        return y


class Global(nn.Module):
    """torch's own global average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 6, (1, 5)), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.net(x.unsqueeze(2)))
        return y


HEADS: dict[str, Callable[[], nn.Module]] = {
    "kept": lambda: Heads(True),
    "dropped": lambda: Heads(False),
    "global": Global,
    "a row of logits for each sample": lambda: WaveNet(4, 8, 5, 2, (1, 2, 4)),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_give_the_same_integers(name: str, windows: Windows, tmp_path: Path) -> None:
    torch.manual_seed(3)
    seen = windows(48, 4, N)
    one, other = codes(exported(HEADS[name](), seen, tmp_path), seen)
    assert np.ptp(one) > 20
    np.testing.assert_array_equal(one, other)


def test_relu_that_stays_in_the_graph(windows: Windows, tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = around(Kept(conv(3, 1), torch.relu))
    seen = windows(24, 4, N)
    one, other = codes(exported(net, seen, tmp_path), seen)
    graph = read_qdq(onnx.load(str(tmp_path / "model_s8.onnx")))
    assert "Relu" in {node.op for node in graph.nodes}
    assert np.abs(one - other).max() <= 1


def test_file_is_int8_throughout_with_the_scales_of_the_onnx_model(chain: Any) -> None:
    model = schema.ModelT.InitFromPackedBuf(chain.int8_tflite.read_bytes())
    graph = read_qdq(onnx.load(str(chain.s8s8_onnx)))
    (main,) = model.subgraphs
    assert {t.type for t in main.tensors} == {schema.TensorType.INT8, schema.TensorType.INT32}
    scales = {t.name.decode(): t.quantization.scale for t in main.tensors if t.quantization is not None}
    shared = [name for name in scales if name in graph.quants]
    assert len(shared) > 25
    for name in shared:
        np.testing.assert_array_equal(scales[name], graph.quants[name].scale)


def test_bias_is_int32_at_scale_input_times_weights(chain: Any) -> None:
    model = schema.ModelT.InitFromPackedBuf(chain.int8_tflite.read_bytes())
    (main,) = model.subgraphs
    weighted = [op.inputs for op in main.operators if len(op.inputs) == 3]
    assert len(weighted) == 13
    for source, weights, bias in weighted:
        tensors = [main.tensors[i] for i in (source, weights, bias)]
        scale = [np.asarray(t.quantization.scale, np.float32) for t in tensors]
        assert tensors[2].type == schema.TensorType.INT32
        np.testing.assert_array_equal(scale[2], scale[0] * scale[1])


def test_same_model_gives_the_same_bytes(chain: Any) -> None:
    assert convert(onnx.load(str(chain.s8s8_onnx))) == chain.int8_tflite.read_bytes()


REFUSED: dict[str, tuple[Callable[[], Layer], str]] = {
    "sigmoid": (lambda: torch.sigmoid, "Sigmoid"),
    "transposed convolution": (lambda: nn.ConvTranspose2d(6, 6, (1, 3)), "ConvTranspose"),
    "groups": (lambda: conv(3, 1, groups=2), "grouped convolution"),
    "clip": (lambda: Kept(conv(3, 1), nn.Hardtanh(-1.0, 1.0)), r"Clip .*clipping to \[-1.0, 1.0\]"),
    "mean, hanging over": (lambda: nn.AvgPool2d((1, 5), (1, 5), ceil_mode=True), "AveragePool"),
    "mean, padding not counted": (
        lambda: nn.AvgPool2d((1, 3), 1, (0, 1), count_include_pad=False),
        "AveragePool",
    ),
    "signed maximum": (
        lambda: nn.Sequential(conv(1, 0), nn.MaxPool2d((1, 4), (1, 2), (0, 2))),
        "a maximum of signed values",
    ),
    "reshape": (lambda: lambda x: x.reshape(1, 1, 1, -1), "reshape between channels and time"),
    "mean over channels": (lambda: lambda x: x.mean(dim=1, keepdim=True), "ReduceMean"),
    "signed maximum over time": (
        lambda: nn.Sequential(conv(1, 0), Maximum()),
        r"ReduceMax .*take it behind a ReLU",
    ),
    "time behind channels": (lambda: lambda x: x.transpose(1, 3), "order than channels behind time"),
    "broadcast": (lambda: lambda x: x + x[:, :1], "Slice"),
    "reflection": (lambda: nn.ReflectionPad2d((2, 2, 0, 0)), "padding a four-dimensional tensor with zeros"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_operators_are_refused_by_name(name: str, windows: Windows, tmp_path: Path) -> None:
    layer, message = REFUSED[name]
    torch.manual_seed(3)
    net = around(layer())
    pair = quantize(export_onnx(net, N, tmp_path / "float.onnx"), windows(8, 4, N), tmp_path)
    with pytest.raises(ModelError, match=message):
        write_tflite(pair.s8s8, tmp_path / "model.tflite")
    assert not (tmp_path / "model.tflite").exists()


def test_a_model_without_quantization_is_refused(chain: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not quantized"):
        write_tflite(chain.float_onnx, tmp_path / "model.tflite")


def test_an_unsigned_model_is_refused(chain: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="S8S8"):
        write_tflite(chain.int8_onnx, tmp_path / "model.tflite")
