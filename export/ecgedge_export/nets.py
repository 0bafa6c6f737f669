"""The students: small separable residual networks made only of what INT8 runtimes run fast.

Input and output are (batch, 1, time) and (batch, classes); inside everything is Conv2d with 1xK kernels,
because ONNX Runtime's fp32 Conv2d is 2.9 times faster than its Conv1d and TFLite then needs no transposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """1xK convolution and its BatchNorm, padded so that stride 1 keeps the length."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, (1, kernel), (1, stride), (0, kernel // 2), groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
        )


class _Block(nn.Module):
    """Depthwise over time, pointwise over channels, twice the width in between, added to a shortcut."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.depthwise = ConvNorm(c_in, c_in, kernel, stride, groups=c_in)
        self.pointwise = ConvNorm(c_in, c_out, 1)
        self.drop = nn.Dropout2d(dropout)
        pool = [nn.MaxPool2d((1, stride))] if stride > 1 else []
        match = [ConvNorm(c_in, c_out, 1)] if c_in != c_out else []
        self.shortcut = nn.Sequential(*pool, *match)

    def forward(self, x: Tensor) -> Tensor:
        y = self.drop(self.pointwise(torch.relu(self.depthwise(x))))
        return torch.relu(y + self.shortcut(x))


class Pooled(NamedTuple):
    """Features over the time of a window, each (batch, width).

    The mean shows what the window is mostly like, the maximum what happened at least once (one ectopic beat).
    """

    mean: Tensor
    peak: Tensor


class RhythmNet(nn.Module):
    """Names the rhythm of a window.

    Parameters
    ----------
    n_classes : int
        Number of logits.
    stem : sequence of int
        Channels, kernel and stride of the first convolution.
    stages : sequence of (channels, kernel, blocks)
        Each stage halves the rate in its first block.
    dropout : float
        Of whole channels inside the blocks.
    leads : int
        Inputs are (batch, leads, time).

    Examples
    --------
    >>> net = RhythmNet(4, (16, 15, 2), [(24, 15, 1), (32, 15, 1)]).eval()
    >>> tuple(net(torch.zeros(2, 1, 3040)).shape)
    (2, 4)
    """

    def __init__(
        self,
        n_classes: int,
        stem: Sequence[int],
        stages: Sequence[Sequence[int]],
        dropout: float = 0.0,
        leads: int = 1,
    ) -> None:
        super().__init__()
        width, kernel, stride = stem
        self.stem = ConvNorm(leads, width, kernel, stride)
        blocks: list[nn.Module] = []
        for channels, kernel, n_blocks in stages:
            for i in range(n_blocks):
                blocks.append(_Block(width, channels, kernel, 2 if i == 0 else 1, dropout))
                width = channels
        self.blocks = nn.Sequential(*blocks)
        self.width = width
        self.drop = nn.Dropout(2 * dropout)
        self.from_mean = nn.Linear(width, n_classes)
        self.from_max = nn.Linear(width, n_classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.pooled(x))

    def pooled(self, x: Tensor) -> Pooled:
        """Features of a window: what a large model's embeddings are compared with."""
        y = self.blocks(torch.relu(self.stem(x.unsqueeze(2))))
        return Pooled(y.mean(dim=(2, 3)), y.amax(dim=(2, 3)))

    def classify(self, pooled: Pooled) -> Tensor:
        """Logits of features."""
        logits: Tensor = self.from_mean(self.drop(pooled.mean)) + self.from_max(self.drop(pooled.peak))
        return logits


class BeatClassNet(nn.Module):
    """Names a beat from a few waves, given sample by sample, and from figures that stand behind them.

    All of it is one row, so that the network has the same kind of input as every other: (batch, 1, values).
    The first convolution takes whole samples of all waves; the figures go a way of their own and join later.

    Parameters
    ----------
    n_classes : int
        Number of logits.
    shape : (waves, samples, figures)
        The row is waves * samples + figures long.
    width : int
        Channels behind the first convolution.
    dropout : float
        In front of the last layer.

    Examples
    --------
    >>> tuple(BeatClassNet(5, (3, 80, 25), 20).eval()(torch.zeros(2, 1, 265)).shape)
    (2, 5)
    """

    def __init__(self, n_classes: int, shape: tuple[int, int, int], width: int, dropout: float = 0.0) -> None:
        super().__init__()
        waves, samples, figures = shape
        row = waves * samples + figures
        hidden, wider, widest = 24, width + 4, 2 * width - 4
        self.waves = nn.Sequential(
            nn.Conv2d(1, width, (1, 5 * waves), (1, 2 * waves), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            ConvNorm(width, wider, 5, stride=2),
            nn.ReLU(),
            ConvNorm(wider, widest, 5, stride=2),
            nn.ReLU(),
            nn.Conv2d(widest, hidden, (1, _length(row, 5 * waves, 2 * waves)), bias=False),  # all of the time
            nn.BatchNorm2d(hidden),
        )
        # One step over all the waves: the second place is where the figures stand.
        self.figures = nn.Sequential(
            nn.Conv2d(1, hidden, (1, figures), (1, waves * samples), bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, (1, 2), bias=False),
            nn.BatchNorm2d(hidden),
        )
        self.mixed = nn.Sequential(nn.ReLU(), ConvNorm(hidden, hidden, 1), nn.ReLU())
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        row = x.unsqueeze(1)
        y = self.mixed(self.waves(row) + self.figures(row))
        logits: Tensor = self.out(self.drop(y.mean(dim=(2, 3))))
        return logits


def _length(row: int, kernel: int, stride: int) -> int:
    """Places that are left behind a convolution without padding and two more that halve."""
    places = (row - kernel) // stride + 1
    return ((places + 1) // 2 + 1) // 2


def n_parameters(net: nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)
