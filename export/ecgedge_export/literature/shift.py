"""Row: distribution shift, and what age and sex are worth beside the trace."""

from __future__ import annotations

from collections.abc import Sequence

from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure
from ecgedge_export.rhythm.scores import Gain
from ecgedge_export.shift import anticausal
from ecgedge_export.shift.groups import Group
from ecgedge_export.shift.matrix import Cell
from ecgedge_export.shift.study import CORRECTED, TWIN_CORRECTED, Study

_ARMS = ("f(x)", "IRM", "GroupDRO", "f(x,z)", TWIN_CORRECTED, CORRECTED, "f(x), no shift", "f(x,z), no shift")
_WORST = 6  # groups that the page shows of each data set
_MODEL, _BY_TABLE, _BY_SHARE = "as it is", "corrected, age and sex", "corrected, one share"


def measure(job: Job) -> Measured:
    """Simulate, train and test; see :class:`ecgedge_export.literature.works.Row`."""
    study = Study(job.work, job.log, job.quick)
    tables = (_simulated(study), _arms(study), _rhythm(study), _verdicts(study), *_groups(study))
    return Measured(
        data=(
            "a simulation; PTB-XL lead I, folds 1 to 9 (infarction or not, out of fold); the shipped rhythm "
            "model on PTB-XL (a head is fitted on folds 1 to 6, chosen on 7 and 8) and CinC 2017; windows of "
            "ten seconds of CinC 2017, PTB-XL, MIT-BIH and svdb"
        ),
        budget=(
            "768 features of random convolution kernels, drawn anew by each seed, and a trained head of "
            "25,000 parameters, 20 epochs: a second of a core a training"
        ),
        seeds=len(study.seeds),
        tables=(*tables, *_matrix(study)),
        comparisons=tuple(_comparisons(study)),
        verdict="available",
        finding=_finding(study),
    )


def _simulated(study: Study) -> Table:
    found = study.simulated()
    rows = [(arm, *(_shown(places[place]) for place in anticausal.PLACES)) for arm, places in found.items()]
    title = "Simulation, log loss (less is better; interval over 10 seeds), where age goes with the disease"
    return Table(title, ("arm", *anticausal.PLACES), tuple(rows))


def _arms(study: Study) -> Table:
    head = ("arm", "log loss, shifted", "AUROC, shifted", "AUROC, not shifted", "AUROC, nothing known")
    rows = [(name, *map(_shown, study.arm(name))) for name in _ARMS]
    title = "Infarction on lead I: odds of those of 65 and older times 4 in training, times 1/4 in the test"
    return Table(title, head, tuple(rows))


def _rhythm(study: Study) -> Table:
    rows = [
        (way, *(_shown(study.rhythm_loss(way, population=mix), 4) for mix in (False, True)))
        for way in study.rhythm
    ]
    head = ("probabilities", "log loss, in hospital", "log loss, weighed as in the population")
    return Table("The shipped rhythm model, AF or not in ten seconds, PTB-XL folds 7 to 9", head, tuple(rows))


def _verdicts(study: Study) -> Table:
    rows = []
    for way in (_MODEL, _BY_TABLE):
        for sick in (True, False):
            who = "with AF" if sick else "without"
            rows.append((f"{way}, people {who}", *(f"{x:.1%}" for x in study.verdicts(way, sick=sick))))
    head = ("", "told AF", "told no AF", "told nothing")
    return Table(
        "What the same people are told from ten seconds, without and with a wearer", head, tuple(rows)
    )


def _groups(study: Study) -> list[Table]:
    head = ("group", "records", "right label", "against everybody else")
    return [
        Table(
            f"The shipped rhythm model on {name}, the groups served worst", head, tuple(_group_rows(groups))
        )
        for name, groups in study.groups().items()
    ]


def _group_rows(groups: Sequence[Group]) -> list[tuple[str, ...]]:
    *worst, everybody = groups
    rows = [
        (f"{g.kind}: {g.name}", str(g.records), _shown(g.right), _shown(g.to_others)) for g in worst[:_WORST]
    ]
    return [*rows, (everybody.kind, str(everybody.records), _shown(everybody.right), "")]


def _matrix(study: Study) -> list[Table]:
    return [
        Table(f"{question}, AUROC: a row teaches, a column tests", *_square(cells))
        for question, cells in study.matrix().items()
    ]


def _square(cells: Sequence[Cell]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    names = tuple(dict.fromkeys(cell.taught for cell in cells))
    found = {(cell.taught, cell.tested): _shown(cell.auroc) for cell in cells}
    return ("", *names), tuple((a, *(found[a, b] for b in names)) for a in names)


def _comparisons(study: Study) -> list[Comparison]:
    rows = [
        (f"{name} against {twin}, infarction, log loss under shift", study.arm_gain(name, twin))
        for name, twin in (
            ("IRM", "f(x)"),
            ("GroupDRO", "f(x)"),
            ("f(x,z)", "f(x)"),
            (CORRECTED, "f(x)"),
            (CORRECTED, "f(x,z)"),
            (CORRECTED, TWIN_CORRECTED),
        )
    ]
    rows += [
        ("f(x,z) against f(x), both without shift, AUROC", study.guard("f(x,z), no shift", "f(x), no shift")),
        (
            "f(x,z) of people of whom nothing is known against f(x), AUROC",
            study.guard("f(x,z), no shift", "f(x), no shift", known=False),
        ),
        (
            "age and sex in the rhythm model's head against its offset alone, fold 9, log loss",
            study.rhythm_gain("an offset, age and sex", "an offset", tests_alone=True),
        ),
    ]
    for way in (_BY_SHARE, _BY_TABLE):
        for mix, where in ((False, "in hospital"), (True, "as in the population")):
            rows.append(
                (f"rhythm model {way}, log loss {where}", study.rhythm_gain(way, _MODEL, population=mix))
            )
    rows.append(
        (
            "rhythm model corrected by age and sex against by one share, log loss as in the population",
            study.rhythm_gain(_BY_TABLE, _BY_SHARE, population=True),
        )
    )
    return [Comparison(what, *gain) for what, gain in rows]


def _finding(study: Study) -> str:
    head = study.rhythm_gain("an offset, age and sex", "an offset", tests_alone=True)
    plain, moved = study.arm_gain("f(x,z)", "f(x)"), study.arm_gain(CORRECTED, "f(x)")
    inside = study.arm_gain(CORRECTED, TWIN_CORRECTED)
    population, hospital = (study.rhythm_gain(_BY_TABLE, _MODEL, population=mix) for mix in (True, False))
    before, after = (study.verdicts(way, sick=True).absent for way in (_MODEL, _BY_TABLE))
    return (
        f"Where infarction goes with age otherwise than in training, age and sex beside the trace change the "
        f"log loss by {_shown(plain)} (more is better), with the prior of the new place by {_shown(moved)}, "
        f"of which {_shown(inside)} is due to the network's seeing them. In the rhythm model's head they are "
        f"worth {_shown(head, 4)} on fold 9: {'a gain' if head.low > 0 else 'nothing, so no head ships'}. "
        f"What ships, and acts only for who gives a wearer, is the prior correction: {_shown(population)} "
        f"where AF is as common as in the population, {_shown(hospital)} in hospital, where it clears "
        f"{after:.0%} of the people with AF instead of {before:.0%}."
    )


def _shown(gain: Gain, digits: int = 3) -> str:
    return figure(*gain, digits=digits)
