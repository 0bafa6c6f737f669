"""``ecgedge save`` and ``ecgedge leads``: a recording in another form, or as twelve leads."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import AsJson, Backend, Channel, Fs, Unit

if TYPE_CHECKING:
    from ecgedge.leads.reconstruct import LeadBlock
    from ecgedge.sinks.sink import Sink
    from ecgedge.stream.pipeline import Pipeline

__all__ = ["leads", "save"]

MEASURED = "I"
OWNER_ALONE = 0o600  # it holds somebody's ECG


def save(
    path: Annotated[
        Path, typer.Argument(help="Capture (.cap), WFDB record, words (.ecgt), or text; - is standard input.")
    ],
    out: Annotated[str, typer.Argument(help="The file: .csv the ECG, .jsonl the events, .ecgt the words.")],
    tokens: Annotated[
        bool,
        typer.Option(
            "--tokens", help="A word of each beat, three bytes: all that .ecgt holds; in .jsonl too."
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    backend: Backend = "auto",
    as_json: AsJson = False,
) -> None:
    """Write a recording in another form: the ECG as text, its events, or some bytes of each beat.

    Words (.ecgt) are a few bytes a beat, and what is read from them again, as from any recording, is an
    approximation: 'ecgedge save night.ecgt night.csv'.
    """
    from ecgedge.cli.monitors import wants_words
    from ecgedge.cli.output import open_savers
    from ecgedge.recording import read
    from ecgedge_bridge.errors import ConfigError

    in_words = wants_words([out])
    if tokens and out.lower().endswith(".csv"):
        raise ConfigError("--tokens writes words (.ecgt) or events (.jsonl): give such a name")
    blocks = read(path, fs, channel, unit)
    (sink,) = open_savers([out], force=force, source=path)
    if in_words:
        sink.start = blocks.start  # type: ignore[attr-defined]  # a file of words has one
    pipeline = None if out.lower().endswith(".csv") else _pipeline(backend, in_words=in_words, tokens=tokens)
    with closing(sink):
        for block in blocks:
            sink.take([block, *(pipeline.feed(block) if pipeline else ())])
        sink.take(pipeline.finish() if pipeline else ())
    _tell(out, sink, as_json=as_json)


def _pipeline(backend: str, *, in_words: bool, tokens: bool) -> Pipeline:
    """What the file needs: beats and their words, or everything."""
    from ecgedge.beats.detector import bundled_net
    from ecgedge.beats.stage import BeatStage
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.stream.pipeline import Pipeline
    from ecgedge.tokens.model import WordModel
    from ecgedge.tokens.stage import WordStage

    if not in_words:
        return open_monitor(backend=backend, tokens=tokens)
    net = bundled_net()
    stages = BeatStage(net, events=False), WordStage(WordModel.load(None, backend))
    return Pipeline(stages, net.fs, net.front_end)


def _tell(out: str, sink: Sink, *, as_json: bool) -> None:
    from ecgedge.cli.output import print_json, say
    from ecgedge.sinks.words_file import WordFile
    from ecgedge.tokens.coding import bundled, stated

    path = Path(out).expanduser()
    size = path.stat().st_size if path.is_file() else 0
    told: dict[str, object] = {"type": "saved", "file": out, "bytes": size}
    words = f"{out}: {size:,} bytes" if size else f"{out} was not written: nothing was found to put into it"
    if isinstance(sink, WordFile) and size:
        sentence, error = sink.sentence(), stated(bundled())
        told |= {"words": len(sentence), "prd": error.prd, "correlation": error.correlation}
        words += (
            f", {len(sentence):,} beats in {size / len(sentence):.1f} bytes each; decoded, the median error "
            f"on other people is {error.prd:.0f} % of the signal (PRD)"
        )
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
