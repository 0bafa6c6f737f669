"""numpy for Pyodide, from its source distribution: some minutes, once for each set of versions."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from needs import CannotRunError, call
from pins import ABI, CACHE
from sources import put
from tools import Tools

# What `import numpy` loads of compiled code, and nothing else.
MODULES = ("numpy/_core/_multiarray_umath", "numpy/linalg/_umath_linalg")
COMPILE = ["-Os", "-g0", "-fPIC", "-D_LARGEFILE64_SOURCE", "-ffp-contract=off"]
# Without this list SIDE_MODULE=2 drops PyInit in silence, and a module comes out empty. One list for both:
# what a module lacks is passed over.
EXPORTS = ",".join(f"_PyInit_{Path(name).name}" for name in MODULES)
LINK = [
    "-Os", "-g0", "-sSIDE_MODULE=2", "-sWASM_BIGINT=1", "-sERROR_ON_UNDEFINED_SYMBOLS=0",
    f"-sEXPORTED_FUNCTIONS={EXPORTS}",
]  # fmt: skip
# All functions that are looked for are found, as a side module gets them from elsewhere; one Pyodide lacks.
CROSS = """\
[binaries]
c = {cc}
cpp = {cxx}
ar = 'emar'
ranlib = 'emranlib'
strip = 'true'
exe_wrapper = 'node'
pkg-config = 'false'
python = {python}

[built-in options]
c_args = {c_args}
cpp_args = {cpp_args}
c_link_args = {link}
cpp_link_args = {link}

[properties]
needs_exe_wrapper = true
skip_sanity_check = true
longdouble_format = 'IEEE_QUAD_LE'
has_function_backtrace = false

[host_machine]
system = 'emscripten'
cpu_family = 'wasm32'
cpu = 'wasm'
endian = 'little'
"""
NATIVE = """\
[binaries]
cython = {cython}
"""
# No threads, no BLAS (its sums have an order of their own), no code for other processors.
OPTIONS = [
    "-Dblas=none", "-Dlapack=none", "-Dallow-noblas=true", "-Ddisable-optimization=true",
    "-Ddisable-highway=true", "-Ddisable-svml=true", "-Ddisable-threading=true", "-Dbuildtype=release",
    "-Db_ndebug=true",
]  # fmt: skip
JOBS = 2


def built(tools: Tools, source: Path) -> Path:
    """A folder with the package ``numpy``: its Python files and the two compiled modules."""
    about = "\0".join([tools.digest, source.parent.name, CROSS, *MODULES, *COMPILE, *LINK, *OPTIONS])
    target = CACHE / f"numpy-{hashlib.sha256(about.encode()).hexdigest()[:16]}"
    if not target.is_dir():
        sys.stderr.write("numpy for WebAssembly: some minutes, once\n")
        with tempfile.TemporaryDirectory(prefix="half-", dir=CACHE) as half:
            put(_build(tools, source, Path(half)), target)
    return target


def _build(tools: Tools, source: Path, work: Path) -> Path:
    (work / "cross.ini").write_text(_cross(tools))
    (work / "native.ini").write_text(NATIVE.format(cython=[str(tools.python), "-m", "cython"]))
    tree, objects = work / "source", work / "objects"
    shutil.copytree(source, tree)  # numpy's build writes into its source
    meson = tree / "vendored-meson" / "meson" / "meson.py"
    path = {"NINJA": str(tools.ninja)}
    machines: list[str | Path] = ["--cross-file", work / "cross.ini", "--native-file", work / "native.ini"]
    call(tools.python, meson, "setup", objects, *machines, *OPTIONS, cwd=tree, env=path)
    targets = [*_targets(tools, objects)]
    call(tools.ninja, "-C", objects, f"-j{JOBS}", *targets)
    site = work / "site"
    for path in sorted(tree.glob("numpy/**/*.py")):
        _copy(path, site / path.relative_to(tree))
    for made in ("version.py", "__config__.py"):
        if (objects / "numpy" / made).is_file():
            _copy(objects / "numpy" / made, site / "numpy" / made)
    _forget(site / "numpy" / "__config__.py", tools)
    modules = [site / f"{name}.{ABI}.so" for name in MODULES]
    for target, module in zip(targets, modules, strict=True):
        _copy(objects / target, module)
    tools.check(*modules)
    _copy(tree / "LICENSE.txt", site / "LICENSE.txt")
    return site


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _cross(tools: Tools) -> str:
    # The repr of a list of words is a list of Meson's.
    return CROSS.format(
        cc=[str(tools.cc)],
        cxx=[str(tools.cxx)],
        python=[str(tools.python)],
        c_args=COMPILE,
        cpp_args=[*COMPILE, "-fignore-exceptions"],
        link=LINK,
    )


def _targets(tools: Tools, objects: Path) -> Iterator[str]:
    """Names of the modules in the build folder, which end in this machine's suffix."""
    lines = call(tools.ninja, "-C", objects, "-t", "targets", "all").splitlines()
    names = [line.rsplit(":", 1)[0] for line in lines if line.endswith("_LINKER")]
    for module in MODULES:
        found = [name for name in names if name.split(".")[0] == module and name.endswith(".so")]
        if len(found) != 1:
            raise CannotRunError(
                f"numpy's build has {found or 'nothing'} for {module}: is it another version of numpy?"
            )
        yield found[0]


def _forget(config: Path, tools: Tools) -> None:
    """Take paths of this machine out of what numpy says of its build."""
    config.write_text(config.read_text().replace(f"{tools.cc.parent}/", ""))
