"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout, and nothing else there.")]
Model = Annotated[
    Path | None,
    typer.Option("--model", help="Model folder with its manifest.json; without it the bundled one."),
]
Backend = Annotated[str, typer.Option("--backend", help="Inference runtime: auto, litert, onnx or tflite.")]
Adapter = Annotated[str | None, typer.Option("--adapter", help="Bluetooth adapter, for example hci1.")]
Fs = Annotated[float | None, typer.Option("--fs", help="Sampling rate in Hz, if the file does not say it.")]
Unit = Annotated[
    str | None,
    typer.Option("--unit", help="Unit of the values: mV, uV, V, nV or counts, if the file does not say it."),
]
Channel = Annotated[
    str | None, typer.Option("--channel", help="Name or number (from 0) of the signal to read.")
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", help="Kind of wearable, or a TOML file; without it what fits its services."),
]
Extras = Annotated[
    list[str] | None,
    typer.Option(
        "--extra", help="Besides the ECG: battery, heart_rate, acc or information; may be repeated."
    ),
]
DeviceFs = Annotated[
    float | None, typer.Option("--fs", help="Sampling rate in Hz, where the device has several.")
]
Pair = Annotated[
    bool, typer.Option("--pair", help="Pair first: for a device that refuses to stream otherwise.")
]


def link_options(
    profile: str | None, fs: float | None, adapter: str | None, pair: bool, extras: list[str] | None = None
) -> dict[str, Any]:
    """Return the options of ``ecgedge_bridge.connect``, checked before anything is looked for."""
    from ecgedge_bridge.protocols.profiles import find_profile
    from ecgedge_bridge.protocols.session import checked_extras

    try:
        if profile is not None:
            find_profile(profile)
        checked_extras(extras or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    options: dict[str, Any] = {"profile": profile, "fs": fs, "adapter": adapter, "pair": pair}
    return options | ({"extras": tuple(extras)} if extras else {})
