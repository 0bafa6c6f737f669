"""What has to be on the machine before anything is built, and how it is had on Debian."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pins import EMSCRIPTEN, PYTHON

# Another apt-get may be at work, that of the nightly upgrade for example.
WAIT = ("-o", "DPkg::Lock::Timeout=300")
# A Python that builds: of the right version, with its C headers and with what makes environments.
USABLE = f"""
import ensurepip, pathlib, sys, sysconfig
ok = "%d.%d" % sys.version_info[:2] == "{PYTHON}" and sys.implementation.name == "cpython"
sys.exit(not (ok and pathlib.Path(sysconfig.get_path("include"), "Python.h").is_file()))
"""
OTHER_PYTHON = (
    f"Debian 12 has no Python {PYTHON}: one of pyenv or uv serves as well (`uv python install {PYTHON}`)."
)


class CannotRunError(Exception):
    """Something is missing, or came out wrong; the message says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Programs that are here: Emscripten's compilers, npm, and a Python of Pyodide's version."""

    emcc: Path
    npm: Path
    python: Path
    emscripten: str


def found(*, install: bool) -> Needs:
    """Find all that is needed; with ``install``, what is missing comes from Debian, as root.

    Raises
    ------
    CannotRunError
        Something is missing, and may not or cannot be installed.
    """
    if missing := _missing():
        packages = " ".join(dict.fromkeys(word for text in missing.values() for word in text.split()))
        if not install:
            raise CannotRunError(
                f"Needed here: {', '.join(missing)}. On Debian: apt-get install {packages}, which "
                f"`make phone PHONE=--install` does as root. {OTHER_PYTHON}"
            )
        _install(packages.split())
        if missing := _missing():
            absent = ", ".join(missing)
            raise CannotRunError(
                f"After apt-get install {packages} there still is no {absent}. {OTHER_PYTHON}"
            )
    emcc, npm, python = shutil.which("emcc"), shutil.which("npm"), _python()
    if emcc is None or npm is None or python is None:
        raise CannotRunError("What was here a moment ago is gone: start again.")
    return Needs(Path(emcc), Path(npm), python, _emscripten(emcc))


def call(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, text: str = ""
) -> str:
    """Run a command that has to work, with a text as its standard input; what it wrote to the output."""
    words = [str(word) for word in command]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"} | dict(env or {})
    done = subprocess.run(
        words, cwd=cwd, env=environment, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise CannotRunError(f"`{shlex.join(words)[:300]}` failed: {said}")
    return done.stdout


def _missing() -> dict[str, str]:
    """What is not here, with the Debian packages that bring it."""
    missing = {}
    if shutil.which("emcc") is None:
        missing["emcc (Emscripten)"] = "emscripten"
    if shutil.which("npm") is None:
        missing["npm"] = "nodejs npm"
    if _python() is None:
        missing[f"a Python {PYTHON} with Python.h"] = f"python{PYTHON}-dev python{PYTHON}-venv"
    return missing


def _python() -> Path | None:
    # An environment that is made with a link does not always find its library.
    found = (path.resolve() for path in _pythons())
    return next((path for path in found if _runs(path, USABLE)), None)


def _pythons() -> Iterator[Path]:
    """Pythons that may be of the right version: this one, the path's, pyenv's, uv's."""
    yield Path(sys.executable)
    if on_path := shutil.which(f"python{PYTHON}"):
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{PYTHON}.*/bin/python{PYTHON}"), reverse=True)
    if uv := shutil.which("uv"):
        command = [uv, "python", "find", "--no-python-downloads", "--no-project", PYTHON]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            yield Path(done.stdout.strip())


def _runs(python: Path, program: str) -> bool:
    try:
        return subprocess.run([python, "-c", program], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _emscripten(emcc: str) -> str:
    first = call(emcc, "--version").split("\n", 1)[0]
    version = next((word for word in first.split() if word[:1].isdigit()), "of no known version")
    if version != EMSCRIPTEN:
        sys.stderr.write(
            f"Emscripten here is {version}; the app was tested with {EMSCRIPTEN}. "
            "Run the tests of what comes out: make test-phone\n"
        )
    return version


def _install(packages: Sequence[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotRunError("--install needs apt-get and root.")
    sys.stderr.write(f"apt-get install {' '.join(packages)}: up to 400 MB, some minutes\n")
    call("apt-get", "update", "-qq")
    call("apt-get", "install", *WAIT, "-qq", "--yes", "--no-install-recommends", *packages)
