"""What teachers are worth to the rhythm student: as it is shipped, and in short trainings of many kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ecgedge_export import recipe as recipes
from ecgedge_export import tasks
from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure

SHIPPED, SHORT = "rhythm", "rhythm_taught"
# The short trainings are of ten kinds, half a minute each: `ecgedge-export distill rhythm_taught`.
MEASURED = (SHIPPED,)
# A training of the shipped kind costs eight minutes of a core; one seed is all that there was time for.
SEEDS = 1
_PAIRED = ("mean F1", "mean F1 at 0 dB", "NLL", "PTB-XL, mean F1")
Row = Mapping[str, Any]
Rows = Mapping[str, Row]


def measure(job: Job) -> Measured:
    """Train every way to learn, the same steps each; go on from what `distill` left."""
    # A quick test trains the short ones alone: they are of every kind.
    found = {name: _distilled(job, name) for name in ((SHORT,) if job.quick else MEASURED)}
    rows = {name: cast(Rows, table["panel"]) for name, table in found.items()}
    epochs = " and ".join(f"{table['epochs']} ({name})" for name, table in found.items())
    first = next(iter(rows.values()))
    return Measured(
        data="CinC 2017, PTB-XL (folds 1 to 6) and svdb teach, as they do the shipped student; without "
        "labels also the other leads of PTB-XL, all of svdb and MIT-BIH DS1. CinC 2017 validation, with the "
        "second half of NSTDB added, and lead I of PTB-XL, folds 7 to 9, test. The teacher, the network that "
        "was shipped before, knew the labels of CinC 2017, of those leads of PTB-XL and of svdb",
        budget=f"epochs from rhythm_base: {epochs}; half a minute of one core each, 173,000 parameters",
        seeds=SEEDS,
        tables=tuple(figures(name, each) for name, each in rows.items()),
        comparisons=tuple(one for name, each in rows.items() for one in comparisons(name, each)),
        verdict=verdict(first),
        finding=finding(first),
    )


def _distilled(job: Job, name: str) -> Row:
    path = recipes.RECIPES / f"{name}.toml"
    work = job.work / name if job.quick else recipes.work_folder(path, quick=False)
    asked = tasks.Job(path, work, work / "model", f"ecgedge-export distill {name}", job.log, job.quick)
    return cast(Row, tasks.of_recipe(path).compare(asked, tasks.Trials(SEEDS)))


def figures(name: str, rows: Rows) -> Table:
    """Mean over the seeds of every measure."""
    names = [key for key in next(iter(rows.values())) if key != "against"]
    cells = [(way, *(figure(_mean(row[key])) for key in names)) for way, row in rows.items()]
    return Table(f"`{name}`: float students, no gate", ("learns from", *names), tuple(cells))


def comparisons(name: str, rows: Rows) -> list[Comparison]:
    """Each way against the one that differs in one thing alone."""
    return [
        Comparison(f"{name}: {way} against {row['against']}, {key}", row[key]["gain"], *row[key]["gain_95"])
        for way, row in rows.items()
        if way != row["against"]
        for key in _PAIRED
    ]


def verdict(rows: Rows) -> str:
    """On where the shipped recipe has a panel; else by whether the answers raise the mean F1."""
    if recipes.load(recipes.RECIPES / f"{SHIPPED}.toml").panel:
        return "on by default"
    return "available" if rows["answers"]["mean F1"]["gain_95"][0] > 0 else "no gain"


def finding(rows: Rows) -> str:
    """What the answers are worth, in a sentence."""

    def gain(key: str, unit: int = 100) -> str:
        row, digits = rows["answers"][key], 1 if unit > 1 else 3
        value, low, high = (f"{unit * x:+.{digits}f}" for x in (row["gain"], *row["gain_95"]))
        return f"{value} ({low} to {high})"

    f1 = rows["answers"]["mean F1"]["gain_95"]
    shown = "is higher" if f1[0] > 0 else "is lower" if f1[1] < 0 else "may be the same"
    return (
        f"With the teacher the mean F1 {shown}: {gain('mean F1')} points, with noise of 12 dB "
        f"{gain('mean F1 at 12 dB')}, of 0 dB {gain('mean F1 at 0 dB')}; the log loss changes by "
        f"{gain('NLL', 1)}."
    )


def _mean(row: Row) -> float:
    return sum(row["by_seed"]) / len(row["by_seed"])
