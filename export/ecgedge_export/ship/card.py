"""Model cards: what a model is, what it was measured to do, what it is not for; made from its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgedge.artefacts.manifest import MANIFEST_NAME, Manifest
from ecgedge_export.beats.card import measured_beats
from ecgedge_export.ship.gate_card import measured_gate
from ecgedge_export.ship.lead_card import measured_leads
from ecgedge_export.ship.markdown import int8_against_float, table
from ecgedge_export.ship.panel_card import panel_worth
from ecgedge_export.ship.purposes import NOT_FOR, purpose
from ecgedge_export.ship.tried import TRIED
from ecgedge_export.ship.wave_card import measured_waves
from ecgedge_export.splits import SPLITS
from ecgedge_export.tokens.card import measured_words

CARD = "CARD.md"
EVERYBODY = "everybody"
Report = Mapping[str, Any]


def card(name: str, manifest: Manifest) -> str | None:
    """Card of a model folder called ``name``, None where the manifest holds no report that a card gives.

    Examples
    --------
    >>> from ecgedge.artefacts.folder import BUNDLED
    >>> print(card("rhythm", Manifest.load(BUNDLED / "rhythm")).splitlines()[0])
    # Model card: rhythm
    """
    section = _SECTIONS[manifest.task]
    if section.needs not in manifest.metrics:
        return None
    lines = [
        f"# Model card: {name}",
        "",
        purpose(manifest),
        "",
        *_what(manifest),
        *_data(manifest),
        *section.make(manifest.metrics),
        "## What it is not for",
        "",
        *(f"* {line}" for line in NOT_FOR[manifest.task]),
        "",
        "## Make it again",
        "",
        f"    {manifest.metrics['command']}",
        "    ecgedge-export verify      # these files are the ones that the report describes",
        "",
        f"Commit {manifest.commit or 'unknown'}. Made with",
        ", ".join(f"{package} {version}" for package, version in manifest.versions.items()) + ".",
        "",
    ]
    return "\n".join(lines)


def rewrite(models: Path) -> list[Path]:
    """Write the card of each model folder in a folder again; return the cards."""
    written = []
    for path in sorted(models.glob(f"*/{MANIFEST_NAME}")):
        if (text := card(path.parent.name, Manifest.load(path.parent))) is not None:
            target = path.with_name(CARD)
            target.write_text(text, encoding="utf-8")
            written.append(target)
    return written


def _what(m: Manifest) -> list[str]:
    if m.weights and not m.backends:
        return table(
            ("", ""),
            [
                ("input", f"windows of {m.window_s:g} s at {m.fs:g} Hz"),
                ("file", m.weights.file),
                *((f"threshold: {name}", f"{value:.3g}") for name, value in m.thresholds.items()),
            ],
        )
    memory = m.metrics.get("memory", {})
    rows = [
        ("input", f"{m.n_inputs} values from {m.window_s:g} s at {m.fs:g} Hz"),
        ("parameters", f"{m.metrics['parameters']:,}, INT8"),
        ("files", ", ".join(_files(m)) + ", C source from `ecgedge-export bundle`"),
        *((_MEMORY[key], f"{size:,} bytes") for key, size in memory.items() if key in _MEMORY),
    ]
    return table(("", ""), rows)


def _files(m: Manifest) -> list[str]:
    return [*(a.file for a in m.backends.values()), *([m.weights.file] if m.weights else [])]


_MEMORY = {
    "c_arena_bytes": "working memory of the C source",
    "tflite_micro_arena_bytes": "arena in TFLite Micro",
}


def _data(m: Manifest) -> list[str]:
    rows = [(f"[{d.name}]({d.url})" if d.url else d.name, d.records, d.licence) for d in m.training_data]
    return [
        "## Data",
        "",
        *table(("trained on", "records", "licence"), rows),
        *_statements_of(m),
        "",
        f"SHA-256 of the list of validation or test records: `{m.split_sha256}`.",
        "",
    ]


def _statements_of(m: Manifest) -> list[str]:
    """How each data set was divided; the manifest of a model of other people's recordings says it."""
    if "own_data" in m.metrics:
        return [f"* {m.training_data[0].name}: {m.metrics['own_data']}"]
    return [f"* {name}: {statement}" for name, statement in _SECTIONS[m.task].splits.items()]


def _own_rhythm(metrics: Report) -> list[str]:
    """Figures of a rhythm model of other people's recordings."""
    report = metrics["int8_litert"]
    return [
        "## Measured",
        "",
        f"{report['records']} stretches that trained nothing, INT8 through `ecgedge.classify`, noise gate",
        "included. Intervals are 95 %, from 1,000 bootstrap draws. The same stretches chose the temperature.",
        "",
        *table(
            ("", "F1"),
            [
                (f"mean of {', '.join(report['mean_of'])}", _span(report["mean_f1"], report["mean_f1_95"])),
                *((name, f"{f1:.3f}") for name, f1 in report["f1"].items()),
            ],
        ),
        *([_af_sentence(report["af"]), ""] if "af" in report else []),
        *int8_against_float(metrics),
    ]


