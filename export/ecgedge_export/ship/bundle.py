"""One zip with all that a phone team or a firmware team needs, the same bytes for the same models."""

from __future__ import annotations

import hashlib
import importlib.metadata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import IO, Any

import numpy as np

from ecgedge.arithmetic.design import EDGE_S
from ecgedge.artefacts.manifest import MANIFEST_NAME, Manifest
from ecgedge.beat_classes import layout
from ecgedge.rhythm.decision import LIMITS
from ecgedge.stream import amplitude
from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_bridge.files import atomic_file
from ecgedge_export.micro.c_source import CSource, c_source
from ecgedge_export.ship import trace as traces
from ecgedge_export.ship.card import CARD, card
from ecgedge_export.ship.native import web
from ecgedge_export.ship.native.contents import native_files
from ecgedge_export.ship.native.core import checked_rates

SUMS = "SHA256SUMS"
NOTE = "INTEGRATION.md"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip cannot say less, and must not say when it was made
_MODE = 0o644 << 16  # permissions of a file, where zip holds them
_UNIX = 3


def bundle(
    models: str | Path, out: str | Path, rates: Iterable[float] = (130.0,), *, wasm: bool = False
) -> dict[str, str]:
    """Write the zip and return the sha256 of each file in it.

    Holds, for each model folder: the files that its manifest lists, verified; its card; of a network also
    ``model.c``, ``model.h`` and a page on integration. Beside them licences, and ``SHA256SUMS`` for
    ``sha256sum -c``. Where there is a rhythm model, also the whole chain: ``README.md`` says how to build or
    port it, ``native/`` is it in C with skeletons for Android, Swift and the web, ``golden/`` and
    ``trace.json`` prove it.

    Parameters
    ----------
    models : path
        Folder of model folders, as in the package.
    out : path
        The zip; one that is there is replaced, and no other file.
    rates : iterable of float
        Sampling rates in Hz that the C code is made for.
    wasm : bool
        Whether chain and networks are compiled to WebAssembly too.

    Raises
    ------
    ModelError
        A file is missing or changed, or there is no model.
    ConfigError
        ``out`` is there and is no bundle, a rate is impossible, or WebAssembly cannot be compiled.

    Examples
    --------
    >>> sorted(bundle("edge/ecgedge/models", "models.zip"))[:2]  # doctest: +SKIP
    ['DATA.md', 'LICENSE']
    """
    if Path(out).exists() and not _is_bundle(Path(out)):
        raise ConfigError(f"{out} is there and is no bundle: choose another name")
    files = _contents(Path(models), checked_rates(rates))
    if wasm:
        files |= web.compiled(files)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    files[SUMS] = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
    with atomic_file(out) as file:
        _write(file, files)
    return sums


def _is_bundle(path: Path) -> bool:
    if not (path.is_file() and zipfile.is_zipfile(path)):
        return False
    with zipfile.ZipFile(path) as archive:
        return SUMS in archive.namelist()


def _write(target: IO[bytes], files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)


def _contents(models: Path, rates: Sequence[float]) -> dict[str, bytes]:
    folders = sorted(path.parent for path in models.glob(f"*/{MANIFEST_NAME}"))
    if not folders:
        raise ModelError(f"{models} holds no model folder: train a model, or name the folder of all models")
    manifests = {folder.name: Manifest.load(folder) for folder in folders}
    files = {"LICENSE": _licence(), "DATA.md": _data_licences(manifests).encode()}
    for folder in folders:
        files |= {
            f"{folder.name}/{name}": data for name, data in _model(folder, manifests[folder.name]).items()
        }
    networks = [name for name, manifest in manifests.items() if manifest.backends]
    return files | _chain(models, rates, networks)


def _chain(models: Path, rates: Sequence[float], networks: Sequence[str]) -> dict[str, bytes]:
    """What a port of the whole chain needs, and what proves it; nothing without a rhythm model."""
    loaded = traces.models_of(models)
    if loaded is None:
        return {}
    page = resources.files("ecgedge_export.ship") / "notes" / "trace.md"
    files = {traces.TRACE: traces.encoded(loaded), "TRACE.md": page.read_bytes()}
    return files | native_files(models, loaded, rates, networks)


