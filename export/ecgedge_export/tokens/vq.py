"""A vector-quantized autoencoder of words: encoder, codebook, decoder.

HeartLang (Jin et al., ICLR 2025) learns its vocabulary so: L = MSE(x̂, x) + MSE(z, sg e), with z the
encoder's output of length 1, e the code nearest to it, sg the stop of the gradient, which goes from the
decoder straight through e to z; codes follow the mean of their z (van den Oord et al., NeurIPS 2017,
appendix). What differs: two dense layers instead of four of a transformer; 32 instead of 128 values; 256
codes instead of 8,192, so that a code is one byte; the error counts only where a word is, not in the zeros
around it; and codes that nobody speaks any more begin again at a word of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge.tokens.features import N

KEEP = 0.99  # of a code's running mean, a step
LEAST = 0.05  # words a step, in the running mean: what fewer speak begins again


class WordNet(nn.Module):
    """The encoder: a word, prepared, to the place where its code is looked for.

    Parameters
    ----------
    hidden, dim : int
        Width of the layer in between, and of the output.

    Examples
    --------
    >>> tuple(WordNet(128, 32)(torch.zeros(5, 1, 96)).shape)
    (5, 32)
    """

    def __init__(self, hidden: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(N, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x.flatten(1))
        return out


class Codebook(nn.Module):
    """Codes of length 1; the nearest one is that of the largest scalar product.

    Examples
    --------
    >>> book = Codebook(4, 2)
    >>> book.codes = F.normalize(torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]]), dim=1)
    >>> book.nearest(torch.tensor([[0.1, 9.0], [-2.0, 1.0]])).tolist()
    [1, 2]
    """

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.codes: Tensor
        self.spoken: Tensor  # running number of words of each code, a step
        self.sums: Tensor
        self.register_buffer("codes", F.normalize(torch.randn(size, dim), dim=1))
        self.register_buffer("spoken", torch.ones(size))
        self.register_buffer("sums", self.codes.clone())

    def nearest(self, z: Tensor) -> Tensor:
        """Number of the code nearest to each row of ``z``."""
        return (z @ self.codes.T).argmax(dim=1)

    @torch.no_grad()
    def follow(self, z: Tensor, chosen: Tensor) -> None:
        """Move each code towards the mean of the words that speak it; begin unused ones anew."""
        one_hot = F.one_hot(chosen, len(self.codes)).to(z.dtype)
        self.spoken.mul_(KEEP).add_(one_hot.sum(dim=0), alpha=1 - KEEP)
        self.sums.mul_(KEEP).add_(one_hot.T @ z, alpha=1 - KEEP)
        unused = (self.spoken < LEAST).nonzero()[:, 0]
        if len(unused):
            taken = z[torch.randperm(len(z))[: len(unused)]]
            unused = unused[: len(taken)]
            self.sums[unused], self.spoken[unused] = taken, 1.0
        self.codes.copy_(F.normalize(self.sums, dim=1))


class Tokenizer(nn.Module):
    """Encoder, codebook and decoder; the decoder is only needed while learning.

    Parameters
    ----------
    hidden, dim, codes : int
    """

    def __init__(self, hidden: int, dim: int, codes: int) -> None:
        super().__init__()
        self.encoder, self.codebook = WordNet(hidden, dim), Codebook(codes, dim)
        self.decoder = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, N))

    def loss(self, x: Tensor, commitment: float) -> Tensor:
        """Loss of a batch of words, (batch, 1, 96); in training the codebook follows.

        The error is in parts of the words' mean power, so that ``commitment`` weighs the same whatever
        their scale.
        """
        z = F.normalize(self.encoder(x), dim=1)
        chosen = self.codebook.nearest(z)
        code = self.codebook.codes[chosen]
        if self.training:
            self.codebook.follow(z.detach(), chosen)
        decoded = self.decoder(z + (code - z).detach())
        words = x.flatten(1)
        own = words != 0
        error = ((decoded - words).square() * own).sum() / words.square().sum().clamp_min(1e-6)
        loss: Tensor = error + commitment * F.mse_loss(z, code)
        return loss

    def forward(self, x: Tensor) -> Tensor:
        """Number of the code of each word."""
        chosen: Tensor = self.codebook.nearest(self.encoder(x))
        return chosen
