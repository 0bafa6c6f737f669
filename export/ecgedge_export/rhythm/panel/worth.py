"""What a float student is worth: accuracy, in noise, short, of other people, and how honest it is.

Every measure is of windows without the gate. Two ways to learn are compared by the mean difference over their
seeds and a bootstrap over the recordings, the same draws for both (those of PTB-XL are of one person each,
but for a few).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import special

from ecgedge.stream.amplitude import model_input
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare
from ecgedge_export.archives import npz
from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Recipe
from ecgedge_export.rhythm import build
from ecgedge_export.rhythm.conditions import SHORT_S
from ecgedge_export.rhythm.limits import choose
from ecgedge_export.rhythm.scores import DRAWS, Gain
from ecgedge_export.rhythm.training import weights_digest
from ecgedge_export.rhythm.twelve_leads import label
from ecgedge_export.train import logits

Floats = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]
OTHERS = "PTB-XL"
RHYTHMS = "NAO"
# Of NSTDB's own ratios: noise that a wearer sees, and noise as strong as the signal.
SNRS_DB = (12.0, 0.0)
FOLDS = (7, 8, 9)  # of PTB-XL: they teach nothing
BINS = 15  # of confidence


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Windows of one kind, shape (n, time), and the class of each, "" where it is open."""

    windows: Floats
    truth: npt.NDArray[np.str_]


Sides = Mapping[str, Side]


def sides(recipe: Recipe, validation: Prepared, limit: int | None = None) -> dict[str, Side]:
    """Everything that a student is measured on; ``limit`` keeps that many recordings of PTB-XL."""
    truth = np.array(validation.labels)
    short = [s[: round(SHORT_S * recipe.fs)] for s in validation.signals]
    found = {
        "clean": Side(_windows(recipe, validation.signals), truth),
        "first 10 s": Side(_windows(recipe, short), truth),
    }
    for snr_db in SNRS_DB:
        for kind, noisy in build.in_noise(validation, recipe.fs, snr_db).items():
            found[f"{kind}, {snr_db:g} dB"] = Side(_windows(recipe, noisy.signals), truth)
    people = [r for r in data.ptbxl() if r.fold in FOLDS][:limit]
    lead_i = [prepare.filtered(r.lead("I"), r.fs, recipe.fs) for r in people]
    found[OTHERS] = Side(_windows(recipe, lead_i), np.array([label(r.statements) for r in people]))
    return found


def _windows(recipe: Recipe, signals: Sequence[Floats]) -> Floats:
    return np.stack([model_input(s, recipe.fs, recipe.n_samples, recipe.clip) for s in signals])


Answers = dict[str, Floats]


def answers(net: RhythmNet, heard: Sides, kept: Path) -> Answers:
    """Logits of a student about every side, from ``kept`` where this very student gave them before."""
    digest = weights_digest(net)
    if kept.is_file():
        with npz(kept, "delete it, it is made again") as z:
            if str(z["of"]) == digest and set(z.files) == {"of", *heard}:
                return {name: z[name] for name in heard}
    said = {name: logits(net, side.windows) for name, side in heard.items()}
    with atomic_file(kept) as file:
        np.savez(file, of=np.array(digest), **said)  # type: ignore[arg-type]
    return said


