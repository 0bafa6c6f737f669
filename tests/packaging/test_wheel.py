"""The wheel by itself: built, installed without the repository, and used. Needs a package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
# What a person who works on the package may have set, and a stranger has not.
HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "ECGEDGE_DATA", "ECGEDGE_CORE")
NOTHING: Mapping[str, str] = MappingProxyType({})


def called(
    *command: str | Path, cwd: Path, variables: Mapping[str, str] = NOTHING
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env={key: value for key, value in os.environ.items() if key not in HIDDEN} | dict(variables),
    )


def pip(python: Path | str, *arguments: str | Path, cwd: Path, variables: Mapping[str, str] = NOTHING) -> str:
    done = called(
        python, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=cwd, variables=variables
    )
    unreachable = (
        "No matching distribution",
        "ConnectionError",
        "NewConnectionError",
        "timed out",
        "No module",
    )
    if done.returncode and any(word in done.stderr + done.stdout for word in unreachable):
        pytest.skip("needs pip and a package index that has what ecgedge depends on")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel and what it depends on, and nothing else."""

    bin: Path
    wheel: Path
    folder: Path

    def run(self, script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return called(self.bin / script, *arguments, cwd=self.folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder / "dist", ROOT, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    place = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip(place / "python", "install", wheel, cwd=folder)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(place, wheel, elsewhere)


@pytest.fixture(scope="module")
def recording(installed: Installed) -> Path:
    """Half a minute of beats in microvolts, as a strap's app writes it."""
    t = np.arange(3900) / 130
    uv = sum(
        a * np.exp(-0.5 * ((t - b - c) / s) ** 2)
        for b in np.arange(0.6, 29.5, 0.85)
        for a, c, s in ((120, -0.16, 0.025), (950, 0, 0.0115), (250, 0.27, 0.045))
    )
    rows = "".join(f"{round(i / 130 * 1e9)},{v:.0f}\n" for i, v in enumerate(uv))
    path = installed.folder / "a.csv"
    path.write_text("time_ns,ecg_uV\n" + rows)
    return path


def test_it_holds_the_packages_the_models_and_the_documents_and_no_test(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    for needed in (
        *(f"ecgedge/models/{task}/manifest.json" for task in ("rhythm", "beat_classes", "gate", "beats")),
        *("ecgedge/py.typed", "ecgedge_bridge/py.typed", "ecgedge_export/py.typed", "ecgedge/__init__.pyi"),
        *(
            "ecgedge_bridge/PROTOCOL.md",
            "ecgedge_bridge/firmware/ecg_core.h",
            "ecgedge_bridge/firmware/ecg_frame.h",
            *(f"ecgedge_export/micro/core/{name}" for name in ("net8.c", "numbers.h", "stream/stream.c")),
            *(f"ecgedge_export/micro/core/{name}" for name in ("phone/ecg_phone.h", "link/timeline.c")),
            *(f"ecgedge_export/ship/native/templates/core/{name}" for name in ("CMakeLists.txt", "check.c")),
            "ecgedge_export/micro/project/main.c",
            "ecgedge_export/docs/own-data.md",
        ),
        "ecgedge_bridge/protocols/described/devices/healthypi.toml",
    ):
        assert needed in names
    roots = {name.split("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == {
        "ecgedge",
        "ecgedge_bridge",
        "ecgedge_export",
    }
    assert any(name.endswith(".toml") and "ecgedge_export/" in name for name in names)  # recipes
    assert not any("__pycache__" in name or "test_" in name for name in names)


def test_it_has_the_compiled_core_where_there_is_a_compiler(installed: Installed) -> None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        pytest.skip(f"no C compiler {compiler} here")
    assert "-cp311-abi3-" in installed.wheel.name
    assert "ecgedge/_core.abi3.so" in zipfile.ZipFile(installed.wheel).namelist()
    assert "C, compiled" in installed.run("ecgedge", "doctor", "--self").stdout


@pytest.mark.slow
def test_the_sdist_without_a_compiler_installs_says_so_and_finds_the_same_beats(
    installed: Installed, recording: Path, tmp_path: Path
) -> None:
    pip(sys.executable, "install", "--target", tmp_path / "build", "build", "hatchling", cwd=tmp_path)
    builder = {"PYTHONPATH": str(tmp_path / "build")}
    made = called(
        *(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, ROOT),
        cwd=tmp_path, variables=builder,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (sdist,) = tmp_path.glob("*.tar.gz")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    without = {"CC": "no-compiler-here", "CXX": "no-compiler-here"}
    shown = pip(python, "install", "--verbose", sdist, cwd=tmp_path, variables=without)
    assert "no C core was compiled" in shown
    found = called(tmp_path / "venv" / "bin" / "ecgedge", "doctor", "--self", cwd=tmp_path)
    assert "numpy (none was compiled" in found.stdout
    replay = ("replay", str(recording), "--json")
    on_numpy = called(tmp_path / "venv" / "bin" / "ecgedge", *replay, cwd=tmp_path)
    assert on_numpy.stdout == installed.run("ecgedge", *replay).stdout
    assert '"type": "beat"' in on_numpy.stdout


def test_the_version_and_the_models(installed: Installed) -> None:
    version = installed.run("ecgedge", "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert installed.wheel.name.split("-")[1] in version.stdout
    models = installed.run("ecgedge", "models")
    assert (models.returncode, models.stderr) == (0, "")
    assert "rhythm" in models.stdout
    assert str(ROOT) not in models.stdout


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_recording_is_replayed(installed: Installed, recording: Path, options: tuple[str, ...]) -> None:
    done = installed.run("ecgedge", "replay", recording, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Summary of " in done.stdout or '"type": "summary"' in done.stdout


def test_the_python_of_the_readme_works(installed: Installed, recording: Path) -> None:
    code = (
        "import ecgedge; r = ecgedge.load('a.csv'); c = ecgedge.classify(r); "
        "print(c.label, round(c.heart_rate_bpm), len(ecgedge.detect_beats(r)))"
    )
    done = installed.run("python", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[1] in ("70", "71")


@pytest.mark.parametrize(
    "arguments", [("verify",), ("bundle", "x.zip"), ("train", "rhythm"), ("evaluate", "gate")]
)
def test_the_exporter_without_its_extra_names_the_pip_line(
    installed: Installed, arguments: tuple[str, ...]
) -> None:
    done = installed.run("ecgedge-export", *arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.endswith("pip install 'ecgedge[export]'")


def test_the_virtual_wearable_without_its_extra_names_the_pip_line(installed: Installed) -> None:
    done = installed.run("ecgedge", "demo")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "pip install 'ecgedge[sim]'" in done.stderr
