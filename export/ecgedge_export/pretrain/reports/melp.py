"""MELP: a teacher of eight leads reads reports at three levels, and a lead-I student follows it at three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.pretrain.encoder import N_TOKENS, PATCH, Encoded, Encoder, encoded_fast, one_lead
from ecgedge_export.pretrain.objective import Batch, Make
from ecgedge_export.pretrain.reports.matching import SCALE, local_similarity, symmetric_ce
from ecgedge_export.pretrain.reports.text import DIM as TEXT_DIM
from ecgedge_export.pretrain.reports.text import TextTower, words
from ecgedge_export.pretrain.sets import LEAD_I, LEADS, Cohort
from ecgedge_export.teachers.cache import EmbeddingCache
from ecgedge_export.teachers.vectors import by_record

Floats = npt.NDArray[np.float32]
MOST_BEATS = 24  # of ten seconds: 144 in a minute; what comes later counts with the last one
MOST_WORDS = 10  # of a report, in its order; 4 letters or more
VOCABULARY = 64  # words that are looked for in the tokens
RHYTHM_WEIGHT, TOKEN_WEIGHT, BEAT_WEIGHT = 1.0, 2.0, 0.2  # of the teacher: CLIP, caption, local
LEVELS = ("window", "beat", "token")
_CLIP_TEMPERATURE = 0.07
_SHORTEST_WORD = 4


class Targets(NamedTuple):
    """What a student is drawn to: window (b, 64), beats (b, beats, dim), tokens (b, dim, tokens)."""

    window: Tensor
    beat: Tensor
    token: Tensor


class Melp:
    """Reports teach a network of eight leads at three levels; a student of lead I follows it at three.

    ``L_teacher = 1.0 CLIP(window, report) + 2.0 words(tokens) + 0.2 local(beats, words)``,
    ``L_student = a (1 - cos window) + b (1 - mean cos beat) + c (1 - mean cos token)``, a = b = c = 1; both
    at once, the student against the teacher as it stands. CLIP and the local similarity are in
    :mod:`~ecgedge_export.pretrain.reports.matching`, the latter scaled by 10. Source: MELP, arXiv 2506.21803.

    What differs from the paper: its wav2vec of 12 leads and its language model are a small residual network
    of 8 leads and character TF-IDF with an SVD, fitted on the very reports that are learnt from; beats are
    those of the R peaks, not 13 attention pools; in place of a decoder that writes the report, a query for
    each of its 64 most frequent words attends to the tokens and says whether the word occurs. The student is
    ours: the paper has none.

    Parameters
    ----------
    encoder : Encoder
        The student's.
    cohort : Cohort
    vectors : float32 array of shape (n, dim), optional
        Of each report, of length 1, or 0 where there is none: from a language model, in place of the TF-IDF.
        The local level then has the whole report as its only word.
    """

    name: ClassVar[str] = "melp"
    reads_reports: ClassVar[bool] = True

    def __init__(self, encoder: Encoder, cohort: Cohort, vectors: Floats | None = None) -> None:
        self.encoder = encoder
        self.tower = TextTower(cohort.reports)
        report = self.tower(cohort.reports) if vectors is None else vectors
        self._report = torch.from_numpy(report)
        self._words, self._known = self._word_vectors(cohort) if vectors is None else _whole(self._report)
        said, vocabulary = occurring(cohort.reports)
        self._said = torch.from_numpy(said)
        _, same = np.unique([" ".join(words(r)) for r in cohort.reports], return_inverse=True)
        self._kind = torch.from_numpy(same)
        self._beats = torch.from_numpy(beat_map(cohort.r_peaks))
        self.parts = nn.ModuleDict(
            {
                "teacher": Teacher(encoder.dim, report.shape[1], len(vocabulary)),
                "student": Follower(encoder.dim),
            }
        )

    @property
    def teacher(self) -> Teacher:
        """The network of eight leads."""
        return cast(Teacher, self.parts["teacher"])

    @property
    def student(self) -> Follower:
        """The heads of the student."""
        return cast(Follower, self.parts["student"])

    def loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        rows = torch.from_numpy(batch.rows)
        pools = self._beats[rows]
        encoded = encoded_fast(self.teacher.encoder, batch.ecg)
        taught = self._taught(encoded, rows, pools)
        targets = Targets(*(t.detach() for t in self.teacher.targets(encoded, pools)))
        student = encoded_fast(self.encoder, one_lead(batch.ecg, LEAD_I))
        followed = self.student(student, pools, targets)
        return taught + torch.stack(list(followed.values())).sum()

    def after_step(self, step: int) -> None:
        """Nothing follows a step."""

    @torch.no_grad()
    def targets(self, cohort: Cohort, batch: int = 256) -> Targets:
        """What the teacher makes of recordings, in order, once it is trained."""
        teacher = self.teacher.eval()
        pools = torch.from_numpy(beat_map(cohort.r_peaks))
        ecg = torch.from_numpy(cohort.ecg)
        found = [
            teacher.targets(teacher.encoder(ecg[i : i + batch]), pools[i : i + batch])
            for i in range(0, len(ecg), batch)
        ]
        return Targets(*(torch.cat(part) for part in zip(*found, strict=True)))

    def _taught(self, encoded: Encoded, rows: Tensor, pools: Tensor) -> Tensor:
        """Loss of the teacher at its three levels."""
        teacher, kind = self.teacher, self._kind[rows]
        same = kind[:, None] == kind
        clip = symmetric_ce(teacher.match(encoded, self._report[rows]), same)
        heard = F.binary_cross_entropy_with_logits(teacher.words(encoded.tokens), self._said[rows])
        beats = teacher.beat_in_text(pooled_beats(encoded.tokens, pools))
        similar = local_similarity(
            teacher.text(self._words[rows]), self._known[rows], beats, pools.sum(2) > 0
        )
        local = symmetric_ce(SCALE * similar, same)
        return RHYTHM_WEIGHT * clip + TOKEN_WEIGHT * heard + BEAT_WEIGHT * local

    def _word_vectors(self, cohort: Cohort) -> tuple[Tensor, Tensor]:
        """Vectors of the words of each report, (n, most words, dim), and which of them are words."""
        spoken = [spoken_words(report) for report in cohort.reports]
        place = {word: i for i, word in enumerate(sorted({w for each in spoken for w in each}))}
        table = torch.from_numpy(self.tower(list(place)))
        chosen = torch.zeros(len(spoken), MOST_WORDS, dtype=torch.int64)
        known = torch.zeros(len(spoken), MOST_WORDS, dtype=torch.bool)
        for i, each in enumerate(spoken):
            chosen[i, : len(each)] = torch.tensor([place[w] for w in each])
            known[i, : len(each)] = True
        return table[chosen], known


class Teacher(nn.Module):
    """Encoder of eight leads with its way to the texts."""

    def __init__(self, dim: int, text_dim: int, n_words: int) -> None:
        super().__init__()
        self.encoder = Encoder(len(LEADS), dim)
        self.window, self.beat = nn.Linear(dim, TEXT_DIM), nn.Linear(dim, TEXT_DIM)
        self.text = nn.Linear(text_dim, TEXT_DIM)
        self.log_temperature = nn.Parameter(torch.tensor(_CLIP_TEMPERATURE).log())
        self.words = _Heard(dim, n_words)

    def match(self, encoded: Encoded, report: Tensor) -> Tensor:
        """Cosines of windows and reports over the temperature: (batch, batch)."""
        signal = F.normalize(self.window(encoded.pooled), dim=1)
        said = F.normalize(self.text(report), dim=1)
        return signal @ said.T / self.temperature

    @property
    def temperature(self) -> Tensor:
        """Of the softmax over texts; no cosine counts more than a hundredfold, as in CLIP."""
        return self.log_temperature.exp().clamp_min(0.01)

    def beat_in_text(self, beats: Tensor) -> Tensor:
        """Beats in the space of the texts."""
        moved: Tensor = self.beat(beats)
        return moved

    def targets(self, encoded: Encoded, pools: Tensor) -> Targets:
        """What a student is drawn to."""
        return Targets(self.window(encoded.pooled), pooled_beats(encoded.tokens, pools), encoded.tokens)


class Follower(nn.Module):
    """Heads of a student, one for each level."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.window, self.beat = nn.Linear(dim, TEXT_DIM), nn.Linear(dim, dim)
        self.token = nn.Linear(dim, dim)

    def forward(self, encoded: Encoded, pools: Tensor, targets: Targets) -> dict[str, Tensor]:
        """``1 - cos`` of each level, by its name."""
        beats = self.beat(pooled_beats(encoded.tokens, pools))
        real = (pools.sum(2) > 0).to(beats.dtype)
        cosine = F.cosine_similarity(beats, targets.beat, dim=2)
        tokens = self.token(encoded.tokens.transpose(1, 2))
        return {
            "window": 1 - F.cosine_similarity(self.window(encoded.pooled), targets.window, dim=1).mean(),
            "beat": 1 - ((cosine * real).sum(1) / real.sum(1)).mean(),
            "token": 1 - F.cosine_similarity(tokens, targets.token.transpose(1, 2), dim=2).mean(),
        }


