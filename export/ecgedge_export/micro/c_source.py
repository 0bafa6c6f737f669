"""A model as C99 source: ``model.c`` and ``model.h``, no library, memory from the caller.

Made from the TFLite file; the layers and the code that runs them are those of the package's own runtime
(``edge/core/net8.c``), so that a microcontroller says what LiteRT, ONNX Runtime and a phone say, integer for
integer. TFLite's reference kernels and TFLite Micro round one product in some hundred, close to a half, the
other way; what that does to the logits is measured by :func:`ecgedge_export.int8.parity.parity`.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from ecgedge.artefacts.net8.flat import read_flat
from ecgedge.artefacts.net8.layers import INPUT, OUTPUT, Layer, Net8, net8
from ecgedge_bridge.errors import ModelError

_KINDS = ("DENSE", "DEPTHWISE", "ADD", "RELU", "MAX_POOL", "PAD")
_PLACES = {INPUT: "ECG_NET8_INPUT", OUTPUT: "ECG_NET8_OUTPUT"}


@dataclass(frozen=True, slots=True)
class CSource:
    """Text of both files, and the memory that the caller has to bring, in bytes."""

    header: str
    source: str
    arena_bytes: int


def c_source(tflite: bytes, name: str = "ecgedge_model") -> CSource:
    """Translate a fully int8 TFLite model to C99.

    Parameters
    ----------
    tflite : bytes
        As :func:`ecgedge_export.int8.tflite_writer.convert` writes it.
    name : str
        Prefix of everything that the header declares.

    Returns
    -------
    CSource

    Raises
    ------
    ModelError
        An operator that has no kernel here, or sums that could overflow 32 bits.

    Examples
    --------
    >>> made = c_source(Path("model.tflite").read_bytes(), "ecgedge_rhythm")  # doctest: +SKIP
    >>> made.arena_bytes  # doctest: +SKIP
    60272
    """
    if not name.isidentifier() or not name.isascii():
        raise ModelError(f"{name!r} cannot begin a name in C: choose letters, digits and underscores")
    net = net8(read_flat(tflite))
    header = _header(net, name, hashlib.sha256(tflite).hexdigest())
    return CSource(header, _source(net, name), net.arena)


def write_c(tflite: str | Path, folder: str | Path, name: str = "ecgedge_model") -> CSource:
    """Write ``model.c`` and ``model.h`` for the file ``tflite`` into ``folder``; see :func:`c_source`."""
    made = c_source(Path(tflite).read_bytes(), name)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.h").write_text(made.header, encoding="ascii", newline="\n")
    (target / "model.c").write_text(made.source, encoding="ascii", newline="\n")
    return made


def _header(net: Net8, name: str, origin: str) -> str:
    upper = name.upper()
    return f"""\
/* SPDX-License-Identifier: Apache-2.0
 * Made by ecgedge-export from the TFLite file with sha256
 * {origin}.
 *
 * Input:  round to even(value / {net.scale_in}) + {net.zero_in}, limited to -128..127.
 * Logits: (output - ({net.zero_out})) * {net.scale_out}.
 * Not a medical device.
 */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#define {upper}_SAMPLES {net.n_inputs}
#define {upper}_CLASSES {net.n_outputs}
#define {upper}_ARENA_WORDS {net.arena // 4} /* {net.arena} bytes */

/* Runs the model once. The arena is working memory, of which nothing is kept between calls. */
void {name}_run(const int8_t input[{upper}_SAMPLES], int8_t logits[{upper}_CLASSES],
    int32_t arena[{upper}_ARENA_WORDS]);

/* The two lines above, for an input and for logits. */
void {name}_codes(const float values[{upper}_SAMPLES], int8_t input[{upper}_SAMPLES]);
void {name}_values(const int8_t logits[{upper}_CLASSES], float values[{upper}_CLASSES]);

