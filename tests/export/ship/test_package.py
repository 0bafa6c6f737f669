"""The model folder is written whole or not at all, and proves itself before it takes its place."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.artefacts.golden import GoldenCase, load_golden
from ecgedge.artefacts.manifest import Manifest
from ecgedge_bridge.errors import ModelError
from ecgedge_export.ship.package import golden_cases, package

FILES = ["golden.json.gz", "manifest.json", "model.onnx", "model.tflite"]


@pytest.fixture
def cases(chain: Any) -> tuple[GoldenCase, ...]:
    pairs = [(window[0] / 2, window[0]) for window in chain.windows[:2]]
    return golden_cases(chain.int8_onnx, chain.int8_tflite, pairs)


def write(folder: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...]) -> Manifest:
    return package(folder, draft, chain.int8_onnx, chain.int8_tflite, cases)


def test_folder_holds_four_files_and_verifies(
    tmp_path: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...]
) -> None:
    folder = tmp_path / "models" / "rhythm"
    written = write(folder, draft, chain, cases)
    assert sorted(p.name for p in folder.iterdir()) == FILES
    assert list(folder.parent.iterdir()) == [folder]
    assert folder.stat().st_mode & 0o777 == 0o755
    loaded = Manifest.load(folder)
    assert loaded == written
    assert loaded.verify(folder)["model.onnx"] == chain.int8_onnx.read_bytes()


def test_manifest_describes_the_files(
    tmp_path: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...]
) -> None:
    manifest = write(tmp_path / "m", draft, chain, cases)
    flat, quantized = manifest.backends["tflite"], manifest.backends["onnx"]
    assert (flat.input.name, flat.input.shape, flat.input.dtype) == ("ecg", (1, 1, 320), "int8")
    assert (flat.output.name, flat.output.shape, flat.output.dtype) == ("logits", (1, 4), "int8")
    assert (quantized.input.dtype, quantized.input.scale) == ("float32", None)
    assert flat.sha256 == hashlib.sha256(chain.int8_tflite.read_bytes()).hexdigest()


def test_golden_vectors_come_back_bit_for_bit(
    tmp_path: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...]
) -> None:
    manifest = write(tmp_path / "m", draft, chain, cases)
    for loaded, case in zip(load_golden(tmp_path / "m", manifest), cases, strict=True):
        np.testing.assert_array_equal(loaded.mv, case.mv)
        np.testing.assert_array_equal(loaded.preprocessed, case.preprocessed)
        assert loaded.logits.keys() == {"tflite", "onnx", "reference"}
        for kind, logits in loaded.logits.items():
            np.testing.assert_array_equal(logits, case.logits[kind])


def test_a_model_folder_is_replaced(
    tmp_path: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...]
) -> None:
    folder = tmp_path / "m"
    write(folder, draft, chain, cases)
    (folder / "stray.bin").write_bytes(b"old")
    write(folder, replace(draft, temperature=2.0), chain, cases)
    assert Manifest.load(folder).temperature == 2.0
    assert sorted(p.name for p in folder.iterdir()) == FILES
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...]
) -> None:
    (tmp_path / "thesis.tex").write_text("do not delete")
    with pytest.raises(ModelError, match="not a model folder: choose another place"):
        write(tmp_path, draft, chain, cases)
    assert (tmp_path / "thesis.tex").read_text() == "do not delete"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fs": 200.0}, "not one window"),
        ({"classes": ("N", "A"), "roles": {"N": "normal", "A": "af"}}, "one logit"),
        ({"task": "x"}, "task = 'x' is unknown"),
    ],
)
def test_a_draft_that_does_not_fit_leaves_nothing_behind(
    tmp_path: Path,
    draft: Manifest,
    chain: Any,
    cases: tuple[GoldenCase, ...],
    change: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ModelError, match=message):
        write(tmp_path / "m", replace(draft, **change), chain, cases)
    assert list(tmp_path.iterdir()) == []


def test_wrong_golden_logits_keep_the_old_folder(
    tmp_path: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...]
) -> None:
    folder = tmp_path / "m"
    old = write(folder, draft, chain, cases)
    shifted = {kind: logits + np.float32(1.0) for kind, logits in cases[0].logits.items()}
    with pytest.raises(ModelError, match="steps away from the golden logits"):
        write(folder, replace(draft, temperature=2.0), chain, (replace(cases[0], logits=shifted),))
    assert Manifest.load(folder) == old
    assert list(tmp_path.iterdir()) == [folder]


def test_golden_vectors_are_required(tmp_path: Path, draft: Manifest, chain: Any) -> None:
    with pytest.raises(ModelError, match="needs golden vectors"):
        write(tmp_path / "m", draft, chain, ())


@pytest.mark.parametrize("damage", [{"cases": [{"mv": [1.0]}]}, {"cases": "x"}, {}, {"cases": [1]}])
def test_damaged_golden_file_is_refused(
    tmp_path: Path, draft: Manifest, chain: Any, cases: tuple[GoldenCase, ...], damage: dict[str, Any]
) -> None:
    folder = tmp_path / "m"
    manifest = write(folder, draft, chain, cases)
    data = gzip.compress(json.dumps(damage).encode())
    (folder / "golden.json.gz").write_bytes(data)
    with pytest.raises(ModelError, match=r"golden.json.gz was changed"):
        load_golden(folder, manifest)
    sealed = replace(manifest.golden, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(ModelError, match="golden"):
        load_golden(folder, replace(manifest, golden=sealed))
