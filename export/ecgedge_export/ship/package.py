"""The model folder: two int8 files, golden vectors, manifest and card, written whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgedge.artefacts.backends import litert, load_backend
from ecgedge.artefacts.backends import onnx as onnx_backend
from ecgedge.artefacts.folder import WEIGHTS_NAME
from ecgedge.artefacts.golden import FloatArray, GoldenCase, check_golden, encode_golden, load_golden
from ecgedge.artefacts.manifest import MANIFEST_NAME, ListedFile, Manifest
from ecgedge.beats.net import BeatNet
from ecgedge.gate.model import GateModel
from ecgedge.tokens.model import WordModel
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.files import FOLDER_MODE, publish
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.reference import open_reference
from ecgedge_export.ship.card import CARD, card

GOLDEN_NAME = "golden.json.gz"
_BACKENDS_OF = {"tflite": ("litert", "core"), "onnx": ("onnx",)}
# What reads the weights of a task that has some in a file of their own.
LOADERS: Mapping[str, Callable[[Path], object]] = {
    "gate": GateModel.load,
    "beats": BeatNet.load,
    "tokens": WordModel.load,
}


def golden_cases(
    int8_onnx: str | Path, int8_tflite: str | Path, pairs: Sequence[tuple[FloatArray, FloatArray]]
) -> tuple[GoldenCase, ...]:
    """Run (signal in mV, preprocessed window) pairs through both int8 files, and TFLite's reference kernels.

    Parameters
    ----------
    int8_onnx, int8_tflite : path
    pairs : sequence of (ndarray (m,), ndarray (n,))
        float32; the preprocessing is the runtime's own.

    Returns
    -------
    tuple of GoldenCase
    """
    flat = litert.open_model(Path(int8_tflite).read_bytes(), describe_file(int8_tflite))
    reference = open_reference(int8_tflite)
    quantized = onnx_backend.open_model(Path(int8_onnx).read_bytes(), describe_file(int8_onnx))
    return tuple(
        GoldenCase(
            mv=np.asarray(mv, np.float32),
            preprocessed=np.asarray(window, np.float32),
            logits={
                "tflite": flat.run(window.reshape(1, 1, -1)),
                "onnx": quantized.run(window.reshape(1, 1, -1)),
                "reference": reference.run(window.reshape(1, 1, -1)),
            },
        )
        for mv, window in pairs
    )


def package(
    folder: str | Path,
    draft: Manifest,
    int8_onnx: str | Path,
    int8_tflite: str | Path,
    golden: Sequence[GoldenCase],
    weights: bytes | None = None,
) -> Manifest:
    """Write a model folder, prove that it loads and gives its golden logits, and put it in place.

    The folder is made beside its final place and renamed; a model folder that was there before goes away only
    after the new one is complete.

    Parameters
    ----------
    folder : path
        Where the model goes. An existing folder is replaced only if it is a model folder.
    draft : Manifest
        Everything but ``backends``, ``golden`` and ``weights``, which are filled in here.
    int8_onnx, int8_tflite : path
        The two files of one calibration.
    golden : sequence of GoldenCase
        From :func:`golden_cases`; at least one.
    weights : bytes, optional
        Content of the weights file, for a task that has one beside its network.

    Returns
    -------
    Manifest
        As it was written.

    Raises
    ------
    ModelError
        The manifest is not complete, a file does not load, or the golden logits do not come back.

    Examples
    --------
    >>> package("models/rhythm", draft, pair.u8s8, "model.tflite", cases)  # doctest: +SKIP
    """
    if not golden:
        raise ModelError("a model folder needs golden vectors: pass some windows to golden_cases")
    with _fresh_folder(folder) as fresh:
        draft = replace(draft, weights=None if weights is None else _add_weights(fresh, weights))
        manifest = _fill(fresh, Path(folder).name, draft, Path(int8_onnx), Path(int8_tflite), golden)
        _prove(fresh)
    return manifest


def package_weights(folder: str | Path, draft: Manifest, weights: bytes) -> Manifest:
    """Write a model folder without a network: its weights as JSON, manifest and card.

    Parameters
    ----------
    folder : path
        As in :func:`package`.
    draft : Manifest
        Of the task ``gate`` or ``beats``; everything but ``weights``.
    weights : bytes
        As the runtime encodes them.

    Raises
    ------
    ModelError
        The manifest is not complete, or the runtime does not load what was written.
    """
    with _fresh_folder(folder) as fresh:
        manifest = replace(draft, weights=_add_weights(fresh, weights))
        _describe(fresh, Path(folder).name, manifest)
        LOADERS[manifest.task](fresh)
    return manifest


def _add_weights(fresh: Path, weights: bytes) -> ListedFile:
    (fresh / WEIGHTS_NAME).write_bytes(weights)
    return ListedFile(WEIGHTS_NAME, hashlib.sha256(weights).hexdigest())


@contextmanager
def _fresh_folder(folder: str | Path) -> Iterator[Path]:
    """A folder to fill, which takes its place when the block ends, and never does if the block raises."""
    target = Path(folder).absolute()
    if target.exists() and not _replaceable(target):
        raise ModelError(f"{target} exists and is not a model folder: choose another place")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        fresh = Path(beside) / target.name
        fresh.mkdir()
        yield fresh
        fresh.chmod(FOLDER_MODE)
        publish(fresh, target)


def _replaceable(target: Path) -> bool:
    return target.is_dir() and ((target / MANIFEST_NAME).is_file() or not any(target.iterdir()))


def _fill(
    fresh: Path, name: str, draft: Manifest, int8_onnx: Path, int8_tflite: Path, golden: Sequence[GoldenCase]
) -> Manifest:
    """Write all files into the fresh folder."""
    shutil.copyfile(int8_onnx, fresh / "model.onnx")
    shutil.copyfile(int8_tflite, fresh / "model.tflite")
    data = encode_golden(golden)
    (fresh / GOLDEN_NAME).write_bytes(data)
    manifest = replace(
        draft,
        backends={kind: describe_file(fresh / f"model.{kind}") for kind in _BACKENDS_OF},
        golden=ListedFile(GOLDEN_NAME, hashlib.sha256(data).hexdigest()),
    )
    _describe(fresh, name, manifest)
    return manifest


def _describe(fresh: Path, name: str, manifest: Manifest) -> None:
    """Write manifest and card."""
    manifest.save(fresh)
    if (text := card(name, manifest)) is not None:
        (fresh / CARD).write_text(text, encoding="utf-8")


def _prove(fresh: Path) -> None:
    """Load the folder as a user would and compare with its own golden logits."""
    manifest = Manifest.load(fresh)
    manifest.verify(fresh)
    cases = load_golden(fresh, manifest)
    if manifest.task in LOADERS:
        LOADERS[manifest.task](fresh)
    for kind in manifest.backends:
        for backend in _BACKENDS_OF[kind]:
            check_golden(load_backend(fresh, backend, manifest=manifest), manifest, cases)
