"""The compiled core with AddressSanitizer and UndefinedBehaviorSanitizer, in a package of its own.

All that Python allocates comes from malloc then, so that a byte read beyond an array is seen. Leaks are
looked for elsewhere (:func:`misuse.unleaking`): the interpreter itself leaves memory behind at its end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import ecgedge

PACKAGE = Path(ecgedge.__file__).parent
CORE = PACKAGE.parent / "core"
FLAGS = [
    "-std=c99", "-O1", "-g", "-fno-omit-frame-pointer", "-ffp-contract=off", "-fPIC", "-shared",
    "-Wall", "-Wextra", "-Werror",
    "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all",
]  # fmt: skip


def absent() -> str | None:
    """Why nothing can be sanitized here, None where it can."""
    if not sys.platform.startswith("linux"):
        return "the sanitizers are preloaded as Linux does it"
    if not CORE.is_dir():
        return "the sources of the core are not here"
    if shutil.which("gcc") is None or not _library("libasan.so").is_absolute():
        return "gcc and its libasan are needed"
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return "Python.h is needed"
    return None


def _library(name: str) -> Path:
    """Where gcc has a library; the bare name where it has none."""
    asked = ["gcc", f"-print-file-name={name}"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def build(work: Path) -> Path:
    """Compile the core into a package that otherwise is links; the folder for ``PYTHONPATH``."""
    package = work / "ecgedge"
    package.mkdir()
    for entry in PACKAGE.iterdir():
        if not entry.name.startswith("_core.") and entry.name != "__pycache__":
            (package / entry.name).symlink_to(entry)
    sources = sorted(str(path) for path in [*CORE.glob("*.c"), *CORE.glob("python/*.c")])
    include = sysconfig.get_path("include")
    target = package / "_core.abi3.so"
    subprocess.run(["gcc", *FLAGS, f"-I{include}", *sources, "-o", str(target), "-lm"], check=True)
    return work


def environment(folder: Path, fill: int = 0xBE) -> dict[str, str]:
    """Variables for a Python that runs it; ``fill`` is what new memory holds."""
    beside = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    preloaded = (
        _library("libasan.so").resolve(),
        _library("libstdc++.so").resolve(),
    )  # numpy throws C++ exceptions
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, beside)]),
        "LD_PRELOAD": " ".join(map(str, preloaded)),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024:"
        f"malloc_fill_byte={fill}:max_malloc_fill_size=1048576:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
        "ECGEDGE_CORE": "c",
    }


def run(folder: Path, *arguments: str, fill: int = 0xBE) -> subprocess.CompletedProcess[str]:
    """Python with these arguments on the sanitized core; what the sanitizers find is in ``stderr``."""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", *arguments], env=environment(folder, fill),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
