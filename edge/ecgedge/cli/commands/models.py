"""``ecgedge models``: the models in the package, as their manifests describe them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgedge.cli.options import AsJson

if TYPE_CHECKING:
    from ecgedge.artefacts.manifest import Manifest

__all__ = ["models"]

# What each model does, in the order in which a signal meets them.
_PURPOSES = {
    "beats": "finds the beats",
    "beat_classes": "names each beat: normal, supraventricular, ventricular, fusion, unclassifiable",
    "waves": "finds P, QRS and T of each beat, where it is asked for (--waves)",
    "tokens": "makes a word of each beat, three bytes, where it is asked for (--tokens)",
    "leads": "guesses twelve leads from lead I, for looking at alone (`ecgedge leads`)",
    "gate": "keeps noise from the rhythm model",
    "rhythm": "names the rhythm: normal sinus (N), atrial fibrillation (A), another one (O), too noisy (~)",
}


def models(as_json: AsJson = False) -> None:
    """List the models in the package: what each does, where it is, and how good it is.

    Figures are those of the INT8 files, on recordings that did not train them; --json has all of them.
    """
    from ecgedge.artefacts.folder import BUNDLED
    from ecgedge.artefacts.manifest import MANIFEST_NAME, Manifest
    from ecgedge.cli.output import print_json

    folders = [path.parent for path in BUNDLED.glob(f"*/{MANIFEST_NAME}")]
    order = list(_PURPOSES)
    for folder in sorted(folders, key=lambda one: (order.index(one.name) if one.name in order else 99, one)):
        entry = _entry(folder, Manifest.load(folder))
        if as_json:
            print_json(entry)
        else:
            _show(entry)


def _entry(folder: Path, manifest: Manifest) -> dict[str, Any]:
    content = manifest.verify(folder)
    files = {kind: artefact.file for kind, artefact in manifest.backends.items()}
    if manifest.weights:
        files["weights"] = manifest.weights.file
    sizes = {kind: len(content[file]) for kind, file in files.items()}
    return {
        "type": "model",
        "name": folder.name,
        "path": str(folder),
        "task": manifest.task,
        "classes": list(manifest.classes),
        "fs": manifest.fs,
        "window_s": manifest.window_s,
        "bytes": sizes,
        "metrics": dict(manifest.metrics),
    }


def _show(entry: dict[str, Any]) -> None:
    from ecgedge.cli.output import say

    name = entry["name"]
    say(f"{name}: {_PURPOSES.get(name, entry['task'])}")
    files = ", ".join(f"{kind} {size / 1000:.0f} kB" for kind, size in entry["bytes"].items())
    say(f"  looks at {entry['window_s']:g} s at {entry['fs']:g} Hz; files: {files}")
    report = entry["metrics"].get("int8_litert", entry["metrics"])
    for line in _FIGURES.get(entry["task"], _no_figures)(report):
        say(f"  {line}")
    say(f"  {entry['path']}  (CARD.md: data, limits, all figures)")
    say()


def _no_figures(report: Mapping[str, Any]) -> Iterator[str]:
    yield from ()


def _beats(report: Mapping[str, Any]) -> Iterator[str]:
    test = report.get("DS2", {})
    if found := test.get("150 ms"):
        yield (
            f"finds {found['Se']:.2f} % of the beats, {found['P+']:.2f} % of what it finds are beats "
            f"({test['records']} MIT-BIH records, within 150 ms)"
        )


def _beat_classes(report: Mapping[str, Any]) -> Iterator[str]:
    names = {"VEB": "ventricular ectopic", "SVEB": "supraventricular ectopic"}
    for kind, found in report.get("gross", {}).items():
        yield (
            f"finds {found['Se']:.0f} % of the {names.get(kind, kind)} beats, "
            f"{found['P+']:.0f} % of those it calls so are ({found['beats']} in MIT-BIH DS2)"
        )


def _gate(report: Mapping[str, Any]) -> Iterator[str]:
    test = report.get("folds", {}).get("10 s", {})
    names = {"cinc:N": "sinus rhythm", "cinc:A": "AF", "cinc:~": "recordings labelled too noisy"}
    parts = [f"{test[key]['refused']:.0%} of {name}" for key, name in names.items() if key in test]
    if parts:
        yield f"refuses {', '.join(parts)} (windows of CinC 2017)"


def _rhythm(report: Mapping[str, Any]) -> Iterator[str]:
    if "mean_f1_nao" in report:
        each = ", ".join(f"{label} {report['f1'][label]:.2f}" for label in "NAO")
        yield f"mean F1 {report['mean_f1_nao']:.2f} ({each}; {report['records']} recordings of CinC 2017)"
    if af := report.get("af"):
        yield (
            f"AF or not: finds {af['Se']:.0%} of AF, clears {af['Sp']:.0%} of the others; "
            f"gives no answer for {1 - af['coverage']:.0%}"
        )


def _waves(report: Mapping[str, Any]) -> Iterator[str]:
    found = report.get("folds", {})
    rows = {name: found.get(name, {}) for name in ("P onset", "QRS onset", "QRS end", "T end")}
    if all(row.get("sd_ms") is not None for row in rows.values()):
        p, _, qrs, t = (f"{row['se']:.0f} %" for row in rows.values())
        yield (
            f"finds {p} of the P waves, {qrs} of the QRS complexes, {t} of the T waves "
            f"({found['people']} people of LUDB, by a network that others taught)"
        )
        each = ", ".join(f"{name} {row['mean_ms']:+.0f} ± {row['sd_ms']:.0f}" for name, row in rows.items())
        yield f"errors in ms, mean ± SD: {each}"


def _tokens(report: Mapping[str, Any]) -> Iterator[str]:
    for name, found in report.get("telemetry", {}).items():
        yield (
            f"decoded: error {found['prd']:.0f} % of the signal (PRD), correlation "
            f"{found['correlation']:.2f}, {found['bytes_a_beat']:.1f} bytes a beat "
            f"({found['records']} recordings, {name})"
        )


def _leads(report: Mapping[str, Any]) -> Iterator[str]:
    test = report.get("test", {})
    if rows := test.get("leads"):
        each = ", ".join(f"{name} {row['correlation']:.2f}" for name, row in rows.items())
        yield f"correlation with the true lead: {each} ({test['patients']} people of PTB-XL)"
        yield f"{test['error_gone']['all']['share']:.0%} less squared error than a linear filter"


_FIGURES = {
    "beats": _beats,
    "beat_classes": _beat_classes,
    "waves": _waves,
    "tokens": _tokens,
    "leads": _leads,
    "gate": _gate,
    "rhythm": _rhythm,
}
