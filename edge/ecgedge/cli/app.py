"""The commands in one place, and what becomes of errors."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress
from typing import Annotated

import typer

from ecgedge.cli.commands import (
    batch,
    capture,
    demo,
    doctor,
    models,
    phone,
    replay,
    report,
    save,
    service,
    simulate,
    table,
    wearable,
)
from ecgedge.cli.config import printing
from ecgedge.cli.output import guard_streams, say
from ecgedge.cli.ward import commands as ward
from ecgedge.sinks.plain import plain

__all__ = ["app", "run"]

_ADVICE = {errno.ENOSPC: "free some space, or choose another place", errno.EMFILE: "close some programs"}

# Plain help: rich markup costs 80 ms of import here, several times that on a small computer.
app = typer.Typer(
    name="ecgedge",
    help="Single-lead ECG inference on the wearer's own hardware. Not a medical device.",
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("replay")(replay.replay)
app.command("save")(save.save)
app.command("report")(report.report)
app.command("table")(table.table)
app.command("batch")(batch.batch)
app.command("run")(wearable.run)
app.command("config")(
    printing(
        wearable.run, "Print the options of `ecgedge run` as a file for its --config, with what each means."
    )
)
app.command("scan")(wearable.scan)
app.command("mark")(wearable.mark)
app.command("forward")(ward.forward)
app.command("gateway")(ward.gateway)
app.command("capture")(capture.capture)
app.command("doctor")(doctor.doctor)
app.command("simulate")(simulate.simulate)
app.command("leads")(save.leads)
app.command("models")(models.models)
app.command("phone")(phone.phone)
app.add_typer(service.app, name="service")


def _show_version(wanted: bool) -> None:
    if wanted:
        from ecgedge import __version__

        say(f"ecgedge {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    # No docstring: typer would show it in place of the help above.
    if context.invoked_subcommand is None:
        print(f"{context.get_help()}\n\nStart with: ecgedge demo")


def run() -> None:
    """Run the command line; the exit status is how it ended."""
    guard_streams()
    try:
        status = app(prog_name="ecgedge", standalone_mode=False)
        sys.stdout.flush()  # a full disk shows here, and not as a traceback while Python shuts down
    except Exception as error:
        status = _fail(error)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(error: Exception) -> int:
    """Print what went wrong to stderr; return the exit status."""
    words, status = _explained(error)
    with suppress(OSError):  # of a terminal that went away
        print("\n".join(map(plain, words)), file=sys.stderr)
    if isinstance(error, OSError):
        # What could not be written would be tried again while Python shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _explained(error: Exception) -> tuple[list[str], int]:
    """Lines for stderr, and the exit status: 1, or 2 for a mistyped command."""
    from ecgedge_bridge.errors import EcgEdgeError  # not needed by --help

    if isinstance(error, EcgEdgeError):
        return [f"ecgedge: {error}"], 1
    if isinstance(error, OSError):
        advice = _ADVICE.get(error.errno or 0, "check the path and its permissions")
        what = f"{error.filename}: " if error.filename else "cannot go on: "
        return [f"ecgedge: {what}{error.strerror or error}: {advice}"], 1
    if isinstance(error, RecursionError):
        return ["ecgedge: a file is nested too deeply: check what was given"], 1
    if hasattr(error, "format_message"):  # typer's, for a mistyped command
        context = getattr(error, "ctx", None)
        usage = context.get_usage().splitlines() if context else []
        try_help = [f"Try '{context.command_path} --help' for help.", ""] if context else []
        return [*usage, *try_help, f"Error: {error.format_message()}"], 2
    return "".join(traceback.format_exception(error)).splitlines(), 1
