"""The encoder that every objective trains: small, one lead at a time, a token for each 0.2 s."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ecgedge_export.nets import ConvNorm

FS = 100.0
WINDOW_S = 10.0
N_SAMPLES = round(FS * WINDOW_S)
PATCH = 20
"""Samples of a token: the 0.2 s in which a QRS complex fits."""
N_TOKENS = N_SAMPLES // PATCH
DIM = 96
_STEM, _WIDTH, _BLOCKS = 25, 32, 3
_STRIDES = (4, 5)
_FLAT_MV = 1e-4  # below the resolution of every recorder: what is divided by it stays next to nothing


class Encoded(NamedTuple):
    """What the encoder makes of a window.

    ``tokens`` is (batch, dim, tokens): one vector for each 0.2 s, which knows some seconds around it;
    ``pooled`` is their mean, (batch, dim).
    """

    tokens: Tensor
    pooled: Tensor


class _Block(nn.Module):
    """Two convolutions added to a shortcut; the first one may lower the rate and widen."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        # Dense, not depthwise: at these widths it is the faster one on a CPU, there and back.
        self.first = ConvNorm(c_in, c_out, 5, stride)
        self.second = ConvNorm(c_out, c_out, 5)
        changes = stride > 1 or c_in != c_out
        pool = [nn.AvgPool2d((1, stride)), ConvNorm(c_in, c_out, 1)]
        self.shortcut = nn.Sequential(*pool) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class TimeFrequencyFilter(nn.Module):
    """A gain for each frequency of the window, and a short convolution beside it; it begins as no filter."""

    def __init__(self, leads: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(leads, N_SAMPLES // 2 + 1))
        self.local = nn.Conv2d(leads, leads, (1, 9), padding=(0, 4), groups=leads, bias=False)
        nn.init.zeros_(self.local.weight)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x, dim=-1)
        filtered: Tensor = torch.fft.irfft(spectrum * self.gain, n=x.shape[-1], dim=-1)
        nearby: Tensor = self.local(x.unsqueeze(2)).squeeze(2)
        return filtered + nearby


class Encoder(nn.Module):
    """Ten seconds at 100 Hz to 50 tokens: (batch, leads, 1000) in mV.

    Each window is brought to mean 0 and deviation 1 inside, over all its leads together, so that neither a
    gain nor an offset reaches an objective. A flat window becomes zeros.

    Parameters
    ----------
    leads : int
        1 for everything that a wearable runs; more for a teacher that sees several leads at once.
    dim : int
        Length of a token, and of the embedding.

    Raises
    ------
    ValueError
        Input of another shape.

    Examples
    --------
    >>> encoded = Encoder().eval()(torch.zeros(2, 1, 1000))
    >>> tuple(encoded.tokens.shape), tuple(encoded.pooled.shape)
    ((2, 96, 50), (2, 96))
    """

    def __init__(self, leads: int = 1, dim: int = DIM) -> None:
        super().__init__()
        self.leads, self.dim = leads, dim
        self.filter: nn.Module = nn.Identity()
        rate, slower = _STRIDES
        self.stem = ConvNorm(leads, _WIDTH, _STEM, rate)
        blocks = [_Block(dim, dim) for _ in range(_BLOCKS - 1)]
        self.blocks = nn.Sequential(_Block(_WIDTH, dim, slower), *blocks)
        # Not rectified: a cosine between two rectified vectors is never negative.
        self.out = ConvNorm(dim, dim, 1)
        # A third faster on a CPU; torch's type hints do not know the argument.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def add_filter(self) -> None:
        """Put a filter that learns in front (:class:`TimeFrequencyFilter`)."""
        self.filter = TimeFrequencyFilter(self.leads)

    @property
    def filtered(self) -> bool:
        """Whether there is such a filter."""
        return isinstance(self.filter, TimeFrequencyFilter)

    def forward(self, x: Tensor) -> Encoded:
        if x.ndim != 3 or x.shape[1:] != (self.leads, N_SAMPLES):
            raise ValueError(f"{tuple(x.shape)} is not (batch, {self.leads}, {N_SAMPLES}): cut windows first")
        return self.encode(standardised(x))

    def encode(self, x: Tensor) -> Encoded:
        """Encode what is standardised already, such as a window with masked patches."""
        y = torch.relu(self.stem(self.filter(x).unsqueeze(2)))
        tokens = self.out(self.blocks(y)).squeeze(2)
        return Encoded(tokens, tokens.mean(2))


def standardised(x: Tensor) -> Tensor:
    """Mean 0 and deviation 1 of each window of (batch, leads, time)."""
    centred = x - x.mean((1, 2), keepdim=True)
    scaled: Tensor = centred / (centred.square().mean((1, 2), keepdim=True).sqrt() + _FLAT_MV)
    return scaled


def one_lead(ecg: Tensor, lead: int) -> Tensor:
    """Choose a lead of (batch, leads, time): (batch, 1, time), as a single-lead encoder takes it."""
    return ecg[:, lead : lead + 1]


def encoded_fast(encoder: Encoder, x: Tensor) -> Encoded:
    """Encode in bfloat16: in half the time where a CPU has it (AVX512-BF16); the result is float32."""
    with torch.autocast("cpu", torch.bfloat16):
        encoded: Encoded = encoder(x)
    return Encoded(encoded.tokens.float(), encoded.pooled.float())
