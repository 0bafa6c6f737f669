"""The manifest: round trip, every kind of damage, and files that never leave the folder."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.artefacts.manifest import (
    MANIFEST_NAME,
    ROLES,
    Artefact,
    ListedFile,
    Manifest,
    TensorSpec,
    read_verified,
)
from ecgedge.artefacts.sealed import digest
from ecgedge_bridge.errors import ModelError


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def manifest(draft: Manifest) -> Manifest:
    ends = [TensorSpec("ecg", (1, 1, 320), "int8", 0.02, -3), TensorSpec("logits", (1, 4), "int8", 0.05, 7)]
    plain = [replace(end, dtype="float32", scale=None, zero_point=None) for end in ends]
    return replace(
        draft,
        backends={
            "tflite": Artefact("model.tflite", sha256(b"flat"), *ends),
            "onnx": Artefact("model.onnx", sha256(b"onnx"), *plain),
        },
        golden=ListedFile("golden.json", sha256(b"{}")),
    )


@pytest.fixture
def folder(manifest: Manifest, tmp_path: Path) -> Path:
    manifest.save(tmp_path)
    for file, data in (("model.tflite", b"flat"), ("model.onnx", b"onnx"), ("golden.json", b"{}")):
        (tmp_path / file).write_bytes(data)
    return tmp_path


def edited(manifest: Manifest, change: Callable[[dict[str, Any]], Any]) -> str:
    """The manifest's text after an edit, with a digest that fits: only the content is wrong."""
    raw = json.loads(manifest.to_json())
    change(raw)
    raw["digest"] = digest({key: value for key, value in raw.items() if key not in ("schema", "digest")})
    return json.dumps(raw)


def test_round_trip(manifest: Manifest, folder: Path) -> None:
    assert Manifest.load(folder) == manifest
    assert manifest.n_samples == 320


def test_schema_is_first_and_text_is_stable(manifest: Manifest) -> None:
    text = manifest.to_json()
    assert next(iter(json.loads(text))) == "schema"
    assert Manifest.from_json(text).to_json() == text


def test_numpy_values_in_metrics_become_plain_numbers(manifest: Manifest) -> None:
    metrics = {"command": "x", "f1": np.float32(0.5), "confusion": np.eye(2, dtype=np.int64)}
    loaded = Manifest.from_json(replace(manifest, metrics=metrics).to_json())
    assert loaded.metrics == {"command": "x", "f1": 0.5, "confusion": [[1, 0], [0, 1]]}


def test_verify_returns_the_bytes_that_were_hashed(manifest: Manifest, folder: Path) -> None:
    found = manifest.verify(folder)
    assert found == {"model.tflite": b"flat", "model.onnx": b"onnx", "golden.json": b"{}"}


@pytest.mark.parametrize("file", ["model.tflite", "model.onnx", "golden.json"])
def test_changed_file_is_named(manifest: Manifest, folder: Path, file: str) -> None:
    data = bytearray((folder / file).read_bytes())
    data[-1] ^= 1
    (folder / file).write_bytes(data)
    with pytest.raises(ModelError, match=f"{file} was changed"):
        manifest.verify(folder)


@pytest.mark.parametrize("file", ["model.tflite", "model.onnx", "golden.json", MANIFEST_NAME])
def test_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelError, match=f"{file} is missing"):
        Manifest.load(folder).verify(folder)


def test_every_changed_byte_of_the_manifest_is_found(manifest: Manifest) -> None:
    data = manifest.to_json().encode()
    survived = 0
    for position in range(0, len(data), 3):
        changed = bytearray(data)
        changed[position] ^= 1
        try:
            loaded = Manifest.from_json(bytes(changed))
        except ModelError:
            continue
        survived += 1
        assert loaded == manifest  # only the layout of the text changed
    assert survived < len(data) // 30


@pytest.mark.parametrize("key", list(Manifest.__dataclass_fields__))
def test_missing_key(manifest: Manifest, key: str) -> None:
    with pytest.raises(ModelError, match=rf"manifest lacks {key}: .*export"):
        Manifest.from_json(edited(manifest, lambda raw: raw.pop(key)))


