"""What the benchmarks share: machine and versions, quantiles, rivals in an environment of their own, JSON.

Imports the standard library and numpy only at the top, since rivals are run with it too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
RESULTS = HERE / "results"
RIVALS, TFLITE = HERE / "requirements.txt", HERE / "requirements-tflite.txt"
UV = HERE / "requirements-uv.txt"
FS, FRAME = 130.0, 73  # of a Polar H10
QUANTILES = (50.0, 99.0, 99.9)
VERSIONS = ("ecgedge", "numpy", "ai-edge-litert", "onnxruntime", "tflite-runtime", "bleak")
# One thread each: what is compared is the work, not how many cores it spreads over.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_INSTALL_S, _CHILD_S = 1200, 3600

Signal = npt.NDArray[np.float32]


class NotMeasuredError(Exception):
    """What cannot be measured here, and why."""


# Machine and files


def environment(command: str, quick: bool = False) -> dict[str, Any]:
    """Machine, versions and commit: what is needed to read the figures."""
    return {
        "command": command,
        "quick": quick,
        "cpu": cpu(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": versions(VERSIONS),
        "commit": commit(),
    }


def cpu() -> str:
    """Name of the board where there is one, else of the processor."""
    board = "".join(_lines("/proc/device-tree/model")).strip("\0 ")
    models = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return board or (models[0] if models else platform.processor())


def commit() -> str:
    """The commit that was measured, with ``-dirty`` where code differs from it; empty outside of git.

    What benchmarks write themselves, results and tables, is no difference.
    """
    written = [f":!{path}" for path in ("benchmarks/results", "*.md")]
    try:
        name = _git("describe", "--always").stdout.strip()
        same = _git("diff", "--quiet", "HEAD", "--", ".", *written).returncode == 0
    except OSError:
        return ""
    return name if same or not name else f"{name}-dirty"


def _git(*asked: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(ROOT), *asked], capture_output=True, text=True, check=False)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def parser(doc: str | None, name: str) -> argparse.ArgumentParser:
    """Arguments that every benchmark takes; a quick run is kept apart from what the README shows."""
    made = argparse.ArgumentParser(prog=f"{name}.py", description=(doc or "").splitlines()[0])
    made.add_argument("--quick", action="store_true", help="short, to see that all works; figures are rough")
    made.add_argument("--out", type=Path, help=f"where the JSON goes; default: results/{name}.json")
    made.set_defaults(name=name)
    return made


def write(asked: argparse.Namespace, found: Mapping[str, Any], measured: Mapping[str, Any]) -> Path:
    """Write what was found and the environment, described before it was measured, as JSON."""
    kept = RESULTS / "quick" if asked.quick else RESULTS
    out: Path = asked.out or kept / f"{asked.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"environment": measured, **found}, indent=2) + "\n")
    print(f"written to {out}", file=sys.stderr)
    return out


def described(asked: argparse.Namespace) -> dict[str, Any]:
    """The environment of a benchmark with these arguments."""
    return environment(f"python benchmarks/{asked.name}.py{' --quick' * asked.quick}", asked.quick)


# Figures


def targets(
    found: Mapping[str, float | None], most: Mapping[str, float], least: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """What figures may be at most, or must be at least, and which missed that: none that was not measured."""
    least = least or {}
    over = [name for name, limit in most.items() if (value := found[name]) is not None and value > limit]
    under = [name for name, limit in least.items() if (value := found[name]) is not None and value < limit]
    return {**most, **least, "missed": [f"{name} ({found[name]:.3g})" for name in over + under]}


def verdict(asked: argparse.Namespace, held: Mapping[str, Any]) -> int:
    """Say which targets were missed; 1 if any, and it was no quick run."""
    print(f"targets missed: {', '.join(held['missed']) or 'none'}")
    return int(bool(held["missed"]) and not asked.quick)


def main(
    doc: str | None,
    name: str,
    measure: Callable[[bool], dict[str, Any]],
    show: Callable[[dict[str, Any]], None],
) -> int:
    """Measure, quickly if asked to, print and write; 1 if a target was missed, and it was no quick run."""
    asked = parser(doc, name).parse_args()
    environment = described(asked)
    found = measure(asked.quick)
    show(found)
    write(asked, found, environment)
    return verdict(asked, found["targets"]) if "targets" in found else 0


def quantiles_ms(seconds: npt.ArrayLike) -> dict[str, float]:
    """Median, 99th and 99.9th percentile and maximum, in milliseconds; of nothing, nothing."""
    took = 1e3 * np.asarray(seconds, np.float64)
    if not len(took):
        return {}
    out = {f"p{q:g}": float(np.percentile(took, q)) for q in QUANTILES}
    return {**out, "max": float(took.max())}


def line(row: Mapping[str, float]) -> str:
    """Three quantiles in columns."""
    return "".join(f"{row[f'p{q:g}']:10.3f}" for q in QUANTILES) if row else "nothing"


def in_turn(tasks: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Any]:
    """Run tasks in turn, so that what the machine does meanwhile meets all of them: median and all values.

    Each is run once before, so that files and bytecode are in place; one that is skipped then stays so.
    """
    found: dict[str, Any] = {name: or_skipped(task) for name, task in tasks.items()}
    alive = [name for name, first in found.items() if not isinstance(first, dict)]
    values: dict[str, list[float]] = {name: [] for name in alive}
    for _ in range(rounds):
        for name in alive:
            values[name].append(tasks[name]())
    return {**found, **{n: {"median": float(np.median(v)), "values": v} for n, v in values.items()}}


def ratio(theirs: float | None, ours: float | None) -> float | None:
    """How many times as much theirs is; None where one was not measured."""
    return theirs / ours if theirs is not None and ours else None


def clock_s() -> float:
    """CPU seconds that reading the clock twice takes, which on some systems is as much as a small stage."""
    took = []
    for _ in range(2000):
        begun = time.thread_time()
        took.append(time.thread_time() - begun)
    return float(np.median(took))


# Signals


def real_or_made(seconds: float) -> tuple[str, Signal]:
    """ECG at 130 Hz with ectopic beats, repeated to ``seconds``: a recording if it is at hand, else made."""
    from ecgedge import read

    path = Path(os.environ.get("ECGEDGE_DATA", "../shared/data")) / "polar-h10" / "h10_10min_pvc.csv.gz"
    if path.is_file():
        name, mv = "Polar H10 recording with PVCs", np.concatenate([block.samples for block in read(path)])
    else:
        name, mv = "synthetic ECG", made(600.0, FS)
    return name, np.resize(np.nan_to_num(mv), round(seconds * FS)).astype(np.float32)


def made(seconds: float, fs: float) -> Signal:
    """ECG that the package makes: sinus rhythm, atrial fibrillation, premature beats."""
    from ecgedge.demo.synthetic import Segment, synthesize

    parts = [("sinus", 0.5, 70.0), ("af", 0.3, 95.0), ("pvc", 0.2, 70.0)]
    return synthesize([Segment(kind, part * seconds, bpm) for kind, part, bpm in parts], fs, seed=0).mv


def frames(mv: Signal, fs: float = FS) -> list[Any]:
    """The signal in blocks as long as a Polar H10's frames."""
    from ecgedge import SampleBlock

    n = round(FRAME * fs / FS)
    return [SampleBlock(mv[i : i + n], fs, i) for i in range(0, len(mv), n)]


