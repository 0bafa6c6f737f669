"""The students: small residual networks made only of what INT8 runtimes run fast.

Input and output are (batch, 1, time) and (batch, classes); inside everything is Conv2d with 1xK kernels,
because ONNX Runtime's fp32 Conv2d is 2.9 times faster than its Conv1d and TFLite then needs no transposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """1xK convolution and its BatchNorm, padded so that stride 1 keeps the length (of an odd kernel)."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1, dilation: int = 1
    ) -> None:
        super().__init__(
            # An odd kernel sees as far to both sides, an even one a sample further ahead.
            nn.Conv2d(
                c_in,
                c_out,
                (1, kernel),
                (1, stride),
                (0, (kernel - 1) // 2 * dilation),
                (1, dilation),
                groups,
                bias=False,
            ),
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


class _Plain(nn.Module):
    """One convolution over time and channels at once, added to a shortcut.

    INT8 kernels multiply matrices well and depthwise convolutions badly: with three taps and gaps between
    them it sees as far as a long depthwise kernel, in a third of the time for as many multiplications.
    """

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int, dropout: float, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv = ConvNorm(c_in, c_out, kernel, stride, dilation=dilation)
        self.drop = nn.Dropout2d(dropout)
        pool = [nn.MaxPool2d((1, stride))] if stride > 1 else []
        match = [ConvNorm(c_in, c_out, 1)] if c_in != c_out else []
        self.shortcut = nn.Sequential(*pool, *match)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.drop(self.conv(x)) + self.shortcut(x))


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
    plain : bool
        Blocks of one plain convolution instead of separable ones; the gaps between its taps double from
        block to block of a stage.

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
        *,
        plain: bool = False,
    ) -> None:
        super().__init__()
        width, kernel, stride = stem
        self.stem = ConvNorm(leads, width, kernel, stride)
        blocks: list[nn.Module] = []
        for channels, kernel, n_blocks in stages:
            for i in range(n_blocks):
                shape = (width, channels, kernel, 2 if i == 0 else 1, dropout)
                blocks.append(_Plain(*shape, dilation=2**i) if plain else _Block(*shape))
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
        return self.pool(self.maps(x))

    def maps(self, x: Tensor) -> Tensor:
        """Features of each moment of a window, (batch, width, 1, moments)."""
        y: Tensor = self.blocks(torch.relu(self.stem(x.unsqueeze(2))))
        return y

    def pool(self, maps: Tensor) -> Pooled:
        """Features of a window from those of its moments."""
        return Pooled(maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3)))

    def classify(self, pooled: Pooled) -> Tensor:
        """Logits of features."""
        logits: Tensor = self.from_mean(self.drop(pooled.mean)) + self.from_max(self.drop(pooled.peak))
        return logits


