"""One module for each form of recording, chosen by content; this list is the only place that knows all.

A new form is a module with two functions, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecgedge.recording.blocks import Blocks, Wanted
from ecgedge.recording.readers.capture import is_capture, read_capture
from ecgedge.recording.readers.database import is_database, read_database
from ecgedge.recording.readers.forms.dicom import is_dicom, read_dicom
from ecgedge.recording.readers.forms.edf import is_edf, read_edf
from ecgedge.recording.readers.forms.ishne import is_ishne, read_ishne
from ecgedge.recording.readers.forms.json_file import is_json, read_json
from ecgedge.recording.readers.forms.kardia import is_kardia, read_kardia
from ecgedge.recording.readers.forms.listed import is_listed, read_listed
from ecgedge.recording.readers.forms.refused import is_refused, refuse
from ecgedge.recording.readers.forms.xml_file import is_xml, read_xml
from ecgedge.recording.readers.text import is_text, read_text
from ecgedge.recording.readers.wfdb_record import is_wfdb, read_wfdb
from ecgedge.recording.readers.words import is_words, read_words
from ecgedge.recording.source import Source

__all__ = ["READERS", "Reader"]


@dataclass(frozen=True, slots=True)
class Reader:
    """A form: its name for messages, whether a source has it, and how it is read."""

    form: str
    recognizes: Callable[[Source], bool]
    read: Callable[[Source, Wanted], Blocks]


# The first that recognizes a source reads it: forms with a signature first, text last.
READERS = (
    Reader("", is_refused, refuse),  # known, and not read
    Reader("a capture (.cap)", is_capture, read_capture),
    Reader("a recording (.db)", is_database, read_database),
    Reader("a WFDB record (.hea)", is_wfdb, read_wfdb),
    Reader("beats as words (.ecgt)", is_words, read_words),
    Reader("EDF or BDF", is_edf, read_edf),
    Reader("ISHNE (.ecg)", is_ishne, read_ishne),
    Reader("Kardia (.atc)", is_kardia, read_kardia),
    Reader("DICOM", is_dicom, read_dicom),
    Reader("JSON (FHIR, Fitbit, Movesense, Samsung Health)", is_json, read_json),
    Reader("XML (HL7 aECG, CardioSoft)", is_xml, read_xml),
    Reader("a list of recordings (Withings, Samsung Health)", is_listed, read_listed),
    Reader("text (.csv, .txt, .tsv; .gz too)", is_text, read_text),
)
