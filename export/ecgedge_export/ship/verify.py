"""Proof that files are the ones that their manifest, and the report in it, describe."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np

from ecgedge.artefacts.backends import load_backend
from ecgedge.artefacts.golden import GoldenCase, check_golden, load_golden
from ecgedge.artefacts.manifest import MANIFEST_NAME, Manifest
from ecgedge.sinks.lines import json_line
from ecgedge_bridge.errors import ConfigError, EcgEdgeError, ModelError
from ecgedge_export.archives import unpack_zip
from ecgedge_export.data.checksums import parse_sums
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.reference import open_reference
from ecgedge_export.ship import trace as traces
from ecgedge_export.ship.bundle import SUMS, made_files
from ecgedge_export.ship.native import golden as vectors
from ecgedge_export.ship.package import LOADERS

_RUNTIMES = {"tflite": ("litert", "core"), "onnx": ("onnx",)}
_STEPS = 1.0  # what processors and versions of a runtime may differ by


def verify(path: str | Path) -> dict[str, str]:
    """Check a folder of model folders, or a zip of :func:`ecgedge_export.bundle.bundle`.

    Of each model: the manifest's own digest, the sha256 of every file, that nothing else lies beside them,
    that the model files have the tensors and scales which the manifest says and give their golden logits in
    their runtimes, and that C source and integration page are made from these very files. Of a zip also the
    sums in it. A model without a network has to load.

    Returns
    -------
    dict of str to str
        The sha256 of each file that was checked, by name.

    Raises
    ------
    ModelError
        The first thing that does not hold; the message names the file.

    Examples
    --------
    >>> verify("edge/ecgedge/models").keys()  # doctest: +SKIP
    dict_keys(['beat_classes/CARD.md', 'beat_classes/golden.json.gz', ...])
    """
    source = Path(path)
    if source.is_dir():
        return _verify_models(source)
    with tempfile.TemporaryDirectory(prefix="ecgedge-verify-") as scratch:
        folder = Path(scratch)
        unpack_zip(source, folder)
        sums = _verify_sums(folder)
        _verify_models(folder)
        _verify_trace(folder)
        _verify_golden(folder)
        return sums


def _verify_sums(folder: Path) -> dict[str, str]:
    """Compare an unpacked zip with the list of sums in it."""
    listing = folder / SUMS
    if not listing.is_file():
        raise ModelError(f"the zip lacks {SUMS}: make it with ecgedge-export bundle")
    try:
        said = parse_sums(listing.read_text(encoding="utf-8"))
    except (ConfigError, UnicodeDecodeError) as error:
        raise ModelError(f"{SUMS} in the zip cannot be read ({error}): get the zip again") from error
    found = {name: digest for name, digest in _hashes(folder).items() if name != SUMS}
    for name in sorted(said.keys() | found.keys()):
        if said.get(name) != found.get(name):
            raise ModelError(f"{name} in the zip is not what {SUMS} lists: get the zip again")
    return found


def _verify_trace(folder: Path) -> None:
    models = traces.models_of(folder)
    if models is None:
        return
    path = folder / traces.TRACE
    if not path.is_file():
        raise ModelError(f"the zip lacks {traces.TRACE}: make it with ecgedge-export bundle")
    traces.verify_trace(path.read_bytes(), models)


def _verify_golden(folder: Path) -> None:
    """Hear the notifications of the golden vectors again: the events have to be the same, byte for byte."""
    models = traces.models_of(folder)
    if models is None:
        return
    for name in vectors.CASES:
        place = folder / vectors.FOLDER / name
        try:
            frames = vectors.frames_of((place / "frames.jsonl").read_text(encoding="ascii"))
            said = [(place / file).read_text(encoding="ascii") for file in ("events.jsonl", "link.jsonl")]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"golden/{name} cannot be read ({error}): get the bundle again") from error
        found = vectors.heard(name, frames, models)
        events = "".join(json_line(event.to_json()) for event in found.events)
        link = "".join(json_line(event.to_json()) for event in found.link)
        if [events, link] != said:
            raise ModelError(f"golden/{name} holds other events than its frames lead to: bundle again")


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _verify_models(root: Path) -> dict[str, str]:
    folders = sorted(path.parent for path in root.glob(f"*/{MANIFEST_NAME}"))
    if not folders:
        raise ModelError(f"{root} holds no model folder: name the folder of all models, or a bundle")
    for folder in folders:
        try:
            _verify_model(folder)
        except EcgEdgeError:
            raise
        except Exception as error:  # of four parsers, none of which was made for strangers' files
            why = (str(error).splitlines() or [""])[0][:200]
            raise ModelError(
                f"{folder.name} cannot be checked ({type(error).__name__}: {why}): get the model again"
            ) from error
    checked = {folder.name for folder in folders}
    return {name: digest for name, digest in _hashes(root).items() if name.split("/")[0] in checked}


def _verify_model(folder: Path) -> None:
    manifest = Manifest.load(folder)
    files = manifest.verify(folder)
    _verify_made(folder, manifest, files)
    if manifest.task in LOADERS:
        LOADERS[manifest.task](folder)
    for kind, artefact in manifest.backends.items():
        if describe_file(folder / artefact.file) != artefact:
            raise ModelError(f"{artefact.file} has other tensors than its manifest says: train again")
        cases = load_golden(folder, manifest)
        for runtime in _RUNTIMES[kind]:
            check_golden(load_backend(folder, runtime, manifest=manifest), manifest, cases, _STEPS)
        if kind == "tflite":
            _verify_reference(folder / artefact.file, cases)


def _verify_reference(tflite: Path, cases: tuple[GoldenCase, ...]) -> None:
    """The reference kernels are integers throughout: there is nothing to be tolerant about."""
    backend = open_reference(tflite)
    for case in cases:
        logits = case.logits.get("reference")
        if logits is None or not np.array_equal(backend.run(case.preprocessed.reshape(1, 1, -1)), logits):
            raise ModelError(f"{tflite.name} gives other golden logits in the reference kernels: train again")


def _verify_made(folder: Path, manifest: Manifest, files: dict[str, bytes]) -> None:
    """What is made from the listed files must be what these very files make; anything else is a stray."""
    texts = made_files(folder.name, manifest, files)
    for path in folder.iterdir():
        if path.name in texts:
            if path.read_text(encoding="utf-8") != texts[path.name]:
                raise ModelError(f"{folder.name}/{path.name} is not made from these files: bundle them again")
        elif path.name not in files and path.name != MANIFEST_NAME:
            raise ModelError(f"{folder.name}/{path.name} is in no manifest: move it away")
