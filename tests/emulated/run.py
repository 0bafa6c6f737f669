"""The bundled models on processors that are not here: logits of both runtimes as of LiteRT here, bit for bit.

A Haswell (AVX2 without VNNI, where saturating int8 kernels show) and the Cortex-A53 of a Raspberry Pi 3, both
under QEMU's user emulation. For the second one a Debian for arm64 is unpacked into the cache folder, with
wheels of the runtimes beside it; nothing is installed, and no root is needed but for ``--install``.

Usage: python tests/emulated/run.py [--install] [--require]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
MODELS = [REPOSITORY / "edge" / "ecgedge" / "models" / name for name in ("rhythm", "beat_classes")]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ecgedge-emulated"
QEMU = "qemu-user-static"  # Debian package
DEBIAN = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
WHEELS = ("numpy", "onnxruntime", "ai-edge-litert", "flatbuffers")
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in (17, 27, 28)]
WINDOWS = 24
LIMIT_S = 300
SKIPPED_BUT_REQUIRED = 77

# onnxruntime asks these files which processor it is on, and crashes where they are those of another one.
CPUINFO = """\
processor\t: {}
BogoMIPS\t: 38.40
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd03
CPU revision\t: 4

"""


class CannotRunError(Exception):
    """Something is missing; the message says what, and how to get it."""


def main(arguments: Sequence[str]) -> int:
    """Compare all processors with this one; 1 if one differs, 0 where one cannot be had unless required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help=f"get {QEMU} with apt-get, as root")
    parser.add_argument("--require", action="store_true", help="fail where a processor cannot be emulated")
    options = parser.parse_args(arguments)
    skipped, wrong = 0, 0
    for model in MODELS:
        missing, different = compare(model, options.install)
        skipped, wrong = skipped + missing, wrong + different
    return 1 if wrong else SKIPPED_BUT_REQUIRED if skipped and options.require else 0


def compare(model: Path, install: bool) -> tuple[int, int]:
    """Run a model everywhere; how many processors cannot be had, and how many runtimes say something else."""
    skipped, wrong, wanted = 0, 0, None
    for name, found in everywhere(model, install):
        if isinstance(found, CannotRunError):
            skipped += 1
            bar = "=" * 100
            sys.stderr.write(f"{bar}\nSKIPPED: {model.name} on an emulated {name}. {found}\n{bar}\n")
            continue
        wanted = found["litert"] if wanted is None else wanted
        wrong += report(f"{model.name}, {name}", found, wanted)
    return skipped, wrong


def everywhere(model: Path, install: bool) -> Iterator[tuple[str, Logits | CannotRunError]]:
    """What the runtimes say on this machine, and then on every other, or why that cannot be had."""
    with tempfile.TemporaryDirectory(prefix="emulated-") as scratch:
        inputs = Path(scratch) / "windows.npy"
        np.save(inputs, windows(model))
        yield "this machine", logits([sys.executable], model, inputs, {})
        for name, machine in MACHINES.items():
            try:
                yield name, machine(model, inputs, install)
            except CannotRunError as reason:
                yield name, reason


def windows(model: Path) -> npt.NDArray[np.float32]:
    """The golden inputs of a model, shifted, scaled, turned over and with noise, always the same."""
    from ecgedge.artefacts.golden import load_golden
    from ecgedge.artefacts.manifest import Manifest

    golden = [case.preprocessed for case in load_golden(model, Manifest.load(model))]
    rng = np.random.default_rng(17)
    made = []
    for i in range(WINDOWS):
        window = (
            np.roll(golden[i % len(golden)], rng.integers(3000)) * rng.choice([-1, 1]) * rng.uniform(0.5, 1.5)
        )
        made.append(window + rng.uniform(0, 0.3) * rng.standard_normal(window.size))
    return np.array(made, np.float32)


Logits = Mapping[str, npt.NDArray[np.float32]]


