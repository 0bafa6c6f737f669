"""How the page was made, by whom, and what its classes are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.report.findings.values import Findings
from ecgedge.report.origin import Origin
from ecgedge.report.page.markup import Html, items, note, paragraph, section, table

__all__ = ["limits", "method"]

_NAMES = {
    "beats": "beat detector",
    "beat_classes": "classes of beats",
    "gate": "noise gate",
    "rhythm": "rhythm",
}
_SHOWN = 12  # characters of a digest: enough to tell two apart


def method(found: Findings, origin: Origin) -> Html:
    """Source, models, what they are worth, and what one lead cannot show."""
    return section(
        "method",
        "Method and limits",
        paragraph(
            "One lead was analysed by software: a beat detector, a gate that refuses noise, a network that "
            "names the rhythm of up to 30 s, and one that names each beat (AAMI EC57 classes). No person has "
            "checked it."
        ),
        table("Where it comes from", (), _source(found, origin)),
        table("Models, by the sha256 of their weights and limits", (), _models(origin)),
        Html("<h3>How often the models are right</h3>\n"),
        items(limits()),
        note(
            "Measured on public recordings, some of which chose limits of the models too. With other people, "
            "electrodes and leads they may be worse."
        ),
        Html("<h3>What it cannot show</h3>\n"),
        items(_CANNOT),
    )


_CANNOT = (
    "One lead shows no ischaemia, no infarction, no axis, and no place of origin of an extra beat.",
    "Atrial flutter is not told apart: it may be called atrial fibrillation or another rhythm.",
    "Supraventricular extra beats are told by their timing: do not rely on them in an irregular rhythm.",
    "What lies in noise or in a gap was not seen: counts are of the readable time alone.",
    "An interval over 2 s can be a pause, a dropped beat, or a beat too small to be found: see the strip.",
)


def _source(found: Findings, origin: Origin) -> Iterator[tuple[str, str]]:
    yield "file", origin.name
    if origin.channel:
        yield "signal", origin.channel
    yield "sampling rate", f"{found.fs:g} Hz"
    devices = dict.fromkeys((*found.devices, *origin.said("device", "source")))
    if devices:
        yield "wearable or source", ", ".join(devices)
    if firmware := ", ".join(origin.said("firmware", "model", "manufacturer")):
        yield "firmware", firmware
    if len(origin.sessions) > 1:
        yield "sessions", f"{len(origin.sessions)}"
    if recorder := ", ".join(origin.said("ecgedge")):
        yield "recorded with", f"ecgedge {recorder}"
    yield "events", "as recorded" if origin.recorded else "found for this report"
    if age := ", ".join((*origin.said("age"), *origin.said("sex"))):
        yield "wearer", age
    yield "report by", f"ecgedge {origin.version}"


def _models(origin: Origin) -> Iterator[tuple[str, str, str]]:
    for name, digests in sorted(origin.used().items()):
        here = origin.digests.get(name)
        same = (
            "" if here is None or digests == [here] else "not the one in this package, whose figures follow"
        )
        yield _NAMES.get(name, name), ", ".join(digest[:_SHOWN] for digest in digests), same


def limits() -> Iterator[str]:
    """Say what each model is worth, from the figures in its manifest; what is not there is left out."""
    tellers = {"beats": _beats, "gate": _gate, "rhythm": _rhythm, "beat_classes": _classes}
    for name, tell in tellers.items():
        metrics = Manifest.load(BUNDLED / name).metrics
        try:
            yield from tell(metrics)
        except (KeyError, TypeError, IndexError):  # another recipe measured something else
            continue


def _beats(metrics: Mapping[str, Any]) -> Iterator[str]:
    found = metrics["DS2"]["150 ms"]
    records = metrics["DS2"]["records"]
    yield (
        f"Beats: {found['Se']} % are found, {found['P+']} % of what is found are beats "
        f"({records} records of MIT-BIH, DS2)."
    )


def _gate(metrics: Mapping[str, Any]) -> Iterator[str]:
    ten = metrics["folds"]["10 s"]
    noisy, sinus, af = (100 * ten[f"cinc:{label}"]["refused"] for label in "~NA")
    yield (
        f"Noise: {noisy:.0f} % of noisy stretches of 10 s are refused, and {sinus:.1f} % of readable sinus "
        f"rhythm, {af:.1f} % of atrial fibrillation (CinC 2017)."
    )


def _rhythm(metrics: Mapping[str, Any]) -> Iterator[str]:
    int8 = metrics["int8_litert"]
    f1, af = int8["f1"], int8["af"]
    yield (
        f"Atrial fibrillation or not: {_share(af, 'Se')} of it is found, {_share(af, 'Sp')} of the rest is "
        f"told to be none, where an answer is given ({100 * af['coverage']:.0f} % of {int8['records']:,} "
        "recordings of CinC 2017)."
    )
    yield f"Rhythm, F1: sinus {f1['N']:.2f}, atrial fibrillation {f1['A']:.2f}, another {f1['O']:.2f}."


def _share(values: Mapping[str, Any], key: str) -> str:
    low, high = values[f"{key}_95"]
    return f"{100 * values[key]:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f})"


def _classes(metrics: Mapping[str, Any]) -> Iterator[str]:
    int8 = metrics["int8_litert"]
    for key, name in (("VEB", "Ventricular"), ("SVEB", "Supraventricular")):
        gross, (low, high) = int8["gross"][key], int8["f1_95"][key]
        yield (
            f"{name} extra beats: {gross['Se']:.1f} % are found, {gross['P+']:.1f} % of those named are such "
            f"(F1 {gross['F1']:.1f} %, 95 % interval {low:.1f} to {high:.1f}; {int8['records']} records of "
            "MIT-BIH)."
        )
    other = int8["without_232"]["SVEB"]
    yield (
        f"Supraventricular, without record 232, which has most of them: {other['Se']:.1f} % are found, "
        f"{other['P+']:.1f} % of those named are such."
    )
