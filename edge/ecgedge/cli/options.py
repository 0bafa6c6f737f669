"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout, and nothing else there.")]
Model = Annotated[
    Path | None,
    typer.Option("--model", help="Model folder with its manifest.json; without it the bundled one."),
]
Backend = Annotated[str, typer.Option("--backend", help="Inference runtime: auto, litert, onnx or tflite.")]
Adapter = Annotated[str | None, typer.Option("--adapter", help="Bluetooth adapter, for example hci1.")]
Fs = Annotated[float | None, typer.Option("--fs", help="Sampling rate in Hz, if the file does not say it.")]
Channel = Annotated[str | None, typer.Option("--channel", help="Name or number of the signal to read.")]
