"""The app's files in one folder: the page, Pyodide, and packs of Python, numpy and ecgedge."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import archive
import contents
import core_wasm
from needs import CannotRunError, call
from pins import ABI, EMSCRIPTEN, FOLDER, NUMPY, PYODIDE, PYTHON, REPOSITORY

APP = REPOSITORY / "edge" / "phone" / "app"
LIVE_PAGE = REPOSITORY / "edge" / "ecgedge" / "sinks" / "web" / "page"
# Of the live page, what talks to its server.
SERVED = {"index.html", "app.js", "asks.js", "connection.js"}
# Without it numpy cannot be imported.
LAPACK = FOLDER / "stand_ins" / "_umath_linalg.py"
LIBRARY = f"lib/python{PYTHON}"
SITE = f"{LIBRARY}/site-packages"


def page(target: Path) -> None:
    """The phone's page, and below ``live`` what it has in common with the live page."""
    shutil.copytree(APP, target, dirs_exist_ok=True)
    for path in sorted(LIVE_PAGE.rglob("*")):
        if path.is_file() and path.name not in SERVED:
            _copy(path, target / "live" / path.relative_to(LIVE_PAGE))


def interpreter(pyodide: Path, target: Path) -> None:
    """Pyodide's own files, unchanged, but for its index of packages on a server of others: it lists none.

    Python's library is in a pack, and an empty zip stands where Pyodide looks for it.
    """
    for name in ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm"):
        _copy(pyodide / name, target / "pyodide" / name)
    index = json.loads((pyodide / "pyodide-lock.json").read_text()) | {"packages": {}}
    (target / "pyodide" / "pyodide-lock.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    with zipfile.ZipFile(target / "pyodide" / "python_stdlib.zip", "w"):
        pass


def packs(python: Path, pyodide: Path, numpy: Path, core: Path, target: Path) -> None:
    """The three packs. Each has a digest of its own: where only ecgedge changed, a phone fetches no numpy."""
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(pyodide / "python_stdlib.zip") as library:
        work = Path(scratch)
        library.extractall(work / "library")
        ours = REPOSITORY / "edge" / "ecgedge"
        bridge = REPOSITORY / "firmware_bridge" / "ecgedge_bridge"
        listed = {
            "python": _below(LIBRARY, work / "library", "standard_library"),
            "numpy": {
                **_below(f"{SITE}/numpy", numpy / "numpy", "numpy"),
                f"{SITE}/numpy/linalg/{LAPACK.name}": LAPACK,
            },
            "ecgedge": {
                **_below(f"{SITE}/ecgedge", ours, "ecgedge"),
                **_below(f"{SITE}/ecgedge_bridge", bridge, "ecgedge_bridge"),
                f"{SITE}/ecgedge/{core_wasm.NAME}": core,
            },
        }
        for name, files in listed.items():
            (target / f"{name}{archive.SUFFIX}").write_bytes(archive.packed(_compiled(python, files, work)))


def licences(numpy: Path, target: Path) -> None:
    """The licences of all that is in there."""
    for path in sorted((FOLDER / "licences").iterdir()):
        _copy(path, target / "LICENSES" / path.name)
    for name, source in {
        "ecgedge.txt": REPOSITORY / "LICENSE",
        "numpy.txt": numpy / "LICENSE.txt",
        "uPlot.txt": LIVE_PAGE / "vendor" / "LICENSE",
    }.items():
        _copy(source, target / "LICENSES" / name)


def versions(emscripten: str, python: Path, target: Path) -> None:
    """``build.json``: what the app was made of."""
    text = (REPOSITORY / "edge" / "ecgedge" / "__init__.py").read_text(encoding="utf-8")
    ours = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if ours is None:
        raise CannotRunError("edge/ecgedge/__init__.py names no version.")
    made_of = {
        "ecgedge": ours[1],
        "pyodide": {"version": PYODIDE["version"], "sha256": PYODIDE["sha256"], "abi": ABI},
        "numpy": {"version": NUMPY["version"], "sha256": NUMPY["sha256"]},
        "emscripten": {"version": emscripten, "tested": EMSCRIPTEN},
        "python": call(python, "-c", "import platform; print(platform.python_version())").strip(),
    }
    (target / "build.json").write_text(json.dumps(made_of, indent=1) + "\n")


def _below(prefix: str, folder: Path, what: str) -> dict[str, Path]:
    """Paths of a folder's files by their names in a pack."""
    return {f"{prefix}/{path.relative_to(folder).as_posix()}": path for path in contents.kept(folder, what)}


def _compiled(python: Path, files: Mapping[str, Path], work: Path) -> dict[str, bytes]:
    """Content of files by their names; Python's as bytecode, by one process for all."""
    found: dict[str, bytes] = {}
    wanted: list[tuple[str, Path]] = []
    lines = []
    for name, path in sorted(files.items()):
        if path.suffix == ".py":
            target = work / f"{len(wanted)}.pyc"
            wanted.append((f"{name}c", target))
            lines.append(
                json.dumps(
                    [str(path), name.removeprefix(f"{SITE}/").removeprefix(f"{LIBRARY}/"), str(target)]
                )
            )
        else:
            found[name] = path.read_bytes()
    # Lines in tracebacks, no columns: a fifth of the bytes.
    call(
        python,
        "-X",
        "no_debug_ranges",
        FOLDER / "bytecode.py",
        text="\n".join(lines),
        env={"PYTHONHASHSEED": "0"},
    )
    return found | {name: target.read_bytes() for name, target in wanted}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
