"""``ecgedge-export data``: what there is, download it, check it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge_bridge.errors import ConfigError

if TYPE_CHECKING:
    from ecgedge_export.data import Dataset

app = typer.Typer(no_args_is_help=True, help="Data sets: what there is, download, check.")
Name = Annotated[str, typer.Argument(help="Short name, as 'data list' shows it.")]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Pattern of paths in the release, such as 'p00/p0000*'; may be repeated."),
]


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each data set.")] = False,
) -> None:
    """Show every data set: what it is, terms, size, whom to cite, and whether it is at hand."""
    from ecgedge_export.data import DATASETS

    for dataset in DATASETS.values():
        typer.echo(json.dumps(_row(dataset)) if as_json else _text(dataset))


@app.command()
def fetch(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="A data root; default: the user's cache.")] = None,
    only: Only = None,
    mirror: Annotated[str, typer.Option(help="Where releases lie.")] = "https://physionet.org/files",
) -> None:
    """Download a data set from PhysioNet, checked by SHA-256; run it again to go on where it stopped."""
    from ecgedge_export.data import cache_dir, dataset
    from ecgedge_export.data import fetch as downloads

    wanted, root = dataset(name), to or cache_dir() / "data"
    typer.echo(f"{wanted.what}; {wanted.licence}, about {wanted.size}; see {wanted.page}", err=True)
    with _bar(name) as show:
        folder = downloads.fetch(
            wanted,
            root,
            only=only or (),
            mirror=mirror,
            log=lambda p: show(p.files, p.of_files, f"{p.n_bytes / 1e6:,.1f} MB"),
        )
    typer.echo(f"{folder}: complete")


@app.command()
def verify(name: Name, only: Only = None) -> None:
    """Compare a data set at hand with its release's SHA-256 sums; exit code 1 if a file differs or lacks."""
    from ecgedge_export.data import checksums, dataset

    with _bar(name) as show:
        verdict = checksums.verify(dataset(name), only or (), lambda done, total: show(done, total, ""))
    for state in ("wrong", "missing"):
        for file in getattr(verdict, state):
            typer.echo(f"{state}: {file}")
    counts = (f"{len(getattr(verdict, state))} {state}" for state in ("good", "wrong", "missing"))
    typer.echo(f"{name}: {', '.join(counts)}")
    if not verdict.ok:
        raise ConfigError(f"{name} is not as released: run 'ecgedge-export data fetch {name}'")


def _row(dataset: Dataset) -> dict[str, object]:
    at = dataset.located()
    return {
        "name": dataset.name,
        "what": dataset.what,
        "licence": dataset.licence,
        "size": dataset.size,
        "citation": dataset.citation,
        "page": dataset.page,
        "at_hand": str(at) if at else None,
    }


def _text(dataset: Dataset) -> str:
    at = dataset.located()
    lines = (
        dataset.what,
        f"{dataset.licence}, about {dataset.size}; {dataset.citation}",
        dataset.page,
        f"at hand: {at}" if at else "not at hand",
    )
    return f"{dataset.name:12}" + f"\n{'':12}".join(lines) + "\n"


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar on stderr; yields what moves it: (done, in all, a remark)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    # On stderr, so that stdout stays for programs.
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[remark]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None, remark="")
        yield lambda done, total, remark: progress.update(task, completed=done, total=total, remark=remark)