#endif
"""


def _source(net: Net8, name: str) -> str:
    upper = name.upper()
    return "\n".join([
        _HEAD,
        _kernels(),
        "#endif\n",
        network(net, "static const struct ecg_net8 net"),
        f"void {name}_run(const int8_t input[{upper}_SAMPLES], int8_t logits[{upper}_CLASSES],",
        f"    int32_t arena[{upper}_ARENA_WORDS])",
        "{\n    ecg_net8_run(&net, input, logits, arena);\n}\n",
        f"void {name}_codes(const float values[{upper}_SAMPLES], int8_t input[{upper}_SAMPLES])",
        "{\n    ecg_net8_codes(&net, values, input);\n}\n",
        f"void {name}_values(const int8_t logits[{upper}_CLASSES], float values[{upper}_CLASSES])",
        "{\n    ecg_net8_values(&net, logits, values);\n}\n",
    ])  # fmt: skip


def network(net: Net8, declared: str) -> str:
    """Constant arrays and layers of a network, and the struct of it, declared as ``declared``."""
    sizes = (len(net.layers), net.n_inputs, net.n_outputs, net.sums, net.patches, net.memory)
    scales = (number(net.scale_in), number(net.scale_out), net.zero_in, net.zero_out)
    tables = [text for n, layer in enumerate(net.layers) for text in _tables(layer, n)]
    layers = ",\n".join(f"    {{{', '.join(_fields(layer, n))}}}" for n, layer in enumerate(net.layers))
    return "\n".join([
        *tables,
        f"static const struct ecg_net8_layer layers[] = {{\n{layers},\n}};\n",
        f"{declared} = {{",
        f"    layers, {', '.join(map(str, (*sizes, *scales)))},",
        "};\n",
    ])  # fmt: skip


_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0
 * See model.h. Several models can share the code that runs them: define ECG_NET8_LINKED, and compile net8.c
 * of ecgedge beside them. Where the processor has no unit for floats, its compiler's library does their work.
 */
#include "model.h"

#ifdef ECG_NET8_LINKED
#include "net8.h"
#else
#include <float.h>
#include <string.h>

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float must be evaluated as float: compile with SSE2 (-msse2 -mfpmath=sse)"
#endif

#define ECG_NET8_API static
#define ECG_WIDE
"""


def _kernels() -> str:
    """The code of the core, without the files that it includes."""
    found = {path.name: path for path in core_files()}
    texts = [found[name].read_text(encoding="ascii") for name in ("net8.h", "net8.c")]
    return re.sub(r'^#include ("|<st).*\n\n?', "", "\n".join(texts), flags=re.MULTILINE)


def core_files(*rooms: str) -> list[Path]:
    """Files of the core and of rooms in it: in the wheel beside this module, in the repository where it is
    compiled from."""
    packed = Path(str(resources.files("ecgedge_export.micro"))) / "core"
    core = packed if packed.is_dir() else Path(__file__).parents[3] / "edge" / "core"
    return sorted(path for room in ("", *rooms) for path in (core / room).glob("*.[ch]"))


def _tables(layer: Layer, n: int) -> Iterable[str]:
    """Constant arrays of one layer."""
    if not layer.weights.size:
        return
    yield table("int8_t", f"weights_{n}", map(str, layer.weights.reshape(-1).tolist()))
    yield table("int32_t", f"bias_{n}", map(str, layer.bias.tolist()))
    yield table("float", f"factors_{n}", map(number, layer.factors))


def table(kind: str, name: str, numbers: Iterable[str]) -> str:
    """A constant array in C."""
    text = textwrap.fill(", ".join(numbers), 108, initial_indent="    ", subsequent_indent="    ",
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip
    return f"static const {kind} {name}[] = {{\n{text}\n}};\n"


def number(value: np.float32) -> str:
    """A float in C, to the bit."""
    return f"{float(value).hex()}f"


def _fields(layer: Layer, n: int) -> list[str]:
    kind, *numbers = layer.numbers()
    places = [_PLACES.get(place, str(place)) for place in numbers[:3]]
    names = ("weights", "bias", "factors")
    arrays = [f"{name}_{n}" for name in names] if layer.weights.size else ["0"] * 3
    return [f"ECG_NET8_{_KINDS[kind]}", *places, *map(str, numbers[3:]), *arrays, "0"]
