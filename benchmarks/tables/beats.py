"""Tables of how well beats are found and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.tables.cells import Found, code, columns, load, provenance

# NSTDB's names of its noises
_NOISES = {"em": "electrode motion", "ma": "muscle noise", "bw": "baseline wander"}
_PLACED = (
    "detector",
    "Se / P+ within 150 ms, %",
    "F1 within 150 / 100 / 50 / 25 ms, %",
    "late, median (5 to 95 %), ms",
    "F1 within 25 ms without that median, %",
)
_NAMED = ("class", "beats", "Se, %", "P+, %", "F1, %", "F1 by record: quartiles, %")


def beats(results: Path) -> str:
    """Beats found: DS2, then how that is elsewhere and with noise."""
    return _of_part(results, "found", _found)


def beat_classes(results: Path) -> str:
    """Beats named."""
    return _of_part(results, "named", _named)


def _of_part(results: Path, part: str, tables: Callable[[Found], str]) -> str:
    found = load(results, "beats")
    if not found:
        return "Not measured yet: `python -m benchmarks beats`.\n"
    text = f"Not measured: {found[part]['skipped']}\n" if "skipped" in found[part] else tables(found)
    return f"{text}{provenance(found['environment'])}"


def _found(found: Found) -> str:
    by_noise = found["found"]["by_noise"]
    first = by_noise["none"]["DS2"]["detectors"]
    names = {name: code(name) + ", streaming" * found["streaming"][name] for name in first}
    placed = columns(_placed_rows(names, first), _PLACED)
    elsewhere = dict(_elsewhere(by_noise))
    lines = ((title, *(_f1(rows, name) for rows in elsewhere.values())) for name, title in names.items())
    return f"{placed}\n{columns(lines, ('F1 within 150 ms, %', *elsewhere))}"


def _placed_rows(names: dict[str, str], rows: Found) -> Iterator[tuple[str, ...]]:
    for name, row in rows.items():
        cells = (f"not measured: {row['skipped']}", "", "", "") if "skipped" in row else _placed(row)
        yield names[name], *cells


def _placed(row: Found) -> tuple[str, ...]:
    f1 = _slashed(row[f"{ms} ms"]["F1"] for ms in (150, 100, 50, 25))
    shares = _slashed(row["150 ms"][what] for what in ("Se", "P+"))
    if "late_ms" not in row:
        return shares, f1, "", ""
    late = row["late_ms"]
    delay = f"{late['p50']:.0f} ({late['p5']:.0f} to {late['p95']:.0f})"
    return shares, f1, delay, _percent(row["without_delay"]["25 ms"]["F1"])


def _elsewhere(by_noise: Found) -> Iterator[tuple[str, Found]]:
    """Headings and detectors: other clean records, then DS2 with noise."""
    for name, row in by_noise["none"].items():
        if name != "DS2":
            yield f"{name} ({row['records']})", row["detectors"]
    for noise, sets in by_noise.items():
        kind, _, db = noise.partition(" ")
        if kind in _NOISES:
            yield f"{_NOISES[kind]}, {db}", sets["DS2"]["detectors"] if "DS2" in sets else {}


def _f1(rows: Found, name: str) -> str:
    within = rows.get(name, {}).get("150 ms")
    return _percent(within["F1"]) if within else "not measured"


def _named(found: Found) -> str:
    rows = []
    for name, row in found["named"]["gross"].items():
        shares = (_percent(row[what]) for what in ("Se", "P+", "F1"))
        rows.append((name, f"{row['beats']:,}", *shares, _quartiles(found["named"]["spread"][name])))
    return columns(rows, _NAMED)


def _quartiles(spread: Found) -> str:
    return f"{_slashed(spread['F1'][1:4])} ({spread['records']} records)" if "F1" in spread else ""


def _slashed(values: Iterable[float]) -> str:
    return " / ".join(map(_percent, values))


def _percent(value: float) -> str:
    """Two decimals: detectors differ in the second."""
    return f"{value:.2f}"
