"""HeartLang: what telemetry by words loses, what codes say of ectopic beats, what blanked words teach."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.tokens.coding import LEAD_I
from ecgedge_bridge.files import read_text, write_atomically
from ecgedge_bridge.schema import Place, parse_json
from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure
from ecgedge_export.pretrain.bench import RANDOM, Bench
from ecgedge_export.pretrain.measures import MEASURES
from ecgedge_export.pretrain.table import table
from ecgedge_export.tokens import ectopic, scores
from ecgedge_export.tokens.ectopic import Compared

OBJECTIVE = "heartlang"
PROBES = ("probe", "probe_norm", "rhythm")
QUICK_RECORDS = 2  # of each set
LEAST_CENTRES, LEAST_AGREEMENT = 0.99, 0.95


def measure(job: Job) -> Measured:
    """Measure the shipped word model, and train what is compared with it."""
    limit = QUICK_RECORDS if job.quick else None
    found = _kept(job.work / "telemetry.json", lambda: scores.measured(None, limit=limit))
    seeds = (1,) if job.quick else ectopic.SEEDS
    beats = ectopic.compare(job.work, seeds, limit)
    # Encoders are shared by all rows about pre-training.
    bench = Bench(job.work.parent / f"pretrain{'-quick' if job.quick else ''}", job.log, job.quick)
    probes = table(bench, {OBJECTIVE: ()}, PROBES, seeds)
    manifest = Manifest.load(BUNDLED / "tokens")
    return Measured(
        data="vocabulary: lead I of CinC 2017 (without its validation) and PTB-XL folds 1 to 8, svdb, "
        "MIT-BIH DS1; telemetry: CinC 2017 validation, PTB-XL fold 9, DS2; ectopic beats: DS1 to DS2; "
        "masked words: PTB-XL folds 1 to 8, eight leads, probed on lead I out of fold",
        budget=f"{manifest.metrics['parameters']:,} parameters, 20 epochs of 100,000 words, half a minute of "
        "one core; masked words 8 epochs, half a minute; networks for ectopic beats some seconds each",
        seeds=len(seeds),
        tables=(_telemetry(found), _checks(found, manifest), _beats(beats), _probes(probes)),
        comparisons=(*_gains(beats), *_pretrained(probes)),
        verdict="available",
        finding=_finding(found, beats, probes),
    )


def _kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not path.is_file():
        write_atomically(path, json.dumps(make()))
    return parse_json(read_text(path), Place(f"{path.name}:", remedy="delete it, it is made again"))


def _telemetry(found: Mapping[str, Any]) -> Table:
    rows = [
        (
            name,
            str(row["records"]),
            _spanned(row, "prd", 1),
            _spanned(row, "correlation", 3),
            _spanned(row, "rms_mv", 0, 1000.0),
            f"{row['bytes_a_beat']:.2f}",
            f"{row['bytes_a_day'] / 1000:.0f}",
            f"{row['raw_bytes_a_beat']:.0f}",
        )
        for name, row in found["telemetry"].items()
    ]
    head = ("", "records", "PRD %", "correlation", "RMS µV", "bytes a beat", "kB a day", "bytes as samples")
    return Table(
        "Telemetry, INT8, decoded against the filtered signal; medians over recordings", head, tuple(rows)
    )


def _spanned(row: Mapping[str, Any], key: str, digits: int, scale: float = 1.0) -> str:
    low, high = row[f"{key}_95"]
    return figure(scale * row[key], scale * low, scale * high, digits)


def _checks(found: Mapping[str, Any], manifest: Manifest) -> Table:
    near, agreement = found["centres"]["within_20_ms"], min(manifest.metrics["code_agreement"].values())
    rows = (
        ("centres within 20 ms of an offline tokenizer, DS2", f"{near:.2%}", f"{LEAST_CENTRES:.0%}"),
        ("INT8 speaks the float network's code, PTB-XL fold 9", f"{agreement:.1%}", f"{LEAST_AGREEMENT:.0%}"),
    )
    return Table("Checks", ("", "found", "asked"), rows)


def _beats(beats: Compared) -> Table:
    rows = tuple((arm, figure(f1, span.low, span.high)) for arm, (f1, span) in beats.f1.items())
    return Table("Ventricular beats of DS2, the intervals beside each", ("shape by", "F1"), rows)


def _probes(probes: Mapping[str, Any]) -> Table:
    rows = tuple(
        (MEASURES[name].what, figure(*of[RANDOM]["mean"]), figure(*of[OBJECTIVE]["mean"]))
        for name, of in probes.items()
    )
    return Table("Encoders, frozen", ("", "untrained", "masked words"), rows)


def _gains(beats: Compared) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(f"codes against {other}, F1 of ventricular beats", gain.gain, gain.low, gain.high)
        for other, gain in beats.gains.items()
    )


def _pretrained(probes: Mapping[str, Any]) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(f"masked words against an untrained encoder, {MEASURES[name].what}", *_gain(of))
        for name, of in probes.items()
    )


def _gain(of: Mapping[str, Any]) -> tuple[float, float, float]:
    gain, low, high = of[OBJECTIVE]["gain_over"][RANDOM]
    return gain, low, high


def _finding(found: Mapping[str, Any], beats: Compared, probes: Mapping[str, Any]) -> str:
    row, pca = found["telemetry"][LEAD_I], beats.gains["PCA"]
    gain, low, high = _gain(probes["probe"])
    learnt = "help" if low > 0 else "are no gain"
    return (
        f"{row['bytes_a_beat']:.1f} bytes a beat instead of {row['raw_bytes_a_beat']:.0f} keep the signal of "
        f"a hand-held lead I up to a PRD of {row['prd']:.0f} %. Ventricular beats by code instead of 32 "
        f"principal components: {_points(pca.gain, pca.low, pca.high)} of F1. Blanked words {learnt} over an "
        f"untrained encoder: {_points(gain, low, high)} of macro AUROC."
    )


def _points(gain: float, low: float, high: float) -> str:
    return f"{100 * gain:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
