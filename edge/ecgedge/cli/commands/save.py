"""``ecgedge save`` and ``ecgedge leads``: a recording in another form, or as twelve leads."""

from __future__ import annotations

import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import AsJson, Backend, Channel, Fs, Replace, Unit
from ecgedge.cli.spans import From, To

if TYPE_CHECKING:
    from ecgedge.leads.reconstruct import LeadBlock
    from ecgedge.sinks.sink import Sink
    from ecgedge.stream.pipeline import Pipeline

__all__ = ["leads", "save"]

MEASURED = "I"
OWNER_ALONE = 0o600  # it holds somebody's ECG


def save(
    path: Annotated[
        Path,
        typer.Argument(
            help="Recording (.db) or a file of any form that 'replay' reads; - is standard input."
        ),
    ],
    out: Annotated[
        str,
        typer.Argument(
            help="The file; its ending says the form. .hea: WFDB with annotations. .edf: EDF+. .csv: the ECG "
            "as text. .parquet: tables of ECG and events. .fhir.json: FHIR R4. .jsonl: events. .ecgt: words."
        ),
    ],
    from_: From = None,
    to: To = None,
    events: Annotated[
        str | None,
        typer.Option(
            "--events",
            metavar="TYPES",
            help="Only these, for example beat,rhythm; none for the signal alone, all for everything.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Of a recording (.db): find its events anew, not those recorded.")
    ] = False,
    strip_s: Annotated[
        float,
        typer.Option("--strip-s", min=0, max=3600, help="In .fhir.json: seconds of each strip; 0: none."),
    ] = 30.0,
    tokens: Annotated[
        bool,
        typer.Option(
            "--tokens", help="A word of each beat, three bytes: all that .ecgt holds; in .jsonl too."
        ),
    ] = False,
    force: Replace = False,
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    backend: Backend = "auto",
    as_json: AsJson = False,
) -> None:
    """Write a recording, or a stretch of it, in a form that other programs read; see docs/save.md.

    Of a recording (.db) the events that were recorded are saved; of other files they are found now.
    Words (.ecgt) are a few bytes a beat, and what is read from them again, as from any recording, is an
    approximation: 'ecgedge save night.ecgt night.csv'.
    """
    from ecgedge.cli.monitors import wants_words
    from ecgedge.cli.output import open_savers
    from ecgedge.cli.stretches import Read, Stored, chosen_events
    from ecgedge.monitor import Models
    from ecgedge.recording.database.store import is_recording
    from ecgedge.sinks.about import About
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.values import SampleBlock

    form = out.lower()
    if tokens and form.endswith(".csv"):
        raise ConfigError("--tokens writes words (.ecgt) or events (.jsonl): give such a name")
    kinds = chosen_events(events)
    alone = kinds is not None and not kinds
    if alone and form.endswith((".jsonl", ".ecgt", ".events.parquet")):
        raise ConfigError(f"--events none leaves nothing for {out}: choose some events, or another form")
    stream: Read | Stored
    own = (fs, channel, unit) == (None,) * 3 and not tokens and not wants_words([out])
    if own and is_recording(path):
        models = partial(Models.load, backend)
        stream = Stored(path, from_, to, models if again and not alone else None)
    else:
        needs = None if alone or form.endswith(".csv") else partial(_pipeline, backend, out, tokens, kinds)
        stream = Read(path, fs, channel, unit, from_, to, needs)
    about = About(start=stream.start, channel=stream.channel, events=kinds, strip_s=strip_s)
    with closing(stream):
        (sink,) = open_savers([out], force=force, source=path, about=about)
        with closing(sink):
            for item in stream.items():
                if kinds is None or isinstance(item, SampleBlock) or type(item).__name__.lower() in kinds:
                    sink.take([item])
    _tell(out, sink, as_json=as_json)
    if stream.broken is not None:
        raise stream.broken


def _pipeline(backend: str, out: str, tokens: bool, kinds: frozenset[str] | None) -> Pipeline:
    """What the file needs: beats and their words, or everything."""
    from ecgedge.beats.detector import bundled_net
    from ecgedge.beats.stage import BeatStage
    from ecgedge.cli.monitors import open_monitor, wants_words
    from ecgedge.stream.pipeline import Pipeline
    from ecgedge.tokens.model import WordModel
    from ecgedge.tokens.stage import WordStage

    if not wants_words([out]):
        chosen = kinds or frozenset()
        waves = bool(chosen & {"waves", "intervals"})
        return open_monitor(backend=backend, tokens=tokens or "word" in chosen, waves=waves)
    net = bundled_net()
    stages = BeatStage(net, events=False), WordStage(WordModel.load(None, backend))
    return Pipeline(stages, net.fs, net.front_end)


def _tell(out: str, sink: Sink, *, as_json: bool) -> None:
    from ecgedge.cli.output import print_json, say

    path = Path(out).expanduser()
    files = getattr(sink, "written", [path] if path.is_file() else [])
    size = sum(file.stat().st_size for file in files)
    told: dict[str, object] = {"type": "saved", "file": out, "bytes": size}
    names = ", ".join([out, *(file.name for file in files if file != path)])
    words = f"{names}: {size:,} bytes" if size else f"{out} was not written: nothing was found to put into it"
    if size and hasattr(sink, "told"):
        more, sentence = sink.told()
        told |= more
        words += f", {sentence}" * bool(sentence)
    if as_json:
        print_json(told)
    else:
        say(words)


def leads(
    path: Annotated[Path, typer.Argument(help="Capture (.cap), WFDB record, or text (CSV, also .gz).")],
    out: Annotated[Path, typer.Argument(help="The CSV file to write: a column for each lead, in mV.")],
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is there already.")] = False,
) -> None:
    """Guess twelve leads from lead I; eleven of them were never measured, and the columns say so."""
    from ecgedge.cli.output import say
    from ecgedge.leads.reconstruct import LeadReconstructor
    from ecgedge.recording import read
    from ecgedge.sinks.saving import new_file
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.files import atomic_file

    stream = LeadReconstructor()
    blocks = read(path, fs, channel, unit)
    target, rows = new_file(out, force=force, source=path), 0
    try:
        with atomic_file(target, OWNER_ALONE) as file:
            file.write(_head())
            for block in blocks:
                rows += sum(_write(file, found) for found in stream.feed(block))
            rows += sum(_write(file, found) for found in stream.finish())
            if not rows:
                raise ConfigError(f"{path} has no second of signal in a row: nothing can be guessed from it")
    finally:
        if target.exists() and not target.stat().st_size:  # the place that was kept for what never came
            target.unlink()
    print(f"ecgedge: {stream.warning}", file=sys.stderr)
    say(f"{target}: {rows} samples; only {MEASURED} was measured")


def _head() -> bytes:
    from ecgedge.leads.features import LEADS

    names = (f"{name}_mV" if name == MEASURED else f"{name}_guessed_mV" for name in LEADS)
    return f"time_s,{','.join(names)}\n".encode()


def _write(file: IO[bytes], block: LeadBlock) -> int:
    """Write a line for each sample, in whole microvolt; return how many."""
    import numpy as np

    values = np.stack(list(block.leads.values()), axis=1)
    times = (block.sample + np.arange(len(values))) / block.fs
    np.savetxt(
        file, np.column_stack([times, values]), fmt=["%.6f", *["%.3f"] * values.shape[1]], delimiter=","
    )
    return len(values)
