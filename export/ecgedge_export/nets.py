"""The students: small separable residual networks made only of what INT8 runtimes run fast.

Input and output are (batch, 1, time) and (batch, classes); inside everything is Conv2d with 1xK kernels,
because ONNX Runtime's fp32 Conv2d is 2.9 times faster than its Conv1d and TFLite then needs no transposes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class _ConvNorm(nn.Sequential):
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
        self.depthwise = _ConvNorm(c_in, c_in, kernel, stride, groups=c_in)
        self.pointwise = _ConvNorm(c_in, c_out, 1)
        self.drop = nn.Dropout2d(dropout)
        pool = [nn.MaxPool2d((1, stride))] if stride > 1 else []
        match = [_ConvNorm(c_in, c_out, 1)] if c_in != c_out else []
        self.shortcut = nn.Sequential(*pool, *match)

    def forward(self, x: Tensor) -> Tensor:
        y = self.drop(self.pointwise(torch.relu(self.depthwise(x))))
        return torch.relu(y + self.shortcut(x))


class RhythmNet(nn.Module):
    """Names the rhythm of a window.

    Parameters
    ----------
    n_classes : int
        Number of logits.
    stem : sequence of int
        Channels and kernel of the first convolution, which halves the rate.
    stages : sequence of (channels, kernel, blocks)
        Each stage halves the rate in its first block.
    dropout : float
        Of whole channels inside the blocks.

    Examples
    --------
    >>> net = RhythmNet(4, (16, 15), [(24, 15, 1), (32, 15, 1)]).eval()
    >>> tuple(net(torch.zeros(2, 1, 3040)).shape)
    (2, 4)
    """

    def __init__(
        self,
        n_classes: int,
        stem: Sequence[int],
        stages: Sequence[Sequence[int]],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        width = stem[0]
        self.stem = _ConvNorm(1, width, stem[1], stride=2)
        blocks: list[nn.Module] = []
        for channels, kernel, n_blocks in stages:
            for i in range(n_blocks):
                blocks.append(_Block(width, channels, kernel, 2 if i == 0 else 1, dropout))
                width = channels
        self.blocks = nn.Sequential(*blocks)
        self.drop = nn.Dropout(2 * dropout)
        self.from_mean = nn.Linear(width, n_classes)
        self.from_max = nn.Linear(width, n_classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.blocks(torch.relu(self.stem(x.unsqueeze(1))))
        # The mean says what is usual in the window, the maximum what happened at least once (one ectopic
        # beat).
        mean = y.mean(dim=(2, 3))
        peak = y.amax(dim=(2, 3))
        logits: Tensor = self.from_mean(self.drop(mean)) + self.from_max(self.drop(peak))
        return logits


def n_parameters(net: nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)
