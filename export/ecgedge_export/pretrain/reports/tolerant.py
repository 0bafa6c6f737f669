"""TolerantECG: from noise and from one lead a student learns what its average sees without, and in eight."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_export.pretrain import views
from ecgedge_export.pretrain.encoder import Encoder, encoded_fast, one_lead
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.reports.matching import symmetric_ce
from ecgedge_export.pretrain.reports.statements import described
from ecgedge_export.pretrain.reports.text import DIM as TEXT_DIM
from ecgedge_export.pretrain.reports.text import TextTower
from ecgedge_export.pretrain.sets import LEAD_I, Cohort

SNR_DB = (-6.0, 18.0)
PROTOTYPES, BOTTLENECK = 128, 64
TEACHER_TEMPERATURE, STUDENT_TEMPERATURE = 0.07, 0.1
CENTRE_MOMENTUM, MOMENTUM = 0.9, 0.996
CLIP_WEIGHT = 2.0
_CLIP_TEMPERATURE = 0.07
MISSING, NOISY = 0, 1
"""Which of the two a step teaches: odd ones the missing leads, even ones the noise."""


class Tolerant:
    """Alternate distillation from a momentum teacher, and statements as text beside it.

    Odd steps: the teacher sees all 8 leads, the student lead I alone. Even steps: the teacher sees lead I
    clean, the student sees it with NSTDB's noise at -6 to 18 dB. Each has a teacher, a head and a centre c of
    its own. With t and s the outputs of teacher and student for K prototypes:

    ``L = 2 CLIP + DINO``, ``DINO = -mean sum_k softmax_k((t - c) / 0.07) log softmax_k(s / T)``,

    T = 0.1 at first and learnt, ``c <- 0.9 c + 0.1 mean(t)``, teacher ``<- m teacher + (1 - m) student``,
    m = 0.996. Sources: TolerantECG, arXiv 2507.09887; DINO, Caron et al., arXiv 2104.14294.

    What differs from the paper: a single-lead encoder of 0.5 million parameters at 100 Hz in place of a
    12-lead ConvNeXt, so that the teacher sees eight leads one by one and averages what it makes of them; one
    view of a student in place of two global and six local ones; one noise at a time; 128 prototypes. A
    training of some hundred steps would end before an average of 0.996 has forgotten where it began: m is
    ``min(0.996, n / (n + 10))`` after n steps of a teacher. The text is made of the signs that belong to
    each SCP statement (:mod:`~ecgedge_export.pretrain.reports.statements`), as character TF-IDF, where the
    paper lets a language model read descriptions that it retrieved.
    """

    name: ClassVar[str] = "tolerant"
    reads_reports: ClassVar[bool] = True

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        self.encoder = encoder
        heads = [Head(encoder.dim) for _ in (MISSING, NOISY)]
        self.parts = nn.ModuleDict(
            {
                "students": nn.ModuleList(heads),
                "teachers": nn.ModuleList([_Teacher(encoder, head) for head in heads]),
                "matching": _Matching(encoder.dim),
            }
        )
        self._noises = views.recorded_noise(half=0)
        texts = [described(said) for said in cohort.statements]
        self._text = torch.from_numpy(TextTower(texts)(texts))
        _, same = np.unique(texts, return_inverse=True)
        self._kind = torch.from_numpy(same)

    def loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        pooled = encoded_fast(self.encoder, self.shown(batch, rng)).pooled
        rows = torch.from_numpy(batch.rows)
        kind = self._kind[rows]
        logits = self.parts["matching"](pooled, self._text[rows])
        return CLIP_WEIGHT * symmetric_ce(logits, kind[:, None] == kind) + self.distillation(pooled, batch)

    @property
    def turn(self) -> int:
        """What the step that is under way teaches."""
        done = sum(int(teacher.steps) for teacher in self._teachers())
        return done % 2

    def shown(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """What the student sees: lead I, noisy in every second step; (batch, 1, 1000)."""
        lead = one_lead(batch.ecg, LEAD_I)
        if self.turn == MISSING:
            return lead
        noisy = lead.numpy().copy()
        views.with_noise(noisy, self._noises, SNR_DB, rng)
        return torch.from_numpy(noisy)

    def distillation(self, pooled: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the student's embeddings (batch, dim) against this step's teacher."""
        head = cast(Head, self.parts["students"][self.turn])  # type: ignore[index]
        teacher = list(self._teachers())[self.turn]
        leads = batch.ecg if self.turn == MISSING else one_lead(batch.ecg, LEAD_I)
        wanted = teacher.answers(leads)
        return dino(head(pooled), wanted, teacher.centre, head.temperature)

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Let this step's teacher follow its student; the next step is the other one's."""
        turn = self.turn
        list(self._teachers())[turn].follow(self.encoder, self.parts["students"][turn])  # type: ignore[index]

    def _teachers(self) -> Iterator[_Teacher]:
        return iter(cast(list[_Teacher], self.parts["teachers"]))


class Head(nn.Module):
    """From embeddings to cosines with prototypes, and the student's temperature."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, BOTTLENECK))
        self.prototypes = nn.Parameter(torch.randn(PROTOTYPES, BOTTLENECK))
        # The logarithm is learnt: a temperature never passes 0.
        self.log_temperature = nn.Parameter(torch.tensor(STUDENT_TEMPERATURE).log())

    @property
    def temperature(self) -> Tensor:
        """Of the student's softmax."""
        return self.log_temperature.exp()

    def forward(self, pooled: Tensor) -> Tensor:
        return F.normalize(self.layers(pooled), dim=1) @ F.normalize(self.prototypes, dim=1).T


