"""Recordings that teach the beat detector where beats are, filtered as live."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ecgedge.beats.detector import find_beats
from ecgedge.beats.net import FS, BeatNet
from ecgedge_export import data, prepare, splits
from ecgedge_export.beats.augment import STRETCH, N, Source
from ecgedge_export.beats.scores import FLUTTER
from ecgedge_export.beats.shapes import peaks
from ecgedge_export.data import Record

# Ventricular, fusion, escape, aberrant and junctional beats: few people's, so drawn more often than they come
# (`rare` in the recipe); so are seconds of flutter, of one person, in which there is none.
RARE = frozenset("VFEe!aSJ")
LUDB_HELD_OUT = 0  # the fold of LUDB that validates
LOOPED = 1.5  # length of a loop in stretches that are drawn, at the slowest tempo
FADE = 8  # samples over which the end of a loop becomes its beginning


def people(name: str) -> list[Record]:
    """Records of ``svdb`` or ``ludb`` that teach: each is one person."""
    row = data.DATASETS[name]
    fold = row.split.fold
    return [r for r in row.read(None) if name != "ludb" or fold is None or fold(r) != LUDB_HELD_OUT]


def mitdb_sources(record_ids: tuple[str, ...]) -> list[Source]:
    """Both leads of MIT-BIH records, filtered as live."""
    sources = []
    for record in data.mitdb(record_ids):
        leads = [prepare.filtered(record.lead(i), record.fs, FS) for i in (0, 1)]
        beats = record.beats.astype(np.float64) * (FS / record.fs)
        rare = beats[np.isin(record.symbols, list(RARE))]
        flutter = [np.arange(e.start, e.end, record.fs) for e in record.rhythms if e.name == FLUTTER]
        rare = np.concatenate([rare, *(places * (FS / record.fs) for places in flutter)])
        sources.append(Source(np.stack([x / x.std() for x in leads]), beats, rare))
    return sources


def svdb_sources() -> list[Source]:
    """The first lead of the records of the Supraventricular Arrhythmia Database."""
    sources = []
    for record in people("svdb"):
        x = prepare.filtered(record.mv, record.fs, FS)
        beats = record.beats.astype(np.float64) * (FS / record.fs)
        rare = np.isin(record.symbols, list(RARE))
        sources.append(Source((x / x.std())[None].astype(np.float32), beats, beats[rare]))
    return sources


def ludb_sources() -> list[Source]:
    """Each lead of people of LUDB who do not validate: ten seconds, looped.

    Only the middle cycles are marked; what is looped lies between two marked beats.
    """
    sources = (_looped(record, lead) for record in people("ludb") for lead in record.leads)
    return [source for source in sources if source]


def _looped(record: Record, lead: str) -> Source | None:
    """The marked beats of a lead, again and again; None where fewer than three lie between two others."""
    x = prepare.filtered(np.nan_to_num(record.lead(lead)), record.fs, FS)
    marked = np.array([wave.peak for wave in record.waves[lead] if wave.kind == "QRS"]) * FS / record.fs
    if len(marked) < 5 or not x.std():
        return None
    beats = peaks(x, marked)
    start, end = (round(float(beats[i] + beats[i + 1]) / 2) for i in (0, -2))
    once, inside = x[start:end].copy(), beats[(beats >= start) & (beats < end)] - start
    # The end runs into the beginning: a jump would look like a beat.
    weight = np.linspace(0, 1, FADE)
    once[-FADE:] = (1 - weight) * once[-FADE:] + weight * x[start - FADE : start]
    times = math.ceil(LOOPED * N * math.exp(STRETCH) / len(once))
    again = np.concatenate([inside + k * len(once) for k in range(times)])
    return Source((np.tile(once, times) / x.std())[None].astype(np.float32), again, np.empty(0))


def noises() -> list[prepare.Signal]:
    """The second lead of electrode motion, muscle noise and baseline wander."""
    return list(prepare.nstdb(FS, lead=1).values())


def self_labelled(net: BeatNet, sure: float) -> list[Source]:
    """CinC 2017 training recordings in which every place that may hold a beat surely does."""
    # So low that every place that might hold a beat is found, and its confidence can be asked for.
    asking = replace(net, threshold=0.1, back=0.1)
    everything = prepare.cinc2017(FS)
    sources = []
    for record_id, x in zip(everything.ids, everything.signals, strict=True):
        if not splits.is_validation(record_id) and x.std() > 0:
            source = _labelled(asking, x, sure)
            sources += [source] if source and source.long_enough else []
    return sources


def _labelled(net: BeatNet, x: prepare.Signal, sure: float) -> Source | None:
    found = find_beats(x, net)
    if len(found) < 2 or any(b.confidence < sure for b in found):
        return None
    return Source((x / x.std())[None], np.array([b.position for b in found], np.float64), np.empty(0))
