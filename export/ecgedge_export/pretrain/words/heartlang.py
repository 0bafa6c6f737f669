"""HeartLang: some beats of a recording are taken out, and the words that they were are told."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge.stream.ring import Ring
from ecgedge.tokens.coding import bundled
from ecgedge.tokens.features import bounds, word
from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.data import cache_dir
from ecgedge_export.nets import ConvNorm
from ecgedge_export.pretrain.encoder import N_SAMPLES, N_TOKENS, PATCH, Encoder, standardised
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.sets import Cohort

MASKED = 0.5
LEADS_OF_A_RECORD = 2  # as the masked autoencoders draw
Ints = npt.NDArray[np.int64]


class Sentence(NamedTuple):
    """Words of a recording: their borders in samples (beats, 2), R peaks (beats,), codes (leads, beats)."""

    borders: Ints
    peaks: Ints
    codes: Ints


class HeartLang:
    """Half of the beats of a window are blanked, and the code of each is told: cross-entropy.

    A beat's word is what :mod:`ecgedge.tokens` makes of it, from midpoint to midpoint of its neighbours, with
    the shipped vocabulary; ``L = mean over masked beats of CE(code)``. The mask is put on the signal: behind
    a convolution a word would have left its traces in its neighbours.

    Source: HeartLang (Jin et al., ICLR 2025). What differs: there the words go into a transformer of 44.6
    million parameters, with ids of lead and second; here the encoder that all objectives train sees the
    signal, blanked, and a convolution behind it (thrown away later) tells the codes. 256 codes, learnt on one
    lead of these and other people; the R peaks are those of lead I.
    """

    name: ClassVar[str] = "heartlang"
    reads_reports: ClassVar[bool] = False

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        self.encoder = encoder
        dim, model = encoder.dim, bundled()
        self.parts = nn.ModuleDict(
            {
                "decoder": nn.Sequential(ConvNorm(dim, dim, 9), nn.ReLU()),
                "code": nn.Linear(dim, len(model.vocabulary)),
            }
        )
        self._sentences = sentences(cohort)

    def loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        lines = [
            (i, row, lead)
            for i, row in enumerate(batch.rows.tolist())
            for lead in rng.integers(batch.ecg.shape[1], size=LEADS_OF_A_RECORD).tolist()
        ]
        x = standardised(torch.stack([batch.ecg[i, lead][None] for i, _, lead in lines]))
        where: list[tuple[int, int]] = []
        codes: list[int] = []
        for at, (_, row, lead) in enumerate(lines):
            said = self._sentences[row]
            for beat in masked(len(said.peaks), rng):
                low, high = said.borders[beat]
                x[at, 0, low:high] = 0.0
                where.append((at, min(int(said.peaks[beat]) // PATCH, N_TOKENS - 1)))
                codes.append(int(said.codes[lead, beat]))
        decoded = self.parts["decoder"](self.encoder.encode(x).tokens.unsqueeze(2)).squeeze(2)
        # A batch of recordings without a beat has no loss.
        window, token = torch.tensor(where, dtype=torch.int64).reshape(-1, 2).T
        told = self.parts["code"](decoded[window, :, token])
        loss: Tensor = F.cross_entropy(told, torch.tensor(codes, dtype=torch.int64), reduction="sum") / max(
            1, len(codes)
        )
        return loss

    def after_step(self, step: int) -> None:
        """Nothing follows a step."""


def masked(n: int, rng: np.random.Generator) -> list[int]:
    """Which of ``n`` beats are blanked: half of them, one at least where there are any."""
    return rng.permutation(n)[: max(1, round(MASKED * n))].tolist() if n else []


def sentences(cohort: Cohort) -> list[Sentence]:
    """Words of all recordings; their codes are kept in the cache, by recordings and vocabulary."""
    path = cache_dir() / "prepared" / "pretrain" / f"words-{cohort.digest}-{bundled().id}.npz"
    if not path.is_file():
        every = [spoken(ecg, peaks) for ecg, peaks in zip(cohort.ecg, cohort.r_peaks, strict=True)]
        with atomic_file(path) as file:
            np.savez(
                file,
                borders=np.concatenate([one.borders for one in every]),
                codes=np.concatenate([one.codes for one in every], axis=1),
            )
    ends = np.cumsum([len(peaks) for peaks in cohort.r_peaks])[:-1]
    with npz(path, "delete it, it is made again") as z:
        borders, codes = np.split(z["borders"], ends), np.split(z["codes"], ends, axis=1)
    return [Sentence(*one) for one in zip(borders, cohort.r_peaks, codes, strict=True)]


def spoken(ecg: npt.NDArray[np.float32], peaks: Ints) -> Sentence:
    """Words of every lead of a recording, (leads, 1000) at 100 Hz, whose R peaks are known."""
    model, n = bundled(), len(peaks)
    around = list(zip([None, *peaks[:-1].tolist()], peaks.tolist(), [*peaks[1:].tolist(), None], strict=True))
    spans = [bounds(left, at, right, 0, N_SAMPLES) for left, at, right in around] if n else []
    codes = np.zeros((len(ecg), n), np.int64)
    ring = Ring(N_SAMPLES)
    for lead, signal in enumerate(ecg):
        ring.reset()
        ring.write(signal)
        for beat, at in enumerate(peaks.tolist()):
            codes[lead, beat] = model.speak(word(ring, float(at), spans[beat])).code
    borders = [
        (max(0, math.ceil(at + span.start)), min(N_SAMPLES, math.ceil(at + span.end)))
        for at, span in zip(peaks.tolist(), spans, strict=True)
    ]
    return Sentence(np.array(borders, np.int64).reshape(n, 2), peaks.astype(np.int64), codes)
