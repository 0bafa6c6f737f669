"""A built app is what its list says, or it is refused and the file named."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgedge.phone.serve import built
from ecgedge.phone.serve.built import read_app
from ecgedge_bridge.errors import ConfigError

Anew = Callable[[Path], None]


def zipped(folder: Path, inside: str = "") -> Path:
    """The app as a zip; ``inside``: below a folder of that name."""
    file = folder.with_suffix(".zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in sorted(folder.rglob("*")):
            archive.write(each, Path(inside) / each.relative_to(folder))
    return file


@pytest.mark.parametrize("form", ["folder", "zip", "zip of a folder"])
def test_folder_and_zip_are_read_whole(folder: Path, form: str) -> None:
    place = folder if form == "folder" else zipped(folder, "phone" if form == "zip of a folder" else "")
    app = read_app(place)
    for name in ("index.html", "core/ecgedge.wasm", "SHA256SUMS"):
        assert app.files[name].data == (folder / name).read_bytes()
    packed = app.files["core/ecgedge.wasm"].gzipped
    assert packed is not None
    assert gzip.decompress(packed) == app.files["core/ecgedge.wasm"].data
    assert app.files["sw.js"].gzipped is None


def test_what_is_not_listed_is_not_of_the_app(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    assert "notes.txt" not in read_app(folder).files


@pytest.mark.parametrize("name", ["index.html", "core/ecgedge.wasm", "draw/sweep.js.gz", "SHA256SUMS"])
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_missing_file_is_named(folder: Path, form: str, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=f"{name}.*make phone"):
        read_app(folder if form == "folder" else zipped(folder))


@pytest.mark.parametrize("name", ["index.html", "core/ecgedge.wasm", "draw/sweep.js.gz"])
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_changed_byte_is_named(folder: Path, form: str, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ConfigError, match=f"{name} is damaged"):
        read_app(folder if form == "folder" else zipped(folder))


@pytest.mark.parametrize("held", [None, b"", b"another page", bytes(1 << 20)])
def test_compressed_it_must_be_the_same_file(folder: Path, list_anew: Anew, held: bytes | None) -> None:
    """Even where the list says that it is as it was built."""
    (folder / "index.html.gz").write_bytes(b"no gzip" if held is None else gzip.compress(held))
    list_anew(folder)
    with pytest.raises(ConfigError, match=r"index.html.gz is damaged"):
        read_app(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../secret", "..", "..\\secret", "a\0b"])
def test_a_list_that_points_outside_is_refused(folder: Path, name: str) -> None:
    (folder.parent / "secret").write_text("secret")
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  {name}\n")
    with pytest.raises(ConfigError, match="line 12 is damaged"):
        read_app(folder)


def test_what_is_no_app_is_refused(tmp_path: Path, folder: Path, list_anew: Anew) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="no SHA256SUMS"):
        read_app(empty)
    text = tmp_path / "page.html"
    text.write_text("<!doctype html>")
    with pytest.raises(ConfigError, match="neither a folder nor a zip"):
        read_app(text)
    for file in folder.glob("index.html*"):
        file.unlink()
    list_anew(folder)
    with pytest.raises(ConfigError, match=r"no index\.html"):
        read_app(folder)


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    import os

    (folder / "sw.js").unlink()
    os.mkfifo(folder / "sw.js")
    with pytest.raises(OSError, match="not a regular file"):
        read_app(folder)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_no_more_is_read_than_an_app_has(folder: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(built, "_MOST_BYTES", 4000)
    with pytest.raises(ConfigError, match="too large"):
        read_app(folder if form == "folder" else zipped(folder))


@given(at=st.floats(0, 1), value=st.integers(1, 255), cut=st.booleans())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_zip_is_refused_or_makes_no_difference(
    folder: Path, at: float, value: int, cut: bool
) -> None:
    good = zipped(folder)
    data = bytearray(good.read_bytes())
    place = int(at * (len(data) - 1))
    if cut:
        del data[place:]
    else:
        data[place] ^= value
    bad = good.with_name("bad.zip")
    bad.write_bytes(data)
    wanted = read_app(folder).files
    try:
        found = read_app(bad).files
    except ConfigError:
        return
    assert {name: one.data for name, one in found.items()} == {n: one.data for n, one in wanted.items()}


@given(st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_list_is_more_than_refused(folder: Path, text: bytes) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    (copy / "SHA256SUMS").write_bytes(text)
    with pytest.raises(ConfigError):
        read_app(copy)
