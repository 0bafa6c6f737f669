"""The exporter's command line: ``ecgedge-export``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

import typer

from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_export.cli import data
from ecgedge_export.cli.embed import embed
from ecgedge_export.cli.evaluate import evaluate
from ecgedge_export.cli.firmware import firmware
from ecgedge_export.cli.literature import literature
from ecgedge_export.cli.options import log
from ecgedge_export.cli.pretrain import pretrain
from ecgedge_export.cli.ship import bundle, card, verify
from ecgedge_export.cli.train import distill, train

# What the extra ``export`` brings, by the names under which it is imported.
EXTRA = frozenset(
    "torch onnx onnxruntime onnxscript scipy flatbuffers wfdb ai_edge_litert pandas matplotlib".split()
)
app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Train, quantize and package the models of ecgedge."
)
for command in (train, evaluate, distill, pretrain, embed, literature, bundle, firmware, verify, card):
    app.command()(command)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line; what is not this program's fault is one line on stderr and exit code 1."""
    # By default SIGTERM ends a program on the spot; so it cleans up, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        app(standalone_mode=True)
    except (EcgEdgeError, OSError, ImportError) as error:
        _end(error)


def _end(error: Exception) -> NoReturn:
    """End with one line, where the reason is not in this program."""
    if isinstance(error, ImportError):
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise error
        why = f"{error.name} is not installed: pip install 'ecgedge[export]'"
    elif isinstance(error, OSError):
        # A full disk, a folder without permission, a pipe that nobody reads.
        why = f"{error.filename or 'output'}: {error.strerror or error}"
    else:
        why = str(error)
    # A reader of stdout that has gone (`| head`) must not turn into a second error at the exit.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    log(f"ecgedge-export: {plain(why)}")
    sys.exit(1)
