"""``ecgedge-export literature``: test published ideas again, and write the page about them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli.options import Quick, Work, log


def literature(
    only: Annotated[
        list[str] | None, typer.Option(help="A work to test, may be repeated; default: list them.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="In a checkout: keep the results and write docs/literature.md.")
    ] = False,
    work: Work = None,
    quick: Quick = False,
) -> None:
    """Test published ideas on a single lead; prints JSON. With --write alone: the page from its results."""
    from ecgedge_export.literature import works

    if quick and write:
        raise typer.BadParameter("rough figures are not kept", param_hint="--write")
    for name in only or ():
        works.work(name)  # a wrong name is an error before hours of work
    for name in only or ():
        _measure(name, write, work, quick=quick)
    if write:
        _write_page()
    elif not only:
        for name, one in works.WORKS.items():
            typer.echo(f"{name:20} {one.title} ({one.reference})")


def _measure(name: str, write: bool, work: Path | None, *, quick: bool) -> None:
    from ecgedge_export.data import cache_dir
    from ecgedge_export.literature import works
    from ecgedge_export.literature.page import RESULTS
    from ecgedge_export.literature.row import Job, save

    place = (work or cache_dir() / "literature") / f"{name}{'-quick' if quick else ''}"
    place.mkdir(parents=True, exist_ok=True)
    measured = works.measure(name, Job(place, log, quick))
    typer.echo(json.dumps(asdict(measured), indent=1, ensure_ascii=False))
    if write:
        save(measured, RESULTS / f"{name}.json")


def _write_page() -> None:
    from ecgedge_export.literature import page

    target = Path(page.__file__).parents[3] / "docs" / "literature.md"
    if not target.parent.is_dir():
        raise ConfigError("--write works in a checkout alone: clone the repository")
    target.write_text(page.page(), encoding="utf-8")
    log(f"{target}: written")
