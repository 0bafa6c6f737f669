"""All that is measured of the shift, in the order of the page: figures without their form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from ecgedge.rhythm.decision import AF_LEAST_S
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.files import read_text, write_atomically
from ecgedge_export.pretrain import sets
from ecgedge_export.pretrain.scores import draws
from ecgedge_export.rhythm.scores import Gain
from ecgedge_export.shift import anticausal, arms, groups, matrix, rhythm_head
from ecgedge_export.shift.anticausal import PLACES, Scores
from ecgedge_export.shift.rhythm_head import CHOOSES, FITS, TESTS
from ecgedge_export.shift.scores import auroc, gain, log_loss, mean, over_seeds
from ecgedge_export.shift.student import Plan

Floats = npt.NDArray[np.float64]
Log = Callable[[str], None]
CORRECTED, TWIN_CORRECTED = "f(x,z), corrected", "f(x), corrected"


class ArmScores(NamedTuple):
    """An arm: log loss and AUROC in the test under shift, AUROC without it, and with nothing known."""

    log_loss: Gain
    auroc: Gain
    plain: Gain
    unknown: Gain


class Verdicts(NamedTuple):
    """Shares of some people who are told that they have AF, that they have none, and nothing."""

    present: float
    absent: float
    none: float


@dataclass(frozen=True)
class Study:
    """What is measured, each part when it is asked for.

    Parameters
    ----------
    work : Path
        Intermediate results; a study that was stopped goes on from there.
    log : callable
    quick : bool
        Little data, few steps.
    """

    work: Path
    log: Log
    quick: bool = False

    @property
    def seeds(self) -> range:
        """Of each training."""
        return range(1, 2 if self.quick else 4)

    @property
    def plan(self) -> Plan:
        """Of each training."""
        return Plan(epochs=1) if self.quick else Plan()

    def simulated(self) -> dict[str, dict[str, Gain]]:
        """Log loss of each arm in each place of the simulation, interval over seeds."""
        path = self.work / "simulated.json"
        if not path.is_file():
            n = (200, 500) if self.quick else (1000, 5000)
            self.log("simulating")
            runs = [anticausal.simulate(seed, *n) for seed in range(2 if self.quick else 10)]
            write_atomically(path, json.dumps(runs))
        kept = json.loads(read_text(path))
        return {
            arm: {place: over_seeds([Scores(*run[arm][place]).log_loss for run in kept]) for place in PLACES}
            for arm in anticausal.ARMS
        }

    @cached_property
    def people(self) -> arms.People:
        """Who is asked about infarctions."""
        return arms.People(sets.ptbxl(range(1, 10), limit=200 if self.quick else None))

    @cached_property
    def _drawn(self) -> npt.NDArray[np.float32]:
        return draws(self.people.cohort.patients)

    @cached_property
    def answers(self) -> dict[str, list[arms.Answers]]:
        """Of each arm and seed; those of f(x,z) and f(x) also corrected for the prior of the test."""
        who = self.people
        found = {
            name: [
                arms.answered(who, name, Plan(self.plan.epochs, seed=seed), self.work, self.log)
                for seed in self.seeds
            ]
            for name in arms.ARMS
        }
        moved = {
            name: [arms.Answers(arms.prior_corrected(who, a.known), a.unknown) for a in found[plain]]
            for name, plain in ((CORRECTED, "f(x,z)"), (TWIN_CORRECTED, "f(x)"))
        }
        return {**found, **moved}

    def arm(self, name: str) -> ArmScores:
        """Scores of an arm: the mean of its seeds, interval by patient."""
        who, tested = self.people, self.people.tested
        known = [a.known for a in self.answers[name]]
        unknown = [a.unknown for a in self.answers[name]]
        return ArmScores(
            mean(np.mean([log_loss(p, who.sick) for p in known], axis=0), self._drawn, tested),
            gain(self._areas(known, tested)),
            gain(self._areas(known)),
            gain(self._areas(unknown)),
        )

    def arm_gain(self, name: str, twin: str) -> Gain:
        """How much lower the log loss of an arm is than its twin's, in the test under shift."""
        losses = [
            np.mean([log_loss(a.known, self.people.sick) for a in self.answers[one]], axis=0)
            for one in (twin, name)
        ]
        return mean(losses[0] - losses[1], self._drawn, self.people.tested)

    def guard(self, name: str, twin: str, *, known: bool = True) -> Gain:
        """How much higher the AUROC of an arm is than its twin's, without shift."""
        sides = [
            self._areas([a.known if known else a.unknown for a in self.answers[one]]) for one in (name, twin)
        ]
        return gain(sides[0] - sides[1])

    def _areas(self, by_seed: list[Floats], weight: Floats | None = None) -> npt.NDArray[np.float32]:
        areas = [auroc(p, self.people.sick, self._drawn, weight) for p in by_seed]
        mean_area: npt.NDArray[np.float32] = np.mean(areas, axis=0)
        return mean_area

    @cached_property
    def model(self) -> RhythmModel:
        """The shipped rhythm model."""
        return RhythmModel.load(None, "onnx")

    @cached_property
    def asked(self) -> rhythm_head.Asked:
        """What it says of PTB-XL."""
        return rhythm_head.asked(self.model, self.work, 200 if self.quick else None)

    @cached_property
    def rhythm(self) -> dict[str, list[Floats]]:
        """Probability of AF, of each way and seed, for folds 7 to 9."""
        fitting, tested = self.asked.of(FITS), self.asked.of((*CHOOSES, *TESTS))
        ridges = {seed: rhythm_head.chosen_ridge(self.asked, seed) for seed in self.seeds}
        heads = [rhythm_head.fit(fitting, ridges[seed], seed)(tested) for seed in self.seeds]
        twins = [rhythm_head.fit(fitting, 0.0, seed, with_z=False)(tested) for seed in self.seeds]
        share = float(fitting.sick.mean())
        return {
            "as it is": [special.expit(tested.odds)],
            "an offset": twins,
            "an offset, age and sex": heads,
            "corrected, one share": [rhythm_head.by_prior(tested, self.model, share)],
            "corrected, age and sex": [rhythm_head.by_prior(tested, self.model)],
        }

    def rhythm_loss(self, way: str, *, population: bool) -> Gain:
        """Log loss of AF or not on folds 7 to 9, as they are or weighed to the population."""
        return self._rhythm_mean(self._rhythm_losses(way), population=population)

    def rhythm_gain(
        self, way: str, twin: str, *, population: bool = False, tests_alone: bool = False
    ) -> Gain:
        """How much lower the log loss is than the twin's; on fold 9 alone where that is asked."""
        apart = self._rhythm_losses(twin) - self._rhythm_losses(way)
        return self._rhythm_mean(apart, population=population, tests_alone=tests_alone)

    def _rhythm_losses(self, way: str) -> Floats:
        sick = self.asked.of((*CHOOSES, *TESTS)).sick
        losses: Floats = np.mean([log_loss(p, sick) for p in self.rhythm[way]], axis=0)
        return losses

    def _rhythm_mean(self, values: Floats, *, population: bool, tests_alone: bool = False) -> Gain:
        who = self.asked.of((*CHOOSES, *TESTS))
        weight = rhythm_head.as_population(who) if population else np.ones(len(values))
        inside = np.isin(who.folds, TESTS) if tests_alone else np.ones(len(values), bool)
        patients = [name for name, one in zip(who.patients, inside, strict=True) if one]
        return mean(values[inside], draws(patients), weight[inside])

    def verdicts(self, way: str, *, sick: bool) -> Verdicts:
        """What people with AF, or without, of folds 7 to 9 are told from ten seconds."""
        who = self.asked.of((*CHOOSES, *TESTS))
        af = self.model.manifest.with_role("af")[0]
        p = self.rhythm[way][0][who.sick == sick]
        told = [self.model.af({af: float(one)}, AF_LEAST_S) for one in p]
        return Verdicts(*(told.count(verdict) / max(1, len(told)) for verdict in (True, False, None)))

    def groups(self) -> Mapping[str, list[groups.Group]]:
        """The shipped rhythm model by groups, of both data sets."""
        limit = 30 if self.quick else None
        found = [read(self.model, self.work, self.log, limit) for read in (groups.cinc2017, groups.ptbxl)]
        return {one.name: groups.table(one) for one in found}

    def matrix(self) -> dict[str, list[matrix.Cell]]:
        """AUROC across data sets, for each question."""
        scale = matrix.Scale(120, 4) if self.quick else matrix.Scale()
        questions = list(matrix.QUESTIONS)[1:] if self.quick else list(matrix.QUESTIONS)
        return {
            question: matrix.crossed(question, self.plan, self.seeds, self.work, self.log, scale)
            for question in questions
        }
