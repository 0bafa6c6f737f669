"""What a word says about a ventricular beat: codes against the principal components of the same waves.

Two networks that differ in one thing alone, 32 numbers that each is shown of a beat: where its code lies, or
the beat's own 32 PCA scores. Beside them both see the intervals around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from ecgedge.tokens.features import model_input
from ecgedge.tokens.model import WordModel
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, splits
from ecgedge_export.archives import npz
from ecgedge_export.data.record import LEARNING_S
from ecgedge_export.rhythm.scores import Gain, Interval, interval
from ecgedge_export.tokens.gather import TAUGHT, UNKNOWN, Words, annotated, joined, spoken

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

ARMS = ("codes", "PCA", "intervals alone")
COMPONENTS = 32
AROUND = 10  # intervals whose mean a beat's own are compared with
HIDDEN, EPOCHS, BATCH, LR = 32, 12, 256, 3e-3
CHOICES = np.linspace(0.05, 0.95, 19)
VENTRICULAR, NEUTRAL = "V", ("F", "Q")  # what EC57 counts neither for nor against
SEEDS = (1, 2, 3)


class Told(NamedTuple):
    """What networks are shown of each beat, by arm, and what it is."""

    words: Words
    shown: Mapping[str, Floats]

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Beats behind the first five minutes of their record, without fusion beats and unknown ones."""
        return ~np.isin(self.words.symbols, NEUTRAL) & (_seconds(self.words) >= LEARNING_S)

    @property
    def ventricular(self) -> npt.NDArray[np.bool_]:
        """Which beats are of class V."""
        return np.asarray(self.words.symbols == VENTRICULAR)


@dataclass(frozen=True, slots=True)
class Compared:
    """F1 of ventricular beats of each arm, mean of the seeds with its interval over records, and gains."""

    f1: Mapping[str, tuple[float, Interval]]
    gains: Mapping[str, Gain]


def heard(record_ids: Sequence[str], folder: Path) -> Words:
    """Words of whole MIT-BIH records, kept in a folder."""
    kept = folder / f"mitdb-{splits.split_hash(record_ids)[:12]}.npz"
    if not kept.is_file():
        joined(spoken(r) for r in annotated(data.mitdb(record_ids))).save(kept)
    return Words.load(kept)


def compare(folder: Path, seeds: Sequence[int] = SEEDS, limit: int | None = None) -> Compared:
    """Train on DS1 (without 201), choose the threshold there by halves of its records, and test on DS2."""
    model = WordModel.load()
    taught, tested = heard(TAUGHT[:limit], folder), heard(splits.DS2[:limit], folder)
    pca = _Pca(model_input(taught.words))
    learn, test = (told(words, model, pca, folder) for words in (taught, tested))
    records = np.unique(tested.record)

    def counted(arm: str, seed: int) -> Indices:
        return _counts(answer(learn, test, arm, seed), test, records)

    def kept(arm: str, seed: int) -> Indices:
        name = f"{arm}-{seed}-{len(learn.words)}-{model.id}"
        return _kept(folder / f"{name.replace(' ', '-')}.npz", lambda: counted(arm, seed))

    return compared({arm: np.stack([kept(arm, seed) for seed in seeds]) for arm in ARMS})


def _kept(path: Path, make: Callable[[], Indices]) -> Indices:
    """Numbers that are made once: a comparison that was stopped goes on."""
    if not path.is_file():
        made = make()
        with atomic_file(path) as file:
            np.savez(file, made=made)
    with npz(path, "delete it, it is made again") as z:
        kept: Indices = z["made"]
    return kept


def compared(counts: Mapping[str, Indices]) -> Compared:
    """Figures of (seeds, records, 3) hits, missed and false beats; paired bootstrap over records."""
    n = next(iter(counts.values())).shape[1]

    def f1(arm: str, drawn: Indices) -> float:
        hits, missed, false = counts[arm][:, drawn].sum(axis=1).T
        return float(np.mean(2 * hits / np.maximum(2 * hits + missed + false, 1)))

    everybody = np.arange(n)
    figures = {arm: (f1(arm, everybody), interval(n, partial(f1, arm))) for arm in counts}
    gains = {}
    for other in ARMS[1:]:

        def gain(drawn: Indices, other: str = other) -> float:
            return f1(ARMS[0], drawn) - f1(other, drawn)

        gains[other] = Gain(gain(everybody), *interval(n, gain))
    return Compared(figures, gains)


class _Pca:
    """Principal components of prepared words."""

    def __init__(self, inputs: Floats) -> None:
        self._mean = inputs.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov(inputs.T))
        self._vectors = vectors[:, ::-1][:, :COMPONENTS].astype(np.float32)

    def __call__(self, inputs: Floats) -> Floats:
        scores: Floats = (inputs - self._mean) @ self._vectors
        return scores


