"""Weights of a shipped model as the start of a training.

Only INT8 files are shipped. Their weights, times their scales, are a float network whose BatchNorms are
folded into the convolutions. :func:`start_from` unfolds them: a BatchNorm gets the mean and the variance that
really arrive at it, and such a gain and offset that it changes nothing. Without that, the first batch in
training mode would normalise what was never normalised, and the start would be lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export.int8.qdq_graph import QdqGraph, read_qdq
from ecgedge_export.nets import ConvNorm, RhythmNet
from ecgedge_export.recipe import Recipe

SHIPPED = "shipped"
Weights = dict[str, npt.NDArray[np.float32]]
_SUFFIX = "_quantized"  # which onnxruntime's quantizer hangs behind torch's own names


class Shipped(NamedTuple):
    """A model folder's manifest, and its weights by torch's names; a convolution's bias ends in
    ``weight_bias``."""

    manifest: Manifest
    weights: Weights


def weights_of(folder: Path) -> Shipped:
    """Read the INT8 ONNX file of a rhythm model folder back into float32.

    Raises
    ------
    ModelError
        The folder is damaged, of another task, or has no ONNX file.

    Examples
    --------
    >>> weights_of(BUNDLED / "rhythm").weights["stem.0.weight"].shape
    (32, 1, 1, 16)
    """
    manifest = Manifest.load(folder)
    if manifest.task != "rhythm":
        raise ModelError(f"{folder} is a model for {manifest.task!r}: start from a rhythm model")
    graph = read_qdq(onnx.load_from_string(manifest.read(folder, "onnx")))
    names = [name for name in graph.quants if name in graph.constants and name.endswith(_SUFFIX)]
    return Shipped(manifest, {name.removesuffix(_SUFFIX): _real(graph, name) for name in names})


def _real(graph: QdqGraph, name: str) -> npt.NDArray[np.float32]:
    """Value of a quantized constant: (q - zero point) * scale, per channel where it has such scales."""
    quant, codes = graph.quants[name], graph.constants[name]
    shape = [1] * codes.ndim
    if quant.scale.size > 1:
        shape[quant.axis] = -1
    zero_point, scale = quant.zero_point.reshape(shape), quant.scale.reshape(shape)
    return np.asarray((codes.astype(np.int64) - zero_point) * scale, np.float32)


def start_from(net: RhythmNet, recipe: Recipe, windows: npt.NDArray[np.float32], folder: Path) -> None:
    """Give an untrained network the weights of a model folder, in place.

    A class starts from the shipped class of the same role (of the same name, where a role has several), and
    from chance where there is none.

    Parameters
    ----------
    net : RhythmNet
        Of the shape that the folder's network has, but for the number of classes.
    recipe : Recipe
        What ``net`` was made for.
    windows : ndarray of float32, shape (n, 1, time)
        Inputs to measure what arrives at each BatchNorm.
    folder : Path

    Raises
    ------
    ConfigError
        The network of the recipe has another shape, or works at another rate or on other inputs.
    ModelError
        As in :func:`weights_of`.
    """
    shipped = weights_of(folder)
    _check_input(shipped.manifest, recipe, folder)
    norms = {name: module for name, module in net.named_modules() if isinstance(module, ConvNorm)}
    shapes = {f"{name}.0.weight": tuple(_convolution(module).weight.shape) for name, module in norms.items()}
    if shapes != {name: w.shape for name, w in shipped.weights.items() if name.endswith(".0.weight")}:
        raise ConfigError(
            f"the [net] of the recipe has another shape than that of {folder}: copy the [net] of its recipe"
        )
    for name, module in norms.items():
        _fold(module, shipped.weights[f"{name}.0.weight"], shipped.weights[f"{name}.0.weight_bias"])
    _start_classes(net, recipe, shipped)
    _unfold(net, list(norms.values()), torch.from_numpy(windows))


def _check_input(manifest: Manifest, recipe: Recipe, folder: Path) -> None:
    # The length of the window may differ: the network is the same for every length.
    wanted = {"fs": manifest.fs, "clip": manifest.normalisation.values.get("clip")}
    for key, value in wanted.items():
        if getattr(recipe, key) != value:
            raise ConfigError(
                f"{folder} was made with {key} = {value}: write that into the recipe, or no init"
            )


def _fold(module: ConvNorm, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> None:
    """Give a convolution its folded weights, and its BatchNorm nothing to do but to add the bias."""
    convolution, norm = _convolution(module), module[1]
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.no_grad():
        convolution.weight.copy_(torch.from_numpy(weight))
        _set_norm(norm, torch.zeros(len(bias)), torch.ones(len(bias)) - norm.eps, torch.from_numpy(bias))


def _convolution(module: ConvNorm) -> nn.Conv2d:
    convolution = module[0]
    assert isinstance(convolution, nn.Conv2d)
    return convolution


def _set_norm(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: Tensor) -> None:
    """Make a BatchNorm with these statistics one that only adds ``bias``."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.copy_(mean + bias)


def _start_classes(net: RhythmNet, recipe: Recipe, shipped: Shipped) -> None:
    manifest = shipped.manifest
    with torch.no_grad():
        for i, name in enumerate(recipe.classes):
            alike = manifest.with_role(recipe.roles[name])
            row = manifest.classes.index(name if name in alike else alike[0]) if alike else None
            if row is not None:
                for part in ("from_mean.weight", "from_mean.bias", "from_max.weight"):
                    value = torch.as_tensor(shipped.weights[part][row])
                    net.get_parameter(part)[i].copy_(value)


@torch.no_grad()
def _unfold(net: RhythmNet, modules: list[ConvNorm], windows: Tensor) -> None:
    """Measure what arrives at each BatchNorm; since none changes anything, one pass measures all of them."""
    arrived: dict[int, tuple[Tensor, Tensor]] = {}

    def note(norm: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        x = inputs[0].double()
        arrived[id(norm)] = x.mean(dim=(0, 2, 3)).float(), x.var(dim=(0, 2, 3), unbiased=False).float()

    hooks = [module[1].register_forward_hook(note) for module in modules]
    net.eval()(windows)
    for hook in hooks:
        hook.remove()
    for module in modules:
        norm = module[1]
        assert isinstance(norm, nn.BatchNorm2d)
        mean, variance = arrived[id(norm)]
        _set_norm(norm, mean, variance, norm.bias.detach().clone())


def folder_of(init: str, beside: Path) -> Path | None:
    """Folder that ``init`` of a recipe names: None for chance, ``shipped``, or a path beside the recipe."""
    if not init:
        return None
    return BUNDLED / "rhythm" if init == SHIPPED else beside.parent / init