def test_unknown_key_gets_a_hint(manifest: Manifest) -> None:
    text = edited(manifest, lambda raw: raw.update(temprature=1.0))
    with pytest.raises(ModelError, match=r"unknown key 'temprature' .did you mean 'temperature'"):
        Manifest.from_json(text)


@pytest.mark.parametrize("schema", [0, 1, 3, "2", None])
def test_unknown_schema(manifest: Manifest, schema: object) -> None:
    with pytest.raises(ModelError, match=r"schema .* install the ecgedge version"):
        Manifest.from_json(edited(manifest, lambda raw: raw.update(schema=schema)))


WRONG: list[tuple[str, Any, str]] = [
    ("fs", "100", "manifest.fs = '100' is not a finite number"),
    ("fs", True, "manifest.fs = True is not a finite number"),
    ("fs", 0, "fs = 0 is not a number between 1 and 4001"),
    ("fs", 1e9, "fs = 1000000000.0 is not a number between"),
    ("hop_s", -1.0, "hop_s = -1.0 is not a number between"),
    ("hop_s", 1e-300, "hop_s = 1e-300 is not a number between"),
    ("window_s", 1e9, "window_s = 1000000000.0 is not a number between"),
    ("min_window_s", 0.0, "min_window_s = 0.0 is not a number between"),
    ("min_window_s", 99.0, "min_window_s must be at most window_s"),
    ("window_s", 3.3, "not one window"),
    ("task", "blood pressure", "task = 'blood pressure' is unknown"),
    ("units", "uV", "units = 'uV' is unknown .use one of mV"),
    ("classes", "NAO~", "manifest.classes = 'NAO~' is not a list"),
    ("classes", ["N", "A", "O", 1], r"manifest.classes\[3\] = 1 is not a text"),
    ("classes", ["N", "A", "O", "O"], "classes must be named and different"),
    ("classes", ["N", "A"], "roles must be given for each class"),
    ("roles", {"N": "normal", "A": "af", "O": "other"}, "roles must be given for each class"),
    ("roles", {"N": "normal", "A": "af", "O": "other", "~": "ventricular"}, "roles must be some of"),
    ("bandpass_taps", [0.1, 0.2, 0.3], "not symmetric"),
    ("bandpass_taps", [0.5, 0.5], "an odd number"),
    ("bandpass_taps", [0.0] * 10_001, "an odd number, below 10,000"),
    ("bandpass_taps", [1e9], r"bandpass_taps\[0\] = 1000000000.0 is not a number between"),
    ("bandpass_taps", [[0.1]], r"bandpass_taps\[0\] = \[0.1\] is not a finite number"),
    ("resampler", {"half_width_s": 0.16, "beta": 5.0}, "resampler must have beta, cutoff_hz, half_width_s"),
    ("resampler", {"half_width_s": 99.0, "beta": 5.0, "cutoff_hz": 41.0}, "half_width_s must be below 5"),
    ("temperature", 0.0, "temperature = 0.0 is not a number between"),
    ("thresholds", {"conclusive": None}, "thresholds.conclusive = None is not a finite number"),
    ("thresholds", {"conclusive": 2.0}, "thresholds.conclusive = 2.0 is not a number between"),
    ("normalisation", {"kind": "x", "values": {"waves": 1e12}}, "values.waves = 1000000000000.0 is not"),
    ("metrics", {"f1": 1.0}, "metrics lack the command"),
    ("metrics", [], r"manifest.metrics = \[\] is not an object"),
    ("backends", {}, "backends and golden belong to a network"),
    ("golden", None, "backends and golden belong to a network"),
    ("weights", {"file": "w.json", "sha256": "0" * 64}, "weights belong to gate, beats and tokens alone"),
    ("task", "gate", "roles must be some of"),
    ("backends", {"pickle": None}, "backends.pickle = None is not an object"),
    ("versions", {"torch": 2.13}, "versions.torch = 2.13 is not a text"),
    ("normalisation", {"kind": "x"}, "manifest.normalisation lacks values"),
]


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_wrong_value(manifest: Manifest, key: str, value: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        Manifest.from_json(edited(manifest, lambda raw: raw.update({key: value})))
    assert str(caught.value).endswith("export the model again")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"fs": NaN}', b"\xff\xfe\x00", "[" * 100_000])