class _Teacher(nn.Module):
    """Running average of encoder and head, with the centre of its answers."""

    centre: Tensor
    seen: Tensor
    steps: Tensor

    def __init__(self, encoder: Encoder, head: Head) -> None:
        super().__init__()
        self.encoder, self.head = copy.deepcopy(encoder), copy.deepcopy(head)
        self.requires_grad_(False)
        self.register_buffer("centre", torch.zeros(PROTOTYPES))
        self.register_buffer("seen", torch.zeros(PROTOTYPES))  # mean of the last answers
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def answers(self, leads: Tensor) -> Tensor:
        """Prototypes of the mean embedding of (batch, leads, 1000), each lead seen alone: (batch, K)."""
        n, count = leads.shape[:2]
        self.encoder.eval()
        each = encoded_fast(self.encoder, leads.reshape(n * count, 1, -1)).pooled
        found: Tensor = self.head(each.reshape(n, count, -1).mean(1))
        self.seen.copy_(found.mean(0))
        return found

    def follow(self, encoder: nn.Module, head: nn.Module) -> None:
        keep = momentum(int(self.steps))
        for mine, theirs in ((self.encoder, encoder), (self.head, head)):
            for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
                a.lerp_(b, 1 - keep) if a.dtype.is_floating_point else a.copy_(b)
        self.centre.lerp_(self.seen, 1 - CENTRE_MOMENTUM)
        self.steps += 1


class _Matching(nn.Module):
    """Embeddings and texts in one space, and the temperature of their cosines."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.signal, self.text = nn.Linear(dim, TEXT_DIM), nn.Linear(TEXT_DIM, TEXT_DIM)
        self.log_temperature = nn.Parameter(torch.tensor(_CLIP_TEMPERATURE).log())

    def forward(self, pooled: Tensor, text: Tensor) -> Tensor:
        signal, said = F.normalize(self.signal(pooled), dim=1), F.normalize(self.text(text), dim=1)
        # No cosine counts more than a hundredfold, as in CLIP.
        return signal @ said.T / self.log_temperature.exp().clamp_min(0.01)


def dino(student: Tensor, teacher: Tensor, centre: Tensor, temperature: Tensor) -> Tensor:
    """Cross-entropy of students against centred, sharpened teachers, both (batch, K).

    Examples
    --------
    >>> sure = 10 * torch.eye(3)
    >>> round(float(dino(sure, sure, torch.zeros(3), torch.tensor(1.0))), 4)
    0.0001
    """
    wanted = ((teacher - centre) / TEACHER_TEMPERATURE).softmax(1)
    return -(wanted * (student / temperature).log_softmax(1)).sum(1).mean()


def momentum(steps: int) -> float:
    """Share that a teacher keeps of itself in its next step, after so many.

    Examples
    --------
    >>> [round(momentum(n), 3) for n in (0, 10, 90, 10_000)]
    [0.0, 0.5, 0.9, 0.996]
    """
    return min(MOMENTUM, steps / (steps + 10))
