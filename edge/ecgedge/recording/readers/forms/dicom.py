"""DICOM waveforms (PS3.3, A.34), by pydicom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from ecgedge.recording.blocks import Blocks, Wanted
from ecgedge.recording.held import Held, blocks_of
from ecgedge.recording.source import Source
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_dicom", "read_dicom"]

_MAGIC_AT = 128


def is_dicom(source: Source) -> bool:
    """Whether this is a DICOM file."""
    return source.head[_MAGIC_AT : _MAGIC_AT + 4] == b"DICM"


def read_dicom(source: Source, wanted: Wanted) -> Blocks:
    """Read one channel of the first waveform."""
    where = source.name
    source.close()
    try:
        from pydicom import dcmread
        from pydicom.waveforms.numpy_handler import multiplex_array
    except ImportError as error:
        raise ConfigError(f"{where} is DICOM, which takes pydicom: pip install 'ecgedge[dicom]'") from error
    try:
        dataset = dcmread(source.path)
        group = dataset.WaveformSequence[0]
        values = np.asarray(multiplex_array(dataset, 0, as_raw=False), np.float64)
        fs = float(group.SamplingFrequency)
        signals = [
            Held.of(_name(channel, place), _unit(channel), fs, values[:, place])
            for place, channel in enumerate(group.ChannelDefinitionSequence)
        ]
    except Exception as error:  # a library's errors of any kind, on bytes of any kind
        why = " ".join(str(error).split())[:100]
        raise ConfigError(f"{where} holds no waveform that can be read ({why}): export it again") from error
    return blocks_of(signals, wanted, where, _start(dataset))


def _name(channel: Any, place: int) -> str:
    try:
        meaning = str(channel.ChannelSourceSequence[0].CodeMeaning)
    except (AttributeError, IndexError):
        return f"ECG {place + 1}"
    return meaning.removeprefix("Lead ").partition(" (")[0].strip()


def _unit(channel: Any) -> str:
    try:
        return str(channel.ChannelSensitivityUnitsSequence[0].CodeValue)
    except (AttributeError, IndexError):
        return ""


def _start(dataset: Any) -> datetime | None:
    text = str(getattr(dataset, "AcquisitionDateTime", "") or "")
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S")
    except ValueError:
        return None
