"""Chain and networks as WebAssembly: the golden vectors' lines, other runtimes' logits, bit for bit."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ecgedge.artefacts.backends import load_backend
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.golden import load_golden
from ecgedge.artefacts.manifest import Manifest
from ecgedge_export.ship.bundle import bundle

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent / "web"
NETWORKS = ("beat_classes", "leads", "rhythm", "tokens", "waves")
WINDOWS = 60


def node(*arguments: str | Path) -> list[str]:
    """What a script says."""
    done = subprocess.run(
        ["node", *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@pytest.fixture(scope="module", params=["emcc", "clang"])
def web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unzipped bundle whose modules one of the compilers made."""
    needed = {"emcc": ("emcc", "node"), "clang": ("clang", "wasm-ld", "node")}[request.param]
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        pytest.skip(
            f"needs {', '.join(missing)}: apt-get install emscripten, or clang lld wasi-libc, and nodejs"
        )
    if request.param == "clang" and not Path("/usr/include/wasm32-wasi").is_dir():
        pytest.skip("needs wasi-libc: apt-get install wasi-libc libclang-rt-14-dev-wasm32")
    folder = tmp_path_factory.mktemp(request.param)
    bundle(BUNDLED, folder / "bundle.zip", wasm=request.param == "emcc")
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        archive.extractall(folder)
    if request.param == "clang":
        script = folder / "native" / "web" / "build.sh"
        script.write_text(script.read_text().replace("command -v emcc", "false"))
        subprocess.run(["sh", script], check=True, timeout=600)
    return folder


def test_every_line_is_the_same(web: Path) -> None:
    cases = [web / "golden" / name for name in ("polar", "ecgedge")]
    lines = node(HERE / "play.mjs", web / "native" / "web", *cases)
    assert [line.rsplit(", ", 1)[1] for line in lines[:2]] == ["the same"] * 2
    assert lines[2:] == [
        "samples: the same",
        "analysed: false",
        "Error: this stream was closed: make another one",
        "RangeError: no setup for 131 Hz: make the bundle with ecgedge-export bundle --fs 131",
        "RangeError: no kind x: use samples, polar, own",
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_logit_differs_from_other_runtimes(web: Path, tmp_path: Path, name: str) -> None:
    manifest = Manifest.load(BUNDLED / name)
    golden = [np.ravel(case.preprocessed) for case in load_golden(BUNDLED / name, manifest)]
    rng, n = np.random.default_rng(1), len(golden[0])
    noise = rng.standard_normal((WINDOWS, n)) * rng.choice([0.1, 0.5, 1.0, 3.0], (WINDOWS, 1))
    wander = np.clip(np.cumsum(0.2 * rng.standard_normal((WINDOWS, n)), axis=1), -3, 3)
    windows = np.concatenate([golden, noise, wander]).astype(np.float32)
    windows.tofile(tmp_path / "windows")
    node(HERE / "networks.mjs", web / "native" / "web", name, tmp_path / "windows", tmp_path / "logits")
    found = np.fromfile(tmp_path / "logits", np.float32)
    for runtime in ("litert", "onnx"):
        backend = load_backend(BUNDLED / name, runtime, manifest=manifest)
        wanted = np.concatenate([np.ravel(backend.run(window.reshape(1, 1, -1))) for window in windows])
        assert np.count_nonzero(found.view(np.int32) != wanted.view(np.int32)) == 0


def test_the_same_compiler_makes_the_same_bytes(web: Path) -> None:
    built = {path: path.read_bytes() for path in (web / "native" / "web").glob("*.wasm")}
    assert len(built) == 2
    subprocess.run(["sh", web / "native" / "web" / "build.sh"], check=True, timeout=600)
    assert {path: path.read_bytes() for path in built} == built