def _rhythm(metrics: Report) -> list[str]:
    report = metrics["int8_litert"]
    if "own_data" in metrics:
        return _own_rhythm(metrics)
    lines = [
        "## Measured",
        "",
        f"CinC 2017 validation split, {report['records']} recordings, INT8 through `ecgedge.classify`, noise",
        "gate included. Intervals are 95 %, from 1,000 bootstrap draws of recordings. The same split chose",
        "temperature and limits.",
        "",
        *table(
            ("", "F1"),
            [
                ("mean of N, A, O", _span(report["mean_f1_nao"], report["mean_f1_nao_95"])),
                *((name, f"{f1:.3f}") for name, f1 in report["f1"].items()),
            ],
        ),
        _af_sentence(report["af"]),
        "",
    ]
    if "conditions" in metrics:
        lines += ["### Under other conditions", "", "The same recordings, changed.", ""]
        lines += _rhythm_rows({"as they are": report, **metrics["conditions"]})
    if "ten_seconds" in metrics:
        lines += _ten_seconds(metrics)
    if "by_quality" in metrics:
        lines += [
            "### By signal quality",
            "",
            "By the share of a recording that the gate lets through.",
            "",
        ]
        lines += _rhythm_rows(metrics["by_quality"])
    if "by_person" in metrics:
        lines += _people(metrics["by_person"])
    if trials := metrics.get("distillation"):
        lines += panel_worth(trials["panel"]) if "panel" in trials else _distillation(trials)
    return lines + _tried("rhythm") + int8_against_float(metrics)


def _rhythm_rows(groups: Mapping[str, Report]) -> list[str]:
    rows = [
        (name, r["records"], _span(r["mean_f1_nao"], r["mean_f1_nao_95"]), *_af_cells(r["af"]))
        for name, r in groups.items()
    ]
    worst = min(groups, key=lambda name: groups[name]["mean_f1_nao"])
    head = ("", "recordings", "mean F1 of N, A, O", "AF: Se", "AF: Sp", "AF: coverage")
    return [*table(head, rows), f"Worst: {worst}.", ""]


def _ten_seconds(metrics: Report) -> list[str]:
    first = {"CinC 2017, first 10 s of up to 61": metrics["conditions"]["first 10 s"]["af"]}
    rows = [
        (name, af["with_af"], _share(af["coverage_of_af"], af.get("coverage_of_af_95")), *_af_cells(af))
        for name, af in {**metrics["ten_seconds"], **first}.items()
    ]
    return [
        "### AF or not in ten seconds",
        "",
        "From 10 to 30 s AF has limits of its own: most people with AF get a verdict, Se 95 %, Sp 98 %.",
        "",
        *table(("", "with AF", "of them with a verdict", "Se", "Sp", "coverage of all"), rows),
    ]


def _people(groups: Mapping[str, Report]) -> list[str]:
    rows = [(name, r["records"], r["af"]["with_af"], *_af_cells(r["af"])) for name, r in groups.items()]
    parts = {name: r["af"]["Se"] for name, r in groups.items() if name != EVERYBODY}
    judged = {name: se for name, se in parts.items() if se is not None}
    return [
        "### By sex and age",
        "",
        "Another data set: lead I of PTB-XL, fold 9, ten seconds each. AF is what its cardiologists called",
        "AFIB. CinC 2017 says nothing about its people.",
        "",
        *table(("", "recordings", "with AF", "Se", "Sp", "coverage"), rows),
        *([f"Lowest sensitivity: {min(judged, key=judged.__getitem__)}.", ""] if judged else []),
    ]


def _distillation(trials: Report) -> list[str]:
    students = trials["students"]
    rows = [
        (
            name,
            ", ".join(f"{f1:.3f}" for f1 in row["mean_f1_nao"]),
            f"{100 * row['gain_over_labels']:+.1f} ({_signed(row['gain_95'])})",
            _falls(row["fall_in_noise"]),
        )
        for name, row in students.items()
    ]
    low = students["distilled"]["gain_95"][0]
    verdict = (
        "The distilled student is better than its twin that learnt from the labels."
        if low > 0
        else "It is not shown that the distilled student is better than its twin that learnt from the\n"
        "labels: the interval holds zero."
    )
    head = ("learns from", "mean F1, by seed", "points over labels", "points lost in noise of 12 dB")
    return [
        "### What the teacher is worth",
        "",
        f"Float students of `{trials['recipe']}`, {trials['epochs']} epochs each, the last window of each",
        "validation recording, no gate. The teachers answered about recordings that they had not seen.",
        "",
        *table(head, rows),
        verdict,
        "",
    ]


