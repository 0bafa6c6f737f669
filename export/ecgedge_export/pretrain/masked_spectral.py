"""Masked autoencoders: in the time domain alone, and with spectra, prototypes and a filter that learns."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_export.nets import ConvNorm
from ecgedge_export.pretrain import views
from ecgedge_export.pretrain.encoder import N_TOKENS, PATCH, Encoder, standardised
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.sets import Cohort

MASKED = 0.6
LEADS_OF_A_RECORD = 2  # a step costs what a contrastive one costs
SPECTRUM, PROTOTYPES = 0.5, 0.1  # weights beside the patches
COARSE, FINE = 16, 128
# Of a window of deviation 1: the logarithm tells nothing of what is weaker than that.
_FLOOR = 0.1
_SAMPLED, _ROUNDS = 20_000, 12  # patches and iterations of k-means; more moved nothing


class MaskedTime:
    """Predict the patches of 0.2 s that are masked, 60 % of them: mean squared error.

    The twin of :class:`MaskedSpectral`: the same masks, network and decoder, the patches alone. After He et
    al., arXiv 2111.06377; here with a convolutional encoder, which sees zeros where the mask is, and loss on
    masked patches of a window of mean 0 and deviation 1.
    """

    name: ClassVar[str] = "masked_time"
    reads_reports: ClassVar[bool] = False
    heads: ClassVar[dict[str, int]] = {}
    """Prototypes to tell, by domain and number; none."""

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        self.encoder = encoder
        dim = encoder.dim
        self.parts = nn.ModuleDict(
            {
                "decoder": nn.Sequential(ConvNorm(dim, dim, 3), nn.ReLU()),
                "patch": nn.Conv1d(dim, PATCH, 1),
            }
        )

    def loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        x = standardised(torch.from_numpy(self._windows(batch.ecg.numpy(), rng)))
        masked = torch.from_numpy(masks(len(x), rng))
        hidden = masked.repeat_interleave(PATCH, dim=1)[:, None]
        tokens = self.encoder.encode(x.masked_fill(hidden, 0.0)).tokens
        decoded = self.parts["decoder"](tokens.unsqueeze(2)).squeeze(2)
        wanted = patches(x)[masked]
        predicted = self.parts["patch"](decoded).transpose(1, 2)[masked]
        return self._compared(predicted, wanted, decoded.transpose(1, 2)[masked])

    def after_step(self, step: int) -> None:
        """Nothing follows a step."""

    def _windows(self, ecg: views.Floats, rng: np.random.Generator) -> views.Floats:
        drawn = [rng.integers(ecg.shape[1], size=len(ecg)) for _ in range(LEADS_OF_A_RECORD)]
        return np.concatenate([views.one_lead_each(ecg, leads) for leads in drawn])

    def _compared(self, predicted: Tensor, wanted: Tensor, decoded: Tensor) -> Tensor:
        return F.mse_loss(predicted, wanted)


class MaskedSpectral(MaskedTime):
    """Patches, their spectra, and which prototype they are, coarse and fine, in both domains.

    ``L = MSE(patch) + 0.5 MSE(log|rFFT(patch)|) + 0.1 CE(K = 16) + 0.1 CE(K = 128)``, each cross-entropy the
    mean over the prototypes in time and those of the log spectra. Prototypes are the centres of k-means over
    patches of the recordings, made before the training. In front of the encoder stands a filter that learns:
    a gain for each frequency of the window, and a short convolution beside it
    (:class:`ecgedge_export.pretrain.encoder.TimeFrequencyFilter`).

    Source: arXiv 2506.22495 (simplicity bias: networks learn the dominant, repeated pattern). What differs:
    sizes, share of the mask and weights are our own, since we have none of theirs; the encoder is
    convolutional and sees one lead.
    """

    name: ClassVar[str] = "masked_spectral"
    heads: ClassVar[dict[str, int]] = {
        f"{domain}{k}": k for k in (COARSE, FINE) for domain in ("time", "spectrum")
    }

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        super().__init__(encoder, cohort)
        encoder.add_filter()
        sampled = _sampled(cohort)
        seen = {"time": sampled, "spectrum": log_spectrum(sampled)}
        for head, k in self.heads.items():
            self.parts[head] = nn.Linear(encoder.dim, k)
            centres = nn.Module()
            centres.register_buffer("centres", k_means(seen[head.rstrip("0123456789")], k))
            self.parts[f"{head} prototypes"] = centres

    def _compared(self, predicted: Tensor, wanted: Tensor, decoded: Tensor) -> Tensor:
        spectrum = log_spectrum(wanted)
        loss = F.mse_loss(predicted, wanted) + SPECTRUM * F.mse_loss(log_spectrum(predicted), spectrum)
        for head in self.heads:
            centres = self.parts[f"{head} prototypes"].centres
            assert isinstance(centres, Tensor)
            which = nearest(wanted if head.startswith("time") else spectrum, centres)
            # Both domains share the weight of a number of prototypes.
            loss = loss + PROTOTYPES / 2 * F.cross_entropy(self.parts[head](decoded), which)
        return loss


def masks(n: int, rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which tokens of each window are masked: (n, 50), the same number of each."""
    order = rng.random((n, N_TOKENS)).argsort(axis=1)
    masked: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = order < round(MASKED * N_TOKENS)
    return masked


def patches(x: Tensor) -> Tensor:
    """Cut windows (n, 1, time) into patches: (n, tokens, 20)."""
    return x.reshape(len(x), -1, PATCH)


def log_spectrum(patch: Tensor) -> Tensor:
    """Logarithm of the magnitudes of the Fourier transform, along the last axis: 20 samples give 11."""
    spectrum: Tensor = torch.fft.rfft(patch, dim=-1, norm="ortho")
    # Not abs(): its slope is not finite at 0.
    return (spectrum.real.square() + spectrum.imag.square() + _FLOOR**2).log() / 2


def k_means(x: Tensor, k: int) -> Tensor:
    """Centres of k-means, (k, width), from places drawn at random; one that nobody is next to stays."""
    centres = x[torch.randperm(len(x))[:k]].clone()
    for _ in range(_ROUNDS):
        which = nearest(x, centres)
        count = torch.bincount(which, minlength=len(centres))
        sums = torch.zeros_like(centres).index_add_(0, which, x)
        centres = torch.where(count[:, None] > 0, sums / count.clamp_min(1)[:, None], centres)
    return centres


def nearest(x: Tensor, centres: Tensor) -> Tensor:
    """Which centre is nearest to each row: int64 (n,)."""
    # |x - c|^2 without |x|^2, which is the same for all centres.
    return (centres.square().sum(1) - 2 * x @ centres.T).argmin(1)


def _sampled(cohort: Cohort) -> Tensor:
    """Patches of windows drawn at random, one lead each: (at most 20,000, 20)."""
    windows = torch.from_numpy(cohort.ecg).flatten(0, 1)[:, None]
    chosen = windows[torch.randperm(len(windows))[: _SAMPLED // N_TOKENS]]
    return patches(standardised(chosen)).flatten(0, 1)