def told(words: Words, model: WordModel, pca: _Pca, folder: Path) -> Told:
    """What each arm is shown: 32 numbers of the shape, zeros for that of the intervals alone; intervals."""
    of = splits.split_hash(np.unique(words.record).tolist())[:12]
    codes = _kept(
        folder / f"codes-{of}-{len(words)}-{model.id}.npz",
        lambda: np.array([model.speak(word).code for word in words.words], np.int64),
    )
    rhythm = intervals(words)
    shapes = {
        "codes": model.vocabulary.codes[codes],
        "PCA": pca(model_input(words.words)),
        "intervals alone": np.zeros((len(words), COMPONENTS), np.float32),
    }
    return Told(words, {arm: np.hstack([shape, rhythm]) for arm, shape in shapes.items()})


def intervals(words: Words) -> Floats:
    """Log of the interval before a beat, and of that behind it, over the mean of the last ten: (k, 3)."""
    rows = np.zeros((len(words), 3), np.float32)
    for record in np.unique(words.record):
        own = np.flatnonzero(words.record == record)
        before = words.rr_s[own].astype(np.float64)
        before[0] = before[1] if len(own) > 1 else 1.0
        behind = np.append(before[1:], before[-1])
        sums = np.cumsum(np.insert(before, 0, 0.0))
        first = np.maximum(0, np.arange(len(own)) + 1 - AROUND)
        mean = (sums[np.arange(len(own)) + 1] - sums[first]) / (np.arange(len(own)) + 1 - first)
        rows[own] = np.log(np.stack([before / mean, behind / mean, mean], axis=1).clip(0.05, 20))
    return rows


def answer(learn: Told, test: Told, arm: str, seed: int) -> npt.NDArray[np.bool_]:
    """Which beats of ``test`` a network of an arm calls ventricular."""
    records = np.unique(learn.words.record)
    first_half = np.isin(learn.words.record, records[::2])
    # The threshold is that of answers about records that did not teach.
    said = np.zeros(len(learn.words), np.float32)
    for half in (first_half, ~first_half):
        said[half] = _probabilities(learn, ~half, learn, arm, seed)[half]
    kept = learn.counted
    best = max(CHOICES, key=lambda t: _f1(said[kept] > t, learn.ventricular[kept]))
    everybody = np.ones(len(learn.words), np.bool_)
    called: npt.NDArray[np.bool_] = _probabilities(learn, everybody, test, arm, seed) > best
    return called


def _probabilities(learn: Told, mine: npt.NDArray[np.bool_], test: Told, arm: str, seed: int) -> Floats:
    """Train on the marked beats; probability of a ventricular one for each beat of ``test``."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = learn.shown[arm], learn.ventricular.astype(np.float32)
    mean, deviation = x[mine].mean(axis=0), x[mine].std(axis=0) + 1e-6
    net = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
    optimiser = torch.optim.AdamW(net.parameters(), LR, weight_decay=1e-3)
    known = mine & ~np.isin(learn.words.symbols, (*NEUTRAL, UNKNOWN))
    rows = np.flatnonzero(known)
    for _ in range(EPOCHS):
        for part in np.array_split(rng.permutation(rows), -(-len(rows) // BATCH)):
            logits = net(torch.from_numpy((x[part] - mean) / deviation))[:, 0]
            loss = F.binary_cross_entropy_with_logits(logits, torch.from_numpy(y[part]))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    with torch.no_grad():
        logits = net(torch.from_numpy((test.shown[arm] - mean) / deviation))[:, 0]
    found: Floats = torch.sigmoid(logits).numpy()
    return found


def _f1(called: npt.NDArray[np.bool_], is_: npt.NDArray[np.bool_]) -> float:
    return float(2 * (called & is_).sum() / max(1, called.sum() + is_.sum()))


def _counts(called: npt.NDArray[np.bool_], test: Told, records: npt.NDArray[np.str_]) -> Indices:
    """Hits, missed and false beats of each record: (records, 3)."""
    kept, is_ = test.counted, test.ventricular
    columns = (called & is_, ~called & is_, called & ~is_)
    return np.array(
        [[int((c & kept & (test.words.record == r)).sum()) for c in columns] for r in records], np.int64
    )


def _seconds(words: Words) -> npt.NDArray[np.float64]:
    """Time of each beat since the first of its record."""
    at = np.zeros(len(words))
    for record in np.unique(words.record):
        own = words.record == record
        at[own] = np.nancumsum(words.rr_s[own].astype(np.float64))
    return at