def _falls(falls: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {100 * fall:.1f}" for kind, fall in falls.items())


def _beat_classes(metrics: Report) -> list[str]:
    report = metrics["int8_litert"]
    confusion = report["confusion"]
    symbols = list(confusion)
    return [
        "## Measured",
        "",
        "MIT-BIH DS2: no record of these taught it. INT8 through `ecgedge.classify_beats` on the first lead,",
        "beats matched within 150 ms, without the first five minutes and ventricular flutter (ANSI/AAMI",
        "EC57). Fusion beats called V, and Q called V or S, count neither way.",
        "",
        *table(
            ("", "beats", "Se %", "P+ %", "FPR %", "F1 %"),
            [*_figures("gross", report["gross"]), *_figures("without 232", report.get("without_232", {}))],
        ),
        *_beat_intervals(report.get("f1_95")),
        "What beats are (rows), and what they were called (columns); O is no beat: missed, or made up.",
        "",
        *table(("", *symbols), [(name, *row.values()) for name, row in confusion.items()]),
        "### By record",
        "",
        *table(
            ("", "beats", "Se %", "P+ %", "FPR %", "F1 %"),
            [row for name, each in report["by_record"].items() for row in _figures(name, each) if row[1]],
        ),
        *_tried("beat_classes"),
        *int8_against_float(metrics),
    ]


def _figures(name: str, report: Report) -> list[tuple[object, ...]]:
    keys = ("beats", "Se", "P+", "FPR", "F1")
    return [(f"{name} {kind}", *(each[key] for key in keys)) for kind, each in report.items()]


def _tried(task: str) -> list[str]:
    return ["## What was tried", "", *(f"* {idea}" for idea in TRIED[task]), ""]


def _beat_intervals(f1_95: Mapping[str, Sequence[float]] | None) -> list[str]:
    if not f1_95:
        return []
    spans = " and ".join(f"{low:.1f} to {high:.1f} ({kind})" for kind, (low, high) in f1_95.items())
    return [f"95 % intervals of the gross F1, by bootstrap over records: {spans}.", ""]


def _gate(metrics: Report) -> list[str]:
    return [*measured_gate(metrics), *_tried("gate")]


def _beats(metrics: Report) -> list[str]:
    return [*measured_beats(metrics["DS2"]), *_tried("beats")]


def _waves(metrics: Report) -> list[str]:
    return [*measured_waves(metrics["folds"]), *_tried("waves"), *int8_against_float(metrics)]


def _tokens(metrics: Report) -> list[str]:
    return [*measured_words(metrics), *_tried("tokens")]


def _af_sentence(af: Report) -> str:
    return (
        f"AF or not (`Classification.af`): sensitivity {_share(af['Se'], af.get('Se_95'))}, specificity\n"
        f"{_share(af['Sp'], af.get('Sp_95'))}, on the {af['coverage']:.1%} of recordings that it does not\n"
        "call inconclusive."
    )


def _af_cells(af: Report) -> tuple[str, ...]:
    return tuple("-" if af[key] is None else f"{100 * af[key]:.1f} %" for key in ("Se", "Sp", "coverage"))


def _span(value: float, span: Sequence[float]) -> str:
    return f"{value:.3f} ({span[0]:.3f} to {span[1]:.3f})"


def _share(value: float | None, span: Sequence[float] | None) -> str:
    if value is None or span is None:
        return "not known"
    return f"{100 * value:.1f} % ({100 * span[0]:.1f} to {100 * span[1]:.1f})"


def _signed(span: Sequence[float]) -> str:
    return f"{100 * span[0]:+.1f} to {100 * span[1]:+.1f}"


@dataclass(frozen=True, slots=True)
class _Section:
    """What a task's card reports: the key of the metrics that it needs, and how each data set was divided."""

    make: Callable[[Report], list[str]]
    needs: str
    splits: Mapping[str, str]


def _statements(*names: str) -> dict[str, str]:
    return {name: SPLITS[name].statement for name in names}


# Gate and beats learn from all of DS1, 201 included, and from one lead of the noise, not its first half.
_ALL_OF_DS1 = {
    **_statements("cinc2017"),
    "mitdb": "By record: de Chazal's DS1 trains, DS2 tests; 201 of DS1 and 202 of DS2 are one person.",
    "nstdb": "By lead: the second one of each noise recording trains, the first one tests.",
}
_SECTIONS = {
    "rhythm": _Section(_rhythm, "int8_litert", _statements("cinc2017", "nstdb")),
    "beat_classes": _Section(
        _beat_classes, "int8_litert", _statements("mitdb", "svdb", "ptb-xl", "cinc2017", "nstdb")
    ),
    "gate": _Section(
        _gate,
        "folds",
        {
            **_ALL_OF_DS1,
            **_statements("svdb", "ptb-xl"),
            "cinc2011": "Set a, lead I: the acceptable recordings train, the others train nothing.",
            "motion artefacts": "By person: 1 to 7 train, 8 tests.",
        },
    ),
    "beats": _Section(
        _beats,
        "DS2",
        {
            **_ALL_OF_DS1,
            "svdb": "All of it trains.",
            "ludb": "By person: fold 0 validates (sha256('fold-1:ludb:' id) modulo 5), the others train.",
        },
    ),
    "waves": _Section(_waves, "folds", _statements("ludb", "ptb-xl", "nstdb")),
    "tokens": _Section(_tokens, "telemetry", _statements("cinc2017", "ptb-xl", "mitdb")),
    "leads": _Section(measured_leads, "test", _statements("ptb-xl", "nstdb")),
}
