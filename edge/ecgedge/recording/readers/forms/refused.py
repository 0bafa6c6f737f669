"""Forms that look like a recording and are not read: what to do instead."""

from __future__ import annotations

from typing import NoReturn

from ecgedge.recording.blocks import Wanted
from ecgedge.recording.source import Source
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_refused", "refuse"]


def is_refused(source: Source) -> bool:
    """Whether this is a known form that is not read."""
    return _advice(source) is not None


def refuse(source: Source, wanted: Wanted) -> NoReturn:
    """Say what to do instead."""
    source.close()
    raise ConfigError(f"{source.name} {_advice(source)}")


def _advice(source: Source) -> str | None:
    if source.head.startswith(b"%PDF"):
        return "is a PDF, a drawing and no signal: export the raw data (.atc, CSV or EDF) from the app"
    if source.head[16:24].startswith(b"SCPECG") or source.path.suffix.lower() == ".scp":
        return "is SCP-ECG, which is not read: convert it to EDF or WFDB, for example with ecgdatakit"
    if source.head.startswith(b"PK\x03\x04"):
        return "is a ZIP archive: unpack it and name a recording in it"
    return None
