"""Every sink that a name can open: ``--save`` and ``--send`` look here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ecgedge.sinks.about import NOTHING_KNOWN, About
from ecgedge.sinks.sink import Sink
from ecgedge_bridge.errors import ConfigError

if TYPE_CHECKING:
    from ecgedge.sinks.queued import Queued, Tell

__all__ = ["OUTLETS", "SAVERS", "open_outlet", "open_saver"]

# By the end of the target's name, the module and the class or function that opens it, with the options of
# `open_saver`. Modules are imported when they are chosen: what a sink needs costs nobody else anything.
SAVERS = {
    ".csv": "ecgedge.sinks.saving:CsvSink",
    ".jsonl": "ecgedge.sinks.saving:JsonFile",
    ".ecgt": "ecgedge.sinks.words_file:WordFile",
    ".edf": "ecgedge.sinks.forms.edf:EdfFile",
    ".parquet": "ecgedge.sinks.forms.parquet:ParquetFiles",
    ".fhir.json": "ecgedge.sinks.forms.fhir:FhirBundle",
    ".hea": "ecgedge.sinks.forms.wfdb_record:WfdbRecord",
}

# By the target's scheme, the module and the class or function that opens it, with a Target and an Opening.
OUTLETS = {
    "jsonl": "ecgedge.sinks.outlets.rotating:RotatingLines",
    "tcp": "ecgedge.sinks.outlets.socket_lines:open_tcp",
    "unix": "ecgedge.sinks.outlets.socket_lines:open_unix",
    "metrics": "ecgedge.sinks.outlets.metrics:Metrics",
    "lsl": "ecgedge.sinks.outlets.lsl:LslOutlet",
    "mqtt": "ecgedge.sinks.outlets.mqtt:Mqtt",
    "mqtts": "ecgedge.sinks.outlets.mqtt:Mqtt",
}


def open_saver(
    target: str, *, force: bool = False, source: Path | None = None, about: About = NOTHING_KNOWN
) -> Sink:
    """Open the sink that writes to a file.

    Parameters
    ----------
    target : str
        The file; its ending chooses the form.
    force : bool
        Whether a file that is there already may be replaced.
    source : Path, optional
        What is read meanwhile, which is never replaced.
    about : About
        What is known of the stream, and what of it is wanted.

    Raises
    ------
    ConfigError
        If no sink writes such files, or the file cannot be written, is there already, or is the source.

    Examples
    --------
    >>> import tempfile
    >>> sink = open_saver(tempfile.mkdtemp() + "/ecg.csv")
    >>> sink.take([])
    >>> sink.close()
    """
    for ending, place in SAVERS.items():
        if target.lower().endswith(ending):
            module, name = place.split(":")
            sink: Sink = getattr(import_module(module), name)(target, force=force, source=source, about=about)
            return sink
    raise ConfigError(f"nothing writes {target}: give a name that ends in {' or '.join(SAVERS)}")


def open_outlet(text: str, *, device: str, tell: Tell, patience_s: float = 0.0) -> Queued:
    """Open what somebody else listens to, behind a queue of its own.

    Parameters
    ----------
    text : str
        What ``--send`` says: ``SCHEME:REST?KEY=VALUE``, or a file ``*.jsonl``.
    device : str
        What the stream comes from, in the user's words.
    tell : callable
        Takes a sentence for the user: that a receiver is away, and what it has missed.
    patience_s : float
        See :class:`ecgedge.sinks.queued.Queued`.

    Raises
    ------
    ConfigError
        There is no such scheme, its extra is not installed, or it cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> sink = open_outlet(tempfile.mkdtemp() + "/events.jsonl", device="strap", tell=print)
    >>> sink.take([])
    >>> sink.close()
    """
    from ecgedge.sinks.outlets.target import Opening, Target
    from ecgedge.sinks.queued import EVENTS, Queued
    from ecgedge_bridge.schema import hint

    target = Target.parse(text)
    if target.scheme not in OUTLETS:
        raise ConfigError(
            f"--send {target.scheme}: nothing sends there ({hint(target.scheme, OUTLETS)}): correct it"
        )
    module, name = OUTLETS[target.scheme].split(":")
    sink = getattr(import_module(module), name)(target, Opening(device, tell))
    kinds = getattr(sink, "kinds", EVENTS)
    return Queued(sink, target.name, tell=tell, kinds=kinds, patience_s=patience_s)