# Processes


def cache_dir() -> Path:
    """The user's cache, by the XDG convention; as ``ecgedge_export`` has it, which a rival cannot import."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "ecgedge"


def rival_python(requirements: Path = RIVALS) -> Path:
    """Python of an environment with these requirements, made in the user's cache at its first use.

    Raises
    ------
    NotMeasuredError
        They cannot be installed: no network, or no files for this Python or machine.
    """
    key = f"{platform.python_version()} {platform.machine()}\n".encode() + requirements.read_bytes()
    folder = cache_dir() / "bench-env" / hashlib.sha256(key).hexdigest()[:16]
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.is_file():
        print(f"installing {requirements.name} into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        _install(folder, python, requirements)
        ready.touch()
    return python


def _install(folder: Path, python: Path, requirements: Path) -> None:
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "1", "install"]
    try:
        venv.create(folder, with_pip=True)
        run([*pip, "--prefer-binary", "--requirement", requirements], dict(os.environ), _INSTALL_S)
    except (NotMeasuredError, OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NotMeasuredError(
            f"{requirements.name} could not be installed: {last_line(str(error))}"
        ) from error


def child(script: str, *arguments: object, python: Path | None = None, ours: bool = True) -> Any:
    """Run a script of this folder in a fresh process, and return the JSON of its last line.

    Parameters
    ----------
    script : str
        Its name.
    arguments : object
        Its arguments, as text.
    python : Path, optional
        Another interpreter than this one.
    ours : bool
        Whether it imports ecgedge: another interpreter is then shown where it is.

    Raises
    ------
    NotMeasuredError
        It ended with an error, whose last line is the reason.
    """
    command = [python or Path(sys.executable), HERE / script, *map(str, arguments)]
    output = run(command, surroundings(python is not None, ours), _CHILD_S)
    return json.loads(output.splitlines()[-1])


def surroundings(foreign: bool = False, ours: bool = True) -> dict[str, str]:
    """Environment variables of a child: one thread, and for another interpreter none of our packages but
    ecgedge, and that only where it is asked for."""
    env = {**os.environ, **_ONE_THREAD, "MPLBACKEND": "Agg"}
    if foreign:
        env.pop("PYTHONPATH", None)
        if ours:
            env["PYTHONPATH"] = os.pathsep.join(str(ROOT / part) for part in ("edge", "firmware_bridge"))
    return env


def rival(*arguments: object) -> Any:
    """Run a task of ``rivals.py`` in the rivals' environment.

    Raises
    ------
    NotMeasuredError
        There is none, or it failed.
    """
    return child("rivals.py", *arguments, python=rival_python(), ours=False)


def or_skipped(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What the work returns, or the reason why it could not be done."""
    try:
        return work(*arguments, **named)
    except NotMeasuredError as error:
        return {"skipped": str(error)}


