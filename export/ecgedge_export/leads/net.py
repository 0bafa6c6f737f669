"""A small U-Net of what INT8 runtimes run exactly alike."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ecgedge_export.nets import ConvNorm, Dilated


def _down(above: int, width: int, kernel: int) -> nn.Sequential:
    """Half as many samples: depthwise over time, then pointwise over channels."""
    return nn.Sequential(
        ConvNorm(above, above, kernel, 2, groups=above), nn.ReLU(), ConvNorm(above, width, 1)
    )


class _Up(nn.Module):
    """Twice as many samples of the channels of the level above, added to what went down there.

    A U-Net's up-convolution (two samples a step) gives both samples as channels of one convolution; in
    TFLite's order, channels behind time, they lie one after the other already, and no number moves. U-Nets
    put the way down beside the way up and convolve both; a convolution of each and their sum is the same.
    """

    def __init__(self, below: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.up = ConvNorm(below, 2 * width, 1)
        self.across = ConvNorm(width, width, 1)

    def forward(self, x: Tensor, skipped: Tensor) -> Tensor:
        n = skipped.shape[3]
        time_first = self.up(x).permute(0, 2, 3, 1).reshape(-1, 1, n, self.width)
        return torch.relu(time_first.permute(0, 3, 1, 2) + self.across(skipped))


class LeadNet(nn.Module):
    """Guesses leads from others, sample by sample.

    Parameters
    ----------
    leads_in, leads_out : int
    widths : sequence of int
        Channels of each level; every level has half the rate of the one above.
    kernel : int
    dilations : sequence of int
        Of the blocks at the lowest level.

    Examples
    --------
    >>> net = LeadNet(1, 7, (16, 32, 64), 9, (1, 2)).eval()
    >>> tuple(net(torch.zeros(3, 1, 228)).shape)  # 228 samples, seven leads each
    (3, 1596)
    """

    def __init__(
        self, leads_in: int, leads_out: int, widths: Sequence[int], kernel: int, dilations: Sequence[int]
    ) -> None:
        super().__init__()
        below = [_down(a, b, kernel) for a, b in itertools.pairwise(widths)]
        self.down = nn.ModuleList([ConvNorm(leads_in, widths[0], kernel), *below])
        self.lowest = nn.Sequential(*(Dilated(widths[-1], kernel, d, 0.0) for d in dilations))
        levels = list(zip(widths[1:], widths[:-1], strict=True))[::-1]
        self.up = nn.ModuleList(_Up(below, width) for below, width in levels)
        self.smooth = nn.ModuleList(Dilated(width, kernel, 1, 0.0) for _, width in levels)
        self.out = nn.Conv2d(widths[0], leads_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Leads in mV from inputs (batch, leads, time): sample after sample, the leads of each."""
        return torch.flatten(self.leads(x).permute(0, 2, 3, 1), 1)

    def leads(self, x: Tensor) -> Tensor:
        """The same as (batch, leads, 1, time)."""
        y, skipped = x.unsqueeze(2), []
        for down in self.down:
            y = torch.relu(down(y))
            skipped.append(y)
        y = self.lowest(y)
        for up, smooth, across in zip(self.up, self.smooth, skipped[-2::-1], strict=True):
            y = smooth(up(y, across))
        out: Tensor = self.out(y)
        return out
