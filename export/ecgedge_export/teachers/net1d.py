"""The one-dimensional residual network that CLEF and ECGFounder share, written from their layout.

Names of modules are those of the checkpoints, since they are loaded strictly. The batch norms are in the
checkpoints but never applied; they are here so that every tensor has its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = 16  # an even one: padding is one sample longer behind


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of a network.

    Parameters
    ----------
    base : int
        Channels of the first convolution.
    ratio : float
        Channels inside a block for each channel at its end.
    widths, blocks : tuple of int
        Channels and number of blocks of each stage; a stage's first block halves the rate.
    group_width : int
        Channels of a group of the wide convolution.
    n_classes : int
        Outputs of the last layer, 0 for a network without one.
    """

    base: int
    ratio: float
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    group_width: int
    n_classes: int = 0


# Channels, blocks and groups as the checkpoints' tensors have them.
CLEF_SMALL = Layout(32, 0.5, (32, 64, 64, 128, 128, 256), (1, 1, 2, 2, 2, 2), 4)
CLEF_MEDIUM = Layout(64, 1.0, (64, 160, 160, 400, 400, 1024, 1024), (2, 2, 2, 3, 3, 4, 4), 16)
ECG_FOUNDER = Layout(64, 1.0, CLEF_MEDIUM.widths, CLEF_MEDIUM.blocks, 16, n_classes=150)


class _Conv(nn.Module):
    """Convolution that keeps the length divided by its stride, rounded up."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(c_in, c_out, kernel, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride, length = self.conv.kernel_size[0], self.conv.stride[0], x.shape[-1]
        pad = max(0, (-(-length // stride) - 1) * stride + kernel - length)
        y: Tensor = self.conv(F.pad(x, (pad // 2, pad - pad // 2)))
        return y


class _Block(nn.Module):
    def __init__(self, c_in: int, c_out: int, layout: Layout, stride: int, *, first: bool) -> None:
        super().__init__()
        middle = int(c_out * layout.ratio)
        self.first, self.stride = first, stride
        before = (c_out - c_in) // 2
        self.widen = (0, 0, before, c_out - c_in - before)
        # The batch norms are in the checkpoint and never applied.
        self.bn1 = nn.BatchNorm1d(c_in)
        self.conv1 = _Conv(c_in, middle, 1)
        self.bn2 = nn.BatchNorm1d(middle)
        self.conv2 = _Conv(middle, middle, KERNEL, stride, middle // layout.group_width)
        self.bn3 = nn.BatchNorm1d(middle)
        self.conv3 = _Conv(middle, c_out, 1)
        self.se_fc1 = nn.Linear(c_out, c_out // 2)
        self.se_fc2 = nn.Linear(c_out // 2, c_out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(x if self.first else F.silu(x))
        y = self.conv3(F.silu(self.conv2(F.silu(y))))
        gate = torch.sigmoid(self.se_fc2(F.silu(self.se_fc1(y.mean(-1)))))
        shortcut = F.max_pool1d(F.pad(x, (0, 1)), 2) if self.stride == 2 else x
        out: Tensor = y * gate[..., None] + F.pad(shortcut, self.widen)
        return out


class _Stage(nn.Module):
    def __init__(self, c_in: int, c_out: int, n_blocks: int, layout: Layout, *, first: bool) -> None:
        super().__init__()
        self.block_list = nn.ModuleList(
            _Block(c_out if j else c_in, c_out, layout, 1 if j else 2, first=first and j == 0)
            for j in range(n_blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block_list:
            x = block(x)
        return x


class Net1d(nn.Module):
    """The encoder: (batch, 1, time) to (batch, width), the mean over the time of the last stage.

    Parameters
    ----------
    layout : Layout
        Sizes.

    Examples
    --------
    >>> tuple(Net1d(CLEF_SMALL).eval()(torch.zeros(2, 1, 5000)).shape)
    (2, 256)
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        inputs = (layout.base, *layout.widths[:-1])
        self.first_conv = _Conv(1, layout.base, KERNEL, 2)
        self.first_bn = nn.BatchNorm1d(layout.base)
        self.stage_list = nn.ModuleList(
            _Stage(c_in, c_out, n, layout, first=i == 0)
            for i, (c_in, c_out, n) in enumerate(zip(inputs, layout.widths, layout.blocks, strict=True))
        )
        if layout.n_classes:
            self.dense = nn.Linear(layout.widths[-1], layout.n_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.first_conv(x))
        for stage in self.stage_list:
            x = stage(x)
        return x.mean(-1)
