"""The U-Net: what it sees, and that both INT8 files and the C source give what it gives."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from ecgedge.leads.features import GUESSED, MARGIN, N
from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.chain import convert
from ecgedge_export.int8.parity import Limits
from ecgedge_export.int8.tflite_writer import convert as to_tflite
from ecgedge_export.leads.training import load_recipe
from ecgedge_export.micro.c_source import c_source
from ecgedge_export.recipe import RECIPES


def net(leads_in=1, leads_out=7):
    made = load_recipe(RECIPES / "leads.toml").net(leads_in, leads_out)
    rng = torch.Generator().manual_seed(0)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=rng)
            module.running_var.uniform_(0.05, 0.2, generator=rng)
    return made.eval()


def windows(n, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, 1, N)).astype(np.float32).cumsum(axis=2) * 0.1
    return x / (np.abs(x) + 0.5)


@pytest.mark.parametrize("length", [N, 512, 1024])
def test_every_sample_gets_its_leads(length):
    made = net(3, 4)
    assert made(torch.zeros(2, 3, length)).shape == (2, 4 * length)
    assert made.leads(torch.zeros(2, 3, length)).shape == (2, 4, 1, length)


def test_answers_lie_sample_after_sample():
    made, x = net(), torch.from_numpy(windows(2))
    rows = made(x).reshape(2, N, len(GUESSED))
    torch.testing.assert_close(rows.transpose(1, 2), made.leads(x)[:, :, 0])


@pytest.mark.parametrize("at", [400, 401, 402, 403])
def test_the_margin_is_as_long_as_what_the_network_sees(at):
    x = torch.randn(1, 1, 800, generator=torch.Generator().manual_seed(1), requires_grad=True)
    (slope,) = torch.autograd.grad(net().leads(x)[0, :, 0, at].sum(), x)
    seen = np.flatnonzero(slope[0, 0].numpy())
    assert at - MARGIN <= seen[0] < at - 40
    assert at + 40 < seen[-1] <= at + MARGIN


def test_doubling_and_adding_is_a_u_nets_up_convolution_beside_the_way_down():
    """Two samples a step, put beside the way down and convolved: torch's own layers agree."""
    made = net()
    up = made.up[-1]
    below, across = torch.randn(2, 32, 1, 50), torch.randn(2, 16, 1, 100)
    (conv, norm), (skip, skip_norm) = (tuple(part) for part in (up.up, up.across))
    doubled = torch.nn.ConvTranspose2d(32, 16, (1, 2), (1, 2), bias=False)
    # Channels of the one convolution: all of the first sample, then all of the second.
    doubled.weight.data = conv.weight.data.reshape(2, 16, 32, 1, 1).permute(2, 1, 3, 4, 0)[..., 0, :]
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    scale, shift = (v.reshape(2, 16).T.repeat(1, 50).reshape(1, 16, 1, 100) for v in (scale, shift))
    expected = torch.relu(doubled(below) * scale + shift + skip_norm(skip(across)))
    torch.testing.assert_close(up(below, across), expected, rtol=1e-4, atol=1e-5)


def test_both_files_give_the_same_and_nearly_what_float_gives(tmp_path):
    limits = Limits(int8_steps=0, int8_agreement=1.0)
    made = convert(net(), windows(100), windows(40, seed=1), tmp_path, len(GUESSED), limits)
    assert made.parity.identical == 1.0
    graph = onnx.load(str(made.onnx)).graph
    assert {"Conv", "Add", "Transpose", "Reshape"} <= {node.op_type for node in graph.node}
    assert c_source(made.tflite.read_bytes()).arena_bytes < 64_000


def test_an_export_that_rounds_too_much_is_refused(tmp_path):
    with pytest.raises(ModelError, match="int8_rms"):
        convert(net(), windows(20), windows(5, seed=1), tmp_path, len(GUESSED), Limits(int8_rms=1e-6))


@pytest.mark.parametrize("perm", [(0, 1, 3, 2), (0, 3, 2, 1), (0, 2, 1, 3)])
def test_a_turn_that_moves_numbers_is_refused(perm):
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [
                onnx.helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
                onnx.helper.make_node("Transpose", ["d"], ["t"], perm=list(perm)),
                onnx.helper.make_node("QuantizeLinear", ["t", "s", "z"], ["tq"]),
                onnx.helper.make_node("DequantizeLinear", ["tq", "s", "z"], ["y"]),
            ],
            "turn",
            [onnx.helper.make_tensor_value_info("x", 1, [1, 3, 1, 8])],
            [onnx.helper.make_tensor_value_info("y", 1, [(1, 3, 1, 8)[axis] for axis in perm])],
            [
                onnx.numpy_helper.from_array(np.float32(0.1), "s"),
                onnx.numpy_helper.from_array(np.int8(0), "z"),
            ],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
    )
    with pytest.raises(ModelError, match="channels behind time"):
        to_tflite(model)
