"""Every sink that a name can open: ``--save`` and its like look here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ecgedge.sinks.about import NOTHING_KNOWN, About
from ecgedge.sinks.sink import Sink
from ecgedge_bridge.errors import ConfigError

__all__ = ["SAVERS", "open_saver"]

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
