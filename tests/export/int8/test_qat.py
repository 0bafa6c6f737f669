"""Training with rounding: rounds what the int8 files round, and brings them nearer to the float parent."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.qat import RoundActivations, _watch, _with_rounding, fold_norms, tune
from ecgedge_export.int8.quantize import quantize
from ecgedge_export.int8.reference import open_reference
from ecgedge_export.int8.tflite_writer import write_tflite
from ecgedge_export.nets import RhythmNet


def int8_logits(net: nn.Module, seen: Any, windows: Any, folder: Path) -> npt.NDArray[np.float32]:
    """Logits after the whole chain, in the reference kernels."""
    folder.mkdir(exist_ok=True)
    pair = quantize(export_onnx(net, windows.shape[-1], folder / "float.onnx"), seen, folder)
    backend = open_reference(write_tflite(pair.s8s8, folder / "model.tflite"))
    return np.stack([backend.run(window[None]) for window in windows])


def divergence(parent: nn.Module, windows: Any, logits: npt.NDArray[np.float32]) -> float:
    """Mean Kullback-Leibler divergence of int8 from float, in nats."""
    with torch.no_grad():
        wanted = torch.log_softmax(parent(torch.from_numpy(windows)), dim=1)
    said = torch.log_softmax(torch.from_numpy(logits), dim=1)
    return float(nn.functional.kl_div(said, wanted, log_target=True, reduction="batchmean"))


def test_int8_files_come_nearer_to_the_float_parent(small_net: Any, windows: Any, tmp_path: Path) -> None:
    seen, fresh = windows(128, 1), windows(1000, 2)

    def batches(epoch: int) -> Iterator[Tensor]:
        return (torch.from_numpy(windows(64, 1000 + 50 * epoch + i)) for i in range(30))

    losses: list[float] = []
    tuned = tune(small_net, torch.from_numpy(seen), batches, 4, 1e-3, lambda *p: losses.append(p[2]))
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    before = divergence(small_net, fresh, int8_logits(small_net, seen, fresh, tmp_path / "before"))
    after = divergence(small_net, fresh, int8_logits(tuned, seen, fresh, tmp_path / "after"))
    assert after < 0.9 * before


def test_network_with_rounding_computes_what_the_int8_files_compute(windows: Any, tmp_path: Path) -> None:
    torch.manual_seed(4)  # shallow, because a step that differs once in a hundred values spreads in deep ones
    layers = [
        nn.Unflatten(1, (1, 1)),
        nn.Conv2d(1, 6, (1, 9)),
        nn.ReLU(),
        nn.Conv2d(6, 4, (1, 312)),
        nn.Flatten(),
    ]
    net, seen, fresh = nn.Sequential(*layers).eval(), windows(128, 1), windows(100, 2)
    rounding = _with_rounding(fold_norms(net))
    _watch(rounding, torch.from_numpy(seen))
    with torch.no_grad():
        found = rounding(torch.from_numpy(fresh)).numpy()
        plain = net(torch.from_numpy(fresh)).numpy()
    int8 = int8_logits(net, seen, fresh, tmp_path)
    assert np.sqrt(np.mean((found - int8) ** 2)) < 0.3 * np.sqrt(np.mean((plain - int8) ** 2))


@pytest.fixture
def student() -> RhythmNet:
    torch.manual_seed(2)
    net = RhythmNet(4, (8, 15, 2), [(8, 7, 1), (12, 7, 2)], dropout=0.1)
    net.train()(torch.randn(32, 1, 320))  # so that the norms have something to fold
    return net.eval()


def test_folded_network_says_the_same_without_norms(student: RhythmNet) -> None:
    folded = fold_norms(student)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    x = torch.randn(8, 1, 320)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), student(x), atol=1e-5, rtol=1e-4)


def test_the_student_is_rounded_wherever_its_int8_file_is(student: RhythmNet) -> None:
    rounding = _with_rounding(fold_norms(student))
    rounders = [m for m in rounding.modules() if isinstance(m, RoundActivations)]
    # Input and stem; of each of three blocks depthwise, pointwise and sum, of one also the shortcut's
    # convolution; the mean, two products, and their sum. Maxima share the scale of their input.
    assert len(rounders) == 2 + 3 * 3 + 1 + 1 + 2 + 1


def test_nothing_is_left_of_the_rounding_and_the_parent_is_left_alone(student: RhythmNet) -> None:
    before = copy.deepcopy(student.state_dict())
    x = torch.randn(16, 1, 320)
    tuned = tune(student, x, lambda epoch: [x], 1, 0.0, lambda *p: None)
    assert all(torch.equal(value, student.state_dict()[name]) for name, value in before.items())
    assert not any("parametriz" in name or "round" in name for name in tuned.state_dict())
    with torch.no_grad():  # at a learning rate of 0 it is the folded parent
        torch.testing.assert_close(tuned(x), fold_norms(student)(x), atol=1e-6, rtol=1e-5)
