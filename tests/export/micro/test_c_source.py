"""The C source is bit-identical to LiteRT, warns about nothing and stays in its arena."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.artefacts.backends.interpreter import Quantizer, quantization
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.golden import load_golden
from ecgedge.artefacts.manifest import Manifest
from ecgedge.artefacts.net8.arena import plan
from ecgedge.artefacts.net8.flat import read_flat
from ecgedge.artefacts.net8.layers import net8, quantized_multiplier
from ecgedge.artefacts.net8.plain import PlainNet
from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.quantize import quantize
from ecgedge_export.int8.tflite_writer import write_tflite
from ecgedge_export.micro.c_source import c_source, write_c

Codes = npt.NDArray[np.int8]
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
RunC = Callable[..., Codes]


def by_litert(tflite: Path, codes: Codes, **options: Any) -> Codes:
    """LiteRT on codes of shape (n, samples)."""
    interpreter = Interpreter(str(tflite), num_threads=1, **options)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for row in codes:
        interpreter.set_tensor(source["index"], row.reshape(source["shape"]))
        interpreter.invoke()
        found.append(interpreter.get_tensor(target["index"])[0])
    return np.array(found)


def random_codes(n: int, samples: int) -> Codes:
    """Noise over the whole range, and the two ends of it."""
    rng = np.random.default_rng(5)
    rows = rng.integers(-128, 128, (n, samples)).astype(np.int8)
    rows[0], rows[1] = -128, 127
    return rows


@pytest.mark.parametrize("flags", [(), ("-O3",), ("-Os", "-fwrapv")])
def test_network_gives_the_integers_of_litert(chain: Any, run_c: RunC, flags: tuple[str, ...]) -> None:
    codes = random_codes(300, 320)
    found = run_c(chain.int8_tflite, codes, *flags)
    assert len(np.unique(found, axis=0)) > 100
    np.testing.assert_array_equal(found, by_litert(chain.int8_tflite, codes))


def test_bundled_model_gives_its_golden_logits_and_the_integers_of_litert(run_c: RunC) -> None:
    folder = BUNDLED / "rhythm"
    manifest = Manifest.load(folder)
    artefact = manifest.backends["tflite"]
    cases = load_golden(folder, manifest)
    quantize_window, (scale, zero) = Quantizer(artefact.input), quantization(artefact.output)
    golden = np.stack([quantize_window(c.preprocessed.reshape(1, 1, -1)).flatten() for c in cases])
    codes = np.concatenate([golden, random_codes(20, manifest.n_samples)])
    found = run_c(folder / artefact.file, codes, "-O3")
    np.testing.assert_array_equal(found, by_litert(folder / artefact.file, codes))
    for logits, case in zip((found[: len(cases)] - zero) * scale, cases, strict=True):
        np.testing.assert_array_equal(logits, case.logits["tflite"])


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
def test_bundled_model_compiles_for_a_microcontroller(tmp_path: Path) -> None:
    made = write_c(BUNDLED / "rhythm" / "model.tflite", tmp_path)
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *STRICT, "-Os", "-c", "model.c"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    said = subprocess.run(
        ["arm-none-eabi-size", "model.o"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    text, data, bss = (int(n) for n in said.stdout.splitlines()[1].split()[:3])
    assert 185_000 < text < 200_000  # weights, and little code
    assert data == bss == 0  # all memory is the caller's
    assert made.arena_bytes < 100_000


def test_same_file_gives_the_same_text_without_libraries(chain: Any) -> None:
    data = chain.int8_tflite.read_bytes()
    made = c_source(data, "ecgedge_test")
    assert made == c_source(data, "ecgedge_test")
    included = {'"model.h"', '"net8.h"', "<arm_acle.h>", "<float.h>", "<stdint.h>", "<string.h>"}
    assert set(re.findall(r"#include (.*)", made.source + made.header)) == included
    code = re.sub(r"/\*.*?\*/", "", made.source + made.header, flags=re.DOTALL)
    assert not re.search(r"double|malloc|\b(?:log|exp|lrint|floor|sqrt)f?\(", code)
    assert "#define ECGEDGE_TEST_ARENA_WORDS" in made.header
    assert f"/* {made.arena_bytes} bytes */" in made.header


def test_tensors_that_live_at_the_same_time_do_not_overlap(chain: Any) -> None:
    graph = read_flat(chain.int8_tflite.read_bytes())
    layout = plan(graph)
    uses = [{layout.aliases[i] for i in o.inputs if i in layout.aliases} for o in graph.operators]
    last = {tensor: step for step, tensors in enumerate(uses) for tensor in tensors}
    held: dict[int, int] = {}  # tensor in each byte
    for step, operator in enumerate(graph.operators):
        for index in uses[step] & layout.offsets.keys():
            assert {held[byte] for byte in span(graph, layout, index)} == {index}
        target = layout.aliases[operator.output]
        if target in layout.offsets:
            over = {held.get(byte) for byte in span(graph, layout, target)} - {None, target}
            assert all(last[index] <= step for index in over if index is not None)
            held.update(dict.fromkeys(span(graph, layout, target), target))
    sizes = [int(np.prod(graph.tensors[index].shape)) for index in layout.offsets]
    assert max(sizes) < layout.size < sum(sizes) / 2


def span(graph: Any, layout: Any, index: int) -> range:
    """Bytes of a tensor in the arena."""
    return range(layout.offsets[index], layout.offsets[index] + int(np.prod(graph.tensors[index].shape)))


@settings(deadline=None)
@given(st.floats(1e-9, 1e4))
def test_multiplier_is_the_factor_to_31_bits(real: float) -> None:
    multiplier, exponent = quantized_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert multiplier * 2.0 ** (exponent - 31) == pytest.approx(real, rel=2**-31)


def test_factor_next_to_a_power_of_two_stays_within_31_bits() -> None:
    assert quantized_multiplier(np.nextafter(0.5, 0.0)) == (2**30, 0)
    assert quantized_multiplier(0.0) == quantized_multiplier(1e-12) == (0, 0)


def test_bad_names_and_files_are_refused(chain: Any) -> None:
    data = chain.int8_tflite.read_bytes()
    for name in ("", "3d", "a-b", "naïve"):
        with pytest.raises(ModelError, match="cannot begin a name in C"):
            c_source(data, name)
    with pytest.raises(ModelError, match="no TFLite file"):
        c_source(b"x" * 40)


def test_a_filter_of_zeros_has_no_factor_that_matters(
    small_net: Any, windows: Any, tmp_path: Path, run_c: RunC
) -> None:
    import copy

    import torch

    net = copy.deepcopy(small_net)
    with torch.no_grad():
        net.head.weight.mul_(1e-3)
        net.head.bias.mul_(1e-3)
        net.head.weight[0], net.head.bias[0] = 0.0, 0.0  # its scale is 1, that of the output far smaller
    pair = quantize(export_onnx(net, 320, tmp_path / "float.onnx"), windows(8, 1), tmp_path)
    tflite = write_tflite(pair.s8s8, tmp_path / "model.tflite")
    codes = random_codes(40, 320)
    found = run_c(tflite, codes)
    # XNNPACK refuses such a scale: the reference kernels take it, which round some sums the other way.
    wanted = by_litert(tflite, codes, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    assert len(np.unique(found[:, 0])) == 1
    assert np.mean(np.abs(found.astype(int) - wanted)) < 0.5
    plain = PlainNet(net8(read_flat(tflite.read_bytes())))
    np.testing.assert_array_equal(found, [plain.run_codes(row) for row in codes])
    assert len(np.unique(found[:, 1:])) > 15


def test_sums_that_could_overflow_are_refused(small_net: Any, windows: Any, tmp_path: Path) -> None:
    import copy

    import torch

    net = copy.deepcopy(small_net)
    with torch.no_grad():
        net.head.bias[0] = 1e9  # its scale is too fine for that: the quantizer spends all 32 bits on it
    pair = quantize(export_onnx(net, 320, tmp_path / "float.onnx"), windows(8, 1), tmp_path)
    tflite = write_tflite(pair.s8s8, tmp_path / "model.tflite")
    with pytest.raises(ModelError, match="do not fit into 31 bits"):
        c_source(tflite.read_bytes())
