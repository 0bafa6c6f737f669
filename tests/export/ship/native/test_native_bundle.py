"""What a native developer does with a bundle: unzip it, build it, and play the golden vectors.

What cannot be built here for want of a compiler is skipped, with what it needs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgedge.artefacts.folder import BUNDLED
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli import app
from ecgedge_export.micro import setup_source
from ecgedge_export.ship.bundle import bundle
from ecgedge_export.ship.verify import verify

HERE = Path(__file__).parent
RATES = (130.0, 128.0)
LIMIT_S = 900


def needs(program: str, package: str) -> str:
    """Path of a program, or the test is skipped."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}: apt-get install {package}")
    return found


def ran(*command: str | Path, cwd: Path, **variables: str) -> str:
    """What a command says that has to work."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=os.environ | variables,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("zip") / "bundle.zip"
    bundle(BUNDLED, out, RATES)
    return out


@pytest.fixture(scope="module")
def unzipped(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unzipped")
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(folder)
    return folder


def played(folder: Path, build: Path, *flags: str) -> str:
    """Build the core with CMake and play the vectors; what CTest says."""
    cmake, ctest = needs("cmake", "cmake"), needs("ctest", "cmake")
    needs("cc", "gcc libc6-dev")
    ran(cmake, "-S", folder / "native" / "core", "-B", build, *flags, cwd=folder)
    ran(cmake, "--build", build, "--parallel", "2", cwd=folder)
    return ran(ctest, "--test-dir", build, "--verbose", cwd=folder)


def test_the_same_bytes_each_time_and_sums_of_all_files(zipped: Path, unzipped: Path, tmp_path: Path) -> None:
    bundle(BUNDLED, tmp_path / "again.zip", reversed(RATES))
    assert (tmp_path / "again.zip").read_bytes() == zipped.read_bytes()
    listed = dict(reversed(line.split("  ")) for line in (unzipped / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(unzipped).as_posix(): path for path in unzipped.rglob("*") if path.is_file()}
    del files["SHA256SUMS"]
    assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def test_its_golden_vectors_are_verified(zipped: Path) -> None:
    assert "golden/polar/events.jsonl" in verify(zipped)


def test_its_first_page_has_no_number_left_open(unzipped: Path) -> None:
    page = (unzipped / "README.md").read_text()
    assert "$" not in page
    assert "130 Hz" in page
    assert "128 Hz" in page
    for path in ("PROTOCOL.md", "sessions.json", "events.schema.json", "native/core/include/ecg_phone.h"):
        assert path in page or path.rsplit("/", 1)[1] in page
        assert (unzipped / path).is_file()


def test_rates_that_cannot_be_and_unknown_compilers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rates in ((), (49.0,), (130.0, float("nan"))):
        with pytest.raises(ConfigError, match="give the true sampling rates"):
            bundle(BUNDLED, tmp_path / "x.zip", rates)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="needs emcc, or clang and wasm-ld"):
        bundle(BUNDLED, tmp_path / "x.zip", wasm=True)
    assert not any(tmp_path.iterdir())
    done = CliRunner().invoke(app, ["bundle", str(tmp_path / "x.zip"), "--fs", "125", "--fs", "500"])
    assert done.exit_code == 0
    assert "native/core/ecg_setup_125.c" in done.stdout
    assert "native/core/ecg_setup_130.c" not in done.stdout


def test_models_that_the_c_code_has_no_form_for_are_bundled_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_source, "FS", 125.0)
    bundle(BUNDLED, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        names, page = archive.namelist(), archive.read("README.md").decode()
    assert not [name for name in names if name.startswith("native/")]
    assert "golden/polar/events.jsonl" in names
    assert "left out: the models work at 100 Hz, the C code at 125 Hz" in page
    with pytest.raises(ConfigError, match="leave --wasm out"):
        bundle(BUNDLED, tmp_path / "y.zip", wasm=True)


STRICT = "-Wall -Wextra -Werror -pedantic"


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [f"{STRICT} -march=native -Ofast", "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"],
    ids=["fastest", "sanitized"],
)
def test_cmake_builds_it_and_ctest_finds_every_line_the_same(
    unzipped: Path, tmp_path: Path, flags: str
) -> None:
    said = played(unzipped, tmp_path / "build", f"-DCMAKE_C_FLAGS={flags}")
    assert said.count("are the same, byte for byte") == 4  # two links, and two wearables by their samples
    assert said.count("no setup for this rate") == 2
    assert "tests passed, 0 tests failed" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiler", "emulator", "package"),
    [
        ("aarch64-linux-gnu-gcc", "qemu-aarch64", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"),
        ("arm-linux-gnueabihf-gcc", "qemu-arm", "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"),
    ],
    ids=["arm64", "arm"],
)
def test_processors_of_phones_find_every_line_the_same(
    unzipped: Path, tmp_path: Path, compiler: str, emulator: str, package: str
) -> None:
    core = unzipped / "native" / "core"
    build = (needs(compiler, f"{package} qemu-user"), "-static", "-O2", "-ffp-contract=off")
    run = needs(emulator, "qemu-user")
    include = f"-I{core / 'include'}"
    ran(*build, include, *sorted(core.glob("*.c")), "-lm", "-o", tmp_path / "check", cwd=tmp_path)
    for name in ("polar", "ecgedge"):
        said = ran(run, tmp_path / "check", unzipped / "golden" / name, cwd=tmp_path)
        assert "the same, byte for byte" in said


@pytest.mark.slow
def test_the_vectors_find_a_product_that_is_not_rounded(unzipped: Path, tmp_path: Path) -> None:
    """What the flags of CMakeLists.txt are for: without them other bits come out."""
    if "fma" not in Path("/proc/cpuinfo").read_text().split():
        pytest.skip("needs a processor with fused multiplication and addition")
    core = unzipped / "native" / "core"
    sources = sorted(core.glob("*.c"))
    build = (needs("gcc", "gcc"), "-O2", "-mfma", "-ffp-contract=fast", f"-I{core / 'include'}")
    ran(*build, *sources, "-lm", "-o", tmp_path / "check", cwd=tmp_path)
    done = subprocess.run(
        [tmp_path / "check", unzipped / "golden" / "polar"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "wanted" in done.stderr


@pytest.mark.slow
def test_clang_needs_no_flag_for_that(unzipped: Path, tmp_path: Path) -> None:
    """A Swift package hands none to C, and Clang contracts by default: a pragma keeps it from that."""
    core = unzipped / "native" / "core"
    clang = needs("clang", "clang")
    include = f"-I{core / 'include'}"
    ran(
        clang,
        "-O2",
        "-mfma",
        include,
        *sorted(core.glob("*.c")),
        "-lm",
        "-o",
        tmp_path / "check",
        cwd=tmp_path,
    )
    assert "the same, byte for byte" in ran(tmp_path / "check", unzipped / "golden" / "polar", cwd=tmp_path)
    importing = tmp_path / "importing.m"
    importing.write_text(
        "@import CEcgEdge;\nint main(void) { return ecg_phone_bytes(ecg_setup_for(130.0)) < 100000; }\n"
    )
    modules = ("-fmodules", f"-fmodules-cache-path={tmp_path}", "-fsyntax-only", "-Werror", include)
    ran(clang, *modules, importing, cwd=tmp_path)


@pytest.mark.slow
def test_the_swift_package_passes_its_tests(unzipped: Path) -> None:
    ran(needs("swift", "swiftlang (Debian 13)"), "test", cwd=unzipped / "native")


@pytest.fixture(scope="module")
def jni(unzipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the JNI library for this machine, and with classes of the module."""
    needs("javac", "openjdk-17-jdk-headless")
    cmake = needs("cmake", "cmake")
    folder = tmp_path_factory.mktemp("jni")
    module = unzipped / "native" / "android" / "ecgedge" / "src" / "main"
    flags = f"-DCMAKE_C_FLAGS={STRICT}"
    home = Path(os.path.realpath(needs("javac", "a JDK"))).parents[1]
    ran(cmake, "-S", module / "cpp", "-B", folder / "build", flags, cwd=folder, JAVA_HOME=str(home))
    ran(cmake, "--build", folder / "build", "--parallel", "2", cwd=folder)
    sources = [*module.glob("java/org/ecgedge/*.java"), *HERE.glob("jvm/*.java")]
    ran("javac", "-Xlint:all", "-Werror", "-d", folder / "classes", *sources, cwd=folder)
    return folder


