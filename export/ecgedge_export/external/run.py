"""``ecgedge-export evaluate external``: from a folder to its report, and the files of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecgedge.artefacts.manifest import Manifest
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import write_atomically
from ecgedge_export.ec57 import report as ec57
from ecgedge_export.ec57.annotations import write
from ecgedge_export.external import labels as tables
from ecgedge_export.external.records import Skipped, Wish
from ecgedge_export.external.score import Log, Scored, report, score
from ecgedge_export.external.text import table
from ecgedge_export.spread import Chosen, spread

# Tasks whose models make what is scored here.
SCORED = ("rhythm", "beat_classes", "gate", "beats")
# What the wfdb package takes as the name of a record.
_WRITABLE = re.compile(r"[-\w]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be scored, with which models, where the report goes, and who does it; see :func:`run`."""

    folder: Path
    wish: Wish = field(default_factory=Wish)
    labels: Path | None = None
    out: Path | None = None
    model: Path | None = None
    backend: str = "litert"
    workers: int | None = None
    scheduler: str | None = None


def run(asked: Asked, log: Log = lambda line: None) -> dict[str, Any]:
    """Score a folder of WFDB records by what lies beside them, and write the report.

    Beats and rhythms come from annotation files, labels of whole recordings from a table. ``asked.out`` gets
    ``report.json``, ``report.txt``, ``ec57.txt`` where beats or rhythms were scored, and the annotations that
    the package would write, for PhysioNet's own programs.

    Raises
    ------
    ConfigError
        There is no record, none can be scored, or the table cannot be read.
    """
    path = asked.labels or tables.find(asked.folder)
    labels = tables.read(path) if path is not None else {}
    chosen = Chosen(asked.backend, _folders(asked.model))
    models = chosen.monitor().models
    scored: list[Scored] = []
    skipped: list[Skipped] = []
    with spread(asked.workers, asked.scheduler) as each:
        for one in score(asked.folder, asked.wish, labels, chosen, log, each):
            if isinstance(one, Skipped):
                skipped.append(one)
                continue
            scored.append(one)
            if asked.out is not None:
                _write_annotations(asked.out / "annotations", one)
    made = report(scored, skipped, models)
    if asked.out is not None:
        write_atomically(asked.out / "report.json", json.dumps(made, indent=1, allow_nan=False) + "\n")
        write_atomically(asked.out / "report.txt", table(made) + "\n")
        if "beats" in made or "af" in made:
            write_atomically(asked.out / "ec57.txt", ec57.table(made) + "\n")
    return made


def _folders(model: Path | None) -> tuple[tuple[str, Path], ...]:
    """The model under the name of its task."""
    if model is None:
        return ()
    task = Manifest.load(model).task
    if task not in SCORED:
        raise ConfigError(f"{model} is a model of {task}: give one of {', '.join(SCORED)}")
    return ((task, model.absolute()),)


def _write_annotations(folder: Path, one: Scored) -> None:
    name = Path(one.record.id)
    if one.found is not None and _WRITABLE.fullmatch(name.name):
        write(folder / name.parent, name.name, one.record.fs, one.found)
