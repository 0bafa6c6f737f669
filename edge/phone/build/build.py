"""Build the phone app: static files in one folder, which any server hands out over https.

Needed are Emscripten, npm and a Python of Pyodide's version. What was compiled or downloaded is kept in the
user's cache folder: the first time takes minutes, the next one seconds.

Usage: python edge/phone/build/build.py [--install] [--needs] [--require] [--out build/phone]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import assemble
import core_wasm
import numpy_wasm
import sources
import sums
from needs import CannotRunError, found
from pins import CACHE, REPOSITORY
from tools import tools

SKIPPED_BUT_REQUIRED = 77
FIRST = """\
The first time takes some 6 minutes on two cores, for numpy as WebAssembly. It downloads Pyodide (6 MB) from
npm, numpy's source (20 MB) and what compiles it (6 MB) from PyPI, into {cache}.
"""


def main(arguments: Sequence[str]) -> int:
    """Build, and return 0; where it cannot be built too, unless that is required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="get what is missing with apt-get, as root")
    parser.add_argument("--needs", action="store_true", help="look for what it needs, and build nothing")
    parser.add_argument("--require", action="store_true", help="fail where the app cannot be built")
    parser.add_argument(
        "--out", type=Path, default=REPOSITORY / "build" / "phone", help="the folder to make anew"
    )
    options = parser.parse_args(arguments)
    try:
        if options.needs:
            found(install=options.install)
            return 0
        version = build(options.out.resolve(), install=options.install)
    except CannotRunError as reason:
        bar = "=" * 100
        sys.stderr.write(f"{bar}\nSKIPPED: the phone app. {reason}\n{bar}\n")
        return SKIPPED_BUT_REQUIRED if options.require else 0
    sys.stdout.write(f"{options.out}: the phone app, version {version}. {sizes(options.out)}\n")
    return 0


def build(out: Path, *, install: bool) -> str:
    """Make the folder anew, as a whole or not at all; the app's version."""
    if out.exists() and not (out / sums.SUMS).is_file() and any(out.iterdir()):
        raise CannotRunError(f"{out} is no phone app, and would be emptied: give another folder with --out.")
    if not any(CACHE.glob("numpy-*/numpy")):
        sys.stderr.write(FIRST.format(cache=CACHE))
    needs = found(install=install)
    pyodide = sources.pyodide(needs)
    compilers = tools(needs, pyodide)
    core = core_wasm.built(compilers)
    numpy = numpy_wasm.built(compilers, sources.numpy(compilers.python))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".phone-", dir=out.parent) as half:
        target = Path(half) / "phone"
        assemble.page(target)
        assemble.interpreter(pyodide, target)
        assemble.packs(compilers.python, pyodide, numpy, core, target)
        assemble.licences(numpy, target)
        assemble.versions(needs.emscripten, compilers.python, target)
        version = sums.add(target)
        shutil.rmtree(out, ignore_errors=True)
        target.rename(out)
    return version


def sizes(folder: Path) -> str:
    """Megabytes on the phone and on the way there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    twins = {path.with_suffix("") for path in files if path.suffix == ".gz"}
    plain = [path for path in files if path.suffix != ".gz"]
    there = sum(path.stat().st_size for path in plain)
    way = sum((path.with_name(f"{path.name}.gz") if path in twins else path).stat().st_size for path in plain)
    return (
        f"{there / 1e6:.1f} MB, {way / 1e6:.1f} MB to download; "
        "without the models for waves, words and other leads"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
