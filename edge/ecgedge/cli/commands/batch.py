"""``ecgedge batch``: many recordings on all cores or a cluster, into tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ecgedge.cli.options import Age, AsJson, Backend, Channel, Fs, Model, Sex, Unit, WithTokens, WithWaves

if TYPE_CHECKING:
    from rich.progress import Progress

    from ecgedge.scale.places import Input
    from ecgedge.scale.plan import Plan
    from ecgedge.scale.task import Outcome

__all__ = ["batch"]

_MOST_WARNINGS = 20  # of ten thousand recordings; all of them are in the table of errors


def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Recordings, folders of them, patterns, s3:// and https://."),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="DIR", help="The folder of results, a new one.")
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on in a folder: what is done and unchanged is left out.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=1024, help="Processes; default: all cores.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="tcp://HOST:PORT", help="A Dask cluster, in place of --workers."),
    ] = None,
    most_gb: Annotated[
        float, typer.Option("--most-gb", min=0.001, help="Of one remote recording that is copied, in GB.")
    ] = 4.0,
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    backend: Backend = "auto",
    model: Model = None,
    waves: WithWaves = False,
    age: Age = None,
    sex: Sex = None,
    tokens: WithTokens = False,
    as_json: AsJson = False,
) -> None:
    """Analyse any number of recordings in parallel: the events of 'replay' as Parquet tables (docs/batch.md).

    A recording that cannot be read does not stop the others: the table 'errors' says why, and the exit status
    is 1. What was cut off goes on with --resume.
    """
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.scale.folder import check_folder, held_folder
    from ecgedge.scale.places import find_inputs
    from ecgedge.scale.plan import Options, make_plan
    from ecgedge.sinks.outlets.extras import library
    from ecgedge_bridge.errors import ConfigError

    for name in ("pyarrow", "distributed", "fsspec"):
        library(name, "scale")
    if scheduler is not None and workers is not None:
        raise typer.BadParameter("a cluster has its own workers: leave out one", param_hint="--workers")
    # What is wrong with the options is said before hours of work go into them.
    open_monitor(model=model, backend=backend, age=age, sex=sex)
    folder = str(model.absolute()) if model is not None else None
    options = Options(fs, channel, unit, backend, folder, waves, tokens, age, cast(Any, sex))
    check_folder(out, resume=resume)
    every = find_inputs(inputs, out)
    if not every:
        raise ConfigError("no recording was named: give files")
    with held_folder(out):
        plan = make_plan(out, options, round(most_gb * 1e9))
        _Command(plan, as_json).run(every, workers, scheduler)


class _Command:
    """One run, and what is said of it."""

    def __init__(self, plan: Plan, as_json: bool) -> None:
        self._plan, self._as_json = plan, as_json
        self._warned = 0

    def run(self, every: list[Input], workers: int | None, scheduler: str | None) -> None:
        """Do all that is not done yet, and write down what came of it."""
        import os
        from datetime import UTC, datetime

        from ecgedge.cli.output import warn
        from ecgedge.scale.cluster import open_cluster
        from ecgedge.scale.manifest import write_manifest
        from ecgedge.scale.resume import sorted_out
        from ecgedge.scale.run import outcomes

        began, began_s = datetime.now(UTC), time.monotonic()
        write_manifest(self._plan, "running", began)
        state, ecg_s, failed = "interrupted", 0.0, 0
        try:
            done, left = sorted_out(every, self._plan)
            for outcome in done:
                failed += outcome.error is not None
                self._told(outcome, "unchanged", warn)
            if left:
                count = min(workers or os.cpu_count() or 1, len(left))
                with _bar(left) as bar, open_cluster(count, scheduler) as client:
                    for outcome in outcomes(client, self._plan, left, bar.warn):
                        ecg_s += outcome.ecg_s
                        failed += outcome.error is not None
                        bar.take(outcome)
                        self._told(outcome, "done" if outcome.error is None else "error", bar.warn)
            state = "done"
        finally:
            totals = write_manifest(self._plan, state, began)
        took_s = time.monotonic() - began_s
        self._end(len(every), len(done), failed, ecg_s, took_s, totals.to_json())
        if failed:
            raise typer.Exit(1)

    def _told(self, outcome: Outcome, state: str, tell: Callable[[str], None]) -> None:
        from ecgedge.cli.output import print_json

        error = outcome.error
        if self._as_json:
            print_json(
                {
                    "type": "recording", "input": outcome.name, "state": state, "rows": outcome.rows,
                    "duration_s": outcome.ecg_s, "took_s": outcome.took_s,
                    "error": error and {"code": error.code, "message": error.message},
                }
            )  # fmt: skip
        if error is not None:
            self._warned += 1
            if self._warned <= _MOST_WARNINGS:
                tell(error.message)

    def _end(
        self, every: int, before: int, failed: int, ecg_s: float, took_s: float, totals: dict[str, Any]
    ) -> None:
        from ecgedge.cli.output import print_json, say, warn

        rate = ecg_s / 3600 / took_s if took_s else 0.0
        if self._warned > _MOST_WARNINGS:
            warn(f"and {self._warned - _MOST_WARNINGS} more: see the table 'errors' in {self._plan.out}")
        if self._as_json:
            print_json(
                {
                    "type": "batch", "out": self._plan.out, "recordings": every, "unchanged": before,
                    "errors": failed, "hours_of_ecg": round(ecg_s / 3600, 4), "took_s": round(took_s, 3),
                    "hours_of_ecg_per_s": round(rate, 4), "in_all": totals,
                }
            )  # fmt: skip
            return
        count = "1 recording" if every == 1 else f"{every:,} recordings"
        more = f", {before:,} of them unchanged" * bool(before) + f", {failed:,} with an error" * bool(failed)
        say(f"{self._plan.out}: {count}{more}")
        say(f"{ecg_s / 3600:.2f} h of ECG in {took_s:.1f} s: {rate:.2f} h a second")
        say("Not a medical device.")


class _Bar:
    """A progress bar on a terminal's stderr, which knows sizes where the listing did; elsewhere nothing."""

    def __init__(self, progress: Progress | None, left: list[Input]) -> None:
        self._progress, self._count = progress, len(left)
        self._sizes = {given.name: given.size for given in left}
        known = [size for size in self._sizes.values() if size]
        self._usual = sum(known) / len(known) if known else 1.0
        self._began_s, self._done, self._ecg_s = time.monotonic(), 0, 0.0
        if progress is not None:
            total = sum(size or self._usual for size in self._sizes.values())
            self._task = progress.add_task("starting workers", total=total)

    def take(self, outcome: Outcome) -> None:
        """Show that a recording is done."""
        self._done, self._ecg_s = self._done + 1, self._ecg_s + outcome.ecg_s
        if self._progress is not None:
            rate = self._ecg_s / 3600 / max(time.monotonic() - self._began_s, 1e-3)
            words = f"{self._done:,} of {self._count:,} recordings, {rate:.2f} h of ECG a second,"
            size = self._sizes.get(outcome.name) or self._usual
            self._progress.update(self._task, advance=size, description=words)

    def warn(self, text: str) -> None:
        """Print a line on stderr, above the bar."""
        from ecgedge.cli.bars import say_above
        from ecgedge.cli.output import warn

        if self._progress is not None:
            say_above(self._progress, text)
        else:
            warn(text)


@contextmanager
def _bar(left: list[Input]) -> Iterator[_Bar]:
    if not sys.stderr.isatty():
        yield _Bar(None, left)
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    from ecgedge.cli.bars import open_bar

    columns = (
        BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.description}"),
        TimeRemainingColumn(), TextColumn("left"),
    )  # fmt: skip
    with open_bar(*columns) as progress:
        yield _Bar(progress, left)
