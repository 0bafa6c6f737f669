"""What the build makes: the same bytes each time, listed to the last, and nothing to compile on the phone."""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BUILD = Path(__file__).parents[3] / "edge" / "phone" / "build" / "build.py"
SKIPPED_BUT_REQUIRED = 77
MOST_TO_DOWNLOAD = 7_000_000
UNCHECKED = b"\x01\x00\x00\x00"  # PEP 552


def build(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the build."""
    command = [sys.executable, str(BUILD), *options]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=900
    )


def packed(app: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of all files in the packs."""
    for pack in sorted(app.glob("*.pack")):
        with tarfile.open(pack) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                yield member.name, file.read()


@pytest.mark.slow
def test_a_second_build_is_the_same_to_the_last_byte(app: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert build("--require", "--out", str(again)).returncode == 0
    assert (again / "SHA256SUMS").read_text() == (app / "SHA256SUMS").read_text()


@pytest.mark.slow
def test_every_file_is_in_the_sums_and_in_the_list(app: Path) -> None:
    files = {path.relative_to(app).as_posix(): path for path in app.rglob("*") if path.is_file()}
    sums = {
        name: digest for digest, name in re.findall(r"(\w{64})  (.+)\n", (app / "SHA256SUMS").read_text())
    }
    assert sums.keys() == files.keys() - {"SHA256SUMS"}
    assert {name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in sums} == sums
    listed = [
        json.loads(line.rstrip(","))
        for line in (app / "files.js").read_text().splitlines()
        if "sha256" in line
    ]
    assert {one["path"]: one["sha256"] for one in listed} == {
        name: digest for name, digest in sums.items() if not name.endswith(".gz") and name != "files.js"
    }
    assert all(one["bytes"] == files[one["path"]].stat().st_size for one in listed)


@pytest.mark.slow
def test_nothing_is_compiled_on_the_phone_and_no_time_is_looked_at(app: Path) -> None:
    inside = dict(packed(app))
    assert not [name for name in inside if name.endswith((".py", ".c", ".h"))]
    code = [data for name, data in inside.items() if name.endswith(".pyc")]
    assert len(code) > 500
    assert {data[4:8] for data in code} == {UNCHECKED}


@pytest.mark.slow
def test_nothing_tells_where_it_was_built(app: Path) -> None:
    names = [str(Path.home()).encode(), str(BUILD.parents[3]).encode(), b"ecgedge-phone"]
    assert not [name for name, data in packed(app) if any(part in data for part in names)]


@pytest.mark.slow
def test_the_download_is_small_and_no_package_is_looked_for_elsewhere(app: Path) -> None:
    files = [path for path in app.rglob("*") if path.is_file() and path.suffix != ".gz"]
    twins = {path: path.with_name(f"{path.name}.gz") for path in files}
    assert (
        sum((twins[path] if twins[path].is_file() else path).stat().st_size for path in files)
        < MOST_TO_DOWNLOAD
    )
    assert json.loads((app / "pyodide" / "pyodide-lock.json").read_text())["packages"] == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("numpy.pack", lambda data: data[: len(data) // 2], "numpy.pack of the app is damaged"),
        ("python.pack", lambda data: b"<html>", "python.pack of the app is damaged"),
        ("ecgedge.pack", None, "ecgedge.pack"),
    ],
)  # fmt: skip
def test_a_damaged_pack_is_named(
    app: Path, tmp_path: Path, in_app: Any, name: str, spoil: Any, said: str
) -> None:
    copy = tmp_path / "app"
    shutil.copytree(app, copy)
    if spoil is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(spoil((app / name).read_bytes()))
    done = in_app(copy, "modules.py", cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr


SOURCE = b"""
def outer():
    class Inner:
        def method(self):
            return "some words", ("more words", 1.5), {"a b", "c d"}
    return Inner
"""


def test_bytecode_does_not_depend_on_what_else_is_in_the_process() -> None:
    compiled = runpy.run_path(str(BUILD.with_name("bytecode.py")))["compiled"]
    first, plain = compiled(SOURCE, "x.py"), marshal.dumps(compile(SOURCE, "x.py", "exec"))
    held = [sys.intern(words) for words in ("outer.<locals>.Inner", "some words", "more words", "a b")]
    namespace: dict[str, object] = {}
    exec(compile(SOURCE, "x.py", "exec"), namespace)
    assert marshal.dumps(compile(SOURCE, "x.py", "exec")) != plain, "Python writes the same by itself now"
    assert compiled(SOURCE, "x.py") == first
    assert len(held) == 4


def test_bytecode_has_no_docstrings_and_keeps_assertions() -> None:
    compiled = runpy.run_path(str(BUILD.with_name("bytecode.py")))["compiled"]
    data = compiled(b'"""Module."""\ndef f(x):\n    """Function."""\n    assert x, "no x"\n', "x.py")
    namespace: dict[str, Any] = {}
    exec(marshal.loads(data[16:]), namespace)
    assert namespace.get("__doc__") is None
    assert namespace["f"].__doc__ is None
    with pytest.raises(AssertionError, match="no x"):
        namespace["f"](0)


def test_without_what_it_needs_it_says_so_and_leaves_all_as_it_was(tmp_path: Path) -> None:
    empty, out = tmp_path / "bin", tmp_path / "phone"
    empty.mkdir()
    nothing = {"PATH": str(empty), "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path)}
    for options, status in (((), 0), (("--require",), SKIPPED_BUT_REQUIRED)):
        done = build("--out", str(out), *options, **nothing)
        assert done.returncode == status
        assert "SKIPPED: the phone app. Needed here: emcc" in done.stderr
        assert "apt-get install emscripten nodejs npm" in done.stderr
    assert not out.exists()


def test_a_folder_that_is_no_app_is_not_emptied(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("my own")
    done = build("--require", "--out", str(tmp_path))
    assert done.returncode == SKIPPED_BUT_REQUIRED
    assert "--out" in done.stderr
    assert mine.read_text() == "my own"
