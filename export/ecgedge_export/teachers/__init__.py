"""Large models of other people as teachers: loaded from a path that the user gives, or as cached embeddings.

A :class:`Teacher` turns ten seconds of ECG into a vector. CLEF and ECGFounder are built here from the layout
of their checkpoints and loaded strictly; a model that is not (HeartLang, MELP) runs in its own surroundings
and hands over an :class:`EmbeddingCache`. Nothing is downloaded, and nothing of theirs is in this package.
"""

from __future__ import annotations

from ecgedge_export.teachers.base import Teacher
from ecgedge_export.teachers.cache import EmbeddingCache, fill
from ecgedge_export.teachers.external import KINDS, ExternalTeacher, load_teacher
from ecgedge_export.teachers.presets import PRESETS, Preset

__all__ = [
    "KINDS",
    "PRESETS",
    "EmbeddingCache",
    "ExternalTeacher",
    "Preset",
    "Teacher",
    "fill",
    "load_teacher",
]
