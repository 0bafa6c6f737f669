"""``docs/literature.md``, made from result files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecgedge_export.literature.row import Measured, load
from ecgedge_export.literature.works import WORKS, Work
from ecgedge_export.ship.markdown import table

RESULTS = Path(__file__).with_name("results")
_HEAD = """\
# What published ideas are worth on a single lead

Each idea was built for lead I and tested on public recordings, with small budgets on one processor core: a
statement about what it is worth here, not about the publication. Two arms differ in one thing alone. "Helps"
means that the 95 % interval of the paired difference lies above 0 (bootstrap by patient or record, 1,000
draws). What does not help is off by default. This page is made from result files:
`ecgedge-export literature --only NAME --write` measures a row again.
"""


def page(results: Path = RESULTS) -> str:
    """Text of the page: a table of all works, then a section for each."""
    measured = {name: load(path) for name in WORKS if (path := results / f"{name}.json").is_file()}
    rows = [
        (f"[{work.title}](#{_anchor(work.title)})", measured[name].verdict, measured[name].finding)
        for name, work in WORKS.items()
        if name in measured
    ]
    lines = [_HEAD, *table(("idea", "verdict", "what came out"), rows)]
    for name in measured:
        lines += _section(name, WORKS[name], measured[name])
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(name: str, work: Work, measured: Measured) -> list[str]:
    facts: Mapping[str, str] = {
        "Published": work.reference,
        "Claim": work.claims,
        "Built": work.built,
        "Data": measured.data,
        "Budget": f"{measured.budget}; {measured.seeds} seed{'s' * (measured.seeds != 1)}",
        "Verdict": f"{measured.verdict}. {measured.finding}",
        "Command": f"`ecgedge-export literature --only {name}`",
    }
    lines = [f"## {work.title}", "", *(f"* **{key}:** {text}" for key, text in facts.items()), ""]
    for one in measured.tables:
        lines += [f"{one.title}:", "", *table(one.head, one.rows)]
    if measured.comparisons:
        rows = [(c.what, f"{c.gain:+.3f}", f"{c.low:+.3f} to {c.high:+.3f}") for c in measured.comparisons]
        lines += table(("paired difference", "gain", "95 %"), rows)
    return lines


def _anchor(title: str) -> str:
    """Anchor that GitHub gives to a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")
