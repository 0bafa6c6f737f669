"""The bundle is complete and always the same bytes; the proof finds whatever was changed in it."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.golden import encode_golden, load_golden
from ecgedge.artefacts.manifest import Manifest
from ecgedge.stream.amplitude import model_input
from ecgedge.stream.filters import FrontEnd
from ecgedge_bridge.errors import ModelError
from ecgedge_export.cli import app
from ecgedge_export.ship.bundle import bundle
from ecgedge_export.ship.verify import verify

RHYTHM = [
    "CARD.md",
    "INTEGRATION.md",
    "golden.json.gz",
    "manifest.json",
    "model.c",
    "model.h",
    "model.onnx",
    "model.tflite",
]


WEIGHTS = {"CARD.md", "manifest.json", "weights.json"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the models in the package."""
    out = tmp_path_factory.mktemp("bundle") / "models.zip"
    bundle(BUNDLED, out)
    return out


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the models in the package, to be changed."""
    shutil.copytree(BUNDLED, tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    return tmp_path / "models"


def unzipped(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezipped(path: Path, files: dict[str, bytes], target: Path, *, seal: bool = True) -> Path:
    """Write changed files; with ``seal`` the sums fit them."""
    if seal:
        listed = {n: hashlib.sha256(d).hexdigest() for n, d in files.items() if n != "SHA256SUMS"}
        files["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in listed.items()).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def test_bundle_holds_all_that_a_port_needs(made: Path) -> None:
    files = unzipped(made)
    assert sorted(n.split("/")[1] for n in files if n.startswith("rhythm/")) == RHYTHM
    assert {"DATA.md", "LICENSE", "SHA256SUMS", "TRACE.md", "trace.json"} <= files.keys()
    for task in ("gate", "beats"):
        assert {n.split("/")[1] for n in files if n.startswith(f"{task}/")} == WEIGHTS
    assert b"Apache License" in files["LICENSE"]
    for data in Manifest.load(BUNDLED / "rhythm").training_data:
        assert f"{data.name} | {data.records} | {data.licence}" in files["DATA.md"].decode()
    for name in ("golden.json.gz", "manifest.json", "model.onnx", "model.tflite"):
        assert files[f"rhythm/{name}"] == (BUNDLED / "rhythm" / name).read_bytes()


def test_bundle_is_the_same_wherever_it_is_made(made: Path, models: Path, tmp_path: Path) -> None:
    bundle(models, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == made.read_bytes()
    with zipfile.ZipFile(made) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


def test_sums_are_those_of_the_files(made: Path) -> None:
    files = unzipped(made)
    listed = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_page_is_one_page_and_nothing_in_it_is_left_open(made: Path) -> None:
    page = unzipped(made)["rhythm/INTEGRATION.md"].decode()
    assert "$" not in page
    assert len(page.splitlines()) < 60
    manifest = Manifest.load(BUNDLED / "rhythm")
    assert f"F1 of N, A and O {manifest.metrics['int8_litert']['mean_f1_nao']:.3f}" in page
    assert re.search(r"its caller brings \d+", page)


def beyond(x: npt.NDArray[np.float64], h: int, r: float) -> npt.NDArray[np.float64]:
    """Step 1 of the page: H values in front and behind, from level and hum of 0.2 s."""
    n = round(0.2 * r)

    def basis(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        w = 2 * np.pi * t
        return np.stack([t**0, np.cos(50 * w), np.sin(50 * w), np.cos(60 * w), np.sin(60 * w)], axis=1)

    inside, outside = basis(np.arange(n) / r), basis(np.arange(-h, 0) / r)
    u, s, v = np.linalg.svd(inside, full_matrices=False)
    inverse = v.T @ np.diag([1 / one if one > 0.1 * s[0] else 0.0 for one in s]) @ u.T
    front, behind = outside @ inverse @ x[:n], outside @ inverse @ x[::-1][:n]
    return np.concatenate([front, x, behind[::-1]])


def by_the_page(x: npt.NDArray[np.float64], r: float, m: Manifest) -> npt.NDArray[np.float64]:
    """Steps 2 to 4 of the page, written down from it, one value at a time."""
    fs, b = m.fs, m.bandpass_taps
    H = max(1, round(m.resampler["half_width_s"] * r))  # noqa: N806
    c = min(m.resampler["cutoff_hz"], 0.45 * min(r, fs)) / r
    x = beyond(x, H, r)
    y = []
    for k in range(math.ceil((len(x) - 2 * H) * fs / r)):
        p = k * r / fs
        n = math.floor(p)
        total = weight = 0.0
        for j in range(1 - H, H + 1):
            d = j - p + n
            h = np.sinc(2 * c * d) * np.i0(m.resampler["beta"] * math.sqrt(max(0.0, 1 - (d / H) ** 2)))
            total += h * x[H + n + j]
            weight += h
        y.append(total / weight)
    D = len(b) // 2  # noqa: N806
    z = np.array(
        [sum(b[D + i] * y[min(max(k + i, 0), len(y) - 1)] for i in range(-D, D + 1)) for k in range(len(y))]
    )
    last = z[-m.n_samples :]
    piece = round(2.0 * fs)
    heights = [np.ptp(last[len(last) - (i + 1) * piece :][:piece]) for i in range(len(last) // piece)]
    u = np.clip(last / max(0.02, float(np.median(heights))), -1.5, 1.5)
    return np.concatenate([np.zeros(m.n_samples - len(u)), u])


@pytest.mark.parametrize("rate", [130.0, 250.0])
def test_formulas_of_the_page_are_what_the_runtime_computes(rate: float) -> None:
    manifest = Manifest.load(BUNDLED / "rhythm")
    rng = np.random.default_rng(8)
    x = np.cumsum(rng.standard_normal(round(11 * rate))) / 20
    chain = FrontEnd(manifest.fs, manifest.bandpass_taps, **manifest.resampler)(rate)
    z = np.concatenate([chain.feed(x), chain.finish()])
    wanted = model_input(z, manifest.fs, manifest.n_samples, manifest.normalisation.values["clip"])
    np.testing.assert_allclose(by_the_page(x, rate, manifest), wanted, atol=1e-5)


def test_models_in_the_package_and_their_bundle_are_as_described(made: Path) -> None:
    files = verify(BUNDLED)
    assert {
        "gate/weights.json",
        "beats/weights.json",
        "rhythm/manifest.json",
        "rhythm/model.onnx",
        "rhythm/model.tflite",
    } <= files.keys()
    assert files.items() <= verify(made).items()


def reseal(folder: Path, **changes: Any) -> None:
    """Write a manifest that was changed by somebody who knows about its digest."""
    replace(Manifest.load(folder), **changes).save(folder)


def other_scale(folder: Path) -> None:
    manifest = Manifest.load(folder)
    flat = manifest.backends["tflite"]
    scaled = replace(flat, output=replace(flat.output, scale=0.5))
    reseal(folder, backends={**manifest.backends, "tflite": scaled})


def other_golden(folder: Path) -> None:
    manifest = Manifest.load(folder)
    cases = [
        replace(case, logits={**case.logits, "reference": case.logits["reference"] + np.float32(0.04)})
        for case in load_golden(folder, manifest)
    ]
    (folder / "golden.json.gz").write_bytes(encode_golden(cases))
    digest = hashlib.sha256(encode_golden(cases)).hexdigest()
    reseal(folder, golden=replace(manifest.golden, sha256=digest))


def other_byte(folder: Path) -> None:
    data = bytearray((folder / "model.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.tflite").write_bytes(data)


def other_report(folder: Path) -> None:
    raw = json.loads((folder / "manifest.json").read_text())
    raw["metrics"]["int8_litert"]["mean_f1_nao"] = 0.99
    (folder / "manifest.json").write_text(json.dumps(raw))


CHANGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "byte": (other_byte, "model.tflite was changed"),
    "report": (other_report, "digest is wrong"),
    "missing": (lambda folder: (folder / "model.onnx").unlink(), "model.onnx is missing"),
    "stray": (lambda folder: (folder / "model2.onnx").write_bytes(b"x"), "model2.onnx is in no manifest"),
    "scale": (other_scale, "other tensors than its manifest says"),
    "golden": (other_golden, "other golden logits in the reference kernels"),
    "c": (lambda folder: (folder / "model.c").write_text("int x;"), "model.c is not made from these files"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found(name: str, models: Path) -> None:
    change, message = CHANGES[name]
    verify(models)
    change(models / "rhythm")
    with pytest.raises(ModelError, match=message):
        verify(models)


def test_a_changed_zip_is_found(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "changed.zip"
    files = unzipped(made)
    assert verify(rezipped(made, dict(files), target)).keys() == files.keys() - {"SHA256SUMS"}
    for name in ("LICENSE", "rhythm/model.onnx"):
        with pytest.raises(ModelError, match=f"{name} in the zip is not what SHA256SUMS lists"):
            verify(rezipped(made, {**files, name: files[name] + b" "}, target, seal=False))
    source = files["rhythm/model.c"].replace(b"+ half", b"- half")
    assert source != files["rhythm/model.c"]
    with pytest.raises(ModelError, match="is not made from these files"):
        verify(rezipped(made, {**files, "rhythm/model.c": source}, target))
    with pytest.raises(ModelError, match="lacks SHA256SUMS"):
        verify(rezipped(made, {"a": b""}, target, seal=False))


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"x" * 100)
    for path, message in (
        (tmp_path / "x.zip", "neither a folder nor a zip"),
        (tmp_path, "holds no model folder"),
    ):
        with pytest.raises(ModelError, match=message):
            verify(path)
    with pytest.raises(ModelError, match="holds no model folder"):
        bundle(tmp_path, tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_commands_list_the_files_with_their_sums(tmp_path: Path, made: Path) -> None:
    runner, out = CliRunner(), tmp_path / "models.zip"
    written = runner.invoke(app, ["bundle", str(out), "--models", str(BUNDLED)])
    checked = runner.invoke(app, ["verify", str(out)])
    assert written.exit_code == checked.exit_code == 0
    assert written.stdout == checked.stdout
    assert out.read_bytes() == made.read_bytes()
    assert f"{hashlib.sha256(unzipped(out)['LICENSE']).hexdigest()}  LICENSE" in written.stdout