def run(command: Sequence[object], env: Mapping[str, str], limit_s: float) -> str:
    try:
        done = subprocess.run(
            list(map(str, command)), env=env, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotMeasuredError(f"not done after {limit_s:g} s") from None
    if done.returncode:
        raise NotMeasuredError(last_line(done.stderr) or f"ended with status {done.returncode}")
    return done.stdout


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def serve(tasks: Mapping[str, Callable[..., Any]]) -> None:
    """Be a child: run the task that the arguments name, and print its result as a line of JSON."""
    name, *arguments = sys.argv[1:]
    print("\n" + json.dumps(tasks[name](*arguments)))


def imported(statement: str, python: Path | None = None) -> dict[str, float]:
    """Seconds and resident memory (kB) of a statement in a fresh process, numpy and all.

    Raises
    ------
    NotMeasuredError
        It raised.
    """
    code = _IMPORTED.format(statement=statement)
    output = run(
        [python or sys.executable, "-c", code], surroundings(python is not None, ours=False), _CHILD_S
    )
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


_IMPORTED = """
import json, time
begun = time.perf_counter()
{statement}
took = time.perf_counter() - begun
try:
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    kb = int(status["VmRSS"].split()[0])
except OSError:
        kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(dict(seconds=took, rss_kb=kb)))
"""


def wall_s(script: str, *arguments: object, python: Path | None = None) -> float:
    """Seconds from the start of a :func:`child` to its end; another interpreter is not shown ecgedge."""
    begun = time.perf_counter()
    child(script, *arguments, python=python, ours=False)
    return time.perf_counter() - begun
