"""What becomes of the rhythm and the beats where the signal is worse than a model was promised?

Noise, lost notifications, a wrong sampling rate, polarity, gain, another lead. A fixed part of the validation
split of CinC 2017 for the rhythm, the first minutes of MIT-BIH DS2 for the beats, lead I and II of PTB-XL
fold 9 for AF or not. The gate refuses noise, so beside every F1 is the share of recordings that got a rhythm:
the F1 of those, and that of all, where the others count as wrong.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness import command, recordings
from benchmarks.harness.command import Arguments
from benchmarks.harness.not_measured import at_hand, or_skipped, skipped
from benchmarks.harness.signals import FS, Signal, frames
from ecgedge import Models, Monitor, Rhythm, SampleBlock, detect_beats
from ecgedge_export import data, prepare, splits
from ecgedge_export.beats.scores import Counts, pairs
from ecgedge_export.data import Record
from ecgedge_export.rhythm import conditions, scores
from ecgedge_export.rhythm.conditions import Changed
from ecgedge_export.rhythm.scores import Answers, Recording

# The steps of NSTDB's own records but the last, -6 dB: at 0 dB the gate refuses nearly all muscle noise.
SNR_DB = (24, 18, 12, 6, 0)
# A crystal is off by far less than a percent: these are devices whose stated rate is not the one they have.
RATE_ERRORS = (-0.05, -0.03, -0.01, 0.01, 0.03, 0.05)
GAINS = (0.1, 0.5, 2.0, 10.0)
LOST = (0.0, 0.001, 0.01, 0.05)
# A fifth of the validation set: every condition is asked of all of it.
PERCENT = 20
BEATS_S, TOLERANCE_S = 180.0, 0.15
PLAIN, UNBROKEN = "as they are", "live, nothing lost"

Change = Callable[[Recording], Changed]
Row = dict[str, Any]


# Conditions


def plain(record: Recording) -> Changed:
    """The recording as it is."""
    return Changed(record.id, record.label, record.mv, record.fs)


def misdated(error: float, record: Recording) -> Changed:
    """The recording of a device whose clock is off: it states another rate than it sends."""
    return Changed(record.id, record.label, record.mv, record.fs * (1 + error))


def amplified(gain: float, record: Recording) -> Changed:
    """The recording in other units than mV, or of another amplifier."""
    return Changed(record.id, record.label, np.asarray(gain * record.mv, np.float32), record.fs)


def changes(fs: float) -> dict[str, Change]:
    """Every condition by name, for recordings at ``fs`` Hz."""
    noises = prepare.held_out_noise(fs)
    return {
        PLAIN: plain,
        **{
            f"NSTDB {kind}, {snr} dB": partial(conditions.with_noise, noise, snr_db=snr)
            for snr in SNR_DB
            for kind, noise in noises.items()
        },
        **{f"rate {100 * error:+g} %": partial(misdated, error) for error in RATE_ERRORS},
        "upside down": conditions.upside_down,
        **{f"gain {gain:g}": partial(amplified, gain) for gain in GAINS},
    }


def lost_name(share: float) -> str:
    """Name of a share of lost notifications."""
    return f"{100 * share:g} % of notifications lost" if share else UNBROKEN


# Rhythm


def figures(answers: Answers, before: Answers) -> Row:
    """F1 of the named, of all, and how many points that is below the answers before the change."""
    keep = recordings.named(answers.predicted)
    gain, low, high = scores.mean_f1_gain(answers.truth, [answers.predicted], [before.predicted])
    return {
        "named": round(float(keep.mean()), 4),
        "of_named": recordings.f1(answers.only(keep)),
        "of_all": recordings.f1(answers),
        "points": round(100 * gain, 2),
        "points_95": [round(100 * low, 2), round(100 * high, 2)],
    }


def changed(records: Sequence[Recording], models: Models, every: Mapping[str, Change]) -> dict[str, Row]:
    """Rhythm by condition, through ``ecgedge.classify``."""
    answers = {name: recordings.answers(map(change, records), models) for name, change in every.items()}
    return {name: figures(some, answers[PLAIN]) for name, some in answers.items()}


def live(monitor: Monitor, blocks: Iterable[SampleBlock]) -> str:
    """Label of the last rhythm event of a stream, ``~`` where there is none."""
    monitor.reset()
    events = [event for block in blocks for event in monitor.feed(block)] + monitor.finish()
    return next((event.label for event in reversed(events) if isinstance(event, Rhythm)), "~")


def surviving(record: Recording, share: float) -> list[SampleBlock]:
    """Notifications of a Polar H10 with this recording, some lost at random; a larger share loses more."""
    blocks = frames(conditions.at_rate(FS, record).mv)
    drawn = np.random.default_rng(zlib.crc32(record.id.encode())).random(len(blocks))
    return [block for block, x in zip(blocks, drawn, strict=True) if x >= share]


def lossy(records: Sequence[Recording], monitor: Monitor) -> dict[str, Row]:
    """Rhythm of the live path by the share of notifications that is lost."""
    answers = {
        lost_name(share): labels_alone(records, [live(monitor, surviving(r, share)) for r in records])
        for share in LOST
    }
    return {name: figures(some, answers[UNBROKEN]) for name, some in answers.items()}


def labels_alone(records: Sequence[Recording], labels: list[str]) -> Answers:
    """Answers without probabilities: those of an event are of one window."""
    nothing = np.zeros((len(labels), 0)), np.zeros(len(labels))
    return Answers(
        [r.id for r in records], [r.label for r in records], labels, *nothing, [None] * len(labels)
    )


def rhythm(models: Models, limit: int | None) -> Row:
    """Rhythm under every condition.

    Raises
    ------
    NotMeasuredError
        The recordings are not at hand.
    """
    records = recordings.cinc2017(recordings.validating(PERCENT), limit)
    every = at_hand("nstdb", lambda: changes(records[0].fs))
    return {
        "split": recordings.CINC2017,
        "part": f"of it those with sha256('bench-1:' id) modulo 100 below {PERCENT}",
        "records": len(records),
        "with_af": sum(record.label == "A" for record in records),
        "split_sha256": splits.split_hash(record.id for record in records),
        "conditions": {**changed(records, models, every), **lossy(records, Monitor(models))},
    }


# Beats and leads


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The begin of a recording with its annotated beats."""

    id: str
    label: str
    mv: Signal
    fs: float
    beats: npt.NDArray[np.int64]


