"""Encoders and large models as teachers: loaded from a path that the user gives, or as cached embeddings.

A :class:`Teacher` turns ten seconds of ECG into a vector. Encoders of our own are made by
:mod:`ecgedge_export.pretrain`. CLEF and ECGFounder are built here from the layout
of their checkpoints and loaded strictly; a model that is not (HeartLang, MELP) runs in its own surroundings
and hands over an :class:`EmbeddingCache`. Nothing is downloaded, and nothing of theirs is in this package.
"""

from __future__ import annotations

from ecgedge_export.teachers.base import Teacher
from ecgedge_export.teachers.cache import EmbeddingCache, fill
from ecgedge_export.teachers.external import KINDS, ExternalTeacher
from ecgedge_export.teachers.load import load_teacher
from ecgedge_export.teachers.own import OwnTeacher
from ecgedge_export.teachers.presets import PRESETS, Preset

__all__ = [
    "KINDS",
    "PRESETS",
    "EmbeddingCache",
    "ExternalTeacher",
    "OwnTeacher",
    "Preset",
    "Teacher",
    "fill",
    "load_teacher",
]
