"""The compiled core, ``ecgedge._core``, as a module that Pyodide loads, made once for a state of it."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from needs import call
from pins import CACHE, REPOSITORY
from sources import put
from tools import Tools

CORE = REPOSITORY / "edge" / "core"
# As in hatch_build.py: every sum is rounded as it is written. With vectors, which every browser of today has.
COMPILE = [
    "-std=c99", "-O3", "-g0", "-fPIC", "-ffp-contract=off", "-fno-fast-math", "-fvisibility=hidden",
    "-msimd128",
]  # fmt: skip
LINK = ["-O3", "-g0", "-sSIDE_MODULE=2", "-sWASM_BIGINT=1", "-sEXPORTED_FUNCTIONS=_PyInit__core"]
NAME = "_core.abi3.so"
JOBS = 2


def built(tools: Tools) -> Path:
    """The path of the module."""
    files = sorted([*CORE.glob("*.[ch]"), *CORE.glob("python/*.[ch]")])
    digest = hashlib.sha256("\0".join([tools.digest, *COMPILE, *LINK]).encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    target = CACHE / f"core-{digest.hexdigest()[:16]}"
    if not target.is_dir():
        sys.stderr.write("the core for WebAssembly: seconds\n")
        sources = [path for path in files if path.suffix == ".c"]
        with tempfile.TemporaryDirectory(prefix="half-", dir=CACHE) as half:
            put(_build(tools, sources, Path(half)), target)
    return target / NAME


def _build(tools: Tools, sources: list[Path], work: Path) -> Path:
    objects = [work / f"{path.parent.name}-{path.stem}.o" for path in sources]

    def compiled(source: Path, target: Path) -> None:
        call(tools.cc, *COMPILE, "-c", source.relative_to(CORE), "-o", target, cwd=CORE)

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(compiled, sources, objects))
    made = work / "core"
    made.mkdir()
    call(tools.cc, *LINK, *objects, "-o", made / NAME)
    tools.check(made / NAME)
    return made
