"""What the rows about pre-trained encoders share: one bench, one form of table, one rule for the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure
from ecgedge_export.nets import n_parameters
from ecgedge_export.pretrain.bench import RANDOM, Bench
from ecgedge_export.pretrain.measures import MEASURES
from ecgedge_export.pretrain.table import SEEDS, table
from ecgedge_export.pretrain.trainer import seeded

Named = Callable[[str, str], str]
"""How an arm is called beside a measure."""
DATA = (
    "PTB-XL folds 1 to 8 ({n:,} recordings at hand, {people:,} people). Encoders learn from all eight leads, "
    "without diagnoses; probes and fine-tuned networks see lead I alone, and answer about the half of the "
    "folds whose labels they did not see"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A comparison that decides: an arm must beat a twin under a measure."""

    arm: str
    twin: str
    measure: str


def bench(job: Job) -> Bench:
    """Bench of a row: encoders and answers are shared by all rows of this kind."""
    return Bench(job.work.parent / f"pretrain{'-quick' if job.quick else ''}", job.log, job.quick)


def ask(
    job: Job,
    arms: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
    decide: Sequence[Question],
    measures: Mapping[str, Sequence[str]],
    guards: Sequence[Question] = (),
    told: Sequence[Question] = (),
) -> Measured:
    """Measure arms and say whether the idea helps.

    Parameters
    ----------
    job : Job
    arms : mapping of str to sequence of str
        As :func:`ecgedge_export.pretrain.table.table` takes them.
    names : mapping of str to str
        How each arm is called on the page.
    decide : sequence of Question
        The idea helps where the interval of each of these gains lies above 0.
    measures : mapping of str to sequence of str
        Which arms each is asked of, beside the random encoder.
    guards : sequence of Question
        What must not fall by 0.01 or more (at the low end of its interval).
    told : sequence of Question
        What is said beside, and decides nothing.
    """
    on, seeds = bench(job), SEEDS[:1] if job.quick else SEEDS
    found: dict[str, Any] = {}
    for name, asked in measures.items():
        some = {arm: [twin for twin in arms[arm] if twin in asked] for arm in asked}
        found |= table(on, some, [name], seeds)

    def named(arm: str, measure: str) -> str:
        scratch = "network from scratch" if MEASURES[measure].exam == "tuned" else "untrained encoder"
        return scratch if arm == RANDOM else names[arm]

    gains = {q: _gain(found, q) for q in (*decide, *guards, *told)}
    helps = all(gains[q][1] > 0 for q in decide) and all(gains[q][1] > -0.01 for q in guards)
    plan = on.planned(1)
    people = len(set(on.cohort.patients))
    return Measured(
        data=DATA.format(n=len(on.cohort), people=people),
        budget=f"encoder of {n_parameters(seeded(plan)):,} parameters, {plan.epochs} epochs of "
        f"{len(on.cohort) // plan.batch} steps, {2 * plan.batch} windows a step (about 40 s of one core); "
        f"fine-tune {on.tuning.epochs} epochs",
        seeds=len(seeds),
        tables=tuple(_table(found, name, named) for name in measures),
        comparisons=tuple(
            Comparison(f"{named(arm, name)} against {named(twin, name)}: {MEASURES[name].what}", *gain)
            for name in measures
            for arm, row in found[name].items()
            for twin, gain in row["gain_over"].items()
        ),
        verdict="available" if helps else "no gain",
        finding=_finding((*decide, *told), gains, named),
    )


def _gain(found: Mapping[str, Any], question: Question) -> tuple[float, float, float]:
    gain, low, high = found[question.measure][question.arm]["gain_over"][question.twin]
    return gain, low, high


def _table(found: Mapping[str, Any], name: str, named: Named) -> Table:
    rows = [
        (named(arm, name), figure(*row["mean"]), ", ".join(figure(seed) for seed in row["seeds"]))
        for arm, row in found[name].items()
    ]
    what = MEASURES[name].what
    return Table(what[0].upper() + what[1:], ("arm", "mean of seeds", "seeds"), tuple(rows))


def _finding(
    questions: Sequence[Question], gains: Mapping[Question, tuple[float, float, float]], named: Named
) -> str:
    """Say what each gain is, measure by measure."""
    by_measure: dict[str, list[str]] = {}
    for q in questions:
        gain, low, high = gains[q]
        text = f"{gain:+.3f} ({low:+.3f} to {high:+.3f}) against {named(q.twin, q.measure)}"
        by_measure.setdefault(q.measure, []).append(text)
    parts = [f"{MEASURES[name].what}: {', '.join(texts)}" for name, texts in by_measure.items()]
    first = named(questions[0].arm, questions[0].measure)
    return f"{first[0].upper()}{first[1:]}. " + ". ".join(part[0].upper() + part[1:] for part in parts) + "."