def _model(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    files = {MANIFEST_NAME: (folder / MANIFEST_NAME).read_bytes(), **manifest.verify(folder)}
    return files | {name: text.encode() for name, text in made_files(folder.name, manifest, files).items()}


def made_files(name: str, manifest: Manifest, files: Mapping[str, bytes]) -> dict[str, str]:
    """Return what is made from the listed files: the card, and of a network C source and page."""
    made: dict[str, str | None] = {CARD: card(name, manifest)}
    if manifest.backends:
        c = translated(name, manifest, files)
        made |= {"model.c": c.source, "model.h": c.header, NOTE: note(manifest, c)}
    return {page: text for page, text in made.items() if text is not None}


def translated(name: str, manifest: Manifest, files: Mapping[str, bytes]) -> CSource:
    """The C source of a model folder called ``name``, from the TFLite file that its manifest lists."""
    if "tflite" not in manifest.backends:
        raise ModelError(
            f"the model {name} has no TFLite file, which the C source is made from: export it again"
        )
    return c_source(files[manifest.backends["tflite"].file], f"ecgedge_{name}")


def note(manifest: Manifest, made: CSource) -> str | None:
    """Page on integration for the manifest's task, ``None`` where there is no text for that task.

    Raises
    ------
    ModelError
        The manifest lacks a number that the page gives.
    """
    template = resources.files("ecgedge_export.ship") / "notes" / f"{manifest.task}.md"
    if not template.is_file():
        return None
    try:
        numbers = {**_preprocessing(manifest), **_tensors(manifest), **_report(manifest)}
    except KeyError as error:
        raise ModelError(
            f"the manifest lacks {error}, which the page on integration gives: train again"
        ) from error
    values = {key: f"{value:g}" if isinstance(value, float) else value for key, value in numbers.items()}
    return Template(template.read_text(encoding="utf-8")).substitute(values, arena_bytes=made.arena_bytes)


def _preprocessing(manifest: Manifest) -> dict[str, object]:
    m, taps = manifest, len(manifest.bandpass_taps)
    own = {"fs": m.fs, "window_s": m.window_s, "hop_s": m.hop_s, "min_window_s": m.min_window_s}
    shape = {
        "n_taps": taps,
        "delay": taps // 2,
        "n_samples": m.n_samples,
        "clip": m.normalisation.values["clip"],
    }
    return {
        **own,
        **shape,
        **m.resampler,
        "edge_s": EDGE_S,
        "floor_mv": amplitude.FLOOR_MV,
        "piece_s": amplitude.PIECE_S,
    }


def _tensors(manifest: Manifest) -> dict[str, object]:
    source, target = manifest.backends["tflite"].input, manifest.backends["tflite"].output
    return {
        "in_scale": str(np.float32(source.scale)),
        "in_zero": source.zero_point,
        "out_scale": str(np.float32(target.scale)),
        "out_zero": target.zero_point,
    }


def _report(manifest: Manifest) -> dict[str, object]:
    parity, report = manifest.metrics["parity"], manifest.metrics["int8_litert"]
    figures = {"rhythm": _rhythm_figures, "beat_classes": _beat_figures}[manifest.task]
    return {
        "classes": ", ".join(manifest.classes),
        "temperature": str(manifest.temperature),
        **LIMITS,
        **manifest.thresholds,
        "reference_rms": f"{parity['reference_rms']:.1f}",
        "reference_agreement": f"{parity['reference_agreement']:.1%}",
        **figures(report),
    }


def _rhythm_figures(report: Mapping[str, Any]) -> dict[str, object]:
    key = "mean_f1" if "mean_f1" in report else "mean_f1_nao"
    low, high = report[f"{key}_95"]
    names = report.get("mean_of", ["N", "A", "O"])
    return {
        "f1_of": ", ".join(names[:-1]) + f" and {names[-1]}",
        "f1": f"{report[key]:.3f}",
        "f1_low": f"{low:.3f}",
        "f1_high": f"{high:.3f}",
    }


def _beat_figures(report: Mapping[str, Any]) -> dict[str, object]:
    gross = report["gross"]
    return {"veb_f1": gross["VEB"]["F1"], "sveb_f1": gross["SVEB"]["F1"], **_beat_constants()}


def _beat_constants() -> dict[str, object]:
    """What the page on beats says of :mod:`ecgedge.beat_classes.layout`."""
    regions = {
        "qrs": layout.QRS,
        "p_wave": layout.P_WAVE,
        "t_wave": layout.T_WAVE,
        "broad": layout.BROAD_QRS,
    }
    return {
        **{name: f"{region.start} ... {region.stop - 1}" for name, region in regions.items()},
        "before": layout.BEFORE,
        "last": layout.AFTER - 1,
        "longest": layout.LONGEST_RR_S,
        "minute": layout.MINUTE_S,
        "minutes": layout.MINUTES_S,
        "early": layout.EARLY,
        "steady": layout.STEADY,
        "most_change": layout.MOST_CHANGE,
        "p_base": layout.P_BASE,
        "most_p": layout.MOST_P_DIFFERENCE,
        "plain_beats": layout.PLAIN_BEATS,
        "plain_early": layout.PLAIN_EARLY,
        "plain_late": layout.PLAIN_LATE,
        "plain_steady": layout.PLAIN_STEADY,
        "plain_unlike": layout.PLAIN_UNLIKE,
        "follow": layout.FOLLOW,
        "step": layout.STEP,
        "n_inputs": layout.N_INPUTS,
    }


def _licence() -> bytes:
    """The licence as it was installed with the package."""
    for file in importlib.metadata.files("ecgedge") or ():
        if file.name == "LICENSE":
            return Path(str(file.locate())).read_bytes()
    raise ModelError("the installed ecgedge lacks its LICENSE: install it again with pip")


def _data_licences(manifests: Mapping[str, Manifest]) -> str:
    lines = [
        "# Licences",
        "",
        "Models, code and texts: Apache-2.0, see LICENSE. The models were trained on:",
        "",
        "| model | data | records | licence | source |",
        "|---|---|---|---|---|",
    ]
    for name, manifest in manifests.items():
        lines += [
            f"| {name} | {data.name} | {data.records} | {data.licence} | {data.url} |"
            for data in manifest.training_data
        ]
    return "\n".join([*lines, ""])
