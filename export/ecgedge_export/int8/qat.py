"""Quantization-aware training: a trained network learns to live with rounded weights and activations.

The network is taken apart with :mod:`torch.fx`: BatchNorm goes into the convolutions, and behind each value
that the int8 files round stands a module that rounds it the same way, with the gradient passed straight
through. What comes out is a plain float network again, and goes the way of every other: the exporter finds
the same ranges as those that were trained with.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

_WEIGHT_STEPS = 64  # reduce_range: weights take 7 bits
_STEPS = 255  # 256 values of int8 have 255 steps between them
_BATCH = 64
# Functions and methods whose results the int8 files hold; all others pass a value on.
_FUNCTIONS = frozenset({"add", "avg_pool2d", "iadd", "mean", "relu", "relu6"})
_RELUS = (nn.ReLU, nn.ReLU6)
_WEIGHTED = (nn.Conv2d, nn.Linear)

Progress = Callable[[int, int, float], None]


def _straight_through(real: Tensor, rounded: Tensor) -> Tensor:
    """The rounded values with the gradient of the real ones."""
    return real + (rounded - real).detach()


class _RoundWeights(nn.Module):
    """Weights in steps of a 64th of the largest one of each filter."""

    def forward(self, weight: Tensor) -> Tensor:
        largest = weight.detach().abs().flatten(1).amax(dim=1).clamp_min(1e-12)
        scale = (largest / _WEIGHT_STEPS).reshape(-1, *[1] * (weight.ndim - 1))
        return _straight_through(weight, (weight / scale).round() * scale)


class RoundActivations(nn.Module):
    """Activations in 255 steps of the range that was seen while ``watching``.

    Examples
    --------
    >>> round_ = RoundActivations()
    >>> _ = round_(torch.tensor([0.0, 2.55]))
    >>> round_.watching = False
    >>> round_(torch.tensor([0.014, 0.016, 9.0])).tolist()
    [0.009999999776482582, 0.019999999552965164, 2.549999952316284]
    """

    def __init__(self) -> None:
        super().__init__()
        self.watching = True
        # Both start at 0: the range of an activation always holds zero, or padding could not be written.
        self.low: Tensor
        self.high: Tensor
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Watch, or round and limit; beyond the limits the gradient is none."""
        if self.watching:
            self.low = torch.minimum(self.low, x.detach().amin())
            self.high = torch.maximum(self.high, x.detach().amax())
            return x
        scale = ((self.high - self.low) / _STEPS).clamp_min(1e-12)
        zero = (self.low / scale).round()
        limited = x.clamp(zero * scale, (zero + _STEPS) * scale)
        return _straight_through(limited, (limited / scale).round() * scale)


def fold_norms(net: nn.Module) -> nn.Module:
    """Copy of a network in eval mode whose BatchNorms are part of the convolutions before them."""
    folded = copy.deepcopy(net).eval()
    for parent in list(folded.modules()):
        if isinstance(parent, nn.Sequential):
            for i, (conv, norm) in reversed(list(enumerate(itertools.pairwise(parent)))):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    parent[i] = fuse_conv_bn_eval(conv, norm)
                    del parent[i + 1]
    return folded


def tune(
    net: nn.Module,
    calibration: Tensor,
    batches: Callable[[int], Iterable[Tensor]],
    epochs: int,
    lr: float,
    progress: Progress,
) -> nn.Module:
    """Train a network on with rounding, towards its own answers without.

    Parameters
    ----------
    net : torch.nn.Module
        Trained; left as it is.
    calibration : Tensor, shape (n, 1, t)
        Windows that give the ranges of the activations, before each epoch anew.
    batches : callable
        From the number of an epoch to its windows, each of shape (b, 1, t).
    epochs : int
    lr : float
        Of Adam, falling to nothing as a cosine.
    progress : callable
        Called with (epochs done, epochs in all, mean loss); the loss is the divergence from ``net``, in nats.

    Returns
    -------
    torch.nn.Module
        Float network without BatchNorm and without rounding, in eval mode.
    """
    parent, student = fold_norms(net), fold_norms(net)
    rounding = _with_rounding(student)
    optimiser = torch.optim.Adam(student.parameters(), lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for epoch in range(epochs):
        # The ranges move with the weights; those of the last epoch are what the exporter finds.
        _watch(rounding, calibration)
        losses = [_step(rounding, parent, x, optimiser) for x in batches(epoch)]
        schedule.step()
        progress(epoch + 1, epochs, sum(losses) / len(losses))
    for module in student.modules():
        if isinstance(module, _WEIGHTED):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
    return student.eval()


def _with_rounding(student: nn.Module) -> fx.GraphModule:
    """The same modules behind a forward pass that rounds: weights in place, activations in between."""
    for module in student.modules():
        if isinstance(module, _WEIGHTED):
            parametrize.register_parametrization(module, "weight", _RoundWeights())
    graph = fx.Tracer().trace(student)
    rounding = fx.GraphModule(student, graph)
    for node in list(graph.nodes):
        if _is_rounded(node, rounding):
            name = f"round_{node.name}"
            rounding.add_module(name, RoundActivations())
            with graph.inserting_after(node):
                rounded = graph.call_module(name, (node,))
            node.replace_all_uses_with(rounded, delete_user_cb=lambda user, r=rounded: user is not r)
    rounding.recompile()
    return rounding


def _is_rounded(node: fx.Node, net: fx.GraphModule) -> bool:
    """Whether the int8 files hold this value: all but what only passes a value on or goes into a ReLU."""
    if node.op == "placeholder":
        return True
    if node.op == "call_module":
        computes = isinstance(net.get_submodule(str(node.target)), (*_WEIGHTED, *_RELUS, nn.AvgPool2d))
    else:
        computes = node.op in ("call_function", "call_method") and _name(node) in _FUNCTIONS
    return computes and not (len(node.users) == 1 and _is_relu(next(iter(node.users)), net))


def _is_relu(node: fx.Node, net: fx.GraphModule) -> bool:
    if node.op == "call_module":
        return isinstance(net.get_submodule(str(node.target)), _RELUS)
    return _name(node) in ("relu", "relu6")


def _name(node: fx.Node) -> str:
    """Name of the function or method that a node calls."""
    return node.target if isinstance(node.target, str) else node.target.__name__


@torch.no_grad()
def _watch(rounding: fx.GraphModule, calibration: Tensor) -> None:
    """Find all ranges anew, as the exporter will."""
    watchers = [module for module in rounding.modules() if isinstance(module, RoundActivations)]
    for module in watchers:
        module.watching = True
        module.low.zero_()
        module.high.zero_()
    for start in range(0, len(calibration), _BATCH):
        rounding(calibration[start : start + _BATCH])
    for module in watchers:
        module.watching = False


def _step(rounding: fx.GraphModule, parent: nn.Module, x: Tensor, optimiser: torch.optim.Optimizer) -> float:
    with torch.no_grad():
        wanted = F.log_softmax(parent(x), dim=1)
    student = F.log_softmax(rounding(x), dim=1)
    loss = F.kl_div(student, wanted, log_target=True, reduction="batchmean")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())
