"""JSON: whose it is shows in its keys."""

from __future__ import annotations

from ecgedge.recording.blocks import Blocks, Wanted
from ecgedge.recording.held import blocks_of
from ecgedge.recording.readers.forms import fhir, makers
from ecgedge.recording.readers.forms.whole import parsed_json
from ecgedge.recording.source import Source
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_json", "read_json"]

_MAKERS = (
    (makers.is_fitbit, makers.read_fitbit),
    (makers.is_movesense, makers.read_movesense),
    (makers.is_samsung, makers.read_samsung),
)


def is_json(source: Source) -> bool:
    """Whether this begins as JSON does."""
    head = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith((b"{", b"[{", b"[[")) or (head.startswith(b"[") and b"," in head[:200])


def read_json(source: Source, wanted: Wanted) -> Blocks:
    """Read a JSON file of a maker, or a FHIR Observation."""
    raw, where = parsed_json(source), source.name
    if fhir.is_fhir(raw):
        signals, start = fhir.read_fhir(raw, where)
        return blocks_of(signals, wanted, where, start)
    for recognizes, read in _MAKERS:
        if recognizes(raw):
            signals, start, notes = read(raw, where)
            return blocks_of(signals, wanted, where, start, notes)
    raise ConfigError(
        f"{where} is JSON of no known kind: use FHIR, Fitbit, Movesense or Samsung Health, or CSV"
    )
