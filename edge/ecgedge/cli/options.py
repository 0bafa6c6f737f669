"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout, and nothing else there.")]
Model = Annotated[
    Path | None,
    typer.Option("--model", help="Model folder with its manifest.json; without it the bundled one."),
]
Backend = Annotated[
    str, typer.Option("--backend", help="Inference runtime: auto, litert, onnx, tflite or core.")
]
WithWaves = Annotated[
    bool, typer.Option("--waves", help="Also P, QRS and T of each beat, and PR, QRS, QT and QTc each minute.")
]
Age = Annotated[
    float | None, typer.Option("--age", help="The wearer's age in years: odds of AF as at that age.")
]
Sex = Annotated[str | None, typer.Option("--sex", help="The wearer's sex, beside --age: female or male.")]
WithTokens = Annotated[bool, typer.Option("--tokens", help="Also a word of each beat (docs/tokens.md).")]
Device = Annotated[str, typer.Argument(help="Name or address of the wearable, for example 'Polar H10'.")]
Source = Annotated[
    str,
    typer.Argument(
        help="Name or address of the wearable, for example 'Polar H10'; or serial:/dev/ttyUSB0, "
        "tcp:HOST:PORT, lsl:NAME, or - for standard input."
    ),
]
Adapter = Annotated[str | None, typer.Option("--adapter", help="Bluetooth adapter, for example hci1.")]
Fs = Annotated[float | None, typer.Option("--fs", help="Sampling rate in Hz, if it is not in the file.")]
Unit = Annotated[
    str | None,
    typer.Option(
        "--unit",
        help="Unit of the values: mV, uV, V, nV, counts, or counts in a mV as 341/mV, if it is not in "
        "the file.",
    ),
]
Channel = Annotated[
    str | None, typer.Option("--channel", help="Name or number (from 0) of the signal to read.")
]
LiveUnit = Annotated[
    str | None,
    typer.Option(
        "--unit",
        help="Unit of bare numbers: mV, uV, V, nV, counts, or counts in a mV as 341/mV; by default what "
        "their size makes likely.",
    ),
]
LiveChannel = Annotated[
    str | None,
    typer.Option("--channel", help="Name or number (from 0) of the column, or of the LSL channel."),
]
DeviceFs = Annotated[
    float | None,
    typer.Option("--fs", help="Sampling rate in Hz, where the device has several or does not say it."),
]
Save = Annotated[
    list[str] | None,
    typer.Option(
        "--save",
        help="Also write to this file: .csv the ECG, .jsonl the events, .ecgt words, .hea, .edf, .parquet or "
        ".fhir.json as 'save' does; may be repeated.",
    ),
]
Replace = Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file of --save that is there already.")]


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Options of every command that connects to a wearable: a field here is an option on all of them."""

    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", help="Kind of wearable, or a TOML file; by default what fits its services."
        ),
    ] = None
    extras: Annotated[
        list[str] | None,
        typer.Option(
            "--extra", help="Besides the ECG: battery, heart_rate, acc or information; may be repeated."
        ),
    ] = None
    fs: DeviceFs = None
    adapter: Adapter = None
    pair: Annotated[
        bool, typer.Option("--pair", help="Pair first: for a device that refuses to stream otherwise.")
    ] = False

    def checked(self) -> dict[str, Any]:
        """Return the options of ``ecgedge_bridge.connect``, checked before anything is looked for.

        Raises
        ------
        typer.BadParameter
            If there is no such profile, extra or rate.
        """
        from ecgedge_bridge.protocols.profiles import find_profile

        options: dict[str, Any] = {"adapter": self.adapter, "pair": self.pair}
        extras = tuple(self.extras or ("battery",))
        try:
            if self.profile is not None:
                find_profile(self.profile).make_session(fs=self.fs, extras=extras)
            else:
                from ecgedge_bridge.protocols.session import checked_extras

                checked_extras(extras)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        return options | {"profile": self.profile, "fs": self.fs, "extras": extras}


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Options of every command that records."""

    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            help="Keep signal and events in this file (.db), which survives a crash; one that is there is "
            "gone on with.",
        ),
    ] = None
    daily: Annotated[
        bool,
        typer.Option("--daily", help="With --record: a file for each day: FILE-2026-11-29.db."),
    ] = False
    keep_days: Annotated[
        int | None, typer.Option("--keep-days", min=1, help="With --daily: delete files of earlier days.")
    ] = None
    keep_mb: Annotated[
        float | None, typer.Option("--keep-mb", min=1, help="With --daily: delete the oldest beyond that.")
    ] = None


@dataclass(frozen=True, slots=True)
class SendOptions:
    """Options of every command whose stream others may listen to."""

    send: Annotated[
        list[str] | None,
        typer.Option(
            "--send",
            metavar="TARGET",
            help="Also send to mqtt://HOST/TOPIC, tcp:PORT, unix:/PATH, metrics:PORT, lsl: or FILE.jsonl; "
            "may be repeated (docs/sinks.md).",
        ),
    ] = None


def with_options(**groups: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of dataclasses; it takes each as the parameter that bears its name here.

    typer reads options from a function's parameters, so they are put in place of that one.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [one for one in signature(command, eval_str=True).parameters.values() if one.name not in groups]
        hints = {group: get_type_hints(group, include_extras=True) for group in groups.values()}
        shared = [
            Parameter(
                option.name,
                Parameter.KEYWORD_ONLY,
                default=option.default,
                annotation=hints[group][option.name],
            )
            for group in groups.values()
            for option in fields(group)
        ]

        @wraps(command)
        def wrapped(**given: Any) -> None:
            made = {
                name: group(**{option.name: given.pop(option.name) for option in fields(group)})
                for name, group in groups.items()
            }
            command(**given, **made)

        parameters = [*(one.replace(kind=Parameter.KEYWORD_ONLY) for one in own), *shared]
        wrapped.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {one.name: one.annotation for one in parameters}
        return wrapped

    return decorate