class _Heard(nn.Module):
    """Which words occur in a report: a query for each attends to the tokens."""

    def __init__(self, dim: int, n_words: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(n_words, dim) / dim**0.5)
        self.values = nn.Parameter(torch.zeros(n_words, dim))
        self.bias = nn.Parameter(torch.zeros(n_words))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, words) of tokens (batch, dim, tokens)."""
        attention = torch.einsum("vd,bdt->bvt", self.queries, tokens).softmax(2)
        pooled = torch.einsum("bvt,bdt->bvd", attention, tokens)
        return (pooled * self.values).sum(2) + self.bias


def reading(file: Path) -> Make:
    """MELP with the reports as a language model embedded them, elsewhere: an embedding file.

    Its form is that of :mod:`ecgedge_export.teachers.cache`, ``record_id`` the ``ecg_id`` and ``start`` 0.

    Raises
    ------
    ConfigError
        No such file, or none of the recordings is in it.
    ModelError
        It is damaged.
    """
    cache = EmbeddingCache.load(file)

    def make(encoder: Encoder, cohort: Cohort) -> Melp:
        vectors = by_record(cache, cohort.ids)
        if not vectors.any():
            raise ConfigError(f"{file} has none of the recordings: its record_id is PTB-XL's ecg_id")
        return Melp(encoder, cohort, vectors)

    return make


def pooled_beats(tokens: Tensor, pools: Tensor) -> Tensor:
    """Means of the tokens of each beat: (batch, dim, tokens) to (batch, beats, dim); zeros for no beat."""
    return torch.einsum("bdt,bkt->bkd", tokens, pools)


def beat_map(r_peaks: Sequence[npt.NDArray[np.int64]]) -> Floats:
    """Which tokens make up each beat: shares that sum to 1, (n, most beats, tokens); zeros for no beat.

    A token belongs to the nearest R peak. Without one, the whole window is one beat.

    Examples
    --------
    >>> pools = beat_map([np.array([100, 300, 900])])
    >>> (pools[0] > 0).sum(1)[:4].tolist()
    [10, 20, 20, 0]
    """
    pools = np.zeros((len(r_peaks), MOST_BEATS, N_TOKENS), np.float32)
    centres = PATCH * (np.arange(N_TOKENS) + 0.5)
    for pool, peaks in zip(pools, r_peaks, strict=True):
        borders = (peaks[1:] + peaks[:-1]) / 2
        beat = np.minimum(np.searchsorted(borders, centres), MOST_BEATS - 1)
        pool[beat, np.arange(N_TOKENS)] = 1
        pool /= np.maximum(pool.sum(1, keepdims=True), 1)
    return pools


def spoken_words(report: str) -> list[str]:
    """Words of a report that look for their beats; the empty one where there are none."""
    return [w for w in words(report) if len(w) >= _SHORTEST_WORD][:MOST_WORDS] or [""]


def occurring(reports: Sequence[str]) -> tuple[Floats, list[str]]:
    """Which of the most frequent words occur in each report: 0 or 1, (n, words); and the words."""
    spoken = [set(words(report)) for report in reports]
    spread = Counter(w for each in spoken for w in each if len(w) >= _SHORTEST_WORD)
    vocabulary = sorted(spread, key=lambda w: (-spread[w], w))[:VOCABULARY]
    return np.array([[w in each for w in vocabulary] for each in spoken], np.float32), vocabulary


def _whole(report: Tensor) -> tuple[Tensor, Tensor]:
    """The whole report as its only word."""
    return report[:, None], torch.ones(len(report), 1, dtype=torch.bool)