def excerpt(record: Record) -> Excerpt:
    """The first minutes of a recording."""
    n = round(BEATS_S * record.fs)
    return Excerpt(record.id, record.label, record.mv[:n], record.fs, record.beats[record.beats < n])


def beats_under(records: Sequence[Excerpt], change: Change) -> Row:
    """Sensitivity and positive predictivity of the beats, gross."""
    total = Counts()
    for record in records:
        worse = change(record)
        found = detect_beats(worse.mv, worse.fs)
        hits = len(pairs(record.beats, found, TOLERANCE_S * record.fs))
        total += Counts(len(record.beats), len(found), hits)
    return {"beats": total.beats, "Se": round(total.sensitivity, 4), "P+": round(total.predictivity, 4)}


def all_beats(limit: int | None) -> Row:
    """Beats under every condition that leaves them where they are.

    Raises
    ------
    NotMeasuredError
        The recordings are not at hand.
    """
    ids = splits.DS2[:limit]
    records = at_hand("mitdb", lambda: [excerpt(record) for record in data.mitdb(ids)])
    every = at_hand("nstdb", lambda: changes(records[0].fs))
    return {
        "split": f"MIT-BIH DS2. {splits.SPLITS['mitdb'].statement}",
        "part": f"first lead, the first {BEATS_S:g} s of each",
        "records": len(records),
        "tolerance_s": TOLERANCE_S,
        "conditions": {name: beats_under(records, change) for name, change in every.items()},
    }


def leads(models: Models, limit: int | None) -> Row:
    """AF or not, and the share that got a rhythm, by lead.

    Raises
    ------
    NotMeasuredError
        The recordings are not at hand.
    """
    people = at_hand("ptb-xl", lambda: [r for r in data.ptbxl() if r.fold == 9][:limit])
    found: Row = {"split": f"PTB-XL, fold 9. {splits.SPLITS['ptb-xl'].statement}", "records": len(people)}
    for lead in ("I", "II"):
        answers = recordings.answers((conditions.af_or_not(r, lead) for r in people), models)
        share = round(float(recordings.named(answers.predicted).mean()), 4)
        found[lead] = {"named": share, "AF": scores.af_report(answers)}
    return found


# All of it


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    models = Models.load("litert")
    return {
        "rhythm": or_skipped(rhythm, models, 5 if quick else None),
        "beats": or_skipped(all_beats, 1 if quick else None),
        "leads": or_skipped(leads, models, 20 if quick else None),
    }


def show(found: dict[str, Any]) -> None:
    """Print it."""
    for name, row in found["rhythm"].get("conditions", {}).items():
        beat = found["beats"].get("conditions", {}).get(name, {})
        of_named, of_all = (row[which]["mean_f1_nao"] for which in ("of_named", "of_all"))
        figures_of = (
            f"named {row['named']:.3f}, F1 of them {of_named}, of all {of_all} ({row['points']:+.1f} points)"
        )
        print(f"{name:30} {figures_of}, beats Se {beat.get('Se')} P+ {beat.get('P+')}")
    for lead in ("I", "II"):
        print(f"PTB-XL lead {lead}: {found['leads'].get(lead)}")
    for name, part in found.items():
        if skipped(part):
            print(f"{name}: {part['skipped']}")


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "robustness", measure, show, arguments)