class BeatClassNet(nn.Module):
    """Names a beat from a few waves, given sample by sample, and from figures that stand behind them.

    All of it is one row, so that the network has the same kind of input as every other: (batch, 1, values).
    The first convolution takes whole samples of all waves; the figures go a way of their own, and both ways
    give logits of their own, which are added. The waves speak only for or against the classes ``from_waves``:
    supraventricular beats are of so few people that a network would learn their waves by heart.

    Parameters
    ----------
    n_classes : int
        Number of logits.
    shape : (waves, samples, figures)
        The row is waves * samples + figures long.
    width : int
        Channels behind the first convolution.
    dropout : float
        In front of both last layers.
    from_waves : sequence of int
        Classes that the waves speak for or against.

    Examples
    --------
    >>> tuple(BeatClassNet(5, (3, 80, 25), 20).eval()(torch.zeros(2, 1, 265)).shape)
    (2, 5)
    """

    def __init__(
        self,
        n_classes: int,
        shape: tuple[int, int, int],
        width: int,
        dropout: float = 0.0,
        from_waves: Sequence[int] = (2, 3, 4),
    ) -> None:
        super().__init__()
        waves, samples, figures = shape
        row = waves * samples + figures
        hidden, wave_hidden, wider, widest = 32, 16, width + 4, 2 * width - 4
        self.waves = nn.Sequential(
            nn.Conv2d(1, width, (1, 5 * waves), (1, 2 * waves), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            ConvNorm(width, wider, 5, stride=2),
            nn.ReLU(),
            ConvNorm(wider, widest, 5, stride=2),
            nn.ReLU(),
            # All of the time that is left.
            nn.Conv2d(widest, wave_hidden, (1, _length(row, 5 * waves, 2 * waves)), bias=False),
            nn.BatchNorm2d(wave_hidden),
            nn.ReLU(),
        )
        # One step over all the waves: at the second place stand the figures. At the first one are waves,
        # which the second convolution leaves out.
        self.figures = nn.Sequential(
            nn.Conv2d(1, hidden, (1, figures), (1, waves * samples), bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, (1, 2), bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
        )
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, n_classes)
        self.out_of_waves = nn.Linear(wave_hidden, n_classes, bias=False)
        _keep_only(self.figures[3].weight, torch.tensor([0.0, 1.0]))
        allowed = torch.zeros(n_classes, 1)
        allowed[list(from_waves)] = 1.0
        _keep_only(self.out_of_waves.weight, allowed)

    def forward(self, x: Tensor) -> Tensor:
        row = x.unsqueeze(1)
        figures, waves = (way(row).mean(dim=(2, 3)) for way in (self.figures, self.waves))
        logits: Tensor = self.out(self.drop(figures)) + self.out_of_waves(self.drop(waves))
        return logits


class Dilated(nn.Module):
    """Depthwise over time with gaps, pointwise over channels, added to its input."""

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.depthwise = nn.Sequential(
            nn.Conv2d(
                width,
                width,
                (1, kernel),
                padding=(0, kernel // 2 * dilation),
                dilation=(1, dilation),
                groups=width,
                bias=False,
            ),
            nn.BatchNorm2d(width),
        )
        self.pointwise = ConvNorm(width, width, 1)
        self.drop = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.drop(self.pointwise(torch.relu(self.depthwise(x)))) + x)


class WaveNet(nn.Module):
    """Says for each sample of a window what it belongs to.

    The first convolution takes ``stride`` samples a step, and each step gives as many rows of logits: nothing
    has to be widened again, and all that is left are operators that INT8 runtimes run fast. Dilations let
    each step see the whole window.

    Parameters
    ----------
    n_classes : int
        Logits of a sample.
    width, kernel, stride : int
        The window is a multiple of ``stride`` long.
    dilations : sequence of int
        One block each.
    dropout : float
        Of whole channels inside the blocks.

    Examples
    --------
    >>> tuple(WaveNet(4, 16, 9, 2, (1, 2)).eval()(torch.zeros(3, 1, 144)).shape)  # 144 * 4
    (3, 576)
    """

    def __init__(
        self,
        n_classes: int,
        width: int,
        kernel: int,
        stride: int,
        dilations: Sequence[int],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(1, width, kernel, stride)
        self.blocks = nn.Sequential(*(Dilated(width, kernel, d, dropout) for d in dilations))
        self.out = nn.Conv2d(width, n_classes * stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.out(self.blocks(torch.relu(self.stem(x.unsqueeze(2)))))
        # Channels behind time: sample after sample, and the classes of each.
        return torch.flatten(y.permute(0, 2, 3, 1), 1)


def _keep_only(weight: Any, allowed: Tensor) -> None:
    """Hold weights at zero where ``allowed`` is: they start there and get no gradient.

    What is exported is a plain layer. torch's type hints do not know the hook.
    """
    with torch.no_grad():
        weight.mul_(allowed)
    weight.register_hook(lambda gradient: gradient * allowed.to(gradient.device))


def _length(row: int, kernel: int, stride: int) -> int:
    """Places that are left behind a convolution without padding and two more that halve."""
    places = (row - kernel) // stride + 1
    return ((places + 1) // 2 + 1) // 2


def n_parameters(net: nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)
