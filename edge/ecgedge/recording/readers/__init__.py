"""One module for each form of recording, chosen by content; this list is the only place that knows all.

A new form is a module with two functions, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecgedge.recording.blocks import Blocks, Wanted
from ecgedge.recording.readers.capture import is_capture, read_capture
from ecgedge.recording.readers.database import is_database, read_database
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
    Reader("a capture (.cap)", is_capture, read_capture),
    Reader("a recording (.db)", is_database, read_database),
    Reader("a WFDB record (.hea)", is_wfdb, read_wfdb),
    Reader("beats as words (.ecgt)", is_words, read_words),
    Reader("text (.csv, .txt, .tsv; .gz too)", is_text, read_text),
)
