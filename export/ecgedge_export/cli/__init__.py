"""The exporter's command line: ``ecgedge-export``."""

from __future__ import annotations

import signal
import sys

import typer

from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_export.cli import data
from ecgedge_export.cli.embed import embed
from ecgedge_export.cli.evaluate import evaluate
from ecgedge_export.cli.options import log
from ecgedge_export.cli.ship import bundle, card, verify
from ecgedge_export.cli.train import distill, train

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Train, quantize and package the models of ecgedge."
)
for command in (train, evaluate, distill, embed, bundle, verify, card):
    app.command()(command)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit code 1."""
    # By default SIGTERM ends a program on the spot; so it cleans up, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        app(standalone_mode=True)
    except EcgEdgeError as e:
        log(plain(f"ecgedge-export: {e}"))
        sys.exit(1)
