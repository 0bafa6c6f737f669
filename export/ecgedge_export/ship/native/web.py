"""The native core and the networks as WebAssembly, for JavaScript without Python: ``native/web``."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ecgedge_bridge.errors import ConfigError

FOLDER = "native/web"
BUILT = ("ecg_core.wasm", "models.wasm")
_LIMIT_S = 1200


def models_source(names: list[str]) -> str:
    """``models_web.c``: the networks of a bundle by their folders' names, for ``models.mjs``."""
    sizes = {
        name: [f"ECGEDGE_{name.upper()}_{what}" for what in ("SAMPLES", "CLASSES", "ARENA_WORDS")]
        for name in names
    }
    largest = [
        f"union {{ {' '.join(f'char {n}[{size[i]}];' for n, size in sizes.items())} }}" for i in range(3)
    ]
    includes = "\n".join(f'#include "../../{name}/model.h"' for name in names)
    return f"""\
/* SPDX-License-Identifier: Apache-2.0. Made by ecgedge-export bundle: change nothing here. */
{includes}

#define EXPORT(name) __attribute__((export_name(name)))

/* As large as the largest network asks for. */
enum {{
    MOST_SAMPLES = sizeof({largest[0]}),
    MOST_CLASSES = sizeof({largest[1]}),
    MOST_WORDS = sizeof({largest[2]})
}};

static float values[MOST_SAMPLES], logits[MOST_CLASSES];
static int8_t input[MOST_SAMPLES], output[MOST_CLASSES];
static int32_t arena[MOST_WORDS];

EXPORT("values") float *ecg_values(void)
{{
    return values;
}}

EXPORT("logits") float *ecg_logits(void)
{{
    return logits;
}}
{"".join(_network(name, *size[:2]) for name, size in sizes.items())}"""


def _network(name: str, samples: str, classes: str) -> str:
    return f"""
EXPORT("{name}_inputs") int32_t {name}_inputs(void)
{{
    return {samples};
}}

EXPORT("{name}_outputs") int32_t {name}_outputs(void)
{{
    return {classes};
}}

EXPORT("{name}_run") void {name}_run(void)
{{
    ecgedge_{name}_codes(values, input);
    ecgedge_{name}_run(input, output, arena);
    ecgedge_{name}_values(output, logits);
}}
"""


def compiled(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compile what ``build.sh`` of a bundle compiles, and return it by its path in the bundle.

    Raises
    ------
    ConfigError
        There is no compiler for WebAssembly, or it failed.
    """
    if f"{FOLDER}/build.sh" not in files:
        raise ConfigError("the C code has no form for these models: leave --wasm out, README.md says why")
    shell = shutil.which("sh")
    if shell is None or not any(shutil.which(one) for one in ("emcc", "clang")):
        raise ConfigError(
            "WebAssembly needs emcc, or clang and wasm-ld: apt-get install emscripten, or leave --wasm out"
        )
    with tempfile.TemporaryDirectory(prefix="ecgedge-wasm-") as scratch:
        for name, data in files.items():
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        folder = Path(scratch) / FOLDER
        done = subprocess.run(
            [shell, "build.sh"], cwd=folder, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no output"])[-1][:300]
            raise ConfigError(
                f"WebAssembly could not be compiled ({why}): mend the compiler, or leave --wasm out"
            )
        return {f"{FOLDER}/{name}": (folder / name).read_bytes() for name in BUILT}
