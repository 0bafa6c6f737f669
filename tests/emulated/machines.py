"""Processors that are not here: this machine's own Python on older ones, and a Python for arm64, under QEMU.

For arm64 a Debian is unpacked into the cache folder, with wheels of the runtimes beside it; nothing is
installed, and no root is needed but to get QEMU and a compiler.
"""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ecgedge-emulated"
QEMU, COMPILER = "qemu-user-static", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"  # Debian packages
DEBIAN = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
WHEELS = ("numpy", "onnxruntime", "ai-edge-litert", "flatbuffers")
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in (17, 27, 28)]

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


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor: what runs Python on it, in which environment, and what compiles for it."""

    name: str
    python: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    compiler: Sequence[str] = ("cc",)

    def run(self, script: Path, *arguments: str, core: str = "", package: Path, limit_s: float) -> str:
        """Run a script there, with the package in the folder ``package``; what it wrote."""
        paths = [str(package), str(REPOSITORY / "firmware_bridge"), self.environment.get("PYTHONPATH", "")]
        extra = {**self.environment, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "ECGEDGE_CORE": core}
        command = [*self.python, str(script), *arguments]
        done = subprocess.run(
            command, env={**os.environ, **extra}, capture_output=True, text=True, timeout=limit_s, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def package(self, folder: Path) -> Path:
        """The package in a new folder, with a core compiled for this processor."""
        shutil.copytree(
            REPOSITORY / "edge" / "ecgedge", folder / "ecgedge",
            ignore=shutil.ignore_patterns("_core*.so", "__pycache__"),
        )  # fmt: skip
        core = REPOSITORY / "edge" / "core"
        flags = [
            "-shared",
            "-fPIC",
            "-std=c99",
            "-O3",
            "-ffp-contract=off",
            f"-I{sysconfig.get_path('include')}",
        ]
        sources = sorted(str(p) for p in [*core.glob("*.c"), *core.glob("python/*.c")])
        call(*self.compiler, *flags, *sources, "-o", str(folder / "ecgedge" / "_core.abi3.so"), "-lm")
        return folder


def here(install: bool) -> Machine:
    """This machine."""
    return Machine("this machine", [sys.executable])


def nehalem(install: bool) -> Machine:
    """The oldest processor that numpy runs on, with a core of one copy: SSE2 alone."""
    return _older("Nehalem", "x86-64 Nehalem (SSE2 alone)", install, ("cc", "-DECG_ONE_COPY"))


def haswell(install: bool) -> Machine:
    """AVX2 without VNNI, where saturating int8 kernels show."""
    return _older("Haswell", "x86-64 Haswell (AVX2, no VNNI)", install)


def _older(cpu: str, name: str, install: bool, compiler: Sequence[str] = ("cc",)) -> Machine:
    if os.uname().machine != "x86_64":
        raise CannotRunError("It runs this machine's own Python, which is not for x86-64.")
    return Machine(name, [emulator("x86_64", install), "-cpu", cpu, sys.executable], {}, compiler)


def cortex_a53(install: bool) -> Machine:
    """The processor of a Raspberry Pi 3."""
    qemu, root = emulator("aarch64", install), arm64_root()
    python = next((root / "usr" / "bin").glob("python3.*"))
    environment = {"PYTHONPATH": str(root / "site"), "PYTHONHOME": "/usr"}
    compiler = program(("aarch64-linux-gnu-gcc",), COMPILER, install)
    command = [qemu, "-cpu", "cortex-a53", "-L", str(root), str(python)]
    return Machine("arm64 Cortex-A53", command, environment, (compiler,))


MACHINES: dict[str, Callable[[bool], Machine]] = {
    "this machine": here,
    "x86-64 Nehalem": nehalem,
    "x86-64 Haswell": haswell,
    "arm64 Cortex-A53": cortex_a53,
}


def emulator(name: str, install: bool) -> str:
    """Path of one of QEMU's programs."""
    return program((f"qemu-{name}-static", f"qemu-{name}"), QEMU, install)


def program(names: Sequence[str], packages: str, install: bool) -> str:
    """Path of the first of some programs that is here, from Debian's packages where that is allowed."""
    for program in names:
        if found := shutil.which(program):
            return found
    if not install:
        raise CannotRunError(f"Needed here: apt-get install {packages}, which --install does as root.")
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotRunError("--install needs apt-get and root.")
    call("apt-get", "-qq", "update")
    call("apt-get", "-qq", "--yes", "--no-install-recommends", "install", *packages.split())
    return program(names, packages, install=False)


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
    call(*apt, "update")
    call(*apt, "--yes", "--download-only", "install", *DEBIAN)
    for package in sorted((work / "cache" / "archives").glob("*.deb")):
        call("dpkg-deb", "-x", str(package), str(root))


def unpack_wheels(work: Path, root: Path, wanted: Sequence[str]) -> None:
    """Download wheels for the Python in ``root`` and unpack them beside it."""
    python = next((root / "usr" / "bin").glob("python3.*")).name.removeprefix("python")
    platforms = [part for name in PLATFORMS for part in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    only = ["--only-binary=:all:", "--python-version", python, *platforms]
    call(*pip, *only, "--dest", str(work / "wheels"), *wanted)
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


def call(*command: str) -> None:
    """Run a command that has to work."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRunError(f"`{shlex.join(command)}` failed: {done.stderr.strip()[-500:]}")