def test_text_that_is_no_manifest(text: str | bytes) -> None:
    with pytest.raises(ModelError):
        Manifest.from_json(text)


def test_infinite_number_is_refused(manifest: Manifest) -> None:
    text = manifest.to_json().replace('"temperature": 1.25', '"temperature": 1e999')
    with pytest.raises(ModelError, match="temperature = inf is not a finite number"):
        Manifest.from_json(text)


TRAVERSAL = [
    "../model.onnx",
    "/etc/passwd",
    "sub/model.onnx",
    "..",
    ".",
    "",
    "c:model.onnx",
    "a\\b",
    "a\0b",
    ".x",
]


@pytest.mark.parametrize("file", TRAVERSAL)
def test_paths_stay_inside_the_folder(manifest: Manifest, file: str) -> None:
    text = edited(manifest, lambda raw: raw["backends"]["onnx"].update(file=file))
    with pytest.raises(ModelError, match="not a plain file name"):
        Manifest.from_json(text)


@pytest.mark.parametrize("file", TRAVERSAL)
def test_reading_outside_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / "model.onnx").write_bytes(b"secret")
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(ModelError, match="not a plain file name"):
        read_verified(inner, ListedFile(file, sha256(b"secret")))


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(ModelError, match="missing or not a file"):
        read_verified(tmp_path, ListedFile("model.onnx", sha256(b"")))


@pytest.mark.parametrize("sha", ["", "ab", "G" * 64, "A" * 64])
def test_sha256_must_look_like_one(manifest: Manifest, sha: str) -> None:
    text = edited(manifest, lambda raw: raw["golden"].update(sha256=sha))
    with pytest.raises(ModelError, match="not a sha256"):
        Manifest.from_json(text)


@pytest.mark.parametrize(
    "change", [{"scale": None}, {"scale": 0.0}, {"dtype": "float32"}, {"dtype": "uint8"}]
)
def test_int8_tensors_need_a_scale(manifest: Manifest, change: dict[str, Any]) -> None:
    text = edited(manifest, lambda raw: raw["backends"]["tflite"]["input"].update(change))
    with pytest.raises(ModelError, match=r"neither plain float32 nor int8|not a number between"):
        Manifest.from_json(text)


def test_an_error_names_the_folder_and_the_file(manifest: Manifest, folder: Path) -> None:
    (folder / MANIFEST_NAME).write_text("{")
    with pytest.raises(ModelError, match=f"{folder.name}/manifest.json is not JSON"):
        Manifest.load(folder)
    (folder / MANIFEST_NAME).write_text(edited(manifest, lambda raw: raw.update(hop_s=1e-300)))
    with pytest.raises(ModelError, match=f"{folder.name}/manifest.json: hop_s = 1e-300"):
        Manifest.load(folder)


def test_classes_are_found_by_their_role(manifest: Manifest) -> None:
    assert [manifest.with_role(role) for role in ROLES["rhythm"]] == [("N",), ("A",), ("O",), ("~",)]
    roles = {"N": "normal", "A": "other", "O": "other", "~": "other"}
    changed = replace(manifest, roles=roles)
    assert changed.with_role("other") == ("A", "O", "~")
    assert changed.with_role("af") == ()


def test_a_draft_cannot_be_saved(draft: Manifest, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="backends"):
        draft.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_takes_the_memory_of_its_size(folder: Path, manifest: Manifest) -> None:
    tracemalloc.start()
    try:
        read_verified(folder, manifest.backends["tflite"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_file_beyond_the_limit_is_refused_unread(folder: Path, manifest: Manifest) -> None:
    with (folder / "model.tflite").open("wb") as file:
        file.truncate((256 << 20) + 1)  # sparse: it takes no room on the disk
    with pytest.raises(ModelError, match=r"model\.tflite is larger than 268435456 bytes"):
        read_verified(folder, manifest.backends["tflite"])
