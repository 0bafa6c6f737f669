"""The commands in one place, and what becomes of errors."""

from __future__ import annotations

import sys

import typer

from ecgedge.cli import capture, demo, doctor, models, replay, simulate, wearable

__all__ = ["app", "run"]

# Plain help: rich markup costs 80 ms of import here, several times that on a small computer.
app = typer.Typer(
    name="ecgedge",
    help="Single-lead ECG inference on the wearer's own hardware. Not a medical device.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("replay")(replay.replay)
app.command("run")(wearable.run)
app.command("scan")(wearable.scan)
app.command("capture")(capture.capture)
app.command("doctor")(doctor.doctor)
app.command("simulate")(simulate.simulate)
app.command("models")(models.models)


def run() -> None:
    """Run the command line; the exit status is how it ended."""
    try:
        app(prog_name="ecgedge")
    except Exception as error:
        from ecgedge_bridge.errors import EcgEdgeError  # not needed by --help

        if not isinstance(error, EcgEdgeError):
            raise
        print(f"ecgedge: {error}", file=sys.stderr)
        sys.exit(1)
