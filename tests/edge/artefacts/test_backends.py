"""The runtimes behind the protocol: same numbers, verified bytes, clear refusals, quiet stdout."""

from __future__ import annotations

import builtins
import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ecgedge.arithmetic.core import core
from ecgedge.artefacts import backends
from ecgedge.artefacts.backends import BACKENDS, installed_backends, load_backend
from ecgedge.artefacts.backends.interpreter import Quantizer
from ecgedge.artefacts.golden import check_golden, load_golden
from ecgedge.artefacts.manifest import Manifest, TensorSpec
from ecgedge_bridge.errors import ConfigError, ModelError

Windows = Callable[..., npt.NDArray[np.float32]]
FILES = [("litert", "tflite"), ("onnx", "onnx"), ("core", "tflite")]


@pytest.fixture
def no_runtime(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make runtimes look as if they were not installed."""

    def hide(*packages: str) -> None:
        real = builtins.__import__

        def without(name: str, *args: Any, **kwargs: Any) -> Any:
            if name.split(".")[0] in packages:
                raise ModuleNotFoundError(f"No module named {name!r}")
            return real(name, *args, **kwargs)

        for backend in BACKENDS:
            monkeypatch.delitem(sys.modules, f"ecgedge.artefacts.backends.{backend}", raising=False)
        monkeypatch.setattr(builtins, "__import__", without)

    return hide


def reseal(folder: Path, kind: str, data: bytes) -> None:
    """Put another model file into the folder under a manifest that fits it."""
    manifest = Manifest.load(folder)
    artefact = manifest.backends[kind]
    (folder / artefact.file).write_bytes(data)
    sealed = replace(artefact, sha256=hashlib.sha256(data).hexdigest())
    replace(manifest, backends={**manifest.backends, kind: sealed}).save(folder)


def test_backends_agree_within_one_step(model_folder: Path, windows: Windows) -> None:
    litert, onnx = (load_backend(model_folder, name) for name in ("litert", "onnx"))
    step = litert.artefact.output.scale
    assert step is not None
    batch = windows(200, 5)
    pairs = [(litert.run(w[None]), onnx.run(w[None])) for w in batch]
    flat, quantized = (np.stack(side) for side in zip(*pairs, strict=True))
    assert np.abs(flat - quantized).max() <= step * 1.001
    assert np.mean(flat.argmax(1) == quantized.argmax(1)) >= 0.99
    assert len(set(flat.argmax(1))) == 4  # the comparison is worth something only if classes differ


@pytest.mark.parametrize("name", [name for name, _ in FILES])
def test_run_is_repeatable_and_returns_its_own_array(model_folder: Path, windows: Windows, name: str) -> None:
    backend = load_backend(model_folder, name)
    one, two = windows(2, 6)[:, None]
    first = backend.run(one)
    kept = first.copy()
    backend.run(two)
    assert first.dtype == np.float32
    assert first.shape == (4,)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(backend.run(one), kept)


@pytest.mark.parametrize("name", [name for name, _ in FILES])
def test_window_is_not_changed_and_may_be_a_strided_view(
    model_folder: Path, windows: Windows, name: str
) -> None:
    backend = load_backend(model_folder, name)
    window = windows(1, 7)[None, 0]
    spread = np.repeat(window, 2, axis=2)[..., ::2]
    before = window.copy()
    np.testing.assert_array_equal(backend.run(spread), backend.run(window))
    np.testing.assert_array_equal(window, before)


@pytest.mark.parametrize("name", [name for name, _ in FILES])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_windows_are_refused(model_folder: Path, windows: Windows, name: str, bad: float) -> None:
    window = windows(1, 8)[None, 0].copy()
    window[0, 0, 100] = bad
    with pytest.raises(ValueError, match="NaN or infinity: treat"):
        load_backend(model_folder, name).run(window)


@pytest.mark.parametrize("name", [name for name, _ in FILES])
@pytest.mark.parametrize("shape", [(320,), (1, 320), (1, 1, 319), (2, 1, 320), (1, 1, 0)])
def test_wrong_shape_or_dtype_is_refused(model_folder: Path, name: str, shape: tuple[int, ...]) -> None:
    backend = load_backend(model_folder, name)
    with pytest.raises(ValueError, match="the model reads float32"):
        backend.run(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="float64"):
        backend.run(np.zeros((1, 1, 320)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name, _ in FILES])
def test_huge_values_are_clipped(model_folder: Path, name: str) -> None:
    backend = load_backend(model_folder, name)
    largest = np.full((1, 1, 320), np.finfo(np.float32).max)
    scale, zero = _input_scale(model_folder)
    edge = np.full((1, 1, 320), (127 - zero) * scale, np.float32)
    np.testing.assert_array_equal(backend.run(largest), backend.run(edge))


def _input_scale(folder: Path) -> tuple[float, int]:
    spec = Manifest.load(folder).backends["tflite"].input
    assert spec.scale is not None
    assert spec.zero_point is not None
    return spec.scale, spec.zero_point


def test_quantizer_rounds_to_even_and_saturates() -> None:
    quantize = Quantizer(TensorSpec("ecg", (1, 1, 6), "int8", scale=0.5, zero_point=-1))
    codes = quantize(np.array([[[0.25, 0.75, -0.25, 64.0, 1e30, -1e30]]], np.float32))
    assert codes.tolist() == [[[-1, 1, -1, 127, 127, -128]]]


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_changed_byte_in_the_model_is_refused(model_folder: Path, name: str, kind: str) -> None:
    path = model_folder / f"model.{kind}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(ModelError, match=f"model.{kind} was changed"):
        load_backend(model_folder, name)


def test_changed_byte_in_the_manifest_is_refused(model_folder: Path) -> None:
    path = model_folder / "manifest.json"
    path.write_text(path.read_text().replace('"temperature": 1.25', '"temperature": 1.26'))
    with pytest.raises(ModelError, match="digest"):
        load_backend(model_folder)


@pytest.mark.parametrize(("name", "kind"), FILES)
@pytest.mark.parametrize("data", [b"", b"not a model at all" * 100], ids=["empty", "text"])
def test_corrupt_model_under_a_fitting_manifest(
    model_folder: Path, name: str, kind: str, data: bytes
) -> None:
    reseal(model_folder, kind, data)
    with pytest.raises(ModelError, match=r"cannot be loaded .*export the model again"):
        load_backend(model_folder, name)


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_truncated_model_under_a_fitting_manifest(model_folder: Path, name: str, kind: str) -> None:
    data = (model_folder / f"model.{kind}").read_bytes()
    reseal(model_folder, kind, data[: len(data) // 2])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_backend(model_folder, name)


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_tensors_are_checked_against_the_manifest(model_folder: Path, name: str, kind: str) -> None:
    manifest = Manifest.load(model_folder)
    artefact = manifest.backends[kind]
    wrong = replace(artefact, output=replace(artefact.output, name="probabilities"))
    replace(manifest, backends={**manifest.backends, kind: wrong}).save(model_folder)
    with pytest.raises(ModelError, match="probabilities"):
        load_backend(model_folder, name)


def test_scale_is_checked_against_the_manifest(model_folder: Path) -> None:
    manifest = Manifest.load(model_folder)
    artefact = manifest.backends["tflite"]
    wrong = replace(artefact, input=replace(artefact.input, scale=0.5))
    replace(manifest, backends={"tflite": wrong}).save(model_folder)
    with pytest.raises(ModelError, match=r"manifest has .*0\.5"):
        load_backend(model_folder, "litert")


def test_file_is_read_once(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = Path.open

    def counting(self: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(self.name)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", counting)
    load_backend(model_folder, "litert")
    assert opened == ["manifest.json", "model.tflite"]


@pytest.mark.skipif(core is None, reason="no compiled core here")
def test_auto_takes_the_compiled_core(model_folder: Path) -> None:
    assert load_backend(model_folder).name == "core"
    assert installed_backends()[:2] == ("core", "litert")


def test_without_a_compiled_core_auto_takes_litert_then_onnx_and_at_last_numpy(
    model_folder: Path, no_runtime: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "AUTO", ("litert", "onnx", "tflite", "core"))
    assert load_backend(model_folder).name == "litert"
    no_runtime("ai_edge_litert")
    assert load_backend(model_folder).name == "onnx"
    no_runtime("ai_edge_litert", "onnxruntime", "tflite_runtime")
    assert load_backend(model_folder).name == "core"
    assert installed_backends() == ("core",)


def test_auto_takes_the_file_that_is_there(model_folder: Path) -> None:
    manifest = Manifest.load(model_folder)
    only = replace(manifest, backends={"onnx": manifest.backends["onnx"]})
    assert load_backend(model_folder, manifest=only).name == "onnx"
    with pytest.raises(ModelError, match="no file for the backend litert, only onnx"):
        load_backend(model_folder, "litert", manifest=only)


@pytest.mark.parametrize(
    ("name", "package"), [("litert", "ai_edge_litert"), ("onnx", "onnxruntime"), ("tflite", "tflite_runtime")]
)
def test_missing_runtime_names_the_extra(
    model_folder: Path, no_runtime: Callable[..., None], name: str, package: str
) -> None:
    no_runtime(package)
    with pytest.raises(ModelError, match=rf'pip install "ecgedge\[{name}\]"'):
        load_backend(model_folder, name)


def test_no_runtime_for_the_only_file_names_its_extra(
    model_folder: Path, no_runtime: Callable[..., None]
) -> None:
    manifest = Manifest.load(model_folder)
    only = replace(manifest, backends={"onnx": manifest.backends["onnx"]})
    no_runtime("onnxruntime")
    with pytest.raises(ModelError, match=r'pip install "ecgedge\[onnx\]"'):
        load_backend(model_folder, manifest=only)


def test_unknown_backend_is_a_misuse(model_folder: Path) -> None:
    with pytest.raises(ConfigError, match="choose auto, litert, onnx, tflite, core"):
        load_backend(model_folder, "tensorrt")


@pytest.mark.parametrize("name", [name for name, _ in FILES])
def test_golden_vectors_come_back(model_folder: Path, name: str) -> None:
    manifest = Manifest.load(model_folder)
    cases = load_golden(model_folder, manifest)
    assert len(cases) == 3
    assert check_golden(load_backend(model_folder, name), manifest, cases) == 0.0


def test_golden_check_finds_another_result(model_folder: Path) -> None:
    manifest = Manifest.load(model_folder)
    case = load_golden(model_folder, manifest)[0]
    step = manifest.backends["tflite"].output.scale
    assert step is not None
    moved = replace(case, logits={**case.logits, "tflite": case.logits["tflite"] + np.float32(6 * step)})
    with pytest.raises(ModelError, match=r"6\.0 int8 steps"):
        check_golden(load_backend(model_folder, "litert"), manifest, [moved])


RUN = """
import sys
import numpy as np
from ecgedge.artefacts.backends import load_backend
backend = load_backend(sys.argv[1], sys.argv[2])
backend.run(np.zeros((1, 1, 320), np.float32))
heavy = {"torch", "scipy", "onnx", "pandas", "matplotlib", "onnxruntime", "ai_edge_litert"} & set(sys.modules)
print("imported", *sorted(heavy), file=sys.stderr)
"""


@pytest.mark.parametrize(("name", "runtime"), [("litert", "ai_edge_litert"), ("onnx", "onnxruntime")])
def test_stdout_stays_clean_and_only_one_runtime_is_imported(
    program: Any, model_folder: Path, name: str, runtime: str
) -> None:
    done = program(RUN).run(str(model_folder), name, PYTHONWARNINGS="error")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == f"imported {runtime}"
