"""The report of a folder as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecgedge.sinks.plain import plain

_MOST_ROWS = 500  # by record; all of them are in the JSON


def table(of: Mapping[str, Any]) -> str:
    """Write what ``score.report`` made as text: gross figures with intervals, then a line per record.

    Examples
    --------
    >>> print(table({"records": 0, "skipped": {"b": "no ECG"}}))
    0 records scored, 1 skipped
      b: no ECG
    """
    lines = [f"{of['records']} records scored, {len(of['skipped'])} skipped"]
    lines += [f"  {plain(name)}: {plain(reason)}" for name, reason in of["skipped"].items()]
    for part in (_beats, _classes, _af, _rhythm):
        lines += part(of)
    return "\n".join(lines + _by_record(of))


def _beats(of: Mapping[str, Any]) -> Iterator[str]:
    if (beats := of.get("beats")) is not None:
        spans = {name: beats.get(f"{name}_95") for name in ("QRS Se", "QRS P+")}
        figures = ", ".join(f"{name} {_share(beats['gross'][name], span)}" for name, span in spans.items())
        yield f"Beats within 150 ms (EC57): {figures}"


def _classes(of: Mapping[str, Any]) -> Iterator[str]:
    if (classes := of.get("classes")) is not None:
        for name, span in classes["f1_95"].items():
            row = classes["gross"][name]
            yield (
                f"{name}: {row['beats']} beats, Se {_share(row['Se'])}, P+ {_share(row['P+'])}, "
                f"F1 {_share(row['F1'], span)}"
            )


def _af(of: Mapping[str, Any]) -> Iterator[str]:
    if (af := of.get("af")) is not None:
        figures = ", ".join(f"{name} {_share(value)}" for name, value in af["gross"].items())
        yield f"Atrial fibrillation over the time (EC57): {figures}"


def _rhythm(of: Mapping[str, Any]) -> Iterator[str]:
    if (rhythm := of.get("rhythm")) is not None:
        af = rhythm["af"]
        figures = ", ".join(
            f"{name} {_share(af[name] and 100 * af[name], [100 * end for end in af.get(f'{name}_95', ())])}"
            for name in ("Se", "Sp")
        )
        told = _share(100 * af["coverage"])
        yield f"AF or not, {rhythm['records']} recordings: {figures}, where told ({told} of them)"
        if "mean_f1_nao" in rhythm:
            low, high = rhythm["mean_f1_nao_95"]
            yield f"Mean F1 of N, A, O: {rhythm['mean_f1_nao']:.3f} ({low:.3f} to {high:.3f})"
        for truth, row in rhythm["confusion"].items():
            yield f"  {truth} called " + ", ".join(f"{name} {count}" for name, count in row.items())


def _share(value: float | None, span: Any = None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} %" + (f" ({span[0]:.2f} to {span[1]:.2f})" if span else "")


def _by_record(of: Mapping[str, Any]) -> list[str]:
    columns = dict(_columns(of))
    names = list(of.get("lead", ()))
    if not columns:
        return []
    width = max([6, *(len(name) for name in names)])
    rows = []
    for name in names[:_MOST_ROWS]:
        cells = (f"{values.get(name, '-'):>{len(head) + 2}}" for head, values in columns.items())
        rows.append(f"{plain(name):{width}}" + "".join(cells))
    more = [f"... {len(names) - _MOST_ROWS} more: see the JSON"] if len(names) > _MOST_ROWS else []
    return ["", f"{'Record':{width}}" + "".join(f"  {head}" for head in columns), *rows, *more]


def _columns(of: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Heads of the columns, and the cell of each record."""
    if "beats" in of:
        rows = of["beats"]["by_record"]
        for name in ("QRS Se", "QRS P+"):
            yield f"{name:>7}", {record: _cell(row[name]) for record, row in rows.items()}
    if "classes" in of:
        rows = of["classes"]["by_record"]
        for name in ("SVEB", "VEB"):
            yield f"{name + 's':>6}", {record: str(row[name]["beats"]) for record, row in rows.items()}
            yield (
                f"{name + ' F1':>7}",
                {
                    record: _cell(row[name]["F1"] if row[name]["beats"] else None)
                    for record, row in rows.items()
                },
            )
    if "af" in of:
        for name in ("duration Se", "duration P+"):
            rows = of["af"]["by_record"]
            yield f"AF {name}", {record: _cell(row[name]) for record, row in rows.items()}
    if "rhythm" in of:
        rows = of["rhythm"]["by_record"]
        for name in ("label", "called"):
            yield name, {record: row[name] for record, row in rows.items()}


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