def logits(python: Sequence[str | Path], model: Path, inputs: Path, environment: Mapping[str, str]) -> Logits:
    """What the runtimes of a Python say."""
    target = inputs.with_name(f"logits{time.monotonic_ns()}.npz")
    command = [*map(str, python), str(FOLDER / "agree.py"), str(model), str(inputs), str(target)]
    paths = [str(REPOSITORY / name) for name in ("firmware_bridge", "edge")]
    found = os.pathsep.join([*paths, *environment.get("PYTHONPATH", "").split(os.pathsep)]).strip(os.pathsep)
    done = subprocess.run(
        command, env={**os.environ, **environment, "PYTHONPATH": found}, capture_output=True, text=True,
        timeout=LIMIT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    with np.load(target) as arrays:
        return dict(arrays)


def report(name: str, found: Logits, wanted: npt.NDArray[np.float32]) -> int:
    """Write a line for each runtime and return how many say something else."""
    wrong = 0
    for runtime, values in found.items():
        same, apart = np.array_equal(values, wanted), float(np.abs(values - wanted).max())
        said = "identical" if same else f"DIFFERENT by up to {apart:.4f}"
        sys.stdout.write(f"{name:45s} {runtime:8s} {len(values)} windows {said}\n")
        wrong += not same
    return wrong


def emulator(name: str, install: bool) -> str:
    """Path of one of QEMU's programs."""
    for program in (f"qemu-{name}-static", f"qemu-{name}"):
        if found := shutil.which(program):
            return found
    if not install:
        raise CannotRunError(f"Needed here: apt-get install {QEMU}, which `run.py --install` does as root.")
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotRunError("--install needs apt-get and root.")
    _call("apt-get", "-qq", "update")
    _call("apt-get", "-qq", "--yes", "--no-install-recommends", "install", QEMU)
    return emulator(name, install=False)


def haswell(model: Path, inputs: Path, install: bool) -> Logits:
    """This very Python on an older processor."""
    if os.uname().machine != "x86_64":
        raise CannotRunError("It runs this machine's own Python, which is not for x86-64.")
    return logits([emulator("x86_64", install), "-cpu", "Haswell", sys.executable], model, inputs, {})


def cortex_a53(model: Path, inputs: Path, install: bool) -> Logits:
    """A Python for arm64, with wheels for it."""
    qemu, root = emulator("aarch64", install), arm64_root()
    python = next((root / "usr" / "bin").glob("python3.*"))
    environment = {"PYTHONPATH": str(root / "site"), "PYTHONHOME": "/usr"}
    return logits([qemu, "-cpu", "cortex-a53", "-L", root, python], model, inputs, environment)


MACHINES: dict[str, Callable[[Path, Path, bool], Logits]] = {
    "x86-64 Haswell (AVX2, no VNNI)": haswell,
    "arm64 Cortex-A53": cortex_a53,
}


def arm64_root() -> Path:
    """Return the folder with Debian and wheels for arm64, made once for each set of versions."""
    versions = {name: importlib.metadata.version(name) for name in WHEELS}
    root = CACHE / "-".join(["arm64", *(versions[name] for name in WHEELS)])
    if not root.is_dir():
        if missing := [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]:
            raise CannotRunError(f"Needed here: {' and '.join(missing)}, of Debian or one of its kin.")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="half-", dir=CACHE) as half:
            fresh = Path(half) / "root"
            unpack_debian(Path(half), fresh)
            unpack_wheels(Path(half), fresh, [f"{name}=={version}" for name, version in versions.items()])
            disguise(fresh)
            fresh.rename(root)
    return root


def unpack_debian(work: Path, root: Path) -> None:
    """Download Python for arm64 with all that it needs, and unpack it; apt gets folders of its own."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    settings = {
        "APT::Architecture": "arm64", "APT::Architectures": "arm64", "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "", "Debug::NoLocking": "1", "Dir::State": work / "state",
        "Dir::State::status": work / "status", "Dir::Cache": work / "cache",
    }  # fmt: skip
    apt = ["apt-get", "-qq", *(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))]
    _call(*apt, "update")
    _call(*apt, "--yes", "--download-only", "install", *DEBIAN)
    for package in sorted((work / "cache" / "archives").glob("*.deb")):
        _call("dpkg-deb", "-x", str(package), str(root))


def unpack_wheels(work: Path, root: Path, wanted: Sequence[str]) -> None:
    """Download wheels for the Python in ``root`` and unpack them beside it."""
    python = next((root / "usr" / "bin").glob("python3.*")).name.removeprefix("python")
    platforms = [part for name in PLATFORMS for part in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    only = ["--only-binary=:all:", "--python-version", python, *platforms]
    _call(*pip, *only, "--dest", str(work / "wheels"), *wanted)
    for wheel in sorted((work / "wheels").glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(root / "site")


def disguise(root: Path) -> None:
    """Write what the kernel of a four-core Cortex-A53 says of itself."""
    cpus = root / "sys" / "devices" / "system" / "cpu"
    for i in range(4):
        (cpus / f"cpu{i}").mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (cpus / name).write_text("0-3\n")
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "cpuinfo").write_text("".join(CPUINFO.format(i) for i in range(4)))


def _call(*command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRunError(f"`{shlex.join(command)}` failed: {done.stderr.strip()[-500:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