def java(jni: Path, unzipped: Path, main: str, *more: str | Path) -> list[str]:
    """Lines of a program on the JNI library; the JVM looks at every call of JNI."""
    path = os.pathsep.join(map(str, [jni / "classes", *more]))
    command = ("java", "-Xcheck:jni", f"-Djava.library.path={jni / 'build'}", "-cp", path, main)
    cases = [unzipped / "golden" / name for name in ("polar", "ecgedge")]
    return ran(*command, *cases, cwd=jni).splitlines()


@pytest.mark.slow
def test_java_finds_every_line_the_same_over_jni(jni: Path, unzipped: Path) -> None:
    lines = java(jni, unzipped, "org.ecgedge.PlayVectors")
    assert [line.rsplit(", ", 1)[1] for line in lines[:2]] == ["the same"] * 2
    assert lines[2:] == ["thrown: as planned", "refused: 0 0 -1 -1"]


@pytest.mark.slow
def test_kotlin_finds_every_line_the_same(jni: Path, unzipped: Path, tmp_path: Path) -> None:
    kotlinc = needs("kotlinc", "kotlin")
    source = unzipped / "native" / "android" / "ecgedge" / "src"
    files = [
        source / "main/kotlin/org/ecgedge/EcgCore.kt",
        source / "androidTest/kotlin/org/ecgedge/GoldenVectors.kt",
        *HERE.glob("jvm/*.kt"),
    ]
    ran(kotlinc, "-cp", jni / "classes", "-d", tmp_path / "kotlin", *files, cwd=tmp_path)
    library = next(Path("/usr/share").glob("**/kotlin-stdlib.jar"), None)
    if library is None:
        pytest.skip("needs kotlin-stdlib.jar: apt-get install kotlin")
    lines = java(jni, unzipped, "org.ecgedge.MainKt", tmp_path / "kotlin", library)
    assert lines == [
        "polar: the same",
        "ecgedge: the same",
        "analysed: true, 1 lines, false",
        "IllegalStateException: this EcgCore was closed: make another one",
        "IllegalArgumentException: no setup for 131.0 Hz: make the bundle with ecgedge-export bundle "
        "--fs 131.0",
    ]
