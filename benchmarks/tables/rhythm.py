"""Tables of the rhythm: how well it is named, at what coverage, beside what, and in what conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import rivals
from benchmarks.rivals.adapter import Rival
from benchmarks.tables.cells import Found, columns, load, or_reason, provenance

Cells = tuple[str, ...]
_COMPARED_TO = ("as they are", "live, nothing lost")
_TITLES = {"ecgedge, what the network was given": "ecgedge, the same recordings"}
_KINDS = ("bw", "em", "ma")


def rhythm(results: Path) -> str:
    """F1 with and without INT8 and gate, F1 by coverage, AF beside others."""
    return _tables(results, "rhythm", _rhythm_tables)


def robustness(results: Path) -> str:
    """Rhythm, beats and AF where the signal is worse."""
    return _tables(results, "robustness", _robustness_tables)


def _tables(results: Path, name: str, tables: Callable[[Found], Iterable[str]]) -> str:
    found = load(results, name)
    if not found:
        return f"Not measured yet: `python -m benchmarks {name}`.\n"
    parts = [or_reason(found, lambda _: "") + "\n"] if "skipped" in found else tables(found)
    return "\n".join(parts) + provenance(found["environment"])


# Rhythm


def _rhythm_tables(found: Found) -> Iterable[str]:
    yield columns(_variant_rows(found), ("network", "mean F1 of N, A, O", "got a rhythm", "mean F1 of those"))
    yield columns(_curve_rows(found["curve"]["INT8, gate"]), _CURVE)
    yield columns(_af_rows(found["AF"]), _AF)


_CURVE = ("INT8 with the gate answers from", "answered", "mean F1 of those", "of all", "AF: Se", "AF: Sp")
_AF = ("AF or not", "recordings", "Se", "Sp", "F1", "AUROC", "F1 of ecgedge above it")


def _variant_rows(found: Found) -> Iterable[Cells]:
    for name, row in found["arms"].items():
        if "skipped" in row:
            yield name, or_reason(row, str), "", ""
        else:
            yield name, f1(row), percent(row["named"]), f1(row["of_named"])
    for name, row in found["costs"].items():
        yield f"{name}, points", or_reason(row, lambda r: _points(r["points"], r["points_95"])), "", ""


def _curve_rows(curve: Sequence[Found]) -> Iterable[Cells]:
    for row in curve:
        limit, af = row["limit"], row["AF"]
        name = f"`{limit}`" if isinstance(limit, str) else f"a probability of {limit:g}" if limit else "any"
        shares = percent(af["Se"]), percent(af["Sp"])
        yield name, percent(row["coverage"]), f1(row), f"{row['mean_f1_of_all']:.3f}", *shares


def _af_rows(af: Found) -> Iterable[Cells]:
    whole, sure = af["ecgedge, label A"], af["ecgedge, Classification.af"]
    n = str(next(iter(af["rr"].values()))["records"])
    yield _detector("ecgedge, label A", whole | {"records": n})
    answered = f"{percent(sure['coverage'])} of {n}"
    yield "ecgedge, `Classification.af`", answered, percent(sure["Se"]), percent(sure["Sp"]), "", "", ""
    for name, row in af["rr"].items():
        yield _detector(f"{name} of our beats", row)
    for name, rival in rivals.every().items():
        if name in af:
            yield from _rival_rows(rival, name, af[name])


def _rival_rows(rival: Rival, name: str, rows: Found) -> Iterable[Cells]:
    if "skipped" in rows:
        yield name, or_reason(rows, str), "", "", "", "", ""
        return
    for call, row in rows.items():
        if call != "versions":
            yield _detector(rival.titles.get(call, _TITLES.get(call, call)), row)


def _detector(name: str, row: Found) -> Cells:
    above = row.get("ours_over_it", {"f1": None})
    auroc = f"{row['auroc']:.3f}" if "auroc" in row else ""
    own = _span(row["f1"], row["f1_95"])
    lead = "" if above["f1"] is None else _span(above["f1"], above["f1_95"], signed=True)
    return name, str(row["records"]), percent(row["Se"]), percent(row["Sp"]), own, auroc, lead


# Robustness


def _robustness_tables(found: Found) -> Iterable[str]:
    rhythm, beats, leads = found["rhythm"], found["beats"], found["leads"]
    for part in (rhythm, beats, leads):
        if "skipped" in part:
            yield or_reason(part, str) + "\n"
    if "skipped" not in rhythm:
        noisy = (name for name in rhythm["conditions"] if name.startswith("NSTDB"))
        levels = list(dict.fromkeys(name.split(", ")[1] for name in noisy))
        yield columns((_noise_row(level, rhythm, beats) for level in levels), _NOISE)
        others = [name for name in rhythm["conditions"] if not name.startswith("NSTDB")]
        yield columns((_condition_row(name, rhythm, beats) for name in others), _CONDITION)
    if "skipped" not in leads:
        yield columns((_lead_row(lead, leads) for lead in ("I", "II")), _LEAD)


_NOISE = ("NSTDB bw / em / ma", "got a rhythm", "mean F1 of those", "of all", "beats: Se", "beats: P+")
_CONDITION = ("condition", "got a rhythm", "mean F1 of those", "of all", "points", "beats: Se", "P+")
_LEAD = ("PTB-XL, 10 s", "got a rhythm", "AF or not: not inconclusive", "Se", "Sp")


def _noise_row(level: str, rhythm: Found, beats: Found) -> Cells:
    names = [f"NSTDB {kind}, {level}" for kind in _KINDS]
    rows = [rhythm["conditions"][name] for name in names]
    found = [beats.get("conditions", {}).get(name) for name in names]
    return (
        level,
        " / ".join(percent(row["named"]) for row in rows),
        " / ".join(_bare(row["of_named"]) for row in rows),
        " / ".join(_bare(row["of_all"]) for row in rows),
        *(" / ".join(percent(row[what], 2) for row in found if row) for what in ("Se", "P+")),
    )


def _condition_row(name: str, rhythm: Found, beats: Found) -> Cells:
    row, found = rhythm["conditions"][name], beats.get("conditions", {}).get(name)
    points = "" if name in _COMPARED_TO else _points(row["points"], row["points_95"])
    shares = (percent(found["Se"], 2), percent(found["P+"], 2)) if found else ("", "")
    return name, percent(row["named"]), f1(row["of_named"]), f1(row["of_all"]), points, *shares


def _lead_row(lead: str, leads: Found) -> Cells:
    row, af = leads[lead], leads[lead]["AF"]
    name = f"lead {lead}, {leads['records']} people, {af['with_af']} with AF"
    return name, percent(row["named"]), percent(af["coverage"]), percent(af["Se"]), percent(af["Sp"])


# Cells


def percent(share: float | None, digits: int = 1) -> str:
    """A share of a hundred; of none, nothing."""
    return "" if share is None else f"{100 * share:.{digits}f} %"


def f1(row: Found) -> str:
    """Mean F1 with its interval."""
    value, span = row["mean_f1_nao"], row["mean_f1_nao_95"]
    return "too few" if value is None else _span(value, span)


def _bare(row: Found) -> str:
    value = row["mean_f1_nao"]
    return "too few" if value is None else f"{value:.3f}"


def _span(value: float, span: Sequence[float], signed: bool = False) -> str:
    sign: Any = "+" if signed else ""
    return f"{value:{sign}.3f} ({span[0]:{sign}.3f} to {span[1]:{sign}.3f})"


def _points(value: float, span: Sequence[float]) -> str:
    return f"{value:+.1f} ({span[0]:+.1f} to {span[1]:+.1f})"