class Student:
    """Answers of one student, with what is worked out of them once.

    Every figure is asked for with weights, shape (draws, recordings): how often each recording was drawn, in
    each of many draws at once (ones for the figure itself). It gives a value for each draw, NaN where there
    is none.

    Parameters
    ----------
    said : dict of str to ndarray
        Its logits about every side.
    heard : Sides
    classes : sequence of str
    """

    def __init__(self, said: Answers, heard: Sides, classes: Sequence[str]) -> None:
        self._names = np.array(list(classes))
        self._truth = {name: side.truth for name, side in heard.items()}
        self._predicted = {name: self._names[z.argmax(axis=1)] for name, z in said.items()}
        targets = np.array([list(classes).index(t) for t in self._truth["clean"].tolist()])
        # The temperature that is best for the clean recordings, as in a shipped model.
        t = build.fit_temperature(said["clean"], targets)
        self._p = {name: special.softmax(z / t, axis=1) for name, z in said.items()}
        self._limits = choose(self._af(), self._truth[OTHERS] == "A")

    def size(self, side: str) -> int:
        """Number of recordings."""
        return len(self._truth[side])

    def f1(self, names: Sequence[str], drawn: Weights) -> Weights:
        """Mean F1 of N, A and O, and of several sides: of recordings whose class is known."""
        mean: Weights = np.mean([self._f1(name, drawn) for name in names], axis=0)
        return mean

    def _f1(self, name: str, drawn: Weights) -> Weights:
        known = self._truth[name] != ""
        truth, predicted, drawn = self._truth[name][known], self._predicted[name][known], drawn[:, known]
        each = []
        for c in RHYTHMS:
            hits, of = (truth == c) & (predicted == c), (truth == c) * 1.0 + (predicted == c)
            each.append(2 * (drawn @ hits) / np.maximum(1, drawn @ of))
        mean: Weights = np.mean(each, axis=0)
        return mean

    def nll(self, drawn: Weights) -> Weights:
        """Log loss of the clean recordings."""
        own = self._p["clean"][self._truth["clean"][:, None] == self._names]
        mean: Weights = drawn @ -np.log(np.maximum(own, 1e-9)) / drawn.sum(1)
        return mean

    def ece(self, names: Sequence[str], drawn: Weights) -> Weights:
        """Expected calibration error: how far confidence is from the share that is right, in bins."""
        mean: Weights = np.mean([self._ece(name, drawn) for name in names], axis=0)
        return mean

    def _ece(self, name: str, drawn: Weights) -> Weights:
        sure = self._p[name].max(axis=1)
        gap = (self._predicted[name] == self._truth[name]) - sure
        inside = np.minimum((sure * BINS).astype(np.int64), BINS - 1)[:, None] == np.arange(BINS)
        total: Weights = np.abs(drawn @ (gap[:, None] * inside)).sum(1) / drawn.sum(1)
        return total

    def _af(self) -> Weights:
        p: Weights = self._p[OTHERS][:, self._names.tolist().index("A")]
        return p

    def auroc(self, drawn: Weights) -> Weights:
        """AF against all else, ten seconds of PTB-XL."""
        p, is_af = self._af(), self._truth[OTHERS] == "A"
        above = np.sign(p[is_af][:, None] - p[~is_af]) / 2 + 0.5
        of_af, others = drawn[:, is_af], drawn[:, ~is_af]
        return _over(((of_af @ above) * others).sum(1), of_af.sum(1) * others.sum(1))

    def verdicts(self, drawn: Weights) -> Weights:
        """Share of the people with AF who get a verdict within ten seconds.

        With the limits that are best for this network and everybody; a bootstrap draws people, not limits.
        """
        p, is_af = self._af(), self._truth[OTHERS] == "A"
        if self._limits is None:
            return np.full(len(drawn), np.nan)
        told = (p <= self._limits.absent) | (p >= self._limits.present)
        return _over(drawn @ (told & is_af), drawn @ is_af)


def _over(part: Weights, of: Weights) -> Weights:
    share: Weights = np.divide(part, of, out=np.full(len(of), np.nan), where=of > 0)
    return share


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a student: ``of(student, drawn)`` for the recordings drawn of ``side``.

    ``up`` says whether more is better.
    """

    name: str
    of: Callable[[Student, Weights], Weights]
    side: str = "clean"
    up: bool = True


def _in_noise(snr_db: float) -> list[Measure]:
    names = [f"{kind}, {snr_db:g} dB" for kind in prepare.NOISES]
    return [
        Measure(f"mean F1 at {snr_db:g} dB", lambda s, drawn: s.f1(names, drawn)),
        Measure(f"drop at {snr_db:g} dB", lambda s, w: s.f1(["clean"], w) - s.f1(names, w), up=False),
        Measure(f"ECE at {snr_db:g} dB", lambda s, drawn: s.ece(names, drawn), up=False),
    ]


MEASURES = (
    Measure("mean F1", lambda s, drawn: s.f1(["clean"], drawn)),
    *(measure for snr_db in SNRS_DB for measure in _in_noise(snr_db)),
    Measure("NLL", lambda s, drawn: s.nll(drawn), up=False),
    Measure("ECE", lambda s, drawn: s.ece(["clean"], drawn), up=False),
    Measure("mean F1, first 10 s", lambda s, drawn: s.f1(["first 10 s"], drawn)),
    Measure("PTB-XL, mean F1", lambda s, drawn: s.f1([OTHERS], drawn), OTHERS),
    Measure("PTB-XL, AUROC of AF", lambda s, drawn: s.auroc(drawn), OTHERS),
    Measure("PTB-XL, AF with a verdict", lambda s, drawn: s.verdicts(drawn), OTHERS),
)


def figure(measure: Measure, student: Student) -> float:
    """A measure of one student, of all recordings."""
    return float(measure.of(student, np.ones((1, student.size(measure.side))))[0])


def gain(measure: Measure, ours: Sequence[Student], theirs: Sequence[Student]) -> Gain:
    """Mean difference of a measure between students of the same seeds, and its 95 % interval."""
    n = ours[0].size(measure.side)
    rng = np.random.default_rng(0)
    draws = np.stack([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(DRAWS)]).astype(float)

    def difference(drawn: Weights) -> Weights:
        pairs = zip(ours, theirs, strict=True)
        mean: Weights = np.mean([measure.of(a, drawn) - measure.of(b, drawn) for a, b in pairs], axis=0)
        return mean

    differences = difference(draws)
    known = differences[~np.isnan(differences)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Gain(float(difference(np.ones((1, n)))[0]), float(low), float(high))
