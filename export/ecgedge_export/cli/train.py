"""``ecgedge-export train`` and ``distill``: from data to a measured folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ecgedge_export.cli.options import Quick, Work, log


def train(
    recipe: Annotated[
        Path, typer.Argument(help="A TOML file, or the name of a recipe in the package, such as rhythm.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the model goes once it is measured, such as edge/ecgedge/models/rhythm; "
            "default: 'model' in the folder of --work."
        ),
    ] = None,
    work: Work = None,
    compared: Annotated[Path | None, typer.Option(help="A table of `distill`, for the card.")] = None,
    quick: Quick = False,
) -> None:
    """Make a model from a recipe, from data to measured folder; goes on where it was stopped."""
    from ecgedge_export import recipe as recipes
    from ecgedge_export import tasks

    command = f"ecgedge-export train {recipe.as_posix()}{' --quick' if quick else ''}"
    command += f" --compared {compared.name}" if compared else ""
    path = recipes.found(recipe)
    place = work or recipes.work_folder(path, quick=quick)
    job = tasks.Job(path, place, out or place / "model", command, log, quick, compared)
    log(f"{job.out}: {tasks.train(job)}")


def distill(
    recipe: Annotated[Path, typer.Argument(help="A student's recipe that names a teacher.")],
    seeds: Annotated[int, typer.Option(min=1, help="Times that each student is trained.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each student; default: the recipe's.")] = None,
    work: Work = None,
    quick: Quick = False,
) -> None:
    """Train students with and without the teacher; prints what the teacher is worth."""
    from ecgedge_export import recipe as recipes
    from ecgedge_export import tasks

    path = recipes.found(recipe)
    place = work or recipes.work_folder(path, quick=quick)
    job = tasks.Job(path, place, place / "model", f"ecgedge-export distill {recipe.as_posix()}", log, quick)
    table = tasks.of_recipe(path).compare(job, tasks.Trials(seeds, epochs))
    typer.echo(json.dumps(table, indent=1))
