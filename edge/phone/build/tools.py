"""What compiles: an environment, Python's headers for WebAssembly, and Emscripten's compilers behind them."""

from __future__ import annotations

import hashlib
import re
import runpy
import shlex
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from needs import CannotRunError, Needs, call
from pins import CACHE, FOLDER, TOOLS
from sources import put

# Two folders of includes that come before all others. A compiler is a script, so that no path of this machine
# gets into what numpy writes down about its build.
COMPILER = """\
#!/bin/sh
exec {emscripten} -isystem {system} -I{python} "$@"
"""
MADE = "2"  # to be raised with every change of what is made here
# Names of what configure found out; the rest of Python's build variables are of its Makefile.
CONFIGURED = re.compile(r"(HAVE|SIZEOF|ALIGNOF|WITH|PY|PYLONG|DOUBLE_IS|SYS|MAJOR|STDC|PTHREAD)_\w+")


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs that build for Pyodide, and a digest of all that they are made of."""

    python: Path
    ninja: Path
    cc: Path
    cxx: Path
    pyodide: Path
    digest: str

    def check(self, *modules: Path) -> None:
        """Hold modules against what Pyodide has.

        Raises
        ------
        CannotRunError
            One asks for a function that is not there.
        """
        main = self.pyodide / "pyodide.asm.wasm"
        if missing := call("node", FOLDER / "unresolved.mjs", main, *modules).split():
            raise CannotRunError(
                f"{', '.join(path.name for path in modules)}: Pyodide has no {', '.join(missing)}. "
                "Say to the build that there is none, as numpy_wasm.py says it of backtrace."
            )


def tools(needs: Needs, pyodide: Path) -> Tools:
    """The tools, made once for each set of versions."""
    include = call(needs.python, "-c", "import sysconfig; print(sysconfig.get_path('include'))").strip()
    about = [MADE, needs.emscripten, str(needs.emcc), pyodide.parent.name, str(TOOLS)]
    about.append(call(needs.python, "-VV") + str(needs.python))
    digest = hashlib.sha256("\0".join(about).encode()).hexdigest()[:16]
    folder = CACHE / f"tools-{digest}"
    if not folder.is_dir():
        sys.stderr.write(f"download: {', '.join(f'{name} {version}' for name, version in TOOLS.items())}\n")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="half-", dir=CACHE) as half:
            work = Path(half) / "tools"
            headers(Path(include), pyodide, work / "python")
            corrected(needs, work / "system" / "bits")
            for name in ("emcc", "em++"):
                places = (needs.emcc.with_name(name), folder / "system", folder / "python")
                emscripten, system, python = (shlex.quote(str(place)) for place in places)
                text = COMPILER.format(emscripten=emscripten, system=system, python=python)
                (work / name).write_text(text)
                (work / name).chmod(0o755)
            environment(needs.python, work / "venv")
            put(work, folder)
    programs = folder / "venv" / "bin"
    return Tools(programs / "python", programs / "ninja", folder / "emcc", folder / "em++", pyodide, digest)


def headers(source: Path, pyodide: Path, target: Path) -> None:
    """Python's C headers with the sizes of WebAssembly: this machine's, but for what configure wrote."""
    shutil.copytree(source, target)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(pyodide / "python_stdlib.zip") as library:
        name = next(name for name in library.namelist() if name.startswith("_sysconfigdata_"))
        found: Mapping[str, object] = runpy.run_path(library.extract(name, scratch))["build_time_vars"]
    lines = [f"#define {key} {value}" for key, value in sorted(found.items()) if _is_setting(key, value)]
    # With the one setting that is no finding: Python asks C libraries for all that they have.
    text = ["#ifndef Py_PYCONFIG_H", "#define Py_PYCONFIG_H", "#define _GNU_SOURCE 1", *lines, "#endif\n"]
    (target / "pyconfig.h").write_text("\n".join(text))


def _is_setting(key: str, value: object) -> bool:
    return isinstance(value, int) and value != 0 and CONFIGURED.fullmatch(key) is not None


def corrected(needs: Needs, target: Path) -> None:
    """The one type that has grown since Emscripten 3.1.6: Pyodide's time_t has 64 bits."""
    target.mkdir(parents=True)
    sysroot = Path(call(needs.emcc.with_name("em-config"), "CACHE").strip()) / "sysroot"
    types = (sysroot / "include" / "bits" / "alltypes.h").read_text()
    (target / "alltypes.h").write_text(types.replace("typedef long time_t;", "typedef long long time_t;"))


def environment(python: Path, target: Path) -> None:
    """An environment with what numpy's build runs."""
    call(python, "-m", "venv", target)
    wanted = [f"{name}=={version}" for name, version in TOOLS.items()]
    call(target / "bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *wanted)
